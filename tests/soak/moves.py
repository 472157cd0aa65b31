# SPDX-License-Identifier: Apache-2.0
"""Stores are moved away and come back; the state, or the root of the stores, is moved while no
daemon runs on it, and the next one goes on there."""
import contextlib
import http.client
import os
import shutil
import signal
import time

from harness import FINAL, check
from patience import Patient
from turn import Disturber, Jobs, processes

MOST = 8
PAUSE = 0.5
AWAY = (0.05, 0.5, 4.0)
SECONDS = (0.2, 1, 3)


class Mover:
    def __init__(self, context, patient, root):
        self.context, self.patient, self.root = context, patient, root  # None: below the state

    def _running(self):
        """One of which something is committed, so that its store is not made anew."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer = self.patient.daemon.request("GET", "/v1/jobs?limit=20")
            if answer.status == 200:
                return [j for j in answer.json["jobs"] if j["done"] > 0 and j["state"] not in FINAL]
        return []

    def store_away(self, drawn):
        running, seconds = self._running(), drawn.choice(AWAY)
        if not running:
            return "no store to move"
        job = drawn.choice(running)
        ways = drawn.choice((("",), (".sync",), ("", ".sync")))
        aside = self.context.directory("aside")
        moved = []
        for end in ways:
            with contextlib.suppress(FileNotFoundError):  # the job has just ended
                os.rename(job["store"] + end, aside + "/store" + end)
                moved.append(end)
        time.sleep(seconds)
        for end in moved:
            check(not os.path.exists(job["store"] + end), f"{job['store']}{end} was made anew")
            os.rename(aside + "/store" + end, job["store"] + end)
        if ".sync" in moved and self.patient.job_now(job["id"])["state"] in FINAL:
            shutil.rmtree(job["store"] + ".sync", ignore_errors=True)  # the daemon may have seen none
        return f"job {job['id']}: moved {moved} away for {seconds:g} s"

    def _all_end(self, number):
        """Also the workers: what they write goes to where their store was."""
        with processes(self.patient.daemon) as found:
            for process in found:
                if process.role == "simlabd":
                    process.send(number)
            for process in found:
                process.ends()

    def _elsewhere(self, path):
        to = os.path.join(self.context.directory("moved"), os.path.basename(path))
        os.rename(path, to)
        return to

    def state(self, drawn):
        with self.patient.held:
            daemon, how = self.patient.daemon, drawn.choice((signal.SIGKILL, signal.SIGTERM))
            self._all_end(how)
            if not self.root or drawn.random() < 0.5:
                daemon.state = self._elsewhere(daemon.state)
            else:
                self.root = self._elsewhere(self.root)
                daemon.options[-1] = self.root
        return f"{signal.Signals(how).name}; state {daemon.state}, stores {self.root}"


def turn(context, drawn):
    options = ["--processes", context.program("varied")]
    jobs = Jobs(context, drawn, 4, seconds=SECONDS, may_crash=False)
    root = context.directory("root") + "/stores" if drawn.random() < 0.5 else None
    daemon = context.daemon(workers=drawn.randint(1, 3), state=context.directory("state") + "/state",
                            socket_path=context.path("s"), options=[*options, *(["--store-root", root] if root else [])])
    patient = Patient(daemon)
    mover = Mover(context, patient, root)
    jobs.submit(patient)
    with Disturber(drawn, [mover.store_away] * 2 + [mover.state], MOST, PAUSE) as disturber:
        return jobs.settle(patient, disturber)
