# SPDX-License-Identifier: Apache-2.0
"""Small processes for tests/scenario/python.py: each shows one thing that Python authors expect."""

import array
import glob
import logging
import os
import signal
import sys

import numpy as np

import simlab.processes as xs


@xs.process
class Rebinding:
    """What was read before an assignment keeps its value."""

    u = xs.variable(dims="x", intent="out")
    change = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.u = np.arange(4.0)
        self.change = np.zeros(4)

    def run_step(self):
        old = self.u
        self.u = old * 2 + 1
        self.change = self.u - old


@xs.process
class InPlace:
    """An array that is kept, and changed in place after it was assigned, or through what was read."""

    u = xs.variable(dims="x", intent="out")
    v = xs.variable(dims="x", intent="out")
    same = xs.variable(intent="out")

    def initialize(self):
        self._u = np.zeros(3)
        self.u = self._u
        self.v = np.zeros(3)

    def run_step(self):
        self._u += 1
        self.v[...] += 2
        self.v += 1
        self.same = self.u is self._u


@xs.process
class Watcher:
    """Reads what InPlace has, after it."""

    u = xs.foreign(InPlace, "u")
    total = xs.variable(intent="out")
    is_writable = xs.variable(intent="out")

    def run_step(self):
        self.total = float(np.sum(self.u))
        self.is_writable = self.u.flags.writeable


@xs.process
class Kinds:
    """Texts, bools, complex numbers, whole numbers that become fractions."""

    text = xs.variable(intent="out")
    texts = xs.variable(dims="k", intent="out")
    flag = xs.variable(intent="out")
    z = xs.variable(intent="out")
    number = xs.variable(intent="out")
    said = xs.variable(intent="out")

    def initialize(self):
        self.text = "zwölf"
        self.texts = np.array(["a", "bcd"])
        self.flag = np.array([1.0]) > 0.5 if False else True
        self.z = 1 + 2j
        self.number = 0.5
        self.said = 0

    def run_step(self):
        assert self.text == "zwölf" and list(self.texts) == ["a", "bcd"] and self.flag is True
        assert self.z == 1 + 2j and type(self.said) is int
        self.number = 3
        self.said = self.said + 1


@xs.process
class Tool:
    """Shares an object, and its inputs are checked and converted by functions."""

    table = xs.any_object()
    size = xs.variable(default=2, converter=int)
    even = xs.variable(default=2)

    def initialize(self):
        self.table = {"size": self.size, "self": self}

    @even.validator
    def _is_even(self, variable, value):
        if value % 2:
            raise ValueError(f"{variable.name} is odd: {value}")


@xs.process
class User:
    table = xs.foreign(Tool, "table")
    found = xs.variable(intent="out")

    def initialize(self):
        self.found = self.table["size"]


@xs.process
class Talker:
    """print and logging."""

    a = xs.variable(default=0)

    def initialize(self):
        print("printed", 1)
        logging.getLogger("pieces").warning("logged %d", 2)
        sys.stdout.write("written")


@xs.process
class Wrong:
    """Goes wrong as `how` says."""

    how = xs.variable()
    out = xs.variable(dims=[(), "x"], intent="out")
    never = xs.variable(intent="out")

    def initialize(self):
        self.out = 1.0

    def helper(self):
        return {}["missing"]

    def run_step(self):
        if self.how == "raises":
            self.helper()
        elif self.how == "exits":
            sys.exit(3)
        elif self.how == "dtype":
            self.out = "text"
        elif self.how == "dims":
            self.out = np.zeros((2, 2))
        elif self.how == "object":
            self.out = object()
        elif self.how == "unset":
            self.out = self.never
        elif self.how == "input":
            self.how = "x"
        elif self.how == "signal":
            return 7
        elif self.how == "attribute":
            self.out = self.nothing
        return None


@xs.process
class Relief:
    """What a model in C does, seen from Python."""

    elevation = xs.foreign("landscape.Topography", "elevation")
    mean = xs.variable(intent="out")

    def initialize(self):
        self.mean = 0.0

    def run_step(self):
        self.mean = float(np.mean(self.elevation))


class Ledger:
    def __init__(self):
        self.entries = []


@xs.process
class Bookkeeper:
    """What it keeps is of every kind that a checkpoint saves."""

    ledger = xs.any_object()
    u = xs.variable(dims="x", intent="out")
    ratio = xs.variable(intent="out")
    drawn = xs.variable(intent="out")

    def initialize(self):
        self.ledger = self._ledger = Ledger()
        self._w = np.zeros(3)
        self.u = self._w
        self.ratio = np.float64(1)
        self._random = np.random.default_rng(3)
        self._me = self
        self.drawn = 0.0

    def run_step(self):
        self._me._w += 1
        with np.errstate(divide="ignore"):
            self._seen = self.ratio / 0  # a number of Python's own would raise
        self.ratio = self.ratio + 1
        self._ledger.entries.append(1)
        self.drawn = self._random.random()


@xs.process
class Reader:
    ledger = xs.foreign(Bookkeeper, "ledger")
    n = xs.variable(intent="out")

    def initialize(self):
        self._ledger = self.ledger
        self.n = 0

    def run_step(self):
        self._ledger.entries.append(2)
        self.n = len(self.ledger.entries)


@xs.process
class Unsaved:
    how = xs.variable(default="generator")
    n = xs.variable(intent="out")

    def initialize(self):
        self.n = 0
        if self.how == "generator":
            self._steps = iter(i for i in range(100))
        else:
            self._all = array.array("d", [0.0] * 5)
            self._inner = np.frombuffer(self._all)

    def run_step(self):
        self.n = self.n + 1


@xs.process
class Killer:
    """Kills its worker, once: when a checkpoint is there, if the directory `marker` is."""

    marker = xs.variable()
    checkpoint = xs.variable(description="a pattern of paths")

    @xs.runtime(args="step")
    def run_step(self, step):
        if step < 20 or not os.path.isdir(self.marker):
            return
        while not glob.glob(self.checkpoint):
            os.sched_yield()
        os.rmdir(self.marker)
        os.kill(os.getpid(), signal.SIGKILL)
