# SPDX-License-Identifier: Apache-2.0
"""Processes for tests/scenario/python_arrays.py: where arrays lie, and arrays of every kind as values."""

import gc
import threading

import numpy as np

import simlab.processes as xs

SIZES = [0, 1, 7, 8, 9, 64, 65, 150, 1024, 4095, 8192, 8193, 20000]


def pattern(size, n):
    """An array that nobody else's memory lies in, if it has these elements later, too."""
    return np.arange(size, dtype="f8") + n


def is_whole(array, n):
    return array.tolist() == [float(n + i) for i in range(len(array))]


@xs.process
class Makes:
    """Many arrays that come and go, in this thread and in another one."""

    good = xs.variable(intent="out")

    def initialize(self):
        assert np.core.multiarray.get_handler_name(np.empty(3)) == "simlab"
        assert gc.get_freeze_count() > 10000, gc.get_freeze_count()
        self._kept, self._n, self.good = [], 0, 0

    def _turn(self):
        for size in SIZES:
            self._n += 1
            array = pattern(size, self._n)
            assert array.ctypes.data % 64 == 0 or array.nbytes > 65536
            self._kept.append((array, self._n))
            zeros = np.zeros(size)
            assert not zeros.any()
            zeros += 1
        grown = np.arange(5.0)
        grown.resize(50, refcheck=False)
        assert grown.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0] + [0.0] * 45
        flat = np.zeros((0, 5))
        flat.shape = (5, 0)

    def run_step(self):
        self._turn()
        beside = []
        thread = threading.Thread(target=lambda: beside.extend((pattern(s, s), s) for s in SIZES))
        thread.start()
        thread.join()
        assert all(is_whole(array, n) for array, n in self._kept + beside)
        self._kept = self._kept[1::2][-50:] + beside[:2]
        self.good = self.good + 1


class Named(np.ndarray):
    """Somebody's class of arrays."""


def arrays(n):
    """Of all kinds, in every order that memory can have."""
    plain = np.arange(24.0).reshape(2, 3, 4) + n
    kinds = [plain.astype(kind)[0] for kind in ("f8", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "c8", "c16")]
    odd = np.frombuffer(b"x" + plain.tobytes(), dtype="u1")[1:].view("f8")
    return [*kinds, plain[0] > 5 + n, np.array(plain[0], dtype="longlong"), plain[0].T, plain[0][:, ::-1], plain[:, 1],
            np.asfortranarray(plain[0]), plain[0].astype(">f8"), plain[0].view(Named), odd.reshape(6, 4),
            np.zeros((0, 3)), plain[0][1:1], np.array([["a", "bé"]]), np.broadcast_to(plain[0, 0], (3, 4))]


@xs.process
class Sets:
    step = xs.variable(intent="out")
    values = [xs.variable(dims=(f"a{i}", f"b{i}"), intent="out", groups="values") for i in range(len(arrays(0)))]
    for i, each in enumerate(values):
        locals()[f"v{i:02}"] = each
    del values, i, each

    def initialize(self):
        self.step = -1
        self.run_step()

    def run_step(self):
        self.step = self.step + 1
        for i, array in enumerate(arrays(self.step)):
            setattr(self, f"v{i:02}", array)


@xs.process
class Compares:
    step = xs.foreign(Sets, "step")
    values = xs.group_dict("values")
    good = xs.variable(intent="out")

    def initialize(self):
        self.good = 0

    def run_step(self):
        wanted = arrays(self.step)
        for (_, name), value in self.values.items():
            array = wanted[int(name[1:])]
            assert value.shape == array.shape and np.array_equal(value, array), (name, value, array)
            assert value.dtype.kind == array.dtype.kind and value.dtype.isnative, (name, value.dtype)
        self.good = self.good + len(wanted)
