#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who gets workers: jobs that are held, that run after others, that come behind great ones, and that
want few workers. The library is tests/lib/patient.c, whose steps wait for patience to be given."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal
from patient import Patience  # pylint: disable=wrong-import-position


def short(members=1, **more):
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"t": [0, 1, 2]}, "batch_dim": "b",
            "inputs": {"pop__r": 0.5, "pop__k": {"dims": ["b"], "data": [10.0] * members}},
            "outputs": {"pop__n": None}, **more}


def failing():
    return {"model": {"processes": {"p": "faulty.Faulty"}}, "clocks": {"t": [0, 1, 2]}, "batch_dim": "b",
            "inputs": {"p__fault": {"dims": ["b"], "data": [1, 1]}}, "outputs": {"p__value": None}}


def test_a_job_is_held_and_released(context):
    daemon = context.daemon(workers=1)
    held = daemon.job(daemon.submit(short(3, hold=True))["id"])
    check(held["held"] and "held" in held["waiting"], f"{held}")
    daemon.finish(short(2))
    equal(daemon.job(held["id"])["state"], "queued", "state of the one that is held")
    daemon.kill()
    daemon.start()
    daemon.finish(short(2))
    equal(daemon.job(held["id"])["state"], "queued", "state after the daemon has died")
    released = context.run("simlab", "release", held["id"], env={**os.environ, "SIMLAB_SERVER": daemon.server})
    equal(released.returncode, 0, f"simlab release: {released.stderr}")
    daemon.await_end(held["id"])
    equal(daemon.job(held["id"])["state"], "succeeded", "state in the end")
    problem = daemon.request("POST", f"/v1/jobs/{held['id']}/hold", status=409).json
    check("succeeded" in problem["detail"], f"{problem}")


def test_a_job_that_runs_is_held(context):
    """The member that runs goes on, and no other begins."""
    patience = Patience(context)
    daemon = context.daemon(workers=1, options=["--processes", context.program("patient")], env=patience.environment())
    try:
        job = daemon.submit(patience_job([1, 1, 1, 1]))
        daemon.await_event(job["id"], lambda kind, data: kind == "running")
        daemon.request("POST", f"/v1/jobs/{job['id']}/hold", status=200)
        patience.give(100)
        daemon.finish(short(2))
        seen = daemon.job(job["id"])
        check(seen["state"] == "running" and seen["done"] < 4 and seen["held"], f"{seen}")
        daemon.request("POST", f"/v1/jobs/{job['id']}/release", status=200)
        equal(daemon.await_end(job["id"])["state"], "succeeded", "state in the end")
    finally:
        patience.close()


def test_jobs_run_after_others(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    first = daemon.submit(short(hold=True))["id"]
    second = daemon.job(daemon.submit(short(after=[int(first)]))["id"])
    third = daemon.submit(short(after=[int(second["id"]), int(first), int(first)]))
    check(f"after job {first}" in second["waiting"], f"{second}")
    daemon.kill()
    daemon.start()
    daemon.finish(short())
    equal([daemon.job(n)["state"] for n in (first, second["id"], third["id"])], ["queued"] * 3, "states while it is held")
    daemon.request("POST", f"/v1/jobs/{first}/release", status=200)
    ended = [daemon.await_end(n) for n in (first, second["id"], third["id"])]
    equal([job["state"] for job in ended], ["succeeded"] * 3, "states in the end")
    check(ended[0]["ended"] <= ended[1]["started"] and ended[1]["ended"] <= ended[2]["started"], f"order of {ended}")
    daemon.finish(short(after=[int(first)]))


def test_what_they_wait_for_fails(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    first = int(daemon.submit({**failing(), "hold": True})["id"])
    second = int(daemon.submit(short(after=[first]))["id"])
    third = int(daemon.submit(short(after=[second]))["id"])
    daemon.request("POST", f"/v1/jobs/{first}/release", status=200)
    equal(daemon.await_end(third)["state"], "cancelled", "state of the last")
    told = [daemon.job(n) for n in (first, second, third)]
    equal([job["state"] for job in told], ["failed", "cancelled", "cancelled"], "states")
    check(f"after job {first}, which is failed" in told[1]["reason"], told[1])
    check(f"after job {second}, which is cancelled" in told[2]["reason"], told[2])
    for path in ("/v1/jobs", "/v1/jobs?dry_run=1"):
        refused = daemon.request("POST", path, short(after=[1000000])).json
        equal((refused["status"], refused["pointer"]), (422, "/after/0"), f"refusal {refused}")
    refused = daemon.request("POST", "/v1/jobs", short(after=[first])).json
    equal((refused["status"], refused["pointer"]), (409, "/after/0"), f"refusal {refused}")
    _, ran = context.run_local(short(after=[1]), 2)
    check("for a daemon" in ran.stderr, ran.stderr)


def test_a_short_job_behind_a_great_one(context):
    """It is given a worker at the next lease, long before the great one ends."""
    daemon = context.daemon(workers=1)
    great = daemon.submit(short(members=2, **{"inputs": {
        "pop__r": 0.5, "pop__k": {"dims": ["b"], "data": {"linspace": [1, 2, 5_000_000]}}}, "outputs": {}}))["id"]
    daemon.await_event(great, lambda kind, data: kind == "running")
    daemon.finish(short())
    check(daemon.job(great)["state"] == "running", "the great one still runs")
    daemon.request("POST", f"/v1/jobs/{great}/cancel", status=200)


def test_priority_goes_before_age(context):
    daemon = context.daemon(workers=0)
    numbers = [int(daemon.submit(short(priority=p))["id"]) for p in (0, 5, 0, 5, -1)]
    daemon.stop()
    daemon.workers_wanted = 1
    daemon.start()
    ended = [daemon.await_end(n) for n in numbers]
    order = sorted(range(5), key=lambda i: (ended[i]["started"], -ended[i]["priority"], i))
    equal(order, [1, 3, 0, 2, 4], "the order in which they began")


def patience_job(steps):
    return {"model": {"processes": {"p": "patient.Patient"}}, "clocks": {"t": [0, 1, 2]}, "batch_dim": "b",
            "inputs": {"p__number": {"dims": ["b"], "data": steps}}, "outputs": {}}


harness.main(globals())
