#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Models in Python in several workers (scheduler: processes) by `simlab-worker run`: each worker has its
own interpreter, instances are moved to where they run, and the store is that of a run in order. The modules
are tests/lib/python/several.py and reference.py; apart.c's Lead waits for helpers."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

MODULES = os.path.join(harness.REPOSITORY, "tests/lib/python")
SERIAL = {"scheduler": "serial"}
STEPS = 300


def modules(context):
    host = context.program("python/python.so")
    if not os.path.exists(host):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("modules")
    for name in ("several", "reference"):
        os.symlink(host, os.path.join(folder, name + ".so"))
        shutil.copy(os.path.join(MODULES, name + ".py"), folder)
        with open(os.path.join(folder, name + ".files"), "w", encoding="utf-8") as file:
            file.write(name + ".py\n")
    return folder


def run(context, document, folder, how, code=0):
    """(store, what was said); helpers are waited for where there are some."""
    told = context.directory("told")
    for name in ("to", "fro"):
        os.mkfifo(os.path.join(told, name))
    os.environ["APART"] = told
    os.environ["APART_WORKERS"] = str(how.get("threads", 0))
    try:
        store, ended = context.run_local({**document, **how}, code, ["--processes", folder, "--processes", context.program("apart")])
    finally:
        del os.environ["APART"], os.environ["APART_WORKERS"]
    return store, ended.stderr.replace(os.path.dirname(store), "").replace(told, ""), told


def by(n):
    return {"parallel": True, "scheduler": "processes", "threads": n}


def model(types, outputs, steps=STEPS, **more):
    return {"model": {"processes": {"lead": "apart.Lead", **types}}, "clocks": {"time": {"data": list(range(steps + 1))}},
            "main_clock": "time", "outputs": outputs, "max_attempts": 1, **more}


BUSY = {f"busy_{i}": "several.Busy" for i in range(3)}
TOTALS = {f"busy_{i}__total": "time" for i in range(3)}


def compare(context, types, outputs, **more):
    """The values of a run in order, of which those by several workers have each byte."""
    folder = modules(context)
    document = model({**BUSY, **types}, {**TOTALS, **outputs}, **more)
    stores = []
    for how in (SERIAL, by(2), by(3)):
        store, said, told = run(context, document, folder, how)
        stores.append((store, said))
        equal(os.path.exists(os.path.join(told, "moved")), how is not SERIAL, f"somebody was moved under {how}; {said}")
    for store, said in stores[1:]:
        harness.same_store(stores[0][0], store)
        equal(said, stores[0][1], "what was said")
    return stores[0][0]


def values(store, name):
    return harness.open_store(store)[name][...].tolist()


def test_two_are_in_a_call_at_once(context):
    """Also where the scheduler is for us to choose: nothing else lets them be."""
    document = model({"a": "several.Meets", "b": "several.Meets", "referee": "several.Referee"},
                     {"a__met": None, "b__met": None}, inputs={"a__first": True}, member_timeout=60)
    for how in (by(2), {**by(2), "scheduler": "auto"}):
        store, _, _ = run(context, document, modules(context), how)
        equal((values(store, "a__met"), values(store, "b__met")), (1, 1), f"who has met under {how['scheduler']}")


def test_values_are_what_they_are_in_order(context):
    store = compare(context, {"kinds": "several.Kinds", "reads": "several.Reads"},
                    {"reads__same": None, "kinds__kept": "time", "kinds__numpys": "time"})
    equal(values(store, "reads__same"), STEPS, "steps in which all was as it should be")


def test_who_shares_an_object_is_together(context):
    store = compare(context, {"tool": "several.Tool", "u": "several.Uses", "counts": "several.Counts", "asks": "several.Asks"},
                    {"tool__n": "time", "asks__got": "time"})
    equal(values(store, "tool__n")[:4], [0, 1, 2, 3], "entries")


def test_who_cannot_be_saved_stays(context):
    compare(context, {"u": "several.Unsaved"}, {"u__n": "time"})


def test_values_on_demand_that_are_saved(context):
    """The time loop asks for them: who computes them is with it."""
    compare(context, {"counts": "several.Counts"}, {"counts__n": "time"})


def test_a_large_state_is_not_copied(context):
    """100 MB that one worker writes and another reads lie in the memory that they share. Whether somebody is moved
    depends on what tasks take: within some runs it is."""
    document = model({"large": "several.Large", "sums": "several.Sums", "busy": "several.Busy"},
                     {"sums__last": None, "sums__grown": None, "busy__total": None}, steps=40)
    folder = modules(context)
    for _ in range(8):
        store, said, told = run(context, document, folder, by(2))
        equal(values(store, "sums__last"), 40 * 12.5e6, "the last sum")
        check(values(store, "sums__grown") < 20e6, f"a worker's own memory grew by {values(store, 'sums__grown')} bytes")
        if os.path.exists(os.path.join(told, "moved")):
            return
    raise harness.Failure(f"nobody was moved; {said}")


def test_nothing_is_left_where_it_was(context):
    document = model({**BUSY, "drops": "several.Drops"}, {"drops__n": None})
    folder, left = modules(context), 0
    for _ in range(8):  # whether it is moved depends on what tasks take
        store, _, told = run(context, document, folder, by(2))
        equal(values(store, "drops__n"), STEPS, "steps")
        pids = {kind: {name[5:] for name in os.listdir(told) if name.startswith(kind)} for kind in ("lived", "gone-")}
        lived = {pid.lstrip("-") for pid in pids["lived"]}
        equal(sorted(lived - pids["gone-"]), [], "workers in which it still is")
        left += len(lived) > 1
        if left:
            return
    raise harness.Failure("it was never moved")


def test_checkpoints(context):
    """All come back to the lead for each."""
    compare(context, {"kinds": "several.Kinds", "tool": "several.Tool", "u": "several.Uses"},
            {"tool__n": "time", "kinds__kept": "time"}, checkpoint={"every": 100})


def test_every_golden_case(context):
    folder = modules(context)
    moved = []
    for i, case in enumerate(harness.golden_cases()):
        document = load(GOLDEN, case, "job.json")
        if "batch_dim" in document:  # members are for workers each
            continue
        document["model"]["processes"].update({"and_lead": "apart.Lead", **{f"and_{i}": "several.Busy" for i in range(3)}})
        store, said, _ = run(context, document, folder, SERIAL)
        workers = 2 + i % 3
        other, also, told = run(context, document, folder, by(workers))
        harness.same_store(store, other)
        harness.golden_agrees(other, case)
        equal(also, said, f"{case}: what was said by {workers} workers")
        if os.path.exists(os.path.join(told, "moved")):
            moved.append((case, workers))
    check(len(moved) > 1, f"somebody was moved in {moved} only")  # it depends on what tasks take


if __name__ == "__main__":
    harness.main(globals())
