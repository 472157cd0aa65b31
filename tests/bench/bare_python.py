# SPDX-License-Identifier: Apache-2.0
"""What processes in Python are measured by: the same arithmetic as one writes it without a model. Run as a
program it does so many at a time as each line of standard input says, `members 500` or `heavy 300`, and prints
the seconds."""
import sys
import time

import numpy

N, STEPS = 150, 100


def members(n):
    """advect (tests/lib/python/reference.py): the same operations in the same order, numbers of the same kinds."""
    dt, spacing, scale = numpy.float64(0.01), numpy.float64(0.01), 0.1
    for m in range(n):
        v = numpy.float64(0.1 + 0.8 * m / n)
        x = numpy.arange(0, N * spacing, spacing)
        u = numpy.exp(-1 / scale**2 * (x - 0.3) ** 2)
        saved = [u.copy()]
        for s in range(STEPS):
            if s == STEPS // 2:
                saved.append(u.copy())
            factor = v * dt / (2 * spacing)
            left, right = numpy.roll(u, 1), numpy.roll(u, -1)
            advected = 0.5 * (right + left) - factor * (right - left) - u
            delta = sum(part for part in (advected,))
            u = u + delta
        saved.append(u)


def heavy(steps, processes=8):
    """several.Heavy (tests/lib/python/several.py), so many a step."""
    totals = [0] * processes
    for _ in range(steps):
        for p in range(processes):
            total = totals[p]
            for i in range(20000):
                total = (total * 31 + i) % 1000003
            totals[p] = total


def half_heavy(steps):
    heavy(steps, 4)


KINDS = {"members": members, "heavy": heavy, "half_heavy": half_heavy}


def main():
    for kind, n in map(str.split, sys.stdin):
        began = time.perf_counter()
        KINDS[kind](int(n))
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
