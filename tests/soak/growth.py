# SPDX-License-Identifier: Apache-2.0
"""Whether the daemon's memory and descriptors grow with what it has served: thousands of jobs, a
thousand event streams at once, uploads, refused requests, again and again. SOAK_ROUNDS (10).

Rounds of equal work. Before them the database's page cache (16 MB: daemon/queue/database.c) is filled,
and the first ones warm the heap up; the later ones must not add to that. Once in a soak."""
import io
import json
import os
import re

import harness
from harness import check, equal, load, GOLDEN

ONCE = True

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "10"))  # more than WARM
JOBS = int(os.environ.get("SOAK_JOBS", "1000"))  # a round
STREAMS = int(os.environ.get("SOAK_STREAMS", "1000"))
WARM = 3  # rounds
CACHE = 16 << 20
DOCUMENT = 24 << 10
KILOBYTES = 2048  # what the rounds after may add in all


class Peer:
    """A connection that is kept."""

    def __init__(self, daemon):
        self.connection = harness.connection(daemon.server)

    def ask(self, method, path, body=None, status=200):
        self.connection.request(method, path, body)
        answer = self.connection.getresponse()
        text = answer.read()
        equal(answer.status, status, f"{method} {path}: {text[:300]}")
        return text


def memory(daemon):
    """Private memory in kB, without what is mapped from files."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as file:
        return int(re.search(r"RssAnon:\s+(\d+)", file.read()).group(1))


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def submit(daemon, job):
    """JOBS jobs: most run, some are cancelled, some refused."""
    peer, body = Peer(daemon), json.dumps(job)
    wrong = json.dumps({**job, "inputs": {}})
    for i in range(JOBS):
        last = json.loads(peer.ask("POST", "/v1/jobs", body, 201))["id"]
        if i % 10 == 3:
            peer.connection.request("POST", f"/v1/jobs/{last}/cancel")
            peer.connection.getresponse().read()
        if i % 10 == 7:
            peer.ask("POST", "/v1/jobs", wrong, 422)
            peer.ask("GET", "/v1/jobs?limit=10")
    peer.connection.close()


def follow_at_once(daemon, number):
    """STREAMS streams of one job are open together; half are left, half are read to their end."""
    streams = []
    for i in range(STREAMS):
        c = harness.connection(daemon.server)
        c.request("GET", f"/v1/jobs/{number}/events")
        streams.append((c, c.getresponse()))
    for i, (c, answer) in enumerate(streams):
        check(answer.readline(), "no event")
        if i % 2:
            answer.close()
            c.close()
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    for c, answer in streams[::2]:
        answer.read()
        answer.close()
        c.close()


def upload(daemon):
    import numpy  # pylint: disable=import-outside-toplevel
    bytes_ = io.BytesIO()
    numpy.save(bytes_, numpy.arange(1 << 18))
    octets = {"Content-Type": "application/octet-stream"}
    for _ in range(5):
        daemon.request("POST", "/v1/uploads", bytes_.getvalue(), octets, status=201)
        daemon.request("POST", "/v1/uploads", bytes_.getvalue()[:-8], octets, status=422)


def long_job():
    """One that is there until it is cancelled."""
    job = load(GOLDEN, "batch-velocity", "job.json")
    labels = [i * 1e-5 for i in range(5001)]
    job["clocks"] = {"time": {"data": labels}, "otime": {"data": labels[::5000]}}
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5] * 100000}
    return job


def one_round(daemon, job):
    submit(daemon, job)
    while waiting := daemon.request("GET", "/v1/jobs?state=queued&limit=1", status=200).json["jobs"]:
        daemon.await_end(waiting[0]["id"])
    follow_at_once(daemon, daemon.submit(long_job())["id"])
    upload(daemon)


def fill_cache(daemon):
    """Documents of more than the cache in all, written and read; each short enough to be kept in the
    database (QUEUE_TEXT_MAX), and another one, since equal ones are kept once."""
    job = load(GOLDEN, "batch-velocity", "job.json")
    for i in range(2 * CACHE // DOCUMENT):
        job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5 + i / 1e6] * (DOCUMENT // 12)}
        body = json.dumps(job)
        number = daemon.request("POST", "/v1/jobs", body, status=201).json["id"]
        daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
        daemon.request("GET", f"/v1/jobs/{number}/document", status=200)


def turn(context, _):
    daemon = context.daemon(workers=2)
    fill_cache(daemon)
    job = load(GOLDEN, "advect", "job.json")
    told = []
    for i in range(ROUNDS):
        one_round(daemon, job)
        told.append((memory(daemon), descriptors(daemon)))
    rounds = ", ".join(f"{kilobytes} kB and {open_} descriptors" for kilobytes, open_ in told)
    grown = told[-1][0] - told[WARM - 1][0]
    check(grown <= KILOBYTES, f"the daemon grew by {grown} kB since round {WARM}: {rounds}")
    check(told[-1][1] <= told[WARM - 1][1] + 5, f"descriptors were left open: {rounds}")
    daemon.stop()
    return 0
