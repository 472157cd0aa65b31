#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A member that kills its workers rests before it is tried again, and others go on (queue.h, invariant 8)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NONE, ABORTS = 0, 2  # of tests/lib/faulty.c
LONG, SHORT = 3600000, 20  # ms
MEMBERS = 40
POISON = 7


def job(poison):
    faults = [ABORTS if m == poison else NONE for m in range(MEMBERS)]
    return {"model": {"processes": {"p": "faulty.Faulty"}}, "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}},
            "main_clock": "time", "inputs": {"p__fault": {"dims": ["b"], "data": faults}}, "outputs": {"p__value": None},
            "batch_dim": "b", "max_attempts": 4}


def options(context, milliseconds):
    return ["--processes", context.program("faulty"), "--backoff", str(milliseconds), "--backoff-max", str(milliseconds)]


def ranges(daemon, number):
    return daemon.request("GET", f"/v1/jobs/{number}/ranges", status=200).json["ranges"]


def test_a_poison_member(context):
    """It takes one worker of its own, rests for an hour, over a restart with a clock that goes on; all others are
    done by then. A daemon with a shorter back-off tries it again."""
    daemon = context.daemon(workers=2, options=options(context, LONG))
    number = daemon.submit(job(POISON))["id"]
    daemon.await_event(number, lambda kind, data: kind == "progress" and data["done"] == MEMBERS - 1)
    for start in range(2):
        resting = [r for r in ranges(daemon, number) if r["state"] == "resting"]
        equal([(r["begin"], r["end"], r["attempts"]) for r in resting], [(POISON, POISON + 1, 1)], f"start {start}")
        found = daemon.job(number)
        equal((found["state"], found["waiting"]), ("running", "members whose worker died rest before they are tried again"),
              "the job")
        said = context.run("simlab", "members", number, "--server", daemon.server, "--token", daemon.token).stdout
        hour = resting[0]["next_try"][:13]
        check(f"resting after attempt 1, tried again at {hour}" in said, said)  # reckoned anew each time
        daemon.finish({**job(None), "store": f"other-{start}.zarr"})  # the service goes on
        daemon.kill()
        daemon.start()
    daemon.kill()
    daemon.options = options(context, SHORT)
    daemon.start()
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"], ended["dead"]), ("partial", MEMBERS - 1, 1), "the end")
    equal(daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"][0]["attempts"], 4, "attempts")


def test_the_first_member(context):
    """The layout is its to decide: those that run ahead wait for it, and are cut short for nobody."""
    daemon = context.daemon(workers=2, options=options(context, SHORT))
    ended = daemon.finish(job(0), "partial")
    equal((ended["done"], ended["dead"]), (MEMBERS - 1, 1), "the end")
    local, _ = context.run_local(job(0), 1, ["--processes", context.program("faulty")])
    harness.same_store(ended["store"], local)


harness.main(globals())
