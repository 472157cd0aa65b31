# SPDX-License-Identifier: Apache-2.0
"""A local run at work, which a test looks at and kills."""
import json
import os
import signal
import subprocess

import harness


def children_of(pid):
    """All that descend from it, the nearest first."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            found = [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found + [grandchild for child in found for grandchild in children_of(child)]


class LocalRun:
    """`simlab-worker run` on a job, in the background."""

    def __init__(self, context, job, store, options=(), env=None):
        path = os.path.join(context.directory("run"), "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        self.said = ""
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [context.program("simlab-worker"), "run", path, "--store", store, *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})

    def hear_line(self):
        line = self.process.stdout.readline().decode(errors="replace")
        harness.check(line, f"nothing more is said: {self.said}")
        self.said += line

    def await_said(self, words):
        """Until it has said that, all its processes together."""
        while words not in self.said:
            self.hear_line()

    def kill_worker(self):
        """The process in which members run: neither the guard above it nor the one above that."""
        for child in children_of(self.process.pid)[1:2]:
            os.kill(child, signal.SIGKILL)

    def kill_all(self):
        """The first to be killed cannot start another; returns when none is left."""
        for pid in [self.process.pid, *children_of(self.process.pid)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.end(-signal.SIGKILL)

    def finish(self):
        """Until all its processes have ended."""
        self.said += self.process.communicate(timeout=harness.WAIT)[0].decode(errors="replace")

    def end(self, code=0):
        """What was said, once all have ended."""
        self.finish()
        harness.equal(self.process.returncode, code, f"exit status; {self.said}")
        return self.said
