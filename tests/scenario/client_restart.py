#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line across restarts of the real daemon: `run` and `wait` go on, and a submission
whose answer was lost makes one job."""
import json
import os
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN, WAIT


def job_file(context, members):
    job = load(GOLDEN, "advect", "job.json")
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": {"linspace": [0.1, 0.9, members]}}
    job["batch_dim"] = "batch"
    path = context.path("job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job, file)
    return path


class Client:
    """simlab, running; its standard error is read line by line."""

    def __init__(self, context, server, *arguments):
        self.process = subprocess.Popen([context.program("simlab"), *arguments], text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**os.environ, "SIMLAB_SERVER": server})
        hung = threading.Timer(WAIT, self.process.kill)  # so that a wait for a line of it ends
        hung.daemon = True
        hung.start()
        self.said = []

    def await_line(self, part):
        for line in self.process.stderr:
            self.said.append(line)
            if part in line:
                return line
        raise harness.Failure(f"no line with {part!r} in {self.said}")

    def end(self, code=0):
        output, rest = self.process.communicate(timeout=WAIT)
        self.said.append(rest)
        equal(self.process.returncode, code, f"exit of simlab; it said {''.join(self.said)}")
        return output


def test_run_and_wait_across_kills(context):
    daemon = context.daemon(workers=1)
    run = Client(context, daemon.server, "run", job_file(context, 20000))
    run.await_line("job 1: running")
    wait = Client(context, daemon.server, "wait", "1")
    wait.await_line("job 1: ")
    for number in (signal.SIGKILL, signal.SIGTERM):
        daemon.kill(number)
        run.await_line("trying again")
        daemon.start()
        run.await_line("connected again")
    store = run.end().split("\n")[0]
    equal(wait.end(), f"1 succeeded {store}\n", "output of wait")
    check(os.path.exists(os.path.join(store, ".zmetadata")), "store")
    equal([j["id"] for j in daemon.request("GET", "/v1/jobs", status=200).json["jobs"]], ["1"], "jobs")


def test_stopped_daemon_is_waited_for(context):
    """One that is frozen is silent, not gone: its connections stay open."""
    daemon = context.daemon(workers=1)
    run = Client(context, daemon.server, "run", "--timeout", "1", job_file(context, 20000))
    run.await_line("job 1: running")
    daemon.process.send_signal(signal.SIGSTOP)
    check("cannot reach" not in run.await_line("said nothing for 1 s; trying again"), "a wrong word")
    status = Client(context, daemon.server, "status", "--timeout", "1", "1")
    status.await_line("said nothing for 1 s")
    status.end(3)
    daemon.process.send_signal(signal.SIGCONT)
    run.await_line("connected again")
    run.end()


def test_interrupted_run_leaves_the_job(context):
    daemon = context.daemon(workers=1)
    run = Client(context, daemon.server, "run", job_file(context, 20000))
    run.await_line("running")
    run.process.send_signal(signal.SIGINT)
    run.await_line("goes on")
    run.process.send_signal(signal.SIGINT)
    run.end(-signal.SIGINT)
    check(daemon.job(1)["state"] in ("running", "succeeded"), "state of the job")
    equal(Client(context, daemon.server, "wait", "-q", "1").end(), "", "output of a quiet wait")


def test_interrupt_that_cancels(context):
    daemon = context.daemon(workers=1)
    run = Client(context, daemon.server, "run", "--cancel-on-interrupt", job_file(context, 200000))
    run.await_line("running")
    run.process.send_signal(signal.SIGTERM)
    run.end(1)
    equal(daemon.job(1)["state"], "cancelled", "state")


harness.main(globals())
