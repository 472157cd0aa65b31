#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mistakes in a process's code (the wrong dtype, an undeclared write, dims that do not match …) give
an error that names process, variable and stage, and never a crash. The library is
tests/lib/faulty.c."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check

# In the order of enum mistake: what must stand in the message.
MISTAKES = [
    None,
    ["'given'", "f8", "f4"],
    ["'given'", "cannot be written", "intent in"],
    ["'vector'", "2 dimensions", "(x)"],
    ["'never_set'", "no value"],
    ["77", "11"],
    ["'late'", "stage"],
    ["'vector'"],
    ["'vector'"],
    ["'members'", "0"],
    ["'members'", "group"],
    ["'thing'", "not set"],
    ["'lazy'", "on_demand"],
    ["lazy", "did not set"],
    ["17", "signal"],
    ["without saying why"],
    ["'counted'", "i4", "f4"],
]


def test_each_mistake_is_told(context):
    for number, words in enumerate(MISTAKES):
        job = {"model": {"processes": {"clumsy": "faulty.Mistaken"}},
               "clocks": {"time": {"data": [0.0, 1.0, 2.0]}}, "main_clock": "time",
               "inputs": {"clumsy__mistake": number}, "outputs": {"clumsy__scalar": None}}
        store = context.path(f"mistake-{number}.zarr")
        ran = context.run("simlab-worker", "run", "-", "--store", store,
                          "--processes", context.program("faulty"),
                          stdin=json.dumps(job))
        said = ran.stderr
        wanted = 1 if words else 0
        check(ran.returncode == wanted, f"mistake {number} exits {ran.returncode}: {said}")
        if words:
            for word in [*words, "process 'clumsy' (faulty.Mistaken)", "run_step of step 0"]:
                check(word in said, f"mistake {number}: {word!r} is not in {said!r}")


harness.main(globals())
