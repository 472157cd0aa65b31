#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A worker that is none of the daemon's pool, so that nobody can kill it and see it dead: it is stopped
for longer than a lease lives, and goes on when its members are another's, or when the job has ended.
The store is that of an undisturbed run (daemon/README.md, invariant 6)."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal
from fault_page import FaultPage  # pylint: disable=wrong-import-position
from patient import Patience  # pylint: disable=wrong-import-position

STEPS = 2
MEMBERS = 4


def job():
    return {"model": {"processes": {"p": "patient.Patient"}}, "batch_dim": "batch",
            "clocks": {"time": {"data": [float(i) for i in range(STEPS + 1)]}}, "main_clock": "time",
            "inputs": {"p__number": {"dims": ["batch"], "data": list(range(MEMBERS))}},
            "outputs": {"p__value": "time"}}


class Foreigner:
    """A worker that was started by hand, below a guard."""

    def __init__(self, context, daemon, environment):
        state = daemon.state
        self.process = subprocess.Popen(
            [context.program("simlab-worker"), "serve", "--name", "foreign",
             "--endpoint", "ipc://" + os.path.join(state, "run/workers"),
             "--libraries", os.path.join(state, "libraries"), "--secret", "0"],
            stdin=open(os.path.join(state, "token"), "rb"), cwd=context.directory("foreign"), env={**os.environ, **environment},
            stderr=subprocess.PIPE, text=True)
        self.daemon = daemon

    def found(self):
        for worker in self.daemon.workers():
            if worker["name"] == "foreign":
                return worker
        return None

    def signal(self, number):
        for pid in self.pids:
            os.kill(pid, number)

    def stop(self):
        self.pids = [self.process.pid, self.found()["pid"]]
        self.signal(signal.SIGSTOP)

    def goes_on(self):
        """It ends by itself: it had heard nothing for as long."""
        self.signal(signal.SIGCONT)
        said = self.process.communicate(timeout=harness.WAIT)[1]
        check("the daemon has not been heard of" in said, said)


def begun(count):
    """So many members have begun."""
    seen = set()

    def accept(kind, data):
        if kind == "log" and data["line"] == "p: step 0":
            seen.add(data["member"])
        return len(seen) >= count
    return accept


def test_it_is_stopped_past_its_lease(context):
    patience = Patience(context)
    options = ["--processes", context.program("patient")]
    os.environ.update(patience.environment())
    patience.give(STEPS * MEMBERS)
    undisturbed, _ = context.run_local(job(), 0, options)
    daemon = context.daemon(workers=1, options=options, env=patience.environment())
    foreigner = Foreigner(context, daemon, patience.environment())
    daemon.await_line("worker foreign .*ready")
    number = daemon.submit(job())["id"]
    daemon.await_event(number, begun(2))
    lease = foreigner.found()["lease"]
    check(lease, "it has no lease")
    foreigner.stop()
    daemon.await_line("worker foreign is killed: it was silent for")
    fences = os.path.join(daemon.job(number)["store"] + ".sync", ".fences")
    while not (os.path.isdir(fences) and os.listdir(fences)):
        daemon.request("GET", "/healthz", status=200)
    patience.give(STEPS * (MEMBERS + 1))
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"], ended["dead"]), ("succeeded", MEMBERS, 0), "the end")
    harness.same_store(ended["store"], undisturbed)
    foreigner.goes_on()
    harness.same_store(ended["store"], undisturbed)
    check(not os.path.exists(ended["store"] + ".sync"), "locks were made anew")
    patience.close()


def stopped(context):
    """A daemon, a worker that is none of its pool and is stopped with a lease, the job's number, and
    the directory of its fences."""
    patience = Patience(context)
    options = ["--processes", context.program("patient")]
    os.environ.update(patience.environment())
    patience.give(STEPS * MEMBERS)
    undisturbed, _ = context.run_local(job(), 0, options)
    daemon = context.daemon(workers=1, options=options, env=patience.environment())
    foreigner = Foreigner(context, daemon, patience.environment())
    daemon.await_line("worker foreign .*ready")
    number = daemon.submit(job())["id"]
    daemon.await_event(number, begun(2))
    check(foreigner.found()["lease"], "it has no lease")
    foreigner.stop()
    return patience, daemon, foreigner, number, undisturbed


def fences_of(daemon, number):
    return os.path.join(daemon.job(number)["store"] + ".sync", ".fences")


def test_the_daemon_is_killed_meanwhile(context):
    """The next one does not know the worker, and fences its lease off before it leases anything."""
    patience, daemon, foreigner, number, undisturbed = stopped(context)
    daemon.kill()
    daemon.start()
    check(len(os.listdir(fences_of(daemon, number))) == 1, "its lease was not fenced off")
    patience.give(STEPS * (MEMBERS + 1))
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", MEMBERS), "the end")
    harness.same_store(ended["store"], undisturbed)
    foreigner.goes_on()
    harness.same_store(ended["store"], undisturbed)
    patience.close()


def test_the_job_is_retried_meanwhile(context):
    """Its locks are gone by then, and come again; so does the fence."""
    patience, daemon, foreigner, number, undisturbed = stopped(context)
    daemon.await_line("worker foreign is killed: it was silent for")
    while not (os.path.isdir(fences_of(daemon, number)) and os.listdir(fences_of(daemon, number))):
        daemon.request("GET", "/healthz", status=200)
    fenced = os.listdir(fences_of(daemon, number))
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    patience.give(1)  # the pool's worker is between two steps
    daemon.await_end(number)
    while daemon.request("POST", f"/v1/jobs/{number}/retry").status == 503:
        pass
    equal(os.listdir(fences_of(daemon, number)), fenced, "fences")
    patience.give(STEPS * (MEMBERS + 1))
    foreigner.goes_on()
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", MEMBERS), f"the end {daemon.log()}")
    harness.same_store(ended["store"], undisturbed)
    patience.close()


def wide_job(store, **more):
    """Its chunks are shared by all leases."""
    many = 60
    return {"model": {"processes": {"m": "varied.Member"}}, "batch_dim": "b", "clocks": {"time": {"data": [0, 1, 2, 3]}},
            "main_clock": "time", "inputs": {"m__work": 800, "m__size": {"dims": ["b"], "data": [4] * many}},
            "outputs": {"m__value": "time", "m__vector": None}, "encoding": {"m__value": {"chunks": [many, 4]}},
            "store": store, **more}


def await_stopped(daemon, page):
    """Until a process has stopped at the page's fault."""
    end = time.monotonic() + harness.WAIT
    while not page.pid and time.monotonic() < end:
        daemon.request("GET", "/healthz", status=200)
    check(page.pid, f"nobody was stopped after {page.seen} calls: {daemon.workers()} {daemon.log()}")
    return page.pid


def test_they_are_stopped_while_they_write(context):
    """Under a chunk's lock, right before the chunk is replaced: one of the pool is killed at its leases' deadline, and
    the lock is free; one that nobody can kill keeps it, so what it writes when it goes on is nobody's loss, and writes
    nothing more."""
    options = ["--processes", context.program("varied")]
    undisturbed, _ = context.run_local(wide_job("a"), 0, options)
    options += ["--sandbox", "off"]  # nobody in it may stop itself
    ours, foreign = FaultPage(context), FaultPage(context)
    daemon = context.daemon(workers=2, options=options, env=ours.environment())
    ours.set("rename", 1, "STOP", program="simlab-worker", role="serve", path="/m__value/.")
    jobs = [daemon.submit(wide_job("ours.zarr", workers=1))["id"]]
    stopped = await_stopped(daemon, ours)
    check(stopped in [w["pid"] for w in daemon.workers()], "it is none of the pool")
    foreigner = Foreigner(context, daemon, foreign.environment())
    daemon.await_line("worker foreign .*ready")
    foreign.set("rename", 1, "STOP", program="simlab-worker", role="serve", path="/m__value/.")
    jobs.append(daemon.submit(wide_job("foreign.zarr"))["id"])
    foreigner.pids = [await_stopped(daemon, foreign)]
    daemon.await_line("worker local-.* is killed: it was silent for")
    daemon.await_line("worker foreign is killed: it was silent for")
    check(not os.path.exists(f"/proc/{stopped}"), "it was not killed and reaped")
    ended = [daemon.await_end(jobs[0])]
    foreigner.goes_on()
    ended.append(daemon.await_end(jobs[1]))
    for job in ended:
        equal((job["state"], job["done"], job["dead"]), ("succeeded", job["members"], 0), "the end")
        harness.same_store(job["store"], undisturbed)


harness.main(globals())
