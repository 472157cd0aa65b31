#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Members of a batch side by side in one worker (`"scheduler": "threads"`): the same store, log and
deaths as by processes. The library is tests/lib/beside.c."""
import os
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NONE, FAILS, ABORTS, WRITES_NOWHERE, NEVER_ENDS, EXITS, MEETS = range(7)
PLACE = "in process 'p' (beside.Beside), run_step"


def job(faults, sizes=3, kind="Beside", **more):
    inputs = {"p__fault": {"dims": ["batch"], "data": faults},
              "p__n": {"dims": ["batch"], "data": sizes} if isinstance(sizes, list) else sizes}
    return {"model": {"processes": {"p": f"beside.{kind}"}},
            "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}}, "main_clock": "time",
            "inputs": inputs, "outputs": {"p__value": "time", "p__vector": "time"},
            "batch_dim": "batch", "seed": 7, **more}


def side_by_side(document, threads=3):
    return {**document, "scheduler": "threads", "threads": threads}


def libraries(context):
    return ["--processes", context.program("beside")]


def varied(size):
    """Members of differing sizes, some of which fail."""
    return [FAILS if i % 11 == 5 else NONE for i in range(size)], [1 + (7 * i) % 23 for i in range(size)]


def said(text):
    return [line.rsplit("member ", 1)[1] for line in text.splitlines() if "is in step" in line or "asked to fail" in line]


def test_alone_and_side_by_side_are_the_same(context):
    document = job(*varied(400))
    want, alone = context.run_local(document, 1, libraries(context))
    got, beside = context.run_local(side_by_side(document), 1, libraries(context))
    harness.same_store(want, got)
    equal(said(beside.stderr), said(alone.stderr), "what was logged")
    check(len(said(alone.stderr)) > 100, "something was logged")


def test_a_long_progression_is_stored_as_its_numbers(context):
    """As a series, of which nobody has all numbers in memory, and as a list."""
    document = {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"t": [0, 1]}, "batch_dim": "b",
                "outputs": {"pop__n": None}, "inputs": {"pop__r": 0.5, "pop__k": {"dims": ["b"]}}}
    document["inputs"]["pop__k"]["data"] = [5 + 0.25 * i for i in range(70001)]
    want, _ = context.run_local(document)
    document["inputs"]["pop__k"]["data"] = {"arange": [5, 5 + 0.25 * 70001, 0.25]}
    got, _ = context.run_local(document)
    harness.same_store(want, got)


def test_members_are_at_work_at_once(context):
    """Each of the two waits for the other one: one after another they would never end."""
    faults = [NONE] * 30
    faults[10] = faults[11] = MEETS
    document = side_by_side(job(faults, member_timeout=60, max_attempts=1), threads=2)
    context.run_local(document, 0, libraries(context))
    daemon = context.daemon(workers=1, options=libraries(context))
    daemon.finish(document)


def test_in_a_daemon(context):
    document = job(*varied(400))
    daemon = context.daemon(workers=2, options=libraries(context))
    want, got = daemon.finish(document, "partial"), daemon.finish(side_by_side(document), "partial")
    harness.same_store(want["store"], got["store"])
    both = daemon.finish({**side_by_side(document), "workers": 2}, "partial")
    harness.same_store(want["store"], both["store"])
    told = [daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
            for ended in (want, got, both)]
    equal(told[1:], [told[0], told[0]], "dead members")


def test_there_is_no_room_for_what_they_save(context):
    """More than can be held: members wait for their turn then."""
    sizes = [1_000_000 + i for i in range(8)]
    document = job([FAILS if i == 4 else NONE for i in range(8)], sizes)
    want, _ = context.run_local(document, 1, libraries(context))
    got, _ = context.run_local(side_by_side(document, 4), 1, libraries(context))
    harness.same_store(want, got)


def test_the_member_that_crashes_is_the_one_that_dies(context):
    """Others are at work when it does: the member is found by the thread that it ran on."""
    daemon = context.daemon(workers=2, options=libraries(context))
    crashes = [ABORTS] if context.is_sanitized() else [ABORTS, EXITS, WRITES_NOWHERE]
    for fault in crashes:
        faults = [NONE] * 40
        faults[17] = fault
        document = job(faults, max_attempts=2)
        want, got = daemon.finish(document, "partial"), daemon.finish(side_by_side(document), "partial")
        harness.same_store(want["store"], got["store"])
        dead = daemon.request("GET", f"/v1/jobs/{got['id']}/members", status=200).json["members"]
        equal([(m["member"], m["attempts"]) for m in dead], [(17, 2)], f"dead members of fault {fault}")
        check(PLACE in dead[0]["reason"], dead[0]["reason"])


def test_workers_and_the_daemon_are_killed(context):
    """Members that were at work, or waited for their turn, run again."""
    sizes = [1000 + i % 7 for i in range(3000)]
    document = job([NONE] * len(sizes), sizes, max_attempts=100)
    want, _ = context.run_local(document, 0, libraries(context))
    daemon = context.daemon(workers=1, options=libraries(context))
    number = daemon.submit(side_by_side(document))["id"]
    for kills in range(3):
        daemon.await_event(number, lambda kind, data: kind == "progress" and data["done"] > 500 * kills or kind == "succeeded")
        check(kills > 0 or daemon.job(number)["state"] == "running", "it is disturbed")
        if kills == 1:
            daemon.kill()
            daemon.start()
        else:
            for worker in daemon.workers():
                os.kill(worker["pid"], signal.SIGKILL)
    harness.same_store(want, daemon.await_end(number)["store"])


def test_a_member_never_ends(context):
    faults = [NONE] * 40
    faults[17] = NEVER_ENDS
    daemon = context.daemon(workers=1, options=libraries(context))
    ended = daemon.finish(side_by_side(job(faults, max_attempts=1, member_timeout=1)), "partial")
    dead = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    equal([m["member"] for m in dead], [17], "dead members")
    check("longer than its limit of 1 s" in dead[0]["reason"], dead[0]["reason"])


def test_types_that_are_not_safe_are_refused_by_name(context):
    daemon = context.daemon(workers=0, options=libraries(context))
    document = side_by_side(job([NONE, NONE], kind="Single"))
    problem = daemon.request("POST", "/v1/jobs", document).json
    equal((problem["status"], problem["pointer"]), (422, "/scheduler"), f"refusal {problem}")
    check(re.search(r"beside.Single, the type of process 'p', is not safe", problem["detail"]), problem)
    check(not daemon.submit(side_by_side(job([NONE])))["notes"], "it does what it says")
    one = daemon.submit(side_by_side(job([NONE], profile=True)))
    check("one by one" in one["notes"][0], one)


harness.main(globals())
