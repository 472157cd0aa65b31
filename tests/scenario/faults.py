#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Processes that fail, crash, loop or exit: each costs its own member only, and the reason is told
(daemon/README.md, invariant 7). The library is tests/lib/faulty.c."""
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NONE, FAILS, ABORTS, WRITES_NOWHERE, NEVER_ENDS, EXITS, EXITS_WITH_3, EXITS_AT_ONCE, EXITS_QUICKLY = range(9)
STEPS = 3
PLACE = "in process 'p' (faulty.Faulty), run_step of step 1"


def job(faults, **more):
    many = isinstance(faults, list)
    return {"model": {"processes": {"p": "faulty.Faulty"}},
            "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}}, "main_clock": "time",
            "inputs": {"p__fault": {"dims": ["batch"], "data": faults} if many else faults},
            "outputs": {"p__value": None}, **({"batch_dim": "batch"} if many else {}), **more}


def batch(size, **at):
    """`size` members, those named m7=FAILS faulty."""
    faults = [NONE] * size
    for name, fault in at.items():
        faults[int(name[1:])] = fault
    return faults


def start(context, workers=2):
    return context.daemon(workers=workers, options=["--processes", context.program("faulty")])


def only_dead(context, faults, attempts, words, **more):
    """Runs the batch: the faulty members are dead after so many attempts, all others stored."""
    daemon = start(context)
    ended = daemon.finish(job(faults, **more), "partial")
    dead = [i for i, f in enumerate(faults) if f != NONE]
    equal((ended["done"], ended["dead"]), (len(faults) - len(dead), len(dead)), "members done, dead")
    listed = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    equal([(m["member"], m["state"], m["attempts"]) for m in listed],
          [(m, "dead", attempts) for m in dead], f"dead members in {listed}")
    for m in listed:
        for word in words:
            check(word in m["reason"], f"{word!r} is not in the reason {m['reason']!r}")
    values = harness.open_store(ended["store"])["p__value"][...].tolist()
    for i, value in enumerate(values):
        check(math.isnan(value) if i in dead else value == STEPS, f"member {i} stored {value}")
    daemon.finish(job(batch(5)))  # and the service goes on


def tidy(store):
    """A store of inputs and clocks, without outputs, that opens."""
    group = harness.open_store(store)
    check("p__value" not in group and "time" in group, f"arrays {sorted(group)}")
    equal([name for name in os.listdir(os.path.dirname(store)) if name.endswith(".sync")], [],
          "directories of locks left")
    check(os.path.exists(os.path.join(store, ".zmetadata")), "metadata are consolidated")


def test_a_member_fails(context):
    only_dead(context, batch(50, m7=FAILS, m31=FAILS), 1, ["p", "run_step", "asked to fail"])


def test_a_member_aborts(context):
    only_dead(context, batch(50, m13=ABORTS), 2, ["Aborted", PLACE], max_attempts=2)


def test_the_first_member_crashes(context):
    only_dead(context, batch(20, m0=WRITES_NOWHERE), 3, [])


def test_many_crash(context):
    only_dead(context, batch(40, m3=ABORTS, m4=WRITES_NOWHERE, m39=EXITS), 1, [], max_attempts=1)


def test_members_exit(context):
    only_dead(context, batch(40, m0=EXITS, m3=EXITS_WITH_3, m17=EXITS_AT_ONCE, m39=EXITS_QUICKLY), 2,
              ["exited with status", PLACE], max_attempts=2)


def test_a_member_never_ends(context):
    only_dead(context, batch(20, m5=NEVER_ENDS), 1, ["longer than its limit of 1 s, " + PLACE],
              max_attempts=1, member_timeout=1)


def test_the_thread_that_crashes_is_named(context):
    """Several processes are at work then, and one of them never ends."""
    crashes = ABORTS if context.is_sanitized() else WRITES_NOWHERE  # a sanitizer ends a worker in its own way
    faulty = {"processes": {name: "faulty.Faulty" for name in "pqr"}}
    beside = job(NONE, model=faulty, parallel=True, scheduler="threads", threads=3, max_attempts=1, outputs={},
                 inputs={"p__fault": NEVER_ENDS, "q__fault": NEVER_ENDS, "r__fault": crashes})
    reason = start(context).finish(beside, "failed")["reason"]
    check(PLACE.replace("'p'", "'r'") in reason and "'p'" not in reason, reason)
    beside["inputs"]["r__fault"] = EXITS
    store, ended = context.run_local(beside, 1, ["--processes", context.program("faulty")])
    check(PLACE.replace("'p'", "'r'") in ended.stderr and "'p'" not in ended.stderr, ended.stderr)
    tidy(store)


def test_all_fail(context):
    ended = start(context).finish(job(batch(3, m0=FAILS, m1=FAILS, m2=FAILS)), "failed")
    equal((ended["done"], ended["dead"]), (0, 3), "members done, dead")
    tidy(ended["store"])


def test_all_crash(context):
    ended = start(context).finish(job(batch(3, m0=ABORTS, m1=ABORTS, m2=ABORTS), max_attempts=1),
                                  "failed")
    tidy(ended["store"])


def test_one_simulation_fails(context):
    ended = start(context).finish(job(FAILS), "failed")
    for word in ("p", "run_step", "asked to fail"):
        check(word in ended["reason"], f"{word!r} is not in the reason {ended['reason']!r}")


def test_local_run_fails(context):
    folder = context.program("faulty")
    store = context.path("out.zarr")
    ended = context.run("simlab-worker", "run", "-", "--store", store, "--processes", folder,
                        stdin=harness.json.dumps(job(FAILS)))
    equal(ended.returncode, 1, f"exit ({ended.stderr})")
    for word in ("p", "run_step", "asked to fail"):
        check(word in ended.stderr, f"{word!r} is not in {ended.stderr!r}")


harness.main(globals())
