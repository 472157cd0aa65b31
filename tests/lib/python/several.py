# SPDX-License-Identifier: Apache-2.0
"""Processes for tests of Python in several workers (tests/scenario/python_apart.py): they tell where
they are by files in the directory $APART, and are busy until they have been moved."""

import os

import numpy as np

import simlab.processes as xs


def folder():
    return os.environ["APART"]


def tell(name):
    with open(os.path.join(folder(), name), "w", encoding="ascii"):
        pass


def is_told(name):
    return os.path.exists(os.path.join(folder(), name))


@xs.process
class Busy:
    """Has much to do until somebody was moved, so that it is worth while to move it."""

    total = xs.variable(intent="out")

    def initialize(self):
        self.total = 0
        self._born = os.getpid()
        self._n = 0

    def run_step(self):
        self._n += 1
        self.total = self.total + self._n
        if not is_told("moved"):
            sum(i * i for i in range(20000))

    def finalize_step(self):
        if os.getpid() != self._born:
            tell("moved")

    def finalize(self):
        if os.getpid() != self._born:
            tell("finalized")
        print("total", self.total)


@xs.process
class Meets:
    """Two of them are in a call at once, in two workers: each waits for the other."""

    first = xs.variable(default=False)
    met = xs.variable(intent="out")

    def initialize(self):
        self.met = 0
        self._pipes = ("to", "fro") if self.first else ("fro", "to")

    def _meet(self):
        """A pipe opens when both ends are there."""
        ways = [(self._pipes[0], "w"), (self._pipes[1], "r")]
        for name, mode in ways if self.first else ways[::-1]:
            with open(os.path.join(folder(), name), mode, encoding="ascii"):
                pass

    def run_step(self):
        if self.met:
            return
        if is_told("apart"):
            self._meet()
            self.met = 1
            return
        with open(os.path.join(folder(), f"pid-{self.first}"), "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        sum(i * i for i in range(20000))


@xs.process
class Referee:
    """Says between two steps that they are in two workers, so that both find it, or none."""


    def finalize_step(self):
        pids = set()
        for first in (True, False):
            with open(os.path.join(folder(), f"pid-{first}"), encoding="ascii") as file:
                pids.add(file.read())
        if len(pids) == 2:
            tell("apart")


@xs.process
class Kinds:
    """Scalars of NumPy's and of Python's own, texts, an array that is kept."""

    numpys = xs.variable(intent="out", global_name="numpys")
    own = xs.variable(intent="out", global_name="own")
    text = xs.variable(intent="out", global_name="text")
    kept = xs.variable(dims="x", intent="out")

    def initialize(self):
        self._kept = np.zeros(3)
        self.numpys, self.own, self.text, self.kept = np.float64(1), 1.0, "é", self._kept

    def run_step(self):
        self._kept += 1
        self.numpys, self.own = self.numpys + 1, self.own + 1


@xs.process
class Reads:
    """What Kinds has, from another worker; a division by zero tells whose a number is."""

    numpys = xs.global_ref("numpys")
    own = xs.global_ref("own")
    text = xs.global_ref("text")
    kept = xs.foreign(Kinds, "kept")
    same = xs.variable(intent="out")

    def initialize(self):
        self.same = 0

    def run_step(self):
        kinds = (isinstance(self.numpys, np.generic), isinstance(self.own, np.generic), self.text)
        good = kinds == (True, False, "é") and self.kept.tolist() == [self.own - 1] * 3
        self.same = self.same + int(good)


@xs.process
class Tool:
    """An object, which another process changes."""

    tool = xs.any_object()
    n = xs.variable(intent="out")

    def initialize(self):
        self._list = []
        self.tool = self._list
        self.n = 0

    def run_step(self):
        self.n = len(self._list)


@xs.process
class Uses:
    """… and is in its worker, therefore."""

    tool = xs.foreign(Tool, "tool")
    pid = xs.variable(default=0)

    def initialize(self):
        self._tool = self.tool

    def run_step(self):
        self._tool.append(len(self._tool))
        assert self._tool is self.tool


@xs.process
class Counts:
    """On demand, of what the instance has itself."""

    n = xs.on_demand()

    def initialize(self):
        self._n = 0

    def run_step(self):
        self._n += 1

    @n.compute
    def _get(self):
        return float(self._n)


@xs.process
class Asks:
    n = xs.foreign(Counts, "n")
    got = xs.variable(intent="out")

    def initialize(self):
        self.got = 0.0

    def run_step(self):
        self.got = float(self.n)


@xs.process
class Unsaved:
    """An attribute that no pickle takes: it stays where it is."""

    n = xs.variable(intent="out")

    def initialize(self):
        self._born = os.getpid()
        self._numbers = (i for i in range(1 << 30))
        self.n = 0

    def run_step(self):
        self.n = next(self._numbers)
        if not is_told("moved"):
            sum(i * i for i in range(20000))

    def finalize(self):
        assert os.getpid() == self._born


@xs.process
class Drops:
    """Tells in which workers it was, and in which it has gone again."""

    n = xs.variable(intent="out")

    def initialize(self):
        self.n = 0

    def run_step(self):
        self.n = self.n + 1
        tell(f"lived-{os.getpid()}")

    def __del__(self):
        tell(f"gone-{os.getpid()}")


def own_memory():
    """Bytes that this worker has for itself."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) * 1024


@xs.process
class Large:
    """100 MB, which change at each step."""

    field = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.field = np.zeros(12_500_000)

    def run_step(self):
        self.field[...] += 1


@xs.process
class Sums:
    """Reads all of it, and tells by how much its worker's own memory has grown since it is there."""

    field = xs.foreign(Large, "field")
    last = xs.variable(intent="out")
    grown = xs.variable(intent="out")

    def initialize(self):
        self._pid = self._first = None
        self.last, self.grown = 0.0, 0

    def run_step(self):
        if self._pid != os.getpid():
            if self._pid:
                tell("moved")
            self._pid, self._first = os.getpid(), own_memory()
        self.last = float(self.field.sum())
        self.grown = max(self.grown, own_memory() - self._first)


@xs.process
class Heavy:
    """Some milliseconds of pure Python a step."""

    total = xs.variable(intent="out")

    def initialize(self):
        self.total = 0

    def run_step(self):
        total = self.total
        for i in range(20000):
            total = (total * 31 + i) % 1000003
        self.total = total
