# SPDX-License-Identifier: Apache-2.0
"""Daemon, workers and guards are killed, stopped and frozen, one or all of them, at any moment."""
import contextlib
import signal
import time

from patience import Patient
from turn import Disturber, Jobs, processes

MOST = 25  # in a turn
FROZEN = {0.05: 8, 0.5: 6, 3.0: 2, 18.0: 1}  # seconds: how often; at the last, others have given it up


class Acts:
    """Of one daemon; each says what it did. longest: seconds that who is stopped stays so."""

    def __init__(self, daemon, longest=max(FROZEN)):
        self.daemon, self.longest = daemon, longest
        self.frozen = {seconds: often for seconds, often in FROZEN.items() if seconds <= longest}

    def kill_one(self, drawn):
        """Whichever there is."""
        with processes(self.daemon) as found:
            chosen = drawn.choice(found) if found else None
            if chosen:
                chosen.send(signal.SIGKILL)
            return f"killed {chosen.role} {chosen.pid}" if chosen else "nobody to kill"

    def kill_worker(self, drawn):
        with processes(self.daemon) as found:
            workers = [p for p in found if p.role == "serve"]
            chosen = drawn.choice(workers) if workers else None
            if chosen:
                chosen.send(signal.SIGKILL)
            return f"killed {chosen.role} {chosen.pid}" if chosen else "no worker to kill"

    def kill_daemon(self, _):
        with contextlib.suppress(AttributeError):  # it is being started
            self.daemon.process.kill()
        return "killed the daemon"

    def kill_all(self, drawn):
        with processes(self.daemon) as found:
            drawn.shuffle(found)
            for process in found:
                process.send(signal.SIGKILL)
            return f"killed all {len(found)}"

    def stop_daemon(self, _):
        with contextlib.suppress(AttributeError):
            self.daemon.process.terminate()
        return "asked the daemon to stop"

    def freeze(self, drawn):
        """One, or all."""
        seconds = drawn.choices(list(self.frozen), self.frozen.values())[0]
        with processes(self.daemon) as found:
            chosen = found if drawn.random() < 0.4 else [drawn.choice(found)] if found else []
            for process in chosen:
                process.send(signal.SIGSTOP)
            time.sleep(seconds)
            for process in chosen:
                process.send(signal.SIGCONT)
            return f"stopped {[(p.role, p.pid) for p in chosen]} for {seconds:g} s"

    def freeze_worker_for_good(self, drawn):
        """The daemon finds out."""
        with processes(self.daemon) as found:
            workers = [p for p in found if p.role == "serve"]
            chosen = drawn.choice(workers) if workers else None
            if chosen:
                chosen.send(signal.SIGSTOP)
            return f"stopped {chosen.role} {chosen.pid} for good" if chosen else "no worker to stop"

    def all(self):
        often = [self.kill_one, self.kill_worker, self.kill_daemon, self.freeze]
        seldom = [self.kill_all, self.stop_daemon]
        return [*often * 4, *seldom, *([self.freeze_worker_for_good] if self.longest >= max(FROZEN) else [])]


def turn(context, drawn, most=MOST, longest=max(FROZEN), library=None, **how):
    """Jobs under `most` acts; fewer where members crash, which then have few attempts."""
    library = library or context.program("varied")
    options = ["--processes", library]
    jobs = Jobs(context, drawn, 4, libraries=[library], **how)
    daemon = context.daemon(workers=drawn.randint(1, 4), options=options)
    patient = Patient(daemon)
    acts = Acts(daemon, longest)
    with Disturber(drawn, acts.all(), min(most, 3) if jobs.crash else most) as disturber:
        jobs.submit(patient)
        return jobs.settle(patient, disturber)
