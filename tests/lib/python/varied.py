# SPDX-License-Identifier: Apache-2.0
"""What tests/lib/varied.c has, in Python, but for its hooks: members that differ as their inputs say.
tests/soak makes batches of them."""

import ctypes
import os
import signal

import numpy as np

import simlab.processes as xs

ROWS, COLUMNS, LABEL_SIZE = 3, 5, 12


def go_wrong(fault):
    """What happens in step `at`."""
    if fault == 1:
        raise ValueError("asked to fail")
    if fault == 2:
        os.abort()
    if fault == 3:
        ctypes.memset(0, 0, 1)
    if fault == 4:
        os._exit(0)
    if fault == 5:
        os.kill(os.getpid(), signal.SIGKILL)


@xs.process
class Member:
    """Differs as its inputs say."""

    fault = xs.variable(default=0)
    at = xs.variable(default=1)
    size = xs.variable(default=4)
    grows = xs.variable(default=0)
    stops = xs.variable(default=1000000)
    work = xs.variable(default=0)
    value = xs.variable(intent="out")
    vector = xs.variable(dims="p", intent="out")
    grid = xs.variable(dims=("y", "x"), intent="out")
    label = xs.variable(dims="p", intent="out")
    count = xs.variable(intent="out")
    level = xs.variable(dims="q", intent="out")
    drawn = xs.variable(intent="out")

    def save(self, x, step):
        n = int(self.size) + int(self.grows) * (step + 1)
        self.vector = x / (np.arange(n) + 3.0)
        # Texts are as long as their longest, in all members.
        self.label = np.array([chr(97 + (i + step + 1) % 26) * LABEL_SIZE for i in range(n)])
        self.grid = (x * np.arange(ROWS * COLUMNS)).astype("f4").reshape(ROWS, COLUMNS)
        self.level = np.full(n + 1, 2.0 if step >= self.stops else 0.5)
        self.value = float(x)
        self.count = np.int32(step + 1)
        self.drawn = float(np.sin(1000.0 * x))

    @xs.runtime(args="batch")
    def initialize(self, batch):
        self.before = 1.0 + 0.01 * batch
        self.save(self.before, -1)

    @xs.runtime(args="step")
    def run_step(self, step):
        x = self.before
        for _ in range(20 * int(self.work)):
            x = x / 3.0 + 0.25
        self.before = x + step % 7
        self.save(self.before, step)
        if step == self.at:
            go_wrong(int(self.fault))
