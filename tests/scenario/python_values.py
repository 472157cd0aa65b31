#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kinds of values in Python: each is read as it was assigned, by its own process and by others, under each
scheduler; dates are whole numbers with units in the store; what cannot be kept is refused by name."""
import datetime
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

MODULE = os.path.join(harness.REPOSITORY, "tests/lib/python/values.py")
BY = ({}, {"parallel": True, "scheduler": "threads", "threads": 2}, {"parallel": True, "scheduler": "processes", "threads": 2})


def need_host(context):
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")


def run(context, processes, outputs, inputs=None, code=0, **more):
    need_host(context)
    document = {"model": {"processes": processes}, "clocks": {"time": {"data": [0, 1, 2, 3]}}, "main_clock": "time",
                "inputs": inputs or {}, "outputs": {o: "time" for o in outputs}, "max_attempts": 1, **more}
    return context.run_local(document, code, ["--python", MODULE])


def test_each_kind_is_read_as_it_was_assigned(context):
    processes = {"a": "values.SetsScalars", "b": "values.ReadsScalars", "c": "values.SetsArrays", "d": "values.ReadsArrays"}
    outputs = ["b__n", "d__n", *(f"a__v{i}" for i in range(15)), *(f"c__v{i}" for i in range(10))]
    stores = [run(context, processes, outputs, **how)[0] for how in BY]
    group = harness.open_store(stores[0])
    equal((group["b__n"][2], group["d__n"][2]), (45, 30), "values that were read")
    equal(group["a__v0"].dtype, "f8", "dtype of a number of Python's own")
    for store in stores[1:]:
        harness.same_store(stores[0], store)


DATES = {"dates": "values.Dates", "asks": "values.Asks"}
DAYS = {"dims": ["k"], "data": [11020, 11021]}  # 2000-03-04


def test_dates_have_units_in_the_store(context):
    import xarray  # pylint: disable=import-outside-toplevel
    outputs = ["dates__now", "dates__days", "dates__rest", "dates__asked", "asks__month"]
    stores = [run(context, DATES, outputs, {"dates__plan": DAYS}, **how)[0] for how in BY]
    for store in stores[1:]:
        harness.same_store(stores[0], store)
    opened = xarray.open_zarr(stores[0], decode_timedelta=True).load()
    equal([str(v)[:13] for v in opened["dates__now"].values],
          ["2000-02-28T12", "2000-02-29T00", "2000-02-29T12", "2000-02-29T12"], "dates")
    equal([str(v)[:10] for v in opened["dates__days"].values[2]], ["2000-03-02", "2000-03-03", "2000-03-04"], "changed in place")
    equal(int(opened["dates__rest"].values[0].astype("m8[h]").astype(int)), 5 * 24, "hours")
    equal(opened["asks__month"].values[:3].tolist(), [3, 3, 3], "months, seen by another process")
    equal(harness.open_store(stores[0])["dates__now"].dtype, "i8", "dtype in the store")


REFUSED = {
    "object": ["'plain'", "any_object"], "none": ["'plain'", "any_object"], "decimal": ["'plain'", "dtype object"],
    "half": ["'plain'", "float16"], "record": ["'plain'", "dtype"], "long": ["'plain'", "dtype"], "large": ["'plain'", "too"],
    "date": ["'plain'", "dates are kept as whole numbers of a unit", '"seconds since 1970-01-01"'],
    "duration": ["'plain'", "durations are kept as whole numbers of a unit", '"seconds"'], "ragged": ["'plain'", "inhomogeneous"],
    "nat": ["'date'", "NaT"], "fine": ["'date'", "without loss"], "years": ["'duration'", "no length"], "zone": ["'date'", "time zone"],
    "number": ["'date'", "has M8[s] since its first value, but was given numbers"],
    "longer": ["'text'", "has texts of 2 bytes since its first value, but was given some of 3"],
}


def test_what_cannot_be_kept_is_refused(context):
    for how, words in REFUSED.items():
        _, ended = run(context, {"r": "values.Refused"}, [], {"r__how": how}, code=1)
        for word in ["process 'r' (values.Refused), run_step of step 0", *words]:
            check(word in ended.stderr, f"{how}: {word!r} is not in {ended.stderr}")


def test_dates_go_in_from_python(context):
    """simlab.run takes dates as inputs, of a document and of a data set, where the variable's units are declared."""
    sys.path[:0] = [os.path.join(harness.REPOSITORY, "client/python"), os.path.dirname(MODULE)]
    sys.dont_write_bytecode = True
    # pylint: disable=import-outside-toplevel,import-error
    import numpy
    import simlab
    import values
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")
    options = {"worker": context.program("simlab-worker"), "processes": [context.directory("none")]}
    job = {"clocks": {"time": {"data": [0, 1]}}, "main_clock": "time", "outputs": {"dates__now": None, "dates__rest": None}}
    model = {"dates": values.Dates}
    plan = numpy.array(["2001-01-03", "2001-01-04"], "M8[ns]")
    inputs = {"dates__begin": datetime.date(2001, 1, 1), "dates__plan": {"dims": ["k"], "data": plan}}
    ended = simlab.run({**job, "inputs": inputs}, model, **options)
    equal(str(ended["dates__now"].values)[:13], "2001-01-01T12", "a date")
    equal(int(ended["dates__rest"].values.astype("m8[h]").astype(int)), 48, "a duration")
    import xarray
    clock = {"dims": "time", "data": [0, 1], "attrs": {"__xsimlab_output_clock__": 1, "__xsimlab_main_clock__": 1}}
    setup = xarray.Dataset({"dates__plan": ("k", plan), "dates__begin": ((), numpy.datetime64("2001-01-02", "ns"))},
                           {"time": ("time", clock["data"], clock["attrs"])}, {"__xsimlab_output_vars__": "dates__rest"})
    again = simlab.run(setup, model, **options)
    equal(int(again["dates__rest"].values.astype("m8[h]").astype(int)), 24, "a duration, by a set-up")
    for wrong, word in ((numpy.datetime64("2001-01-01T12:00"), "without loss"), (numpy.timedelta64(1, "D"), "durations are kept")):
        try:
            simlab.run({**job, "inputs": {**inputs, "dates__begin": wrong}}, model, **options)
        except (TypeError, ValueError) as error:
            check("dates__begin" in str(error) and word in str(error), str(error))
            continue
        raise harness.Failure("nothing was raised")


def test_defaults_that_are_dates(context):
    need_host(context)
    folder = context.directory("described")
    shutil.copy(MODULE, folder)
    os.symlink(context.program("python/python.so"), os.path.join(folder, "values.so"))
    with open(os.path.join(folder, "values.files"), "w", encoding="utf-8") as file:
        file.write("values.py\n")
    ended = context.run("simlab-worker", "describe", os.path.join(folder, "values.so"))
    types = {of["name"]: of for of in json.loads(ended.stdout)["types"]}
    begin = next(v for v in types["Dates"]["variables"] if v["name"] == "begin")
    equal(int(begin["default"]), 11015, "days since 1970")


if __name__ == "__main__":
    harness.main(globals())
