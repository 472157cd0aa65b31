# SPDX-License-Identifier: Apache-2.0
"""Batches on two workers, each measured right before what it is a ratio to: advection runs, to plain
C on two threads which compresses and writes the same chunks; members that are busy for a while, to
two bare processes that are busy as long; members that do nothing.

The plain C does the same arithmetic, chunks, compression and files as ours, and no more. What ours
does beyond it is in the ratio: it brings what is reported done to the disk (syncfs for each report,
and the queue's commits), locks and logs each chunk, reads and decodes all of them again when the job
ends, and keeps their checksums."""
import os
import statistics
import subprocess
import time

SIZES = {1000: 9, 10000: 5, 100000: 3}  # members: how many times


def plain_c(context, members):
    ended = subprocess.run([os.path.join(context.build, "bench/advect_chunks"), str(members), "2",
                            context.directory("plain")], check=True, capture_output=True, text=True)
    return float(ended.stdout.split()[0])


def compared(times, ours, bare):
    """Medians: of our seconds, and of the ratios to the bare ones."""
    mine, ratios = [], []
    for _ in range(times):
        mine.append(ours())
        ratios.append(mine[-1] / bare())
    return statistics.median(mine), statistics.median(ratios)


def busy(members, seconds):
    return {"model": {"processes": {"b": "busy.Busy"}}, "clocks": {"t": [0, 1]}, "batch_dim": "m", "outputs": {},
            "inputs": {"b__seconds": {"dims": ["m"], "data": {"linspace": [seconds, seconds, members]}}}}


def bare(context, members, seconds):
    began = time.perf_counter()
    pair = [subprocess.Popen([os.path.join(context.build, "bench/bare_busy"), str(members // 2), str(seconds)])
            for _ in range(2)]
    for one in pair:
        one.wait()
    return time.perf_counter() - began


def line(what, figure, ratio, to):
    return f"{what:<34}{figure:>26} {ratio:12.2f} x {to}"


def lines(context, job, through):
    daemon = context.daemon(workers=2, options=["--processes", context.program("busy")])
    through(daemon, job(10))
    for members, times in SIZES.items():
        document = job(members)
        document["inputs"]["advect__v"]["data"] = {"linspace": [0.1, 0.9, members]}
        ours, ratio = compared(times, lambda: through(daemon, document), lambda: plain_c(context, members))
        yield line(f"{members} runs: daemon, 2 workers", f"{ours / members * 1e6:.1f} us/member", ratio,
                   "C with chunks on 2 threads")
    for members, seconds in ((100, 0.01), (2, 0.5)):
        ours, ratio = compared(5, lambda: through(daemon, busy(members, seconds)), lambda: bare(context, members, seconds))
        yield line(f"{members} members of {seconds * 1e3:.0f} ms", f"{ours * 1e3:.1f} ms", ratio, "2 bare processes")
    members = 1000000
    empty = statistics.median(through(daemon, busy(members, 0)) for _ in range(3))
    yield f"{members} members of nothing{'':<7}{empty / members * 1e6:>16.2f} us/member"
    daemon.stop()
