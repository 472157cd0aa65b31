#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""When workers are replaced by others: members that ask for a process of their own, so many
members, so much memory. The library, tests/lib/statics.c, counts the members of its process."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal


def job(members, loses=0, **more):
    return {"model": {"processes": {"p": "statics.Statics"}}, "clocks": {"time": [0, 1]}, "batch_dim": "batch",
            "inputs": {"p__loses": {"dims": ["batch"], "data": [loses] * members}}, "outputs": {"p__calls": None}, **more}


def start(context, *options, workers=1):
    return context.daemon(workers=workers, options=["--processes", context.program("statics"), *options])


def calls(store):
    return harness.open_store(store)["p__calls"][...].tolist()


def isolated(context, **more):
    daemon = start(context, workers=2)
    equal(max(calls(daemon.finish(job(20))["store"])) > 1, True, "members share a process")
    for _ in range(2):  # the second finds workers that have run one of the first
        ended = daemon.finish(job(12, isolate=True, max_attempts=1, **more))
        equal(calls(ended["store"]), [1] * 12, "calls in each process")
    check(not any("warning" in line and "local-" in line for line in daemon.lines), "no trouble:\n" + daemon.log())
    equal(daemon.finish(job(3))["state"], "succeeded", "others follow")


def test_a_process_for_each_member(context):
    isolated(context)


def test_a_process_for_each_member_that_would_run_side_by_side(context):
    isolated(context, scheduler="threads")


def test_a_process_for_each_member_of_a_local_run(context):
    store, _ = context.run_local(job(5, isolate=True), options=["--processes", context.program("statics")])
    equal(calls(store), [1] * 5, "calls in each process")


def test_after_so_many_members(context):
    daemon = start(context, "--renew-members", "7")
    found = calls(daemon.finish(job(40, max_attempts=1))["store"])
    equal(max(found), 7, f"members in one process ({found})")
    check(any("it has run 7 (--renew-members)" in line for line in daemon.lines), daemon.log())


def test_after_so_much_memory(context):
    daemon = start(context, "--renew-memory", "64")
    ended = [daemon.finish(job(4, loses=20, max_attempts=1)) for _ in range(4)]
    check(any("(--renew-memory)" in line for line in daemon.lines), daemon.log())
    check(max(max(calls(e["store"])) for e in ended) <= 12, f"{[calls(e['store']) for e in ended]}")
    equal(max(max(calls(e["store"])) for e in ended) > 1, True, "not after each member")


harness.main(globals())
