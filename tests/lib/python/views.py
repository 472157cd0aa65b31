# SPDX-License-Identifier: Apache-2.0
"""Processes for tests/scenario/python_views.py: each keeps arrays over values, and looks at what they show."""

import os

import numpy as np

import simlab.processes as xs


@xs.process
class Rebinds:
    """Gives u another value at each step, and now and then another size; who has had it keeps it."""

    u = xs.variable(dims="x", intent="out", groups="fields")
    change = xs.variable(intent="out")

    def initialize(self):
        self.u = np.arange(4.0)
        self.change = 0.0
        self._n = 0
        self._olds = []

    def run_step(self):
        old, first = self.u, self.u[:1]
        self._olds = [*self._olds[-3:], old]
        self._n += 1
        self.u = np.arange(4.0 + self._n % 5 * 300) + self._n
        self.change = float(self.u[0] - old[0])
        assert first.tolist() == [self._n - 1.0] and old[-1] - old[0] == old.size - 1
        for i, kept in enumerate(reversed(self._olds)):
            assert kept[0] == self._n - 1 - i, (kept, i, self._n)


@xs.process
class Holds:
    """Keeps what another process has had; and parts of it."""

    u = xs.foreign(Rebinds, "u")
    fields = xs.group("fields")
    seen = xs.variable(intent="out")

    def initialize(self):
        self._first, self._corner = self.u, self.u[::-2]
        self._last = None
        self._n, self.seen = 0, 0.0

    def run_step(self):
        self._n += 1
        assert self._first.tolist() == [0, 1, 2, 3] and self._corner.tolist() == [3, 1], self._first
        assert self._last is None or self._last[0][0] == self._n - 1, self._last
        assert not self._last or self._last[1][0] == self._n - 1, self._last
        self._last = (self.u, *self.fields)
        self.seen = self.seen + float(self._first.sum() + self._last[0].sum())


@xs.process
class InPlace:
    """Writes where the value is: arrays over it show that."""

    u = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.u = np.zeros(3)
        self._u = self.u

    def run_step(self):
        self._w = self.u
        if np.shares_memory(self._w, self._u):  # not the array that was assigned: that of the arena
            self._w[...] += 1
        else:
            self._u = self._w


@xs.process
class Watches:
    u = xs.foreign(InPlace, "u")
    seen = xs.variable(intent="out")

    def initialize(self):
        self._u = self.u
        self.seen = 0.0

    def run_step(self):
        assert self._u.tolist() == self.u.tolist()
        self.seen = float(self._u.sum())


@xs.process
class Parts:
    """What was assigned is a part of an array, a list, or what somebody else has: changes of it show."""

    u = xs.variable(dims="x", intent="out")
    v = xs.variable(dims="x", intent="out")
    numbers = xs.variable(dims="n", intent="out")

    def initialize(self):
        self._state = np.zeros((2, 3))
        self.u, self.v = self._state
        self._numbers = [1.0, 2.0]
        self.numbers = self._numbers

    def run_step(self):
        self._state[0] += 1
        self._state[1] += self.u
        self._numbers[1] += 1


@xs.process
class Shares:
    u = xs.variable(dims="x", intent="out")
    array = xs.any_object()

    def initialize(self):
        self.u = self.array = np.zeros(3)

    def run_step(self):
        pass


@xs.process
class Changes:
    """The array that Shares has assigned."""

    array = xs.foreign(Shares, "array")

    def initialize(self):
        self._array = self.array

    def run_step(self):
        self._array += 1


@xs.process
class Given:
    """An input that it changes, and keeps what it has assigned."""

    u = xs.variable(dims="x", intent="inout")

    def initialize(self):
        pass

    def run_step(self):
        self._u = self.u + 1
        self.u = self._u

    def finalize_step(self):
        self._u += 1


@xs.process
class SharesGiven:
    u = xs.variable(dims="x", intent="inout")
    array = xs.any_object()

    def initialize(self):
        self.u = self.array = np.zeros(3)

    def run_step(self):
        pass


@xs.process
class ChangesGiven:
    array = xs.foreign(SharesGiven, "array")

    def run_step(self):
        array = self.array
        array += 1


@xs.process
class WatchesParts:
    u = xs.foreign(Parts, "u")
    v = xs.foreign(Parts, "v")
    numbers = xs.foreign(Parts, "numbers")
    seen = xs.variable(dims="seen", intent="out")

    def initialize(self):
        self._v = self.v
        self.seen = np.zeros(4)

    def run_step(self):
        self.seen = np.array([self.u[0], self.v[0], self._v[0], self.numbers[1]])


@xs.process
class Fills:
    """An array to be filled is the value: nothing is copied."""

    u = xs.variable(dims="x", intent="out")
    same = xs.variable(intent="out")

    def initialize(self):
        self.same = 0
        self._place = None

    def run_step(self):
        if self._place is not None:
            self.same = self.same + int(self.u.__array_interface__["data"][0] == self._place)
        old = self.u if self._place is not None else np.array([0.0])
        array = xs.empty(self, "u", 3 + self.same)
        array[...] = old[0] + 1
        assert self.u is array and old[0] == array[0] - 1
        self._place = array.__array_interface__["data"][0]


@xs.process
class OnDemand:
    doubled = xs.on_demand(dims="x")

    def initialize(self):
        pass

    @doubled.compute
    def _get(self):
        return np.ones(2)


@xs.process
class AsksBetween:
    """What has been assigned is there when another process is asked; what was read before stays."""

    doubled = xs.foreign(OnDemand, "doubled")
    u = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.u = np.zeros(2)

    def run_step(self):
        old = self.u
        self.u = old + self.doubled
        assert (self.u - old - self.doubled).tolist() == [0, 0]
        again = self.u
        self.u = again + self.doubled
        assert (self.u - old).tolist() == [2, 2], (self.u, old)


@xs.process
class ReadOnly:
    u = xs.foreign(InPlace, "u")
    refused = xs.variable(intent="out")

    def initialize(self):
        self.refused = 0
        for write in (lambda: self.u.__setitem__(0, 1), lambda: self.u.setflags(write=True),
                      lambda: self.u[1:].__setitem__(0, 1), lambda: np.add(self.u, 1, out=self.u),
                      lambda: np.frombuffer(self.u).__setitem__(0, 1)):
            try:
                write()
            except (ValueError, TypeError):
                self.refused = self.refused + 1


KEPT = []


@xs.process
class Outlives:
    """The arrays of all members that this worker has had."""

    start = xs.variable()
    u = xs.variable(dims="x", intent="out")
    n = xs.variable(intent="out")

    def initialize(self):
        self.u = np.full(1000, self.start)

    def run_step(self):
        self.u[...] += 1

    def finalize_step(self):
        KEPT.append((self.u, self.start + 1))
        cycle = [self.u]
        cycle.append(cycle)
        for array, first in KEPT:
            assert array.min() == array.max() == first, (array, first)
        self.n = len({id(array) for array, _ in KEPT})


@xs.process
class Positions:
    """Of a type in C, which gives its variable another size at each step."""

    position = xs.foreign("kinds.Grower", "values")
    n = xs.variable(intent="out")

    def initialize(self):
        self._kept = []
        self.n = 0

    def run_step(self):
        now = self.position
        for i, (array, copy) in enumerate(self._kept):
            if array.__array_interface__["data"] == now.__array_interface__["data"]:
                self._kept[i] = (array, array.copy())
            else:
                assert array.tolist() == copy.tolist(), (array, copy)
        self._kept.append((now, now.copy()))
        self.n = len({array.__array_interface__["data"] for array, _ in self._kept})


@xs.process
class Where:
    """Says in $APART/NAME where it is; two of them say when they are in two workers."""

    u = xs.foreign(Rebinds, "u")
    kept = xs.variable(intent="out")

    def initialize(self):
        self._first = self.u
        self.kept = 0.0

    def run_step(self):
        self.kept = float(self._first.sum())
        here, path = str(os.getpid()), os.path.join(os.environ["APART"], "setter")
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                if file.read() not in ("", here):
                    open(os.path.join(os.environ["APART"], "apart"), "w", encoding="ascii").close()


@xs.process
class Sets(Rebinds):
    def finalize_step(self):
        path = os.path.join(os.environ["APART"], "setter")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
        os.rename(path + ".new", path)
