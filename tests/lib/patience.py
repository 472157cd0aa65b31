# SPDX-License-Identifier: Apache-2.0
"""A client that goes on while its daemon is disturbed: it asks again where an answer is cut off or
says that it is too early, and starts the daemon again where that is gone."""
import contextlib
import http.client
import os
import subprocess
import threading
import time

import harness
from harness import check

PAUSE = 0.02  # seconds until it is asked again
BUSY = (500, 503, 507)


class Patient:
    """Of a harness.Daemon. excuse(): whether the daemon may fail now, because something was done to
    it; where that is False, the first failure is one. may_lack: a library that may be away or bad,
    so that a job of it is refused now."""

    def __init__(self, daemon, excuse=lambda: True, may_lack="\n"):
        self.daemon, self.excuse, self.may_lack = daemon, excuse, may_lack
        self.held = threading.Lock()  # while it is held, the daemon is not started

    def until(self, attempt, seconds=None):
        """What attempt() gives that is not None."""
        end, last = time.monotonic() + (seconds or harness.WAIT), None
        while time.monotonic() < end:
            try:
                found = attempt()
                if found is not None:
                    return found
            except (OSError, http.client.HTTPException) as error:
                last = error
                self.look_after()
            time.sleep(PAUSE)
        raise harness.Failure(f"never: {last!r}\n{self.daemon.log()}")

    def look_after(self):
        """Starts the daemon where it is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.daemon.process.wait(PAUSE)
        if self.daemon.process.poll() is not None:
            check(self.excuse() or not self.daemon.process.returncode, f"the daemon ended ({self.daemon.process.returncode}): {self.daemon.log()}")
            self.start()

    def start(self):
        """As often as it takes, while there is an excuse."""
        end = time.monotonic() + harness.WAIT
        while True:
            with self.held:
                try:
                    self.daemon.start()
                    return
                except harness.Failure:
                    if not self.excuse() or time.monotonic() > end:
                        raise

    def busy(self, answer):
        """True where it is to be asked again; a Failure where the answer has no excuse."""
        if answer.status < 400:
            return False
        check(answer.status in BUSY and self.excuse(), f"{answer!r}\n{self.daemon.log()}")
        return True

    def submit(self, job, key):
        """The number of the job, which is given once, whatever happens."""
        def attempt():
            answer = self.daemon.request("POST", "/v1/jobs", job, {"Idempotency-Key": key})
            if answer.status == 422 and self.may_lack in answer.json["detail"]:
                return None
            return None if self.busy(answer) else answer.json["id"]
        return self.until(attempt)

    def job(self, number):
        """As it stands; None where that cannot be said now."""
        answer = self.daemon.request("GET", f"/v1/jobs/{number}")
        return None if self.busy(answer) else answer.json

    def end(self, number):
        """The job in its final state."""
        def attempt():
            job = self.job(number)
            return job if job and job["state"] in harness.FINAL else None
        return self.until(attempt)

    def job_now(self, number):
        """As it stands."""
        return self.until(lambda: self.job(number))

    def unlocked(self, store):
        """Waits until its locks are gone: where they could not be removed, the next daemon does it."""
        def attempt():
            if not os.path.exists(store + ".sync"):
                return True
            if "its locks beside" in self.daemon.log():
                self.daemon.stop()
            self.look_after()
            return None
        self.until(attempt)

    def stop(self):
        """In order, however it was disturbed before."""
        self.look_after()
        self.daemon.stop()
