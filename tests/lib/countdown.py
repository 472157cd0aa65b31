# SPDX-License-Identifier: Apache-2.0
"""One small job under one fault: whatever call fails, and wherever a process dies, the end is the
right store, or a clear error and nothing that is wrong. For tests/scenario/countdown.py, which takes
some, and tests/soak, which takes all."""
import os
import shutil
import signal
import subprocess

import harness
from fault_page import FaultPage
from harness import check, equal, load, GOLDEN
from patience import Patient

LOCAL, DAEMON = ("simlab-worker", "run"), ("simlabd", "")
WORKER, DESCRIBER = ("simlab-worker", "serve"), ("simlab-worker", "describe")
OPERATIONS = ("write", "read", "rename", "sync", "mkdir", "open", "unlink", "truncate", "mmap", "lock",
              "close", "fork", "thread", "sqlite", "send", "receive")
# What each may say in earnest, and death.
ERRORS = {"malloc": ("ENOMEM",), "mmap": ("ENOMEM",), "fork": ("EAGAIN", "ENOMEM"), "thread": ("EAGAIN",),
          "open": ("EMFILE", "EACCES", "EIO"), "mkdir": ("ENOSPC", "EACCES"), "rename": ("EIO", "ENOSPC"),
          "write": ("ENOSPC", "EIO", "SHORT"), "sync": ("EIO", "ENOSPC"), "truncate": ("ENOSPC", "EIO"),
          "lock": ("ENOLCK", "EINTR"), "send": ("EINTR", "EAGAIN"), "receive": ("EINTR",)}
NONE = 1 << 60  # a call that never comes


def errors_of(operation):
    return ERRORS.get(operation, ("EIO",))


def small_job():
    """Of more than one lease, with chunks that several members share."""
    job = load(GOLDEN, "batch-velocity", "job.json")
    labels = [i / 20 for i in range(21)]
    job["clocks"] = {"time": {"data": labels}, "otime": {"data": labels[::10]}}
    job["inputs"]["grid__spacing"] = 1.5 / 20
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.1, 0.25, 0.5, 0.75, 1.0]}
    job["encoding"] = {"profile__u": {"chunks": [2, 3, 20]}}
    return job


def gives_reason(log):
    """Also an abort of ours, or of ZeroMQ's for want of a thread or memory."""
    return any(words in log for words in ("error: ", "out of memory", "(src/"))


def nothing_wrong(good, bad, killed):
    """Every file is that of the undisturbed run, but for metadata, which may lack what came later."""
    for folder, _, names in os.walk(bad):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), bad)
            if name.endswith(".partial"):
                check(killed, f"{path} was left")
                continue
            with open(os.path.join(bad, path), "rb") as file:
                data = file.read()
            if name == ".zmetadata":
                harness.json.loads(data)
                continue
            check(os.path.exists(os.path.join(good, path)), f"{path} is in no undisturbed store")
            with open(os.path.join(good, path), "rb") as file:
                check(data == file.read(), f"{path} is another")


class Countdown:
    """The job, its undisturbed store, and the page that its programs are started with."""

    def __init__(self, context, job=None, options=()):
        self.context, self.job, self.options = context, job or small_job(), list(options)
        self.page = FaultPage(context)
        self.good, _ = context.run_local(self.job, options=options)
        self.text = harness.json.dumps(self.job)
        self.bad = context.path("bad.zarr")

    def calls(self, who, operation):
        """How many there are in an undisturbed run."""
        self.attempt(who, operation, NONE, "EIO")
        return self.page.seen

    def attempt(self, who, operation, nth, how):
        """Whether the fault came; a Failure where the end is wrong."""
        what = f"{' '.join(who).strip()} {operation} {nth} {how}"
        self.page.set(operation, nth, how, program=who[0], role=who[1])
        try:
            (self._local if who == LOCAL else self._service)(how)
        except harness.Failure as failure:
            raise harness.Failure(f"{what} ({self.page.told}): {failure}") from failure
        return self.page.hits > 0

    def _local(self, how):
        shutil.rmtree(self.bad, ignore_errors=True)
        shutil.rmtree(self.bad + ".sync", ignore_errors=True)
        try:
            ended = self.context.run("simlab-worker", "run", "-", "--store", self.bad, *self.options,
                                     stdin=self.text, env=self.page.environment())
        except subprocess.TimeoutExpired as late:
            raise harness.Failure(f"no end after {late.timeout:g} s") from late
        if ended.returncode == 0:
            harness.same_store(self.good, self.bad)
            return
        self._ended_badly(ended, how)
        if os.path.exists(self.bad):
            nothing_wrong(self.good, self.bad, how == "KILL")

    def _ended_badly(self, ended, how):
        check(self.page.hits > 0, f"exit {ended.returncode} without a fault: {ended.stderr!r}")
        if how == "KILL" and ended.returncode == -signal.SIGKILL:
            return
        if ended.returncode == -signal.SIGABRT:
            check(gives_reason(ended.stderr), f"aborted: {ended.stderr!r}")
        else:
            check(ended.returncode in (1, 2), f"exit {ended.returncode}: {ended.stderr!r}")
            check(gives_reason(ended.stderr), f"exit {ended.returncode}, and said {ended.stderr!r}")

    def _service(self, how):
        daemon = None
        try:
            daemon = self._started(how)
            patient = Patient(daemon, lambda: self.page.hits > 0)
            ended = patient.end(self._submitted(patient))
            equal((ended["state"], ended["done"]), ("succeeded", 5), f"the end ({ended['reason']})\n{daemon.log()}")
            patient.unlocked(ended["store"])
            harness.same_store(self.good, ended["store"])
            self._stopped(daemon, how)
        finally:
            if daemon:
                self.context.daemons.remove(daemon)
                daemon.close()
                shutil.rmtree(daemon.state, ignore_errors=True)

    def _started(self, how):
        """Started again where the fault kept it from starting: once is enough."""
        state = self.context.directory("state")
        options = {"workers": 1, "state": state, "options": self.options, "env": self.page.environment()}
        try:
            return self.context.daemon(**options)
        except harness.Failure as failure:
            first = self.context.daemons.pop()
            check(first.process.poll() is not None, f"no start, and no end: {failure}")
            check(self.page.hits > 0, f"no start without a fault: {failure}")
            check(how == "KILL" or gives_reason(first.log()),
                  f"no start (exit {first.process.returncode}), and no word: {failure}")
            return self.context.daemon(**options)

    def _submitted(self, patient):
        """The number of the job, which is given under one key."""
        def attempt():
            answer = patient.daemon.request("POST", "/v1/jobs", self.text, {"Idempotency-Key": "once"})
            if answer.status == 422 and self.page.hits:  # a library could not be described
                check("process type" in answer.json["detail"], f"{answer!r}")
                patient.daemon.stop()
                patient.daemon.start()
                return None
            return None if patient.busy(answer) else answer.json["id"]
        return patient.until(attempt)

    def _stopped(self, daemon, how):
        daemon.process.terminate()
        try:
            code = daemon.process.wait(harness.WAIT)
        except subprocess.TimeoutExpired:
            raise harness.Failure(f"it does not stop:\n{daemon.log()}") from None
        expected = (0, -signal.SIGKILL) if how == "KILL" else (0, -signal.SIGABRT)
        check(code in expected, f"exit {code}:\n{daemon.log()}")
