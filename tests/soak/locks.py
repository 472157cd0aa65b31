# SPDX-License-Identifier: Apache-2.0
"""Another program holds the database's lock; descriptors run out; connections are opened and held,
by many and for long."""
import contextlib
import os
import resource
import socket
import sqlite3
import time

from kills import Acts
from patience import Patient
from turn import Disturber, Jobs, processes

MOST = 15
HELD = (0.05, 0.5, 3.0)  # seconds
CONNECTIONS = 300


class Others:
    """What they do to a daemon."""

    def __init__(self, daemon):
        self.daemon = daemon

    def lock(self, drawn):
        kind, seconds = drawn.choice(("immediate", "exclusive")), drawn.choice(HELD)
        other = sqlite3.connect(os.path.join(self.daemon.state, "simlabd.db"), isolation_level=None, timeout=30)
        with contextlib.closing(other):
            other.execute("begin " + kind)
            time.sleep(seconds)
            other.execute("rollback")
        return f"held the database ({kind}) for {seconds:g} s"

    def descriptors(self, drawn):
        """Of one process, a few more than it has."""
        seconds, more = drawn.choice(HELD), drawn.choice((0, 1, 3, 10))
        with processes(self.daemon) as found, contextlib.suppress(OSError):
            chosen = drawn.choice(found)
            before = resource.prlimit(chosen.pid, resource.RLIMIT_NOFILE)
            now = len(os.listdir(f"/proc/{chosen.pid}/fd"))
            resource.prlimit(chosen.pid, resource.RLIMIT_NOFILE, (now + more, before[1]))
            time.sleep(seconds)
            resource.prlimit(chosen.pid, resource.RLIMIT_NOFILE, before)
            return f"{chosen.role} {chosen.pid} had {more} descriptors left for {seconds:g} s"
        return "nobody's descriptors"

    def connections(self, drawn):
        """Which say nothing, or the beginning of something."""
        seconds, said = drawn.choice(HELD), drawn.choice((b"", b"GET /v1/jobs HTTP/1.1\r\n", b"POST /v1/jobs"))
        with contextlib.ExitStack() as open_, contextlib.suppress(OSError):
            for _ in range(CONNECTIONS):
                peer = open_.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                peer.settimeout(1)
                peer.connect(self.daemon.socket)
                peer.sendall(said)
            time.sleep(seconds)
        return f"held connections for {seconds:g} s, said {said!r}"


def turn(context, drawn):
    options = ["--processes", context.program("varied")]
    jobs = Jobs(context, drawn, 4)
    daemon = context.daemon(workers=drawn.randint(1, 3), options=options)
    patient, others = Patient(daemon), Others(daemon)
    acts = [others.lock, others.descriptors, others.connections] * 2
    if not jobs.crash:
        acts += [Acts(daemon).kill_worker, Acts(daemon).kill_daemon]
    with Disturber(drawn, acts, MOST) as disturber:
        jobs.submit(patient)
        return jobs.settle(patient, disturber)
