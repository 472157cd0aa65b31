#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`make bench`: one advection run (n = 150, 100 steps, 3 saves) and a batch of 10,000, as ratios to
the same loop in plain C and in plain NumPy, which write nothing; batches of it, as ratios to plain
C on two threads which compresses and writes the same chunks; great batches, as ratios to smaller
ones; a model, as a ratio to parsing it; chunks of a store, as ratios to the same system calls bare;
how long a checkpoint holds a run up, as a ratio to a copy of its state; tasks of graphs, as ratios
to a bare pool of threads; parallel loops, as ratios to half of two simulations at once; processes
in Python, as a ratio to plain NumPy; durable submissions, as a ratio to a bare server that stores
the same documents. Medians of several; every run writes to a fresh directory, since removing files
and creating them again in one place is slow on ext4, and would be measured instead."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import batches  # pylint: disable=wrong-import-position
import checkpoints  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import loops  # pylint: disable=wrong-import-position
import python_models  # pylint: disable=wrong-import-position
import scale  # pylint: disable=wrong-import-position
import tasks  # pylint: disable=wrong-import-position

MEMBERS = 10000
N, STEPS = 150, 100


def plain_numpy(members):
    """Seconds for the loop as one writes it in NumPy."""
    began = time.perf_counter()
    for m in range(members):
        v, dt, spacing = 0.1 + 0.8 * m / members, 0.01, 0.01
        x = numpy.arange(0, N) * spacing
        u = numpy.exp(-((x - 0.3) ** 2) / 0.1**2)
        saved = [u.copy()]
        for s in range(STEPS):
            if s == STEPS // 2:
                saved.append(u.copy())
            left, right = numpy.roll(u, 1), numpy.roll(u, -1)
            u = u + (0.5 * (right + left) - v * dt / (2 * spacing) * (right - left) - u)
        saved.append(u)
    return time.perf_counter() - began


def plain_c(build, members):
    ended = subprocess.run([os.path.join(build, "bench/advect"), str(members)], check=True,
                           capture_output=True, text=True)
    return float(ended.stdout.split()[0])


def job(members):
    document = harness.load(harness.GOLDEN, "batch-velocity" if members > 1 else "advect", "job.json")
    if members > 1:
        document["inputs"]["advect__v"]["data"] = [0.1 + 0.8 * m / members for m in range(members)]
    return document


def local(context):
    """Seconds of a whole `simlab-worker run`: start, simulation, store. About 1 ms of it is the price
    of three processes instead of one: user code cannot harm who judges it, and nothing that it starts
    outlives it, whoever is killed (daemon/worker/guard.h)."""
    began = time.perf_counter()
    context.run_local(job(1))
    return time.perf_counter() - began


def through(daemon, document):
    """Seconds from the submission to the event that tells of the end."""
    began = time.perf_counter()
    number = daemon.submit(document)["id"]
    kind = None
    for _, kind, _ in daemon.events(number, 0):
        pass
    seconds = time.perf_counter() - began
    harness.equal(kind, "succeeded", "last event")
    return seconds


def model(build):
    """A model of 1,000 processes with 10,000 variables, in milliseconds; the same for its JSON."""
    ended = subprocess.run([os.path.join(build, "bench/model")], check=True, capture_output=True,
                           text=True)
    return [float(word) for word in ended.stdout.split()]


def chunks(build, directory):
    """(seconds, seconds of the system calls bare, what) of each way to write chunks."""
    ended = subprocess.run([os.path.join(build, "bench/chunks"), directory], check=True,
                           capture_output=True, text=True)
    for words in ended.stdout.splitlines():
        store, bare, what = words.split(" ", 2)
        yield float(store), float(bare), what


def write_submission(path):
    """A job of 1 kB."""
    document = job(1)
    document["labels"] = {"note": ""}
    document["labels"]["note"] = "x" * (1000 - len(json.dumps(document)))
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)


def answers(build, socket, path, body):
    """Answers a second to 64 clients, each of which waits for one before it asks again."""
    ended = subprocess.run([os.path.join(build, "bench/clients"), socket, "64", "3", path, body], check=True,
                           capture_output=True, text=True)
    return float(ended.stdout)


def bare_submissions(build, directory, body):
    socket = os.path.join(directory, "socket")
    with subprocess.Popen([os.path.join(build, "bench/bare"), socket, os.path.join(directory, "database")],
                          stdout=subprocess.PIPE) as server:
        server.stdout.readline()  # it listens
        rate = answers(build, socket, "/", body)
        server.kill()
    return rate


def submissions(context, body):
    """What the bare server does not do is to claim a store for each: two directories and a mark, so
    that a store belongs to one job (daemon/store/claim.h). On ext4 that is a quarter of the work."""
    daemon = context.daemon(workers=0)
    rate = answers(context.build, daemon.socket, "/v1/jobs", body)
    daemon.stop()
    return rate


def submissions_beside(context):
    """A second, and as a ratio to the bare server's, each measured right after ours."""
    body = context.path("job.json")
    write_submission(body)
    ours, ratios = [], []
    for _ in range(5):
        ours.append(submissions(context, body))
        ratios.append(ours[-1] / bare_submissions(context.build, context.directory("bare"), body))
    return statistics.median(ours), statistics.median(ratios)


def median(times, measure):
    return statistics.median(measure() for _ in range(times))


def line(what, seconds, members, c, array):
    return (f"{what:<34}{seconds * 1e3:12.3f} ms {seconds / members * 1e6:10.1f} us/member "
            f"{seconds / c:9.1f} x C {seconds / array:8.2f} x NumPy")


# ---- the parts: each yields lines ----


def runs(context):
    plain_numpy(10)
    c1 = median(21, lambda: plain_c(context.build, 1000) / 1000)
    n1 = median(5, lambda: plain_numpy(200) / 200)
    yield line("1 run: plain C", c1, 1, c1, n1)
    yield line("1 run: plain NumPy", n1, 1, c1, n1)
    yield line("1 run: simlab-worker run", median(15, lambda: local(context)), 1, c1, n1)
    daemon = context.daemon(workers=2)
    through(daemon, job(1))
    yield line("1 run: daemon", median(15, lambda: through(daemon, job(1))), 1, c1, n1)
    cb = median(5, lambda: plain_c(context.build, MEMBERS))
    nb = median(3, lambda: plain_numpy(MEMBERS // 10) * 10)
    yield line(f"{MEMBERS} runs: plain C", cb, MEMBERS, cb, nb)
    yield line(f"{MEMBERS} runs: plain NumPy", nb, MEMBERS, cb, nb)
    yield line(f"{MEMBERS} runs: daemon, 2 workers", median(3, lambda: through(daemon, job(MEMBERS))),
               MEMBERS, cb, nb)


def models(context):
    built, parsed = model(context.build)
    yield f"1,000 processes built and ordered {built:12.3f} ms {built / parsed:34.1f} x parsing it"


def chunk_writes(context):
    for store, bare, what in chunks(context.build, context.directory("chunks")):
        yield f"{what:<34}{store * 1e3:12.3f} ms {store / bare:34.2f} x the system calls"


def durable_submissions(context):
    context.stop()
    rate, ratio = submissions_beside(context)
    yield f"durable submissions, 64 clients {rate:14.0f} /s {ratio:34.2f} x a bare server"


PARTS = {
    "runs": runs,
    "batches": lambda context: batches.lines(context, job, through),
    "scale": scale.lines,
    "models": models,
    "chunks": chunk_writes,
    "checkpoints": checkpoints.lines,
    "python": lambda context: python_models.lines(context, job, through),
    "tasks": lambda context: tasks.lines(context.build),
    "loops": lambda context: loops.lines(context, lambda case: harness.load(harness.GOLDEN, case, "job.json")),
    "submissions": durable_submissions,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(harness.REPOSITORY, "build"))
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help="one of: " + ", ".join(PARTS))
    options = parser.parse_args()
    root = tempfile.mkdtemp(prefix="simlab-bench-")
    context = harness.Context(os.path.abspath(options.build), root)
    try:
        for part in options.parts or PARTS:
            for said in PARTS[part](context):
                print(said, flush=True)
    finally:
        context.close()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
