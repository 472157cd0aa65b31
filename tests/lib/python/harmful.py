# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in processes in Python, as `how` says; tests/scenario/python_faults.py."""

import ctypes
import logging
import os
import signal
import sys

import numpy as np

import simlab.processes as xs


def spins():
    while True:
        pass


def sleeps():
    while True:
        signal.pause()


def allocates():
    np.zeros(1 << 60, dtype="u1")


def eats():
    eaten = []
    while True:
        eaten.append(np.ones(1 << 20))


def exits():
    sys.exit("no more")


def leaves():
    os._exit(0)


def kills():
    os.kill(os.getpid(), signal.SIGKILL)


def crashes():
    ctypes.string_at(0)


def aborts():
    ctypes.CDLL(None).abort()


def raises():
    raise ValueError("it is wrong")


def recurses():
    return 1 + recurses()


def prints():
    ctypes.CDLL(None).puts(b"said by a library in C")
    ctypes.CDLL(None).fflush(None)
    os.write(1, b"written to 1\n")
    os.write(2, b"written to 2\n")
    print("printed")
    print("printed", "there", file=sys.stderr)
    logging.getLogger("harmful").warning("logged")


@xs.process
class Harmful:
    how = xs.variable(description="a function of this module")
    at = xs.variable(default=1, description="the step")
    done = xs.variable(intent="out")

    def initialize(self):
        self.done = 0

    @xs.runtime(args="step")
    def run_step(self, step):
        if step == self.at and str(self.how):
            globals()[str(self.how)]()
        self.done = step
