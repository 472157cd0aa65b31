# SPDX-License-Identifier: Apache-2.0
"""Processes in Python: what a call and a view cost, and members beside the same arithmetic in plain
NumPy: in one run (each time is a difference of two whole runs, so that no start is in it), and by a
daemon with two workers beside two bare loops at once."""
import multiprocessing
import os
import shutil
import statistics
import time

import harness

MODULES = os.path.join(harness.REPOSITORY, "tests/lib/python")
STEPS, TIMES, MEMBERS = 100000, 5, 10000


def library(context):
    """A directory with both modules; None where the host was not built."""
    host = context.program("python/python.so")
    if not os.path.exists(host):
        return None
    folder = context.directory("modules")
    for name in ("visits", "reference", "several"):
        os.symlink(host, os.path.join(folder, name + ".so"))
        shutil.copy(os.path.join(MODULES, name + ".py"), folder)
        with open(os.path.join(folder, name + ".files"), "w", encoding="utf-8") as file:
            file.write(name + ".py\n")
    return folder


def seconds(context, folder, document):
    began = time.perf_counter()
    context.run_local(document, 0, ["--processes", folder])
    return time.perf_counter() - began


def between(context, folder, less, more):
    """The median of what the second document takes longer than the first."""
    return statistics.median(seconds(context, folder, more) - seconds(context, folder, less) for _ in range(TIMES))


def steps_of(processes):
    return {"model": {"processes": processes}, "clocks": {"time": {"data": {"arange": [0, STEPS + 1, 1]}}},
            "main_clock": "time", "inputs": {}, "outputs": {}}


def heavy(steps, threads):
    """Eight processes of pure Python side by side, in as many workers."""
    return {"model": {"processes": {f"h{i}": "several.Heavy" for i in range(8)}},
            "clocks": {"time": {"data": {"arange": [0, steps + 1, 1]}}}, "main_clock": "time", "inputs": {}, "outputs": {},
            **({"parallel": True, "scheduler": "processes", "threads": threads} if threads > 1 else {"scheduler": "serial"})}


def two_workers(context, folder):
    """How many times faster a step is by two workers than by one: steps after the first ones, in turns."""
    ratios = []
    for _ in range(TIMES):
        one, two = (seconds(context, folder, heavy(600, n)) - seconds(context, folder, heavy(300, n)) for n in (1, 2))
        ratios.append((one / 300, one / two))
    return [statistics.median(column) for column in zip(*ratios)]


def two_bare(plain_numpy, members):
    """Seconds for as many members by two processes of Python, which are there already."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(plain_numpy, [1, 1], chunksize=1)
        began = time.perf_counter()
        pool.map(plain_numpy, [members // 2] * 2, chunksize=1)
        return time.perf_counter() - began


def beside_two_bare(context, folder, document, members, through, plain_numpy):
    """Members a second by two workers, and as a ratio to two bare loops, each measured in turns."""
    daemon = context.daemon(workers=2, libraries=folder)
    through(daemon, document)  # the modules are imported
    rates = []
    for _ in range(3):
        bare = two_bare(plain_numpy, members)
        ours = through(daemon, document)
        rates.append((members / ours, bare / ours))
    daemon.stop()
    return [statistics.median(column) for column in zip(*rates)]


def lines(context, members, numpy_member, through, plain_numpy):
    """`members`: a function that gives the job of so many; `numpy_member`: seconds of one in plain NumPy;
    `through`: seconds of a job through a daemon; `plain_numpy`: seconds of so many in plain NumPy."""
    folder = library(context)
    if not folder:
        return
    few, many = ({f"p{i}": "visits.Empty" for i in range(n)} for n in (10, 60))
    empty = between(context, folder, steps_of(few), steps_of(many)) / 50 / STEPS
    yield f"Python: an empty call {empty * 1e6:24.3f} us"
    one, reads = steps_of({"p": "visits.Empty"}), steps_of({"p": "visits.Reads"})
    yield f"Python: reading a view {between(context, folder, one, reads) / 10 / STEPS * 1e6:23.3f} us"
    member = between(context, folder, members(100), members(600)) / 500
    yield f"Python: a member {member * 1e3:29.3f} ms {member / numpy_member:34.2f} x NumPy"
    step, ratio = two_workers(context, folder)
    yield f"Python: a step of 8 heavy processes {step * 1e3:12.2f} ms {ratio:34.2f} x in two workers"
    rate, ratio = beside_two_bare(context, folder, members(MEMBERS), MEMBERS, through, plain_numpy)
    yield f"Python: {MEMBERS} runs, 2 workers {rate:15.0f} /s {ratio:34.2f} x two bare NumPy loops"
