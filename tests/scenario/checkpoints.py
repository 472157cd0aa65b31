#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Simulations that are saved between their steps, and go on from there where their worker, or the
daemon, has ended: with the store of an undisturbed run, byte for byte."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from fault_page import FaultPage  # pylint: disable=wrong-import-position
from harness import check, equal
from patient import Patience  # pylint: disable=wrong-import-position

RESUMED = re.compile(r"goes on after step (\d+), from its checkpoint")


def run(context, job, fault=None):
    """(store, what was said) of a local run, each process of which is killed at a write. No store where it is
    killed again and again before its first checkpoint."""
    folder = context.directory("killed")
    path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    environment = {**os.environ, "SIMLAB_FAULT": fault} if fault else None
    ended = context.run("simlab-worker", "run", path, "--store", store, env=environment)
    if ended.returncode == 1 and "killed by signal 9" in ended.stderr:
        return None, ended.stderr
    equal(ended.returncode, 0, f"exit status; {ended.stderr}")
    return store, ended.stderr


def resumes(context, job, first):
    """Runs whose processes are each killed at some write, from the first on: whether one went on from a
    checkpoint. Sooner none is written; later no process is killed."""
    job = {**job, "checkpoint": {"every": 1}, "max_attempts": 4}
    plain, _ = run(context, job)
    for writes in range(first, first + 12, 3):
        store, said = run(context, job, f"write:{writes}:kill")
        if store is None:
            continue
        harness.same_store(plain, store)
        check("from its start" not in said, said)
        if RESUMED.search(said):
            return True
    return False


def test_golden_cases_are_the_same_whoever_is_killed(context):
    chance = random.Random(8)
    cases = harness.golden_cases()
    n = sum(resumes(context, harness.load(harness.GOLDEN, case, "job.json"), chance.randint(26, 32)) for case in cases)
    check(n > len(cases) / 2, f"{n} of {len(cases)} cases went on from a checkpoint")


def test_a_run_goes_on_without_one_that_cannot_be_written(context):
    job = harness.load(harness.GOLDEN, "advect-every-step", "job.json")
    job["clocks"] = {name: {"arange": [200001]} for name in job["clocks"]}  # long enough for one to be written aside
    job["outputs"] = {name: None for name in job["outputs"]}
    job["checkpoint"] = {"every": 1}
    plain, _ = run(context, job)
    folder = context.directory("full")
    path = os.path.join(folder, "job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    page = FaultPage(context)
    for operation in ("write", "rename"):
        page.set(operation, 1, "ENOSPC", path=".checkpoints/", count=10 ** 6)
        store = os.path.join(folder, operation + ".zarr")
        ended = context.run("simlab-worker", "run", path, "--store", store, env=page.environment())
        check(page.hits > 0, "a checkpoint is written")
        harness.same_store(plain, store)
        equal(ended.stderr.count("a checkpoint was not saved: cannot write it: No space left on device; "
                                         "the run goes on"), 1, ended.stderr)


def test_lines_of_a_killed_run_are_said_once(context):
    """Which write is one of a checkpoint depends on how fast they are: some are tried."""
    options, steps, resumed, writes = ["--processes", context.program("patient")], 400, 0, 14
    path = os.path.join(context.directory("lines"), "job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(long(steps, checkpoint={"every": 1}, max_attempts=4), file)
    while not resumed and writes < 200:
        ended = context.run("simlab-worker", "run", path, *options, "--store", f"{path}.{writes}.zarr",
                            env={**os.environ, "SIMLAB_FAULT": f"write:{writes}:kill", "SIMLAB_TEST_PATIENCE": "/dev/zero"})
        writes += 1
        if ended.returncode == 0:
            resumed += RESUMED.search(ended.stderr) is not None
            said = [int(step) for step in re.findall(r"(?m): step (\d+)$", ended.stderr)]
            equal(said, sorted(set(said)), "each at most once, in order")
            check(len(said) >= steps - 1, f"one may be lost, that it was killed at: {ended.stderr}")
    check(resumed, "no run went on from a checkpoint")


def long(steps, **more):
    return {"model": {"processes": {"p": "patient.Patient"}},
            "clocks": {"time": {"data": [float(i) for i in range(steps + 1)]}}, "main_clock": "time",
            "inputs": {"p__number": 3}, "outputs": {"p__value": "time"}, **more}


def patient_daemon(context, patience):
    return context.daemon(workers=1, options=["--processes", context.program("patient")],
                          env=patience.environment())


def lines_of(daemon, number):
    lines = []
    daemon.await_event(number, lambda kind, data: lines.append(str(data)) or kind in harness.FINAL)
    return "\n".join(lines)


def await_checkpoint(daemon, number):
    """It is written beside the run; each answer is a turn of the daemon's loop."""
    path = daemon.job(number)["store"] + ".sync/.checkpoints/0"
    until = time.monotonic() + harness.WAIT
    while not os.path.exists(path):
        daemon.request("GET", "/healthz", status=200)
        check(time.monotonic() < until, f"no {path}")


def disturbed(context, disturb):
    """A job of ten steps whose fifth is waited for when `disturb` comes: how it ended."""
    patience = Patience(context)
    try:
        daemon = patient_daemon(context, patience)
        job = long(10, checkpoint={"every": 1})
        number = daemon.submit(job)["id"]
        patience.give(4)
        daemon.await_event(number, lambda _, data: "step 4" in str(data))
        await_checkpoint(daemon, number)
        disturb(daemon)
        patience.give(20)  # who dies may take one with it
        ended = daemon.await_end(number)
        equal(ended["state"], "succeeded", "state")
        patience.give(10)
        os.environ.update(patience.environment())
        plain, _ = context.run_local(job, 0, ["--processes", context.program("patient")])
        harness.same_store(plain, ended["store"])
        return daemon, number
    finally:
        os.environ.pop("SIMLAB_TEST_PATIENCE", None)
        patience.close()


def check_resumed(daemon, number, least=1):
    """It went on, and what its ten steps logged stands there once."""
    said = lines_of(daemon, number)
    found = RESUMED.search(said)
    check(found and int(found.group(1)) >= least, f"it did not go on from a checkpoint: {said}")
    equal(re.findall(r"'line': 'p: step (\d+)'", said), [str(step) for step in range(10)], said)


def kill_worker(daemon):
    pid = next(w["pid"] for w in daemon.workers() if w.get("lease") or w.get("leases") or w.get("job"))
    os.kill(pid, signal.SIGKILL)


def test_a_killed_worker(context):
    check_resumed(*disturbed(context, kill_worker))


def test_a_killed_daemon(context):
    def disturb(daemon):
        daemon.kill()
        daemon.start()
    check_resumed(*disturbed(context, disturb))


def stopped_at_a_step(daemon, patience):
    """The exit status of a daemon that waits for a checkpoint. A worker may hear of it a step late."""
    for _ in range(5):
        patience.give(1)
        try:
            return daemon.process.wait(1)
        except subprocess.TimeoutExpired:
            pass
    return daemon.process.wait(harness.WAIT)


def waits_for_checkpoint(daemon, patience):
    """A job that would not have saved itself for long, when the daemon was told to stop."""
    number = daemon.submit(long(10, checkpoint={"every": 1000}))["id"]
    patience.give(4)
    daemon.await_event(number, lambda _, data: "step 4" in str(data))
    daemon.process.send_signal(signal.SIGTERM)
    daemon.await_line("waiting for 1 worker that writes a checkpoint")
    return number


def test_a_stop_asks_for_one(context):
    patience = Patience(context)
    try:
        daemon = patient_daemon(context, patience)
        number = waits_for_checkpoint(daemon, patience)
        equal(stopped_at_a_step(daemon, patience), 0, "exit status")
        daemon.start()
        patience.give(20)
        ended = daemon.await_end(number)
        equal(ended["state"], "succeeded", "state")
        check_resumed(daemon, number, 4)
        os.environ.update(patience.environment())
        patience.give(10)
        plain, _ = context.run_local(long(10), 0, ["--processes", context.program("patient")])
        harness.same_store(plain, ended["store"])
    finally:
        os.environ.pop("SIMLAB_TEST_PATIENCE", None)
        patience.close()


def test_who_is_told_twice_does_not_wait(context):
    patience = Patience(context)
    try:
        daemon = patient_daemon(context, patience)
        waits_for_checkpoint(daemon, patience)
        daemon.process.send_signal(signal.SIGTERM)
        equal(daemon.process.wait(harness.WAIT), 0, "exit status")
    finally:
        patience.close()


harness.main(globals())
