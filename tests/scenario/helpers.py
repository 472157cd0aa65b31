#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One simulation in several workers (scheduler: processes) by `simlab-worker run`: the store, the log and
the errors are those of a run in order, byte for byte, also where a helper or the lead is killed. The libraries
are tests/lib/apart.c, shares.c and faulty.c."""
import contextlib
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

SERIAL = {"scheduler": "serial"}
PROCESSES = [{"parallel": True, "scheduler": "processes", "threads": n} for n in (2, 4)]
ABORTS, NEVER_ENDS, EXITS = 2, 4, 5  # faulty.c
GOES_ON, FAILS, MIDST_ABORTS, MIDST_NEVER_ENDS = range(4)  # apart.Midst
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


def told_alone(context):
    """The same for a run in which nobody is to wait for helpers."""
    directory = told(context)
    for name in ("helped", "begun"):
        with open(os.path.join(directory, name), "w", encoding="ascii"):
            pass
    return directory


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


@contextlib.contextmanager
def environment(**variables):
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def test_every_golden_case(context):
    """Beside processes that wait until there are helpers, and tell whether one ran any of them."""
    helped = []
    for case in harness.golden_cases():
        document = harness.load(harness.GOLDEN, case, "job.json")
        document["model"]["processes"].update({"and_lead": "apart.Lead", **{f"and_{i}": "apart.Apart" for i in "abc"}})
        told_alone(context)
        store, said = local(context, {**document, **SERIAL})
        is_batch = "batch_dim" in document  # whose members are for workers each, and `threads` for libraries
        for workers in (2, 3):
            directory = told_alone(context) if is_batch else told(context)
            how = {"parallel": True, "scheduler": "processes", **({} if is_batch else {"threads": workers})}
            with environment(APART_WORKERS="0" if is_batch else str(workers)):
                other, also = local(context, {**document, **how})
            harness.same_store(store, other)
            harness.golden_agrees(other, case)
            equal(also, said, f"{case}: what was said by {workers} workers")
            if not is_batch and os.path.exists(os.path.join(directory, "helped")):
                helped.append((case, workers))
    check(len(helped) > 2, f"there were helpers in {helped} only")


def test_one_that_is_not_safe_beside_others_has_one_worker(context):
    """It changes its library's own variables, which each worker has for itself."""
    document = model({"lead": "apart.Lead", "a": "apart.Apart", "b": "apart.Apart", "c": "apart.Apart", "d": "apart.Apart",
                      "x": "apart.Counts", "y": "apart.Counts"}, {"x__count": "time", "y__count": "time"}, steps=100)
    document["model"]["after"] = {"b": ["a"], "c": ["b"]}  # the longest way, which is the lead's
    told(context)
    store, _ = local(context, {**document, **SERIAL})
    for how in PROCESSES:
        directory = told(context)
        harness.same_store(store, local(context, {**document, **how})[0])
        check(os.path.exists(os.path.join(directory, "helped")), f"there was no helper under {how}")


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


def test_what_is_left_out_is_said_once(context):
    """Not by each helper again."""
    directory = context.directory("bad")
    with open(os.path.join(directory, "apart.so"), "w", encoding="ascii") as file:
        file.write("no library")
    told(context)
    with environment(APART_WORKERS="4"):
        _, ended = context.run_local({**apart(), **PROCESSES[1]}, 0, ["--processes", directory, *libraries(context)])
    equal(ended.stderr.count("apart.so is left out"), 1, f"how often it is said in {ended.stderr[:1000]}")


def test_helpers_end_in_order(context):
    """What libraries do at the end of a worker is done."""
    directory = told(context)
    with environment(APART_LEAVES="1"):
        local(context, {**apart(), **PROCESSES[0]})
    check(os.path.exists(os.path.join(directory, "left")), "the helper was ended while it left")


def is_killed(context, document, pipe, after=""):
    """Whoever says at this pipe who it is, is killed in the midst of the run, once `after` lies beside the store:
    (store, exit status, what was said)."""
    told(context)
    hold = os.path.join(told(context), pipe)
    os.mkfifo(hold)
    folder = context.directory("killed")
    path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    with environment(APART_AWAITED=store + after if after else folder):
        ran = subprocess.Popen([context.program("simlab-worker"), "run", path, "--store", store, *libraries(context)],
                               stderr=subprocess.PIPE, text=True)
    with open(hold, encoding="ascii") as file:
        pid = int(file.readline())
    os.unlink(hold)
    os.kill(pid, signal.SIGKILL)
    said = ran.communicate(timeout=harness.WAIT)[1]
    return store, ran.returncode, said


def serial_store(context, document):
    told_alone(context)
    return local(context, {**document, **SERIAL})[0]


def test_a_helper_that_is_killed(context):
    """The member starts again, and it is no attempt: there is but one."""
    store, code, said = is_killed(context, {**apart(), **PROCESSES[0]}, "hold")
    equal(code, 0, f"exit status; {said}")
    check("a helper of its worker was killed by signal 9 (Killed) in process '" in said and
          "it starts again, which is no attempt" in said, said)
    harness.same_store(serial_store(context, apart()), store)


def test_the_lead_is_killed(context):
    """As any worker is: that is an attempt."""
    for attempts in (1, 2):
        document = apart(max_attempts=attempts)
        store, code, said = is_killed(context, {**document, **PROCESSES[0]}, "hold-lead")
        equal(code, 0 if attempts > 1 else 1, f"exit status; {said}")
        check(re.search(r"its worker was killed by signal 9.* in process 'lead' \(apart.Lead\), run_step of step 5", said) and
              ("it is tried again" in said) == (attempts > 1), said)
    harness.same_store(serial_store(context, document), store)


def test_who_is_killed_after_a_checkpoint(context):
    """The member goes on from it."""
    document = apart(checkpoint={"every": 1}, max_attempts=2)
    right = serial_store(context, document)
    for pipe in ("hold", "hold-lead"):
        store, code, said = is_killed(context, {**document, **PROCESSES[0]}, pipe, ".sync/.checkpoints/0")
        equal(code, 0, f"exit status; {said}")
        check(re.search(r"it goes on after step [1-9]\d*, from its checkpoint", said) and "from its start" not in said, said)
        harness.same_store(right, store)


# ---- in the midst of a parallel stage ----

def midst(context, deed, by_lead, **more):
    """Two processes that end beside one that does `deed` once they have; (exit status, store, what was said)."""
    kind = "apart.MidstOfLead" if by_lead else "apart.Midst"
    types = {"lead": "apart.Lead", "a": "apart.Apart", "m": kind, "b": "apart.Numbered", "c": "apart.Numbered"}
    if not by_lead:
        types["keeper"] = "apart.Keeper"
    document = {**apart(**more), "inputs": {"m__deed": deed, "b__number": 1, "c__number": 2}}
    document["model"] = {"processes": types}
    directory = told(context)
    store, said = local(context, {**document, **PROCESSES[0]}, 0 if deed == GOES_ON else 1)
    for name in ("begun", "by-lead" if by_lead else "by-helper", "through.1", "through.2"):
        check(os.path.exists(os.path.join(directory, name)), f"no {name} in {os.listdir(directory)}; {said}")
    return document, store, said


def test_others_end_beside_one_that_waits_for_them(context):
    for by_lead in (True, False):
        document, store, said = midst(context, GOES_ON, by_lead)
        equal(said.count("is finalized"), 4, "processes that were finalized")
        harness.same_store(serial_store(context, document), store)


def test_others_end_beside_one_that_fails(context):
    for by_lead in (True, False):
        said = midst(context, FAILS, by_lead)[2]
        check(re.search(r"process 'm' \(apart.Midst(OfLead)?\), run_step of step \d+: asked to fail", said), said)
        equal(said.count("is finalized"), 4, f"processes that were finalized; {said}")


def test_others_end_beside_one_that_crashes(context):
    """Where memory is shared nobody is finalized then: what it has left half done is all workers'."""
    for by_lead in (True, False):
        said = midst(context, MIDST_ABORTS, by_lead)[2]
        check(re.search(r"its worker was killed by signal 6 \(Aborted\) in process 'm' \(apart.Midst(OfLead)?\), "
                        r"run_step of step \d+", said), said)


def test_others_end_beside_one_that_blocks(context):
    for by_lead in (True, False):
        said = midst(context, MIDST_NEVER_ENDS, by_lead, member_timeout=2)[2]
        check(re.search(r"member 0 ran longer than its limit of 2 s, in process 'm' \(apart.Midst(OfLead)?\), "
                        r"run_step of step \d+", said), said)


if __name__ == "__main__":
    harness.main(globals())
