# SPDX-License-Identifier: Apache-2.0
"""Batches of advection runs on two workers, as ratios to plain C on two threads which compresses and
writes the same chunks, each measured right after ours."""
import os
import statistics
import subprocess

SIZES = {1000: 9, 10000: 5, 100000: 3}  # members: how many times


def plain_c(context, members):
    ended = subprocess.run([os.path.join(context.build, "bench/advect_chunks"), str(members), "2",
                            context.directory("plain")], check=True, capture_output=True, text=True)
    return float(ended.stdout.split()[0])


def lines(context, daemon, job, through):
    for members, times in SIZES.items():
        document, ours, ratios = job(members), [], []
        for _ in range(times):
            ours.append(through(daemon, document))
            ratios.append(ours[-1] / plain_c(context, members))
        each, ratio = statistics.median(ours) / members * 1e6, statistics.median(ratios)
        yield (f"{members:6} runs: daemon, 2 workers      {each:12.1f} us/member"
               f"{ratio:25.2f} x C, 2 threads, chunks")
