#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a worker and of the daemon in the middle of a job, a worker that hangs, a daemon that is
stopped: the job finishes, and its store equals that of an undisturbed run, byte for byte
(daemon/README.md, invariants 1 and 2).

The middle is known from the job's events: something is done, and not all.
"""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN, FINAL


def batch(members, steps=200, n=150):
    """A sweep of advection: long enough that a kill meets it unfinished, wherever it runs."""
    job = load(GOLDEN, "batch-velocity", "job.json")
    labels = [i / steps for i in range(steps + 1)]
    job["clocks"] = {"time": {"data": labels}, "otime": {"data": [labels[0], labels[-1]]}}
    job["inputs"]["grid__spacing"] = 1.5 / n
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.1 + 0.8 * i / members for i in range(members)]}
    return job


def simulation(steps):
    """One simulation without a batch."""
    job = load(GOLDEN, "gray-scott", "job.json")
    labels = [float(i) for i in range(steps + 1)]
    job["clocks"] = {"time": {"data": labels}, "otime": {"data": labels[::steps // 4]}}
    job["inputs"]["grid__nx"] = job["inputs"]["grid__ny"] = 128
    return job


class TooShort(Exception):
    """The job ended before it could be disturbed."""


def in_a_batch(disturb, *more):
    """Disturbs a batch that is as long as this machine calls for."""
    members = MEMBERS
    while True:
        try:
            return disturb(batch(members), members, *more)
        except TooShort:
            members *= 4


def in_a_simulation(disturb, *more):
    """Likewise: a worker tells its step once in a heartbeat, and then there must be steps left."""
    steps = 16000
    while True:
        try:
            return disturb(simulation(steps), 1, *more)
        except TooShort:
            steps *= 4


def in_the_middle(kind, data):
    if kind in FINAL:
        raise TooShort(f"{kind}: {data}")
    return kind == "progress" and (0 < data.get("done", 0) < data.get("members", 0)
                                   or 0 < data.get("step", 0) < data.get("nsteps", 0))


def busy_worker(daemon, number):
    """A worker that holds a lease of the job; its pid."""
    for worker in daemon.workers():
        if str(worker.get("job")) == str(number) and worker.get("lease"):
            return worker["pid"]
    raise TooShort(f"no worker has a lease of job {number}: {daemon.workers()}")


def succeeded(daemon, number, members):
    job = daemon.await_end(number)
    equal(job["state"], "succeeded", f"state ({job.get('reason')})\n{daemon.log()}")
    equal((job["done"], job["dead"]), (members, 0), "members done, dead")
    return job


def kill_worker(job, members, context):
    daemon = context.daemon(workers=2)
    number = daemon.submit(job)["id"]
    daemon.await_event(number, in_the_middle)
    pid = busy_worker(daemon, number)
    os.kill(pid, signal.SIGKILL)
    ended = succeeded(daemon, number, members)
    check(pid not in [w["pid"] for w in daemon.workers()], "the killed worker is still listed")
    undisturbed, _ = context.run_local(job)
    harness.same_store(ended["store"], undisturbed)


def end_daemon(job, members, context, end):
    """`end` ends the daemon; its workers end with it, and the next one goes on with the job."""
    daemon = context.daemon(workers=2)
    number = daemon.submit(job)["id"]
    daemon.await_event(number, in_the_middle)
    workers = [w["pid"] for w in daemon.workers()]
    end(daemon)
    check(all(harness.await_exit(pid) for pid in workers), "workers outlived their daemon")
    daemon.start()
    ended = succeeded(daemon, number, members)
    undisturbed, _ = context.run_local(job)
    harness.same_store(ended["store"], undisturbed)


MEMBERS = 6000


def test_worker_in_a_batch(context):
    in_a_batch(kill_worker, context)


def test_worker_in_a_simulation(context):
    in_a_simulation(kill_worker, context)


def test_daemon_in_a_batch(context):
    in_a_batch(end_daemon, context, harness.Daemon.kill)


def test_daemon_in_a_simulation(context):
    in_a_simulation(end_daemon, context, harness.Daemon.kill)


def test_daemon_is_stopped_in_a_batch(context):
    in_a_batch(end_daemon, context, harness.Daemon.stop)


def test_daemon_is_stopped_in_a_simulation(context):
    in_a_simulation(end_daemon, context, harness.Daemon.stop)


def stop_worker(job, members, context):
    daemon = context.daemon(workers=2)
    number = daemon.submit(job)["id"]
    daemon.await_event(number, in_the_middle)
    pid = busy_worker(daemon, number)
    os.kill(pid, signal.SIGSTOP)
    daemon.await_line(r"is killed: it was silent for \d+ ms")
    check(harness.await_exit(pid), "the worker that hangs was not killed")
    ended = succeeded(daemon, number, members)
    undisturbed, _ = context.run_local(job)
    harness.same_store(ended["store"], undisturbed)


def test_a_worker_that_hangs(context):
    """It is killed when it was silent for as long as a lease may be, and others do its members."""
    in_a_batch(stop_worker, context)


def kill_many_times(job, members, context):
    daemon = context.daemon(workers=2)
    number = daemon.submit(job)["id"]
    last = 0
    for _ in range(3):
        for last, kind, data in daemon.events(number, last):
            workers = [w["pid"] for w in daemon.workers()] if in_the_middle(kind, data) else []
            if workers:  # none is there yet where the news is of before the start
                break
        os.kill(workers[0], signal.SIGKILL)
        daemon.kill()
        daemon.start()
    ended = succeeded(daemon, number, members)
    undisturbed, _ = context.run_local(job)
    harness.same_store(ended["store"], undisturbed)


def test_daemon_and_workers_many_times(context):
    """At each start, as soon as more is done, a worker and the daemon are killed again."""
    in_a_batch(kill_many_times, context)


def test_every_way_gives_the_same_store(context):
    """A batch by two workers, by one, and by `simlab-worker run`."""
    job = batch(500)
    stores = [context.daemon(workers=n).finish(job)["store"] for n in (1, 2)]
    local, _ = context.run_local(job)
    for store in stores:
        harness.same_store(store, local)


harness.main(globals())
