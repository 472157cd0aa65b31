#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A great batch's inputs that are computed, or read, as they are asked for are stored by who runs their members: no
member waits for those of others, and the store is as if each number had been given."""
import io
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

import numpy as np  # pylint: disable=wrong-import-position

MEMBERS = 70001
CHUNKS = 18  # of one of their inputs
RATES = np.linspace(0.1, 0.9, MEMBERS)
FAILS, NEVER_ENDS = 1, 4  # tests/lib/faulty.c


def job(rates, faults=None, **more):
    """`faults`: {member: fault}."""
    processes, inputs = {"pop": "reference.Logistic"}, {"pop__r": {"dims": ["m"], "data": rates}}
    if faults is not None:
        processes["p"] = "faulty.Faulty"
        inputs["p__fault"] = {"dims": ["m"], "data": [faults.get(m, 0) for m in range(MEMBERS)]}
    return {"model": {"processes": processes}, "clocks": {"t": [0, 1, 2]}, "batch_dim": "m", "inputs": inputs,
            "outputs": {"pop__n": None}, "max_attempts": 1, **more}


def linspace():
    return {"linspace": [0.1, 0.9, MEMBERS]}


def upload(daemon, array=RATES):
    file = io.BytesIO()
    np.save(file, array)
    return {"upload": daemon.request("POST", "/v1/uploads", file.getvalue(), status=201).json["id"]}


def chunks(store, array):
    return sorted(name for name in os.listdir(os.path.join(store, array)) if name.isdigit())


def values(store):
    group = harness.open_store(store)
    return {name: array[...].tobytes() for name, array in group.arrays()}


def test_the_first_member_waits_for_its_own_only(context):
    daemon = context.daemon(workers=1, options=["--processes", context.program("faulty")])
    number = daemon.submit(job(linspace(), {0: NEVER_ENDS}, log_every=1))["id"]
    daemon.await_event(number, lambda kind, data: kind == "log")
    store = daemon.job(number)["store"]
    equal(chunks(store, "pop__r"), ["0"], "chunks of the series")
    equal(len(chunks(store, "p__fault")), CHUNKS, "chunks of what was given one by one")
    daemon.request("POST", f"/v1/jobs/{number}/cancel")


def test_the_store_is_as_if_each_had_been_given(context):
    daemon = context.daemon(workers=2)
    given, _ = context.run_local(job(RATES.tolist()))
    for rates in (linspace(), upload(daemon)):
        for more in ({}, {"scheduler": "threads"}):
            store = daemon.finish(job(rates, **more))["store"]
            equal(len(chunks(store, "pop__r")), CHUNKS, "chunks")
            equal(values(store), values(given), f"by {rates} {more}")
    local, _ = context.run_local(job(linspace()))
    daemon_store = daemon.finish(job(linspace()))["store"]
    harness.same_store(daemon_store, local)
    harness.same_store(local, given)


def test_those_of_a_sweep(context):
    daemon = context.daemon(workers=2)
    capacities, rates = np.linspace(1, 2, 3), np.linspace(0.1, 0.9, 65537)
    swept = job(linspace(), sweep={"product": {"pop__k": capacities.tolist(), "pop__r": upload(daemon, rates)}})
    del swept["inputs"]
    found = values(daemon.finish(swept)["store"])
    given = job(np.tile(rates, 3).tolist())
    given["inputs"]["pop__k"] = {"dims": ["m"], "data": np.repeat(capacities, 65537).tolist()}
    local, _ = context.run_local(given)
    equal(found, values(local), "arrays")


def test_those_that_vary_in_time(context):
    daemon = context.daemon(workers=2)
    rates = np.linspace(0.1, 0.9, 3 * 30001).reshape(-1, 3)
    given = job(None)
    given["inputs"]["pop__r"] = {"dims": ["m", "t"], "data": rates.tolist()}
    local, _ = context.run_local(given)
    given["inputs"]["pop__r"] = {"dims": ["m", "t"], **upload(daemon, rates)}
    equal(values(daemon.finish(given)["store"]), values(local), "arrays")


def test_those_that_are_appended(context):
    daemon = context.daemon(workers=2)
    more = [{"inputs": {"pop__r": RATES.tolist()}}, {"inputs": {"pop__r": [0.5, 0.25]}}]
    local, _ = context.run_local(job(RATES.tolist(), open=200000, appended=more))
    number = daemon.submit(job(linspace(), open=200000, hold=True))["id"]
    for added in (upload(daemon), [0.5, 0.25]):
        daemon.request("POST", f"/v1/jobs/{number}/members", {"inputs": {"pop__r": added}}, status=201)
    daemon.request("POST", f"/v1/jobs/{number}/release", status=200)
    ended = daemon.await_end(number)
    equal((ended["state"], ended["members"]), ("succeeded", 2 * MEMBERS + 2), ended)
    equal(values(ended["store"]), values(local), "arrays")


def test_members_that_die(context):
    options = ["--processes", context.program("faulty")]
    daemon = context.daemon(workers=2, options=options)
    faults = {m: FAILS for m in (0, 1, 5000, *range(60000, MEMBERS))}
    store = daemon.finish(job(linspace(), faults), "partial")["store"]
    local, _ = context.run_local(job(RATES.tolist(), faults), 1, [*options, "--processes", context.program("processes")])
    harness.same_store(store, local)


def test_workers_that_are_killed(context):
    daemon = context.daemon(workers=2)
    local, _ = context.run_local(job(linspace(), clocks={"t": {"linspace": [0, 1, 200]}}))
    number = daemon.submit(job(linspace(), clocks={"t": {"linspace": [0, 1, 200]}}, max_attempts=100))["id"]
    for least in (0, 1, 4096):
        harness.await_true(lambda most=least: daemon.job(number)["done"] >= most, "members that are done")
        for worker in daemon.request("GET", "/v1/workers").json["workers"][:1]:
            os.kill(worker["pid"], signal.SIGKILL)
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", MEMBERS), ended)
    daemon.await_gone(ended["store"] + ".sync")
    harness.same_store(ended["store"], local)


def test_a_retry_finds_them(context):
    daemon = context.daemon(workers=1)
    store = daemon.finish(job(linspace()))["store"]
    number = daemon.request("GET", "/v1/jobs").json["jobs"][0]["id"]
    before = values(store)
    for chunk in ("0", "7"):
        os.unlink(os.path.join(store, "pop__r", chunk))
    ended = context.run("simlab", "retry", "--damaged", number, "--server", daemon.server, "--token", daemon.token)
    equal(ended.returncode, 0, ended.stderr)
    harness.await_true(lambda: daemon.job(number)["state"] == "succeeded", "the job's end")
    check(values(store) == before, "the store is not as it was")


harness.main(globals())
