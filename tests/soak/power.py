# SPDX-License-Identifier: Apache-2.0
"""Power cuts: of the disk of the stores, of the state, or of both, ext4 or XFS; what was not on the
disk is lost. And disks that fail when what was written is to reach them, since the one below is
full: the daemon goes on meanwhile, and is killed now and then, before the power is cut.

What is promised holds for disks that tell the truth: whose failed writes are told as failed
(disks.mount_image says which do not)."""
import os
import time

import disks
from kills import Acts
from patience import Patient
from turn import Disturber, Jobs, processes

MEGABYTES = 512
THIN = 96 << 20  # that the disk below has
MOST = 6
PAUSE = 1.0
FULL = (0.5, 3.0, 8.0)
SECONDS = (0.2, 1, 3)


class Cuts:
    def __init__(self, patient, disk, below):
        self.patient, self.disk, self.below = patient, disk, below
        self.kill_daemon = Acts(patient.daemon).kill_daemon

    def _all_die(self, what):
        """The daemon is not started before the disk is back."""
        with self.patient.held:
            what()
            with processes(self.patient.daemon) as found:
                for process in found:
                    process.kill()
            self.disk.mount_again()

    def cut(self, drawn):
        how = drawn.choice((disks.NOTHING_FLUSHED, disks.NOTHING_FLUSHED, disks.LOG_FLUSHED))
        self._all_die(lambda: self.disk.cut(how))
        return f"power cut {how}"

    def thin(self, drawn):
        """What is written meanwhile is lost, and the disk says so when it is asked."""
        seconds = drawn.choice(FULL)
        self.below.fill()
        time.sleep(seconds)
        self._all_die(self.below.empty)
        return f"no room below the disk for {seconds:g} s"

    def thin_for_a_while(self, drawn):
        """The same, and it works again before the power is cut; the daemon that was there meanwhile
        may be dead by then, and another one read what is in memory only."""
        seconds, is_killed, more = drawn.choice(FULL[:-1]), drawn.random() < 0.5, drawn.choice(FULL[:-1])
        self.below.fill()
        time.sleep(seconds / 2)
        if is_killed:
            self.kill_daemon(drawn)
        time.sleep(seconds / 2)
        self.below.empty()
        time.sleep(more)
        self._all_die(lambda: None)
        return f"no room below the disk for {seconds:g} s{', killed' if is_killed else ''}; mounted again after {more:g} s"


def turn(context, drawn):
    options = ["--processes", context.program("varied")]
    jobs = Jobs(context, drawn, 4, seconds=SECONDS, may_crash=False)
    kind, is_thin = drawn.choice(("ext4", "xfs")), drawn.random() < 0.3
    with disks.Small(context, THIN if is_thin else 2 * MEGABYTES << 20) as below, \
            disks.Powered(context, kind, MEGABYTES, below.path) as disk:
        where = drawn.choice(("stores", "state", "both", "both"))
        state = os.path.join(disk.path if where != "stores" else context.directory("other"), "state")
        root = os.path.join(disk.path if where != "state" else context.directory("other"), "stores")
        daemon = context.daemon(workers=drawn.randint(1, 3), state=state, socket_path=context.path("s"),
                                options=[*options, "--store-root", root])
        patient = Patient(daemon)
        cuts = Cuts(patient, disk, below)
        acts = [cuts.thin, cuts.thin_for_a_while] if is_thin else [cuts.cut]
        with Disturber(drawn, acts, MOST, PAUSE) as disturber:
            jobs.submit(patient)
            return jobs.settle(patient, disturber)
