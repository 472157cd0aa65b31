#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A plan tells what a job will take, by its first member, and leaves nothing behind."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

import numpy as np  # pylint: disable=wrong-import-position

FAILS, ABORTS, NEVER_ENDS = 1, 2, 4  # tests/lib/faulty.c


def faulty(*faults, **more):
    return {"model": {"processes": {"p": "faulty.Faulty"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}}, "batch_dim": "b",
            "inputs": {"p__fault": {"dims": ["b"], "data": list(faults)}}, "outputs": {"p__value": "time"}, **more}


def logistic(members, **more):
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "batch_dim": "m", "main_clock": "time",
            "clocks": {"time": {"linspace": [0, 1, 101]}, "out": {"data": [0, 0.25, 0.5, 1]}},
            "inputs": {"pop__r": {"dims": ["m"], "linspace": [0.1, 0.9, members]}}, "outputs": {"pop__n": "out"}, **more}


def is_clean(daemon):
    """Nothing stands below the scratch directory, nor in the store root."""
    plans = os.path.join(daemon.state, "scratch", "plans")
    return not os.path.exists(plans) or os.listdir(plans) == []


def check_clean(daemon):
    check(is_clean(daemon), "something is left of a plan")
    equal(os.listdir(os.path.join(daemon.state, "stores")), [], "stores")
    equal(daemon.request("GET", "/v1/jobs").json["jobs"], [], "jobs")


def sizes_of(store):
    return {name: os.path.getsize(os.path.join(store, name)) for name in harness.files_of(store)}


def agrees(plan, ended):
    """Arrays, files and bytes are those of the store."""
    equal(plan["members"], ended["members"], "members")
    group = harness.open_store(ended["store"])
    equal(sorted(a["name"] for a in plan["arrays"]), sorted(group.array_keys()), "arrays")
    for told in plan["arrays"]:
        array = group[told["name"]]
        equal((told["shape"], told["chunks"], told["dtype"], told["dims"], told["bytes"]),
              (list(array.shape), list(array.chunks), array.dtype.str, array.attrs["_ARRAY_DIMENSIONS"], array.nbytes),
              told["name"])
        files = [name for name in sizes_of(ended["store"]) if name.startswith(told["name"] + "/")]
        equal(told["files"], len(files), f"files of {told['name']}")
    equal(plan["files"], len(sizes_of(ended["store"])), "files")
    equal(plan["bytes"], sum(array.nbytes for _, array in group.arrays()), "bytes")


def test_a_plan_is_what_the_run_makes(context):
    daemon = context.daemon(workers=2)
    for name in harness.golden_cases():
        job = harness.load(harness.GOLDEN, name, "job.json")
        plan = daemon.request("POST", "/v1/plan", job, status=200).json
        check(is_clean(daemon), f"{name}: something is left")
        agrees(plan, daemon.finish(job))
        equal(plan["workers"], min(2, plan["members"]), "workers")
        check(min(plan["member_seconds"], plan["seconds"], plan["worker"]["arena_bytes"], plan["free_bytes"]) > 0, plan)
        check(plan["worker"]["peak_bytes"] > 1 << 20, plan)


def test_every_format(context):
    daemon = context.daemon(workers=1)
    for version in ("2", "3", "both"):
        job = logistic(100, zarr_format=int(version) if version in "23" else version)
        plan, ended = daemon.request("POST", "/v1/plan", job, status=200).json, daemon.finish(job)
        equal(plan["files"], len(sizes_of(ended["store"])), f"files of format {version}")


def test_files_are_estimated_by_what_was_saved(context):
    """Some thousand members are enough to tell what a hundred thousand will take."""
    daemon = context.daemon(workers=2)
    plan = daemon.request("POST", "/v1/plan", logistic(100000), status=200).json
    check(plan["measured_members"] > 1, plan)
    ended = daemon.finish(logistic(100000))
    agrees(plan, ended)
    chunks = sum(size for name, size in sizes_of(ended["store"]).items() if "/." not in name and not name.startswith("."))
    check(0.5 < plan["stored_bytes"] / chunks < 2, f"{plan['stored_bytes']} were told, and there are {chunks}")


def test_advice(context):
    daemon = context.daemon(workers=1)
    plan = daemon.request("POST", "/v1/plan", logistic(10000, encoding={"pop__n": {"chunks": [10, 4]}}), status=200).json
    check(any(advice.startswith("pop__n: its chunks are 1000 files of 320 bytes") for advice in plan["advice"]), plan["advice"])
    plan = daemon.request("POST", "/v1/plan", logistic(10000), status=200).json
    check(not any("its chunks" in advice for advice in plan["advice"]), plan["advice"])


def test_the_first_member_fails(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    for fault, words in ((FAILS, "the first member fails: process 'p' (faulty.Faulty), run_step of step 1: asked to fail"),
                         (ABORTS, "killed by signal 6 (Aborted) in process 'p' (faulty.Faulty), run_step of step 1")):
        problem = daemon.request("POST", "/v1/plan", faulty(fault, 0), status=422).json
        check(words in problem["detail"], problem)
        check_clean(daemon)
    problem = daemon.request("POST", "/v1/plan", faulty(NEVER_ENDS, 0, member_timeout=0.2), status=422).json
    check("it did not end within 0.2 s: 1 of 3 steps were done" in problem["detail"], problem)
    check_clean(daemon)
    plan = daemon.request("POST", "/v1/plan", faulty(0, ABORTS), status=200).json
    equal((plan["members"], plan["measured_members"]), (2, 1), "members, and those that were measured")
    check_clean(daemon)


def test_what_is_refused_is_refused_as_a_submission_is(context):
    daemon = context.daemon(workers=1)
    wrong = logistic(10)
    wrong["inputs"]["pop__q"] = 1
    problems = [daemon.request("POST", path, wrong, status=422).json for path in ("/v1/plan", "/v1/jobs")]
    equal([p["pointer"] for p in problems], ["/inputs/pop__q"] * 2, "pointers")
    equal(problems[0]["detail"], problems[1]["detail"], "details")
    daemon.request("POST", "/v1/plan", b"{", status=400)
    problem = daemon.request("POST", "/v1/plan", logistic(10, after=[99]), status=422).json
    equal(problem["pointer"], "/after/0", "pointer")
    check_clean(daemon)


def test_beside_a_running_job_by_an_uploaded_array(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    number = daemon.submit(faulty(NEVER_ENDS))["id"]
    daemon.await_event(number, lambda kind, data: kind == "running")
    path = context.path("r.npy")
    np.save(path, np.linspace(0.1, 0.9, 3000))
    with open(path, "rb") as file:
        upload = daemon.request("POST", "/v1/uploads", file.read(), {"Content-Type": "application/octet-stream"}).json["id"]
    job = logistic(3000)
    job["inputs"]["pop__r"] = {"dims": ["m"], "upload": upload}
    plan = daemon.request("POST", "/v1/plan", job, status=200).json
    equal((plan["members"], plan["workers"]), (3000, 1), "members and workers")
    equal(daemon.job(number)["state"], "running", "the job beside it")
    check(is_clean(daemon), "something is left")


def test_whoever_leaves_stops_it(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    connection = harness.connection(daemon.server)
    connection.request("POST", "/v1/plan", json.dumps(faulty(NEVER_ENDS)),
                       {"Authorization": "Bearer " + daemon.token, "Content-Type": "application/json"})
    plans = os.path.join(daemon.state, "scratch", "plans")
    harness.await_true(lambda: os.path.isdir(plans) and os.listdir(plans), "a plan is made")
    connection.close()
    harness.await_true(lambda: not os.listdir(plans), "it is stopped")
    daemon.request("POST", "/v1/plan", logistic(10), status=200)


def test_the_daemon_stops_meanwhile(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    connection = harness.connection(daemon.server)
    connection.request("POST", "/v1/plan", json.dumps(faulty(NEVER_ENDS)),
                       {"Authorization": "Bearer " + daemon.token, "Content-Type": "application/json"})
    plans = os.path.join(daemon.state, "scratch", "plans")
    harness.await_true(lambda: os.path.isdir(plans) and os.listdir(plans), "a plan is made")
    daemon.stop()
    equal(os.listdir(plans), [], "plans")


def test_a_local_plan(context):
    path = context.path("job.json")
    job = harness.load(harness.GOLDEN, "batch-velocity", "job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    ended = context.run("simlab-worker", "plan", path)
    equal(ended.returncode, 0, ended.stderr)
    plan = json.loads(ended.stdout)
    store, _ = context.run_local(job)
    agrees(plan, {"store": store, "members": 3})
    with open(path, "w", encoding="utf-8") as file:
        json.dump(faulty(FAILS), file)
    failed = context.run("simlab-worker", "plan", "--processes", context.program("faulty"), path)
    equal(failed.returncode, 1, failed.stderr)
    check("asked to fail" in json.loads(failed.stdout)["failed"], failed.stdout)


def test_the_client(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    folder = context.directory("client")
    np.save(os.path.join(folder, "r.npy"), np.linspace(0.1, 0.9, 500))
    path = os.path.join(folder, "job.json")
    job = logistic(500)
    job["inputs"]["pop__r"] = {"dims": ["m"], "file": "r.npy"}

    def plan(document, *more, code=0):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        ended = context.run("simlab", "plan", path, *more, "--server", daemon.server, "--token", daemon.token)
        equal(ended.returncode, code, f"simlab plan: {ended.stdout}{ended.stderr}")
        return ended

    said = plan(job).stdout
    for words in ("members:  500, of 100 steps", "on the 1 workers", "pop__n  <f8, 500 x 4 in chunks of 500 x 4: 3 files, 16 kB"):
        check(words in said, f"{words!r} is not told: {said}")
    told = json.loads(plan(job, "--json").stdout)
    equal((told["members"], told["files"]), (500, 3 + 6 * 3), "members and files")
    check("asked to fail" in plan(faulty(FAILS), code=2).stderr, "why the member fails")
    check_clean(daemon)


harness.main(globals())
