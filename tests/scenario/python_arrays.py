#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Arrays of NumPy's in a worker: none lies in another's memory, and those of every kind and order are values as
they stand (tests/lib/python/arrays.py looks at that)."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import equal

STEPS, KINDS = 40, 25


def values(context, process, outputs, **more):
    host = context.program("python/python.so")
    if not os.path.exists(host):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("modules")
    os.symlink(host, os.path.join(folder, "arrays.so"))
    shutil.copy(os.path.join(harness.REPOSITORY, "tests/lib/python/arrays.py"), folder)
    with open(os.path.join(folder, "arrays.files"), "w", encoding="utf-8") as file:
        file.write("arrays.py\n")
    job = {"model": {"processes": process}, "clocks": {"time": {"data": list(range(STEPS + 1))}}, "main_clock": "time",
           "outputs": outputs, "max_attempts": 1, **more}
    store, _ = context.run_local(job, 0, ["--processes", folder])
    return harness.open_store(store)


def test_each_has_memory_of_its_own(context):
    equal(values(context, {"makes": "arrays.Makes"}, {"makes__good": None})["makes__good"][...].tolist(), STEPS, "good steps")


def test_of_every_kind(context):
    processes = {"sets": "arrays.Sets", "compares": "arrays.Compares"}
    got = values(context, processes, {"compares__good": None, "sets__v16": "time"})
    equal(got["compares__good"][...].tolist(), STEPS * KINDS, "good values")
    equal(got["sets__v16"][...].shape, (STEPS + 1, 2, 4), "a slice of a larger one")


if __name__ == "__main__":
    harness.main(globals())
