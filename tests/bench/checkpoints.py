# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of 100 MB of state: how long the time loop stands for one, beside a plain copy of as
much in the same process."""
import os
import re
import statistics

MB, EVERY, STEPS, TIMES = 100, 400, 2001, 5


def lines(context):
    job = {"model": {"processes": {"s": "stalls.Stalls"}}, "main_clock": "time", "outputs": {},
           "clocks": {"time": {"data": {"arange": [0, STEPS, 1]}}},
           "inputs": {"s__n": MB * 1000 * 1000 // 8}, "checkpoint": {"every": EVERY}}
    ratios = []
    for _ in range(TIMES):
        _, ended = context.run_local(job, 0, ["--processes", os.path.dirname(context.program("stalls/stalls.so"))])
        first, later, copy = map(float, re.search(r"first (\S+) later (\S+) copy (\S+)", ended.stderr).groups())
        ratios.append((first, first / copy, later, later / copy))
    first, first_ratio, later, later_ratio = (statistics.median(column) for column in zip(*ratios))
    for what, took, ratio in (("first", first, first_ratio), ("later", later, later_ratio)):
        yield f"{what} checkpoint of {MB} MB{'':<{34 - 24}}{took:12.3f} ms {ratio:34.2f} x a copy of it"
