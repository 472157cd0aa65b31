# SPDX-License-Identifier: Apache-2.0
"""Processes in Python: what a call and a view cost, and members beside the same arithmetic in plain NumPy
(tests/bench/bare_python.py): in one run (each time is a difference of two whole runs, so that no start is in it), and
by a daemon with two workers beside two bare loops at once. Both are done twice: by Python's own program, and by its
shared library, which is what any program has that embeds it. What two workers gain for one simulation stands beside
what two bare programs gain that share nothing: a machine's two threads may be less than two processors."""
import os
import shutil
import statistics
import subprocess
import sys
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


class Bare:
    """Programs of bare_python.py by one interpreter, which wait for work."""

    def __init__(self, interpreter, n=2):
        script = os.path.join(harness.REPOSITORY, "tests/bench/bare_python.py")
        self.programs = [subprocess.Popen([interpreter, "-B", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          text=True) for _ in range(n)]
        self.seconds("members", 5)

    def seconds(self, kind, amount, n=2):
        """Until the first n have each done so much."""
        began = time.perf_counter()
        for program in self.programs[:n]:
            program.stdin.write(f"{kind} {amount}\n")
            program.stdin.flush()
        for program in self.programs[:n]:
            program.stdout.readline()
        return time.perf_counter() - began

    def close(self):
        for program in self.programs:
            program.stdin.close()
            program.stdout.close()
            program.wait()


def bare_ones(context):
    """Python's own program; and its shared library, where that was built."""
    embedded = os.path.join(context.build, "bench/interpreter")
    return [Bare(which) for which in (sys.executable, embedded) if os.path.exists(which)]


def against(ratios):
    """One by Python's program, and one by its library."""
    return " (by the same library of Python: ".join(f"{r:.2f}" for r in ratios) + (")" if len(ratios) > 1 else "")


def medians(rows):
    return [statistics.median(column) for column in zip(*rows)]


def two_workers(context, folder, bare):
    """Seconds of a step in two workers: steps after the first ones, in turns; how many times faster that is than in one,
    how many times faster two bare programs do halves of it than one all, and how long these two take against ours."""
    rows = []
    for _ in range(TIMES):
        one, two = (seconds(context, folder, heavy(600, n)) - seconds(context, folder, heavy(300, n)) for n in (1, 2))
        whole, halves = bare.seconds("heavy", 300, 1), bare.seconds("half_heavy", 300, 2)
        rows.append((two / 300, one / two, whole / halves, two / halves))
    return medians(rows)


def one_member(context, folder, members, bare):
    """Seconds, and ratios to the same by each of the bare ones, in turns."""
    rows = []
    for _ in range(TIMES):
        ours = (seconds(context, folder, members(600)) - seconds(context, folder, members(100))) / 500
        rows.append((ours, *(ours / (b.seconds("members", 500, 1) / 500) for b in bare)))
    return medians(rows)


def beside_two_bare(context, folder, document, members, through, bare):
    """Members a second by two workers, and as ratios to two bare loops, each measured in turns."""
    daemon = context.daemon(workers=2, libraries=folder)
    through(daemon, document)  # the modules are imported
    rows = []
    for _ in range(3):
        ours = through(daemon, document)
        rows.append((members / ours, *(b.seconds("members", members // 2) / ours for b in bare)))
    daemon.stop()
    return medians(rows)


# What its documents and measurements elsewhere say.
TOLD = "150 us a call by threads; a run 25 x NumPy; 33 members /s by processes"


def peer(context, numpy_member):
    """xarray-simlab in the same run, where a copy can be had."""
    folder = context.directory("peer")
    shutil.copy(os.path.join(harness.REPOSITORY, "tests/bench/peer.py"), folder)
    with open(os.path.join(MODULES, "reference.py"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(folder, "peer_reference.py"), "w", encoding="utf-8") as file:
        file.write(text.replace("simlab.processes", "xsimlab"))
    ended = subprocess.run([sys.executable, "-B", os.path.join(folder, "peer.py")], stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, check=False)
    if ended.returncode:
        return f"xarray-simlab (not installed; told elsewhere): {TOLD}"
    one, rate = map(float, ended.stdout.split()[-2:])
    return f"xarray-simlab: a run {one * 1e3:29.3f} ms {one / numpy_member:34.2f} x NumPy; {rate:.0f} members /s by processes"


def lines(context, members, through):
    """`members`: a function that gives the job of so many; `through`: seconds of a job through a daemon."""
    folder = library(context)
    if not folder:
        return
    few, many = ({f"p{i}": "visits.Empty" for i in range(n)} for n in (10, 60))
    empty = between(context, folder, steps_of(few), steps_of(many)) / 50 / STEPS
    yield f"Python: an empty call {empty * 1e6:24.3f} us"
    one, reads = steps_of({"p": "visits.Empty"}), steps_of({"p": "visits.Reads"})
    yield f"Python: reading a view {between(context, folder, one, reads) / 10 / STEPS * 1e6:23.3f} us"
    bare = bare_ones(context)
    member, *ratios = one_member(context, folder, members, bare)
    yield f"Python: a member {member * 1e3:29.3f} ms {against(ratios):>34} x NumPy"
    step, gain, bare_gain, ratio = two_workers(context, folder, bare[-1])
    yield (f"Python: 8 heavy processes, 2 workers {step * 1e3:10.2f} ms {ratio:34.2f} x two bare programs ({gain:.2f} x "
           f"faster than one worker; two bare programs than one: {bare_gain:.2f} x)")
    rate, *ratios = beside_two_bare(context, folder, members(MEMBERS), MEMBERS, through, bare)
    yield f"Python: {MEMBERS} runs, 2 workers {rate:15.0f} /s {against(ratios):>34} x two bare NumPy loops"
    numpy_member = bare[0].seconds("members", 200, 1) / 200
    for each in bare:
        each.close()
    yield peer(context, numpy_member)
