#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Values in Python are views: what has an array over a value has it as long as it likes, whatever becomes of the
value (tests/lib/python/views.py looks at that), under each scheduler, and after a run was taken up again."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

MODULES = os.path.join(harness.REPOSITORY, "tests/lib/python")
PROCESSES = {"rebinds": "views.Rebinds", "holds": "views.Holds", "in_place": "views.InPlace", "watches": "views.Watches",
             "parts": "views.Parts", "watches_parts": "views.WatchesParts", "fills": "views.Fills", "on_demand": "views.OnDemand",
             "asks": "views.AsksBetween", "read_only": "views.ReadOnly"}
OUTPUTS = {"rebinds__u": "time", "rebinds__change": "time", "holds__seen": "time", "in_place__u": "time", "watches__seen": "time",
           "watches_parts__seen": "time", "fills__u": "time", "fills__same": "time", "asks__u": "time", "read_only__refused": "time"}
STEPS = 60
BY = {"serial": {}, "threads": {"parallel": True, "scheduler": "threads", "threads": 3},
      "processes": {"parallel": True, "scheduler": "processes", "threads": 2}, "debug": {"debug": True}}


def library(context):
    host = context.program("python/python.so")
    if not os.path.exists(host):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("modules")
    for name in ("views", "pieces", "several"):
        os.symlink(host, os.path.join(folder, name + ".so"))
        shutil.copy(os.path.join(MODULES, name + ".py"), folder)
        with open(os.path.join(folder, name + ".files"), "w", encoding="utf-8") as file:
            file.write(name + ".py\n")
    return folder


def job(processes, outputs, steps=STEPS, **more):
    return {"model": {"processes": processes}, "clocks": {"time": {"data": list(range(steps + 1))}}, "main_clock": "time",
            "outputs": outputs, "max_attempts": 1, **more}


def run(context, document, folder, code=0):
    options = ["--processes", folder, "--processes", context.program("processes"), "--processes", context.program("apart"),
               "--processes", context.program("kinds")]
    return context.run_local(document, code, options)


def values(store, name):
    return harness.open_store(store)[name][...]


# ---- in one run ----------------------------------------------------------------------------------


def test_by_each_scheduler(context):
    folder = library(context)
    stores = {name: run(context, job(PROCESSES, OUTPUTS, **how), folder)[0] for name, how in BY.items()}
    serial = stores["serial"]
    steps = range(1, STEPS + 1)
    equal(values(serial, "rebinds__change")[:STEPS].tolist(), [1.0] * STEPS, "u - old")
    equal(values(serial, "in_place__u")[:STEPS, 0].tolist(), list(steps), "what is written through what is kept")
    equal(values(serial, "watches__seen")[:STEPS].tolist(), [3.0 * n for n in steps], "what is seen through what is kept")
    sums = [n * (n + 1) / 2 for n in steps]
    equal(values(serial, "watches_parts__seen")[:STEPS].tolist(), [[n, s, s, 2 + n] for n, s in zip(steps, sums)],
          "parts of an array, and a list, that were assigned")
    equal(values(serial, "fills__same")[:STEPS].tolist(), list(range(STEPS)), "arrays that lie where they were filled")
    equal(values(serial, "asks__u")[:STEPS, 0].tolist(), [2.0 * n for n in steps], "what was assigned between")
    equal(values(serial, "read_only__refused")[0], 5, "writes that were refused")
    for name in ("threads", "processes", "debug"):
        harness.same_store(serial, stores[name])


def test_arrays_whose_fields_are_others(context):
    """A NumPy whose arrays are laid out in another way is asked for what they are: here the host is built
    for one that is not there, so that the one that is there has unknown fields."""
    folder = library(context)
    as_known, _ = run(context, job(PROCESSES, OUTPUTS), folder)
    for before in ("char *data;", "PyObject *base, *dtype;"):
        sources = shutil.copytree(context.program("python/source"), os.path.join(context.directory("other"), "source"))
        header = os.path.join(sources, "array_fields.h")
        with open(header, encoding="utf-8") as file:
            text = file.read()
        equal(text.count(before), 1, before)
        os.chmod(header, 0o644)
        with open(header, "w", encoding="utf-8") as file:
            file.write(text.replace(before, "Py_ssize_t another[2]; " + before))
        host = os.path.join(os.path.dirname(sources), "python.so")
        subprocess.run([context.program("python/build-host"), sys.executable, "other"], check=True, capture_output=True,
                       env={**os.environ, "INCLUDE": os.path.join(harness.REPOSITORY, "include"), "SOURCES": sources,
                            "OUT": host, "CFLAGS": "-O0"})
        for name in os.listdir(folder):
            if name.endswith(".so"):
                os.unlink(os.path.join(folder, name))
                os.symlink(host, os.path.join(folder, name))
        store, _ = run(context, job(PROCESSES, OUTPUTS), folder)
        for name in OUTPUTS:
            check(values(store, name).tobytes() == values(as_known, name).tobytes(),
                  f"{name} differs, where another field is before {before}")


def test_through_a_daemon(context):
    folder = library(context)
    daemon = context.daemon(workers=2, options=["--processes", folder])
    local, _ = run(context, job(PROCESSES, OUTPUTS), folder)
    for how in (BY["serial"], BY["threads"], BY["processes"]):
        ended = daemon.finish(job(PROCESSES, OUTPUTS, **how))
        harness.same_store(local, ended["store"])


def played_agrees(store, seeds):
    """What the processes of random_views.py have seen is what they see as plain objects. Of odd seeds this is known of who
    sets the variables only."""
    sys.path[:0] = [os.path.join(harness.REPOSITORY, "client/python"), MODULES]
    sys.dont_write_bytecode = True
    import random_views  # pylint: disable=import-outside-toplevel,import-error
    owner, viewer = (values(store, name).reshape(len(seeds), -1) for name in ("owner__seen", "viewer__seen"))
    for i, seed in enumerate(seeds):
        for step, (one, other) in enumerate(random_views.play(seed, STEPS)):
            equal(owner[i, step], one, f"seed {seed}, step {step}: seen by who sets the variables")
            check(seed % 2 or viewer[i, step] == other, f"seed {seed}, step {step}: seen by who reads them")


def test_random_uses_are_as_python_has_them(context):
    library(context)
    processes = {"owner": "random_views.Owner", "viewer": "random_views.Viewer"}
    outputs = {"owner__seen": "time", "viewer__seen": "time"}
    python = ["--python", os.path.join(MODULES, "random_views.py")]
    seeds = [*range(100), 11243, 11989, 12017, 12307]  # the last have found something
    many = {"batch_dim": "batch", "inputs": {"owner__seed": {"dims": ["batch"], "data": seeds}}}
    store, _ = context.run_local(job(processes, outputs, **many), 0, python)
    played_agrees(store, seeds)
    for seed, how in ((4, "threads"), (32, "processes"), (44, "debug"), (80, "processes")):
        store, _ = context.run_local(job(processes, outputs, inputs={"owner__seed": seed}, **BY[how]), 0, python)
        played_agrees(store, [seed])


def test_a_type_in_c_gives_other_sizes(context):
    sizes = [4, 3, 20, 20, 100, 400, 30, 900, 5, 2000]
    document = job({"pt": "kinds.Grower", "positions": "views.Positions"}, {"positions__n": "time"}, len(sizes),
                   inputs={"pt__length": {"dims": ["time"], "data": [*sizes, 0]}})
    for how in ({}, {"debug": True}):
        store, _ = run(context, {**document, **how}, library(context))
        check(values(store, "positions__n")[-2] > 3, f"it has lain in {values(store, 'positions__n').tolist()} places")


def test_what_others_change_between_two_calls(context):
    document = job({"shares": "views.Shares", "changes": "views.Changes"}, {"shares__u": "time"})
    _, ended = run(context, document, library(context), code=1)
    check("variable 'u': what was assigned to it was changed in place between two calls" in ended.stderr, ended.stderr)
    check("process 'shares' (views.Shares), run_step of step 1" in ended.stderr, ended.stderr)
    document = job({"shares": "views.SharesGiven", "changes": "views.ChangesGiven"}, {"shares__u": "time"},
                   inputs={"shares__u": {"dims": ["x"], "data": [0.0, 0.0, 0.0]}})
    _, ended = run(context, document, library(context), code=1)
    check("process 'shares' (views.SharesGiven), run_step of step 1: RuntimeError: variable 'u'" in ended.stderr, ended.stderr)


def test_an_input_that_varies_is_given_anew(context):
    """What was assigned to it before does not count any more."""
    data = [[10.0 * n] * 2 for n in range(STEPS)] + [[0.0, 0.0]]
    document = job({"given": "views.Given"}, {"given__u": "time"}, inputs={"given__u": {"dims": ["time", "x"], "data": data}})
    store, _ = run(context, document, library(context))
    equal(values(store, "given__u")[:STEPS, 0].tolist(), [10.0 * n + 1 for n in range(STEPS)], "u")


# ---- another member, another worker, another attempt ---------------------------------------------


def test_arrays_outlive_their_member(context):
    members = 12
    document = job({"o": "views.Outlives"}, {"o__n": None}, steps=1, batch_dim="batch", parallel=False,
                   inputs={"o__start": {"dims": ["batch"], "data": [10.0 * i for i in range(members)]}})
    folder = library(context)
    store, _ = run(context, document, folder)
    equal(sorted(values(store, "o__n").tolist()), list(range(1, members + 1)), "arrays that are still there")
    for _ in range(2):  # each job has its own model, and its own memory
        daemon = context.daemon(workers=1, options=["--processes", folder])
        ended = [daemon.finish(document) for _ in range(2)]
        equal(sorted(values(ended[1]["store"], "o__n").tolist()), list(range(members + 1, 2 * members + 1)), "after another job")
        daemon.stop()


def test_members_that_may_go_on_begin_with_nothing_that_is_kept(context):
    document = job({"o": "views.Outlives"}, {"o__n": None}, steps=1, batch_dim="batch", parallel=False, checkpoint={"every": 100},
                   inputs={"o__start": {"dims": ["batch"], "data": [0.0, 10.0, 20.0]}})
    store, _ = run(context, document, library(context))
    equal(values(store, "o__n").tolist(), [1, 1, 1], "arrays of members before")


def test_an_array_over_what_another_worker_sets(context):
    folder = library(context)
    processes = {"lead": "apart.Lead", "sets": "views.Sets", "where": "views.Where", **{f"busy_{i}": "several.Busy" for i in range(2)}}
    told = context.directory("told")
    for name in ("to", "fro"):
        os.mkfifo(os.path.join(told, name))
    os.environ["APART"], os.environ["APART_WORKERS"] = told, "2"
    try:
        for _ in range(8):  # who is moved where depends on what tasks take
            document = job(processes, {"where__kept": None, "sets__u": "time"}, steps=300, **BY["processes"])
            store, ended = run(context, document, folder)
            equal(values(store, "where__kept").tolist(), 6.0, f"the sum of the first u; {ended.stderr}")
            if os.path.exists(os.path.join(told, "apart")):
                return
            if os.path.exists(os.path.join(told, "moved")):
                os.unlink(os.path.join(told, "moved"))
    finally:
        del os.environ["APART"], os.environ["APART_WORKERS"]
    raise harness.Failure("the two were never in two workers")


def test_runs_go_on_with_what_is_kept(context):
    folder = library(context)
    document = job({**PROCESSES, "killer": "pieces.Killer"}, OUTPUTS, max_attempts=3, checkpoint={"every": 1})
    marker = context.path("marker")
    document["inputs"] = {"killer__marker": marker,
                          "killer__checkpoint": os.path.join(context.root, "local.*", "out.zarr.sync", ".checkpoints", "0")}
    stores = []
    for is_killed in (False, True):
        if is_killed:
            os.mkdir(marker)
        store, ended = run(context, document, folder)
        stores.append(store)
        equal(ended.stderr.count("from its checkpoint"), int(is_killed), ended.stderr)
        check("cannot be saved" not in ended.stderr, ended.stderr)
    harness.same_store(*stores)


if __name__ == "__main__":
    harness.main(globals())
