# SPDX-License-Identifier: Apache-2.0
"""Great batches on two workers: 10,000,000 logistic members (100 steps, 11 saves), by a progression, a sweep's product
and an uploaded array, as ratios to fewer of them in the same run: what a member costs, and the memory that daemon and
workers have for themselves at the most. Beside it, and absolute: how soon the submission is answered, the first member
is done, and how long GET /v1/jobs/ID takes meanwhile (99 of 100 less), the store's files, the database, and its log at
the most."""
import io
import os
import threading
import time

import numpy

import harness

FEW, MANY, MOST = 100000, 1000000, 10000000
ASK_EVERY, LOOK_EVERY = 0.02, 0.005  # seconds


def document(members, rates):
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "batch_dim": "m", "main_clock": "t",
            "clocks": {"t": {"linspace": [0, 1, 101]}, "s": {"linspace": [0, 1, 11]}},
            "inputs": {"pop__r": {"dims": ["m"], **rates}}, "outputs": {"pop__n": "s"}}


def by_progression(_, members):
    return document(members, {"linspace": [0.1, 0.9, members]})


def by_product(_, members):
    swept = document(members, {})
    swept["inputs"] = {}
    swept["sweep"] = {"product": {"pop__k": {"linspace": [1, 2, members // 1000]}, "pop__r": {"linspace": [0.1, 0.9, 1000]}}}
    return swept


def by_upload(daemon, members):
    file = io.BytesIO()
    numpy.save(file, numpy.linspace(0.1, 0.9, members))
    uploaded = daemon.request("POST", "/v1/uploads", file.getvalue(), status=201).json["id"]
    return document(members, {"upload": uploaded})


def private_memory(pid):
    """In kB; 0 of one that has gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            return sum(int(text.split()[1]) for text in file if text.startswith("Private_"))
    except OSError:
        return 0


def below(pid):
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            for child in file.read().split():
                found += [int(child), *below(child)]
    except OSError:
        pass
    return found


class Watch:
    """The most memory of the daemon and of a worker, and the largest log of the database."""

    def __init__(self, daemon):
        self.daemon, self.of_daemon, self.of_worker, self.log = daemon, 0, 0, 0
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        pid, log = self.daemon.process.pid, os.path.join(self.daemon.state, "simlabd.db-wal")
        while not self.ends.wait(LOOK_EVERY):
            self.of_daemon = max(self.of_daemon, private_memory(pid))
            self.of_worker = max([self.of_worker, *map(private_memory, below(pid))])
            self.log = max(self.log, os.path.getsize(log))

    def end(self):
        self.ends.set()
        self.thread.join()


class Run:
    def __init__(self, context, make, members):
        daemon = context.daemon(workers=2)
        daemon.finish(make(daemon, 1000))
        job, watch = make(daemon, members), Watch(daemon)
        began = time.perf_counter()
        number = daemon.submit(job)["id"]
        self.submitted, self.first, self.asked = time.perf_counter() - began, None, []
        ended = self.follow(daemon, number, began)
        self.per_member = (time.perf_counter() - began) / members
        watch.end()
        harness.equal((ended["state"], ended["done"]), ("succeeded", members), ended)
        self.of_daemon, self.of_worker, self.log = watch.of_daemon, watch.of_worker, watch.log
        self.files = sum(len(files) for _, _, files in os.walk(ended["store"]))
        self.database = os.path.getsize(os.path.join(daemon.state, "simlabd.db"))
        daemon.stop()

    def follow(self, daemon, number, began):
        while True:
            before = time.perf_counter()
            job = daemon.request("GET", f"/v1/jobs/{number}").json
            self.asked.append(time.perf_counter() - before)
            if self.first is None and job["done"] > 0:
                self.first = time.perf_counter() - began
            if job["state"] not in ("queued", "running"):
                return job
            time.sleep(ASK_EVERY if self.first else LOOK_EVERY)

    def slowest(self):
        return sorted(self.asked)[len(self.asked) * 99 // 100]


def lines(context):
    few = Run(context, by_progression, FEW)
    for make, how in ((by_progression, "a progression"), (by_product, "a product"), (by_upload, "an upload")):
        many, run = Run(context, make, MANY), Run(context, make, MOST)
        what = f"{MOST} members by {how}"
        yield (f"{what:<34}{run.per_member * 1e6:>17.2f} us/member {run.per_member / few.per_member:12.2f} x a member of "
               f"{FEW}")
        for name, of in (("a worker", "of_worker"), ("the daemon", "of_daemon")):
            most = getattr(run, of)
            yield f"  memory of {name:<22}{most:>23} kB {most / getattr(many, of):12.2f} x that of {MANY}"
        yield (f"  submitted {run.submitted * 1e3:.1f} ms, first member {run.first * 1e3:.1f} ms, GET {run.slowest() * 1e3:.1f} "
               f"ms, {run.files} files, database {run.database >> 10} kB, log {run.log >> 10} kB")
