# SPDX-License-Identifier: Apache-2.0
"""Processes that do at random what Python authors do with arrays; tests/scenario/python_views.py has them run in workers,
and, by play(), as the plain objects that Python has: both have to see the same."""

import random

import numpy as np

import simlab.processes as xs


def look(arrays):
    """A number that tells all elements apart, and their order."""
    total = 0.0
    for array in arrays:
        total = (total * 31.0 + array.size + float((array * np.arange(1.0, array.size + 1.0)).sum())) % 1000003.0
    return total


# Without these a variable is another name of an array that somebody else has as well: what is changed in that array
# after the variable was assigned again is seen by those who have the array, not by those who have read the variable.
PLAIN = (0, 1, 2, 3, 4, 5, 8, 10)


class Keeps:
    """Keeps what it reads, and parts of it."""

    def keep(self, rng, array):
        part = rng.choice([array, array, array[1:], array[::-1], array[::2], array.reshape(-1, 1)[:, 0]])
        self._kept.insert(rng.randrange(len(self._kept) + 1), part)
        del self._kept[5:]


@xs.process
class Owner(Keeps):
    seed = xs.variable(static=True)
    u = xs.variable(dims="x", intent="out")
    v = xs.variable(dims="y", intent="out")
    w = xs.variable(dims="z", intent="out", groups="all")
    seen = xs.variable(intent="out")

    def initialize(self):
        self._rng = random.Random(int(self.seed))
        self._kept = []
        self.u, self.v, self.w = np.arange(4.0), np.arange(3.0), np.arange(20.0)
        self.seen = 0.0

    def run_step(self):
        for _ in range(self._rng.randrange(5)):
            self.act(self._rng, self._rng.choice("uuvw"), self._rng.choice("uvw"))
        self.seen = look([self.u, self.v, self.w, *self._kept])

    def finalize_step(self):
        if self._rng.random() < 0.3:
            self.act(self._rng, self._rng.choice("uvw"), self._rng.choice("uvw"))

    def act(self, rng, name, other):
        what, now = rng.choice(range(11) if self.seed % 2 else PLAIN), getattr(self, name)
        if what == 0:
            setattr(self, name, (now * 3 + 1) % 1009)
        elif what == 1:
            setattr(self, name, np.arange(float(rng.choice([0, 1, 3, 5, 40, 300]))) + rng.randrange(9))
        elif what == 2:
            now += 1
            if rng.random() < 0.5:
                setattr(self, name, now)
        elif what == 3:
            now[::2] = rng.randrange(99)
        elif what in (4, 5):
            self.keep(rng, now)
        elif what == 6 and self._kept:
            setattr(self, name, rng.choice(self._kept))
        elif what == 7:
            setattr(self, name, getattr(self, other))
        elif what == 8 and self._kept:
            kept = rng.choice(self._kept)
            if self.seed % 2 or np.shares_memory(kept, now):
                kept[...] += 2
        elif what == 9:
            setattr(self, name, now[1:] if now.size > 2 else np.ones(9))
        elif what == 10 and name == other:
            xs.empty(self, name, now.size + rng.randrange(2))[...] = 7


@xs.process
class Viewer(Keeps):
    seed = xs.foreign(Owner, "seed")
    u = xs.foreign(Owner, "u")
    v = xs.foreign(Owner, "v")
    all = xs.group("all")
    seen = xs.variable(intent="out")

    def initialize(self):
        self._rng = random.Random(int(self.seed) + 1000)
        self._kept, self.seen = [], 0.0

    def run_step(self):
        rng = self._rng
        for _ in range(rng.randrange(3)):
            self.keep(rng, rng.choice([self.u, self.v, *self.all]))
        self.seen = look([self.u, self.v, *self._kept])


class Played:
    """Both as plain objects, whose arrays are shared as Python shares them."""

    def __init__(self, seed):
        self.owner = Owner(seed=seed)
        outer = self.owner
        self.viewer = type("PlayedViewer", (Keeps,), {
            "initialize": Viewer.initialize, "run_step": Viewer.run_step, "seed": property(lambda _: outer.seed),
            "u": property(lambda _: outer.u), "v": property(lambda _: outer.v), "all": property(lambda _: [outer.w])})()


def play(seed, steps):
    """(owner's, viewer's) seen after each step."""
    played = Played(seed)
    for process in (played.owner, played.viewer):
        process.initialize()
    seen = []
    for _ in range(steps):
        for process in (played.owner, played.viewer):
            process.run_step()
        seen.append((played.owner.seen, played.viewer.seen))
        played.owner.finalize_step()
    return seen
