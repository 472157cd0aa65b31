# SPDX-License-Identifier: Apache-2.0
"""A library is replaced, overwritten while it is loaded, damaged, taken away and put back. A job is
run with the content that it was submitted with: its store is that of one or the other build."""
import os
import shutil
import time

from kills import Acts
from patience import Patient
from turn import Disturber, Jobs

MOST = 15
PAUSE = 0.6
JUNK = (b"", b"\x7fELF", b"no library" * 1000)


class Library:
    """As people handle the file that the daemon looks at."""

    def __init__(self, context):
        self.builds = [context.program("varied/varied.so"), context.program("varied_again/varied.so")]
        self.directory = context.directory("libraries")
        self.path = os.path.join(self.directory, "varied.so")
        shutil.copy(self.builds[0], self.path)

    def _build(self, drawn):
        i = drawn.randrange(len(self.builds))
        with open(self.builds[i], "rb") as file:
            return i, file.read()

    def rename(self, drawn):
        i, data = self._build(drawn)
        with open(self.path + ".new", "wb") as file:
            file.write(data)
        os.rename(self.path + ".new", self.path)
        return f"build {i} by rename"

    def overwrite(self, drawn):
        """In place, as cp does; slowly."""
        i, data = self._build(drawn)
        half = drawn.randrange(len(data))
        with open(self.path, "wb", buffering=0) as file:
            file.write(data[:half])
            time.sleep(drawn.choice((0, 0, 0.1, 1.5)))
            file.write(data[half:])
        return f"build {i} in place"

    def damage(self, drawn):
        i, data = self._build(drawn)
        bad = drawn.choice((*JUNK, data[:drawn.randrange(4096)]))  # whatever else could be a library
        with open(self.path, "wb") as file:
            file.write(bad)
        time.sleep(drawn.choice((0, 0.2, 2)))
        with open(self.path, "wb") as file:
            file.write(data)
        return f"damaged, then build {i}"

    def remove(self, drawn):
        i, data = self._build(drawn)
        os.unlink(self.path)
        time.sleep(drawn.choice((0, 0.2, 2)))
        with open(self.path, "wb") as file:
            file.write(data)
        return f"away, then build {i}"


def turn(context, drawn):
    library = Library(context)
    jobs = Jobs(context, drawn, 6, [os.path.dirname(build) for build in library.builds])
    daemon = context.daemon(workers=drawn.randint(1, 3), options=["--processes", library.directory])
    patient = Patient(daemon, may_lack="varied")
    acts = [library.rename, library.overwrite, library.damage, library.remove]
    if not jobs.crash:
        acts += [Acts(daemon).kill_worker, Acts(daemon).kill_daemon]
    with Disturber(drawn, acts, MOST, PAUSE) as disturber:
        jobs.submit(patient, lambda: time.sleep(drawn.uniform(0, 1)))
        return jobs.settle(patient, disturber)
