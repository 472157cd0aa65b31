#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One simulation in several workers (scheduler: processes) by `simlab-worker run`: the store, the log and
the errors are those of a run in order, byte for byte, also where a helper is killed. The libraries are
tests/lib/apart.c, shares.c and faulty.c."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

SERIAL = {"scheduler": "serial"}
PROCESSES = [{"parallel": True, "scheduler": "processes", "threads": n} for n in (2, 4)]
ABORTS, NEVER_ENDS, EXITS = 2, 4, 5  # faulty.c
OUTPUTS = {"a__value": None, "b__value": None, "c__value": None}


def model(types, outputs=None, steps=3, **more):
    return {"model": {"processes": types}, "clocks": {"time": {"data": list(range(steps + 1))}},
            "main_clock": "time", "inputs": {}, "outputs": outputs or {}, "max_attempts": 1, **more}


def apart(**more):
    return model({"lead": "apart.Lead", "a": "apart.Apart", "b": "apart.Apart", "c": "apart.Apart"}, OUTPUTS,
                 steps=300, **more)


def libraries(context):
    return [option for name in ("processes", "shares", "faulty", "apart")
            for option in ("--processes", context.program(name))]


def local(context, document, code=0):
    store, ended = context.run_local(document, code, libraries(context))
    return store, ended.stderr.replace(os.path.dirname(store), "")


def told(context):
    """The directory where apart.c tells where it runs."""
    os.environ["APART"] = context.directory("apart")
    return os.environ["APART"]


def test_the_same_store(context):
    fields = [f"f{i}" for i in range(6)]
    shares = model({"total": "shares.Total", **{name: "shares.Field" for name in fields}},
                   {**{f"{name}__sum": "time" for name in fields}, "total__total": "time"}, steps=200)
    gray_scott = harness.load(harness.GOLDEN, "gray-scott", "job.json")
    for document in (shares, gray_scott):
        store, said = local(context, {**document, **SERIAL})
        for how in PROCESSES:
            other, also = local(context, {**document, **how})
            harness.same_store(store, other)
            equal(also, said, f"what was said under {how}")


def test_helpers_run_processes_and_pinned_ones_stay(context):
    store, said = None, None
    for how in (SERIAL, *PROCESSES):
        directory = told(context)
        other, also = local(context, {**apart(), **how})
        equal(os.path.exists(os.path.join(directory, "helped")), how is not SERIAL, f"there was a helper under {how}")
        equal(len([name for name in os.listdir(directory) if name.startswith("lead.")]), 1, "where the pinned one ran")
        if store:
            harness.same_store(store, other)
            equal(also, said, f"what was said under {how}")
        store, said = other, also


def test_the_error_is_that_of_a_run_in_order(context):
    document = model({**{f"f{i}": "shares.Field" for i in range(3)}, "late": "shares.Fails", "later": "shares.Fails"})
    _, said = local(context, {**document, **SERIAL}, 1)
    check("process 'late' (shares.Fails), run_step of step 1: asked to fail" in said, said)
    for how in PROCESSES:
        equal(local(context, {**document, **how}, 1)[1], said, "what was said")


def test_faults(context):
    for fault in (ABORTS, NEVER_ENDS, EXITS):
        document = model({"p": "faulty.Faulty", "q": "faulty.Faulty", "r": "faulty.Faulty"}, {"r__value": "time"},
                         inputs={"q__fault": fault}, member_timeout=0.5 if fault == NEVER_ENDS else 0)
        for how in PROCESSES:
            said = local(context, {**document, **how}, 1)[1]
            check("in process 'q' (faulty.Faulty), run_step of step " in said, f"fault {fault}: {said}")


def test_a_helper_that_crashes(context):
    with open(os.path.join(told(context), "crash"), "w", encoding="ascii"):
        pass
    _, said = local(context, {**apart(), **PROCESSES[0]}, 1)
    check("a helper of its worker was killed by signal 6 (Aborted) in process '" in said and
          "' (apart.Apart), run_step of step " in said, said)


def test_a_helper_that_is_killed(context):
    """The member starts again, and it is no attempt: there is but one."""
    told(context)
    store, _ = local(context, {**apart(), **SERIAL})
    hold = os.path.join(told(context), "hold")
    os.mkfifo(hold)
    folder = context.directory("killed")
    path = os.path.join(folder, "job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**apart(), **PROCESSES[0]}, file)
    ran = subprocess.Popen([context.program("simlab-worker"), "run", path, "--store", os.path.join(folder, "out.zarr"),
                            *libraries(context)], stderr=subprocess.PIPE, text=True)
    with open(hold, encoding="ascii") as pipe:
        helper = int(pipe.readline())
    os.unlink(hold)
    os.kill(helper, signal.SIGKILL)
    said = ran.communicate(timeout=harness.WAIT)[1]
    equal(ran.returncode, 0, f"exit status; {said}")
    check("a helper of its worker was killed by signal 9 (Killed) in process '" in said and
          "it starts again, which is no attempt" in said, said)
    harness.same_store(store, os.path.join(folder, "out.zarr"))


if __name__ == "__main__":
    harness.main(globals())
