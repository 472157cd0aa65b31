# SPDX-License-Identifier: Apache-2.0
"""The disk of the stores, of the state, or of both fills up and has room again, at any moment; now
and then the daemon is killed meanwhile."""
import os
import time

import disks
from kills import Acts
from patience import Patient
from turn import Disturber, Jobs

SIZE = 192 << 20
MOST = 12
FULL = (0.1, 1.0, 4.0, 8.0)  # seconds
SECONDS = (0, 0.2, 2)


class Full:
    def __init__(self, disk):
        self.disk = disk

    def fill(self, drawn):
        seconds, free = drawn.choice(FULL), drawn.choice((0, 0, 4096, 65536, 1 << 20))
        self.disk.fill(free)
        time.sleep(seconds)
        self.disk.empty()
        return f"{free} bytes of room for {seconds:g} s"


def turn(context, drawn):
    options = ["--processes", context.program("varied")]
    jobs = Jobs(context, drawn, 4, seconds=SECONDS)
    with disks.Small(context, SIZE) as disk:
        where = drawn.choice(("stores", "state", "both"))
        state = os.path.join(disk.path if where != "stores" else context.directory("other"), "state")
        root = os.path.join(disk.path if where != "state" else context.directory("other"), "stores")
        daemon = context.daemon(workers=drawn.randint(1, 3), state=state, socket_path=context.path("s"),
                                options=[*options, "--store-root", root])
        patient = Patient(daemon)
        acts = [Full(disk).fill] * 5
        if not jobs.crash:
            acts += [Acts(daemon).kill_one, Acts(daemon).kill_daemon]
        with Disturber(drawn, acts, MOST) as disturber:
            jobs.submit(patient)
            return jobs.settle(patient, disturber)
