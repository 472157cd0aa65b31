# SPDX-License-Identifier: Apache-2.0
"""One turn of the soak: some jobs, what they come to where nothing is disturbed, and what disturbs
them meanwhile."""
import contextlib
import os
import re
import select
import shutil
import signal
import threading
import time

import batches
import harness
from harness import check, equal

DIED = re.compile(r"error: (\d+) of \d+ members failed")
DEAD = re.compile(r"error: member (\d+): ")


def members_of(job):
    """Of a drawn job, with those that are appended to it."""
    return sum(len(part["inputs"]["m__fault"]) for part in job.get("appended", [])) + len(job["inputs"]["m__fault"]["data"])


class Wanted:
    """A job and its undisturbed end, by a local run with each of some libraries' directories."""

    def __init__(self, context, job, libraries):
        self.job, self.number = job, None
        self.members = members_of(job)
        self.stores = [self._run(context, directory) for directory in libraries]

    def _run(self, context, directory):
        store = os.path.join(context.directory("undisturbed"), "store.zarr")
        ended = context.run("simlab-worker", "run", "-", "--store", store, "--processes", directory,
                            stdin=harness.json.dumps(self.job))
        check(ended.returncode in (0, 1), f"undisturbed: exit {ended.returncode}: {ended.stderr}")
        died = DIED.search(ended.stderr)
        check((ended.returncode == 0) == (died is None), f"undisturbed: exit {ended.returncode}: {ended.stderr}")
        self.dead = sorted(int(n) for n in set(DEAD.findall(ended.stderr)))
        equal(len(self.dead), int(died.group(1)) if died else 0, f"undisturbed: members that failed: {ended.stderr}")
        self.state = "failed" if len(self.dead) == self.members else "partial" if self.dead else "succeeded"
        return store

    def compare(self, patient):
        """The job has ended, and as it should."""
        daemon, ended = patient.daemon, patient.job_now(self.number)
        if ended["state"] == "cancelled" and self.job.get("labels", {}).get("soak") == "to be cancelled":
            patient.unlocked(ended["store"])
            return
        told = f"job {self.number} ({ended['reason']})"
        equal((ended["state"], ended["done"], ended["dead"]),
              (self.state, self.members - len(self.dead), len(self.dead)), told)
        dead = daemon.request("GET", f"/v1/jobs/{self.number}/members", status=200).json["members"]
        equal([d["member"] for d in dead], self.dead, f"{told}: the dead")
        patient.unlocked(ended["store"])
        if self.state != "failed":
            self._compare_store(daemon, ended["store"])

    def _compare_store(self, daemon, store):
        faults = []
        for good in self.stores:
            try:
                return harness.same_store(good, store)
            except harness.Failure as fault:
                faults.append(str(fault))
        shutil.copytree(store, os.path.join(daemon.context.root, f"bad-{self.number}.zarr"))  # its disk goes
        raise harness.Failure(f"job {self.number}: " + "; or ".join(faults))


class Jobs:
    """Drawn, and run undisturbed."""

    def __init__(self, context, drawn, most, libraries=None, **how):
        libraries = libraries or [context.program("varied")]
        self.wanted = [Wanted(context, batches.draw(drawn, **how), libraries)
                       for _ in range(drawn.randint(1, most))]
        self.crash = any(batches.crashes(w.job) for w in self.wanted)
        for i, wanted in enumerate(self.wanted):  # kept where the turn fails
            with open(os.path.join(context.root, f"job-{i + 1}.json"), "w", encoding="utf-8") as file:
                harness.json.dump(wanted.job, file)

    def submit(self, patient, between=lambda: None):
        for i, wanted in enumerate(self.wanted):
            wanted.number = patient.submit(wanted.job, f"soak-{i}")
            between()

    def settle(self, patient, disturber):
        """They end, undisturbed from then on, as they should. How often they were disturbed."""
        for wanted in self.wanted:
            patient.end(wanted.number)
        disturber.end()
        for wanted in self.wanted:
            wanted.compare(patient)
        patient.stop()
        look_for_bugs(patient.daemon)
        return len(disturber.told)


class Disturber:
    """Beside the client: acts at random moments, `most` of them, until it is left."""

    def __init__(self, drawn, acts, most, pause=0.3):
        self.drawn, self.acts, self.most, self.pause = drawn, acts, most, pause
        self.told, self.fault, self.over = [], None, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        began = time.monotonic()
        try:
            while len(self.told) < self.most and not self.over.wait(self.drawn.uniform(0, self.pause)):
                act = self.drawn.choice(self.acts)
                self.told.append(f"{time.monotonic() - began:.3f} s: {act(self.drawn)}")
        except Exception as fault:  # pylint: disable=broad-except
            self.fault = fault

    def __enter__(self):
        self.thread.start()
        return self

    def end(self):
        self.over.set()
        self.thread.join(harness.WAIT)
        if self.fault:
            raise self.fault

    def __exit__(self, kind, value, _):
        self.over.set()
        if isinstance(value, harness.Failure):
            raise harness.Failure(f"{value}\ndisturbed:\n" + "\n".join(self.told)) from value


class Process:
    """Found in /proc; its number is not another's until it is closed."""

    def __init__(self, pid, role):
        self.pid, self.role, self.fd = pid, role, os.pidfd_open(pid)

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def kill(self):
        """One that hangs in a call to a dead disk comes back from it."""
        self.send(signal.SIGKILL)
        self.ends()

    def ends(self):
        """Waits until it has."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        check(poll.poll(harness.WAIT * 1000), f"{self.role} {self.pid} does not end")

    def close(self):
        os.close(self.fd)


def _read(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read()


@contextlib.contextmanager
def processes(daemon):
    """Those of one daemon: itself ("simlabd"), guards and workers ("serve"), describers ("describe")."""
    programs = {daemon.context.program("simlabd"), daemon.context.program("simlab-worker")}
    found, ours = [], daemon.state.encode()
    started = daemon.process  # None while it is being started again
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{name}/exe") not in programs:
                continue
            process = Process(int(name), "")
            words = _read(name, "cmdline").split(b"\0")
            process.role = words[1].decode() if words[0].endswith(b"worker") else "simlabd"
            parent = int(_read(name, "stat").rpartition(b")")[2].split()[1])
            if any(ours in word for word in words) or (started and parent == started.pid):
                found.append(process)
            else:
                process.close()
    try:
        yield found
    finally:
        for process in found:
            process.close()


def look_for_bugs(daemon):
    """In what it said: sentences that none of its users should read."""
    for line in daemon.whole_log():
        check("bug: " not in line, line)
