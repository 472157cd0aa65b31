#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Small requests, large work: no request holds the loop or takes memory without a bound. Nothing is
timed: the daemon tells the processor time of its longest turn, and the kernel its memory."""
import io
import json
import os
import socket
import sys

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

TURN = 0.1  # seconds of processor time; what was mended took 0.4 to 30
LARGEST = 64 * 1024 * 1024
# The address sanitizer keeps what was given back from use; as much as that is not the daemon's.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"


def advect(**more):
    return {**load(GOLDEN, "advect", "job.json"), **more}


def unhurt(daemon, megabytes):
    """The loop was never held, and memory stayed within so much."""
    turn = daemon.longest_turn()
    check(turn < TURN, f"a turn of the loop took {turn} s of processor time")
    peak = daemon.status("VmHWM") / 1024
    check(peak < megabytes, f"the daemon took {peak} MB")


def dry(daemon, job, status):
    return daemon.request("POST", "/v1/jobs?dry_run=1", job, status=status).json


def test_arrays_are_counted_not_made(context):
    daemon = context.daemon(workers=0)
    coords = {f"c{i}": {"dims": [f"d{i}"], "linspace": [0, 1, LARGEST]} for i in range(8)}
    refused = dry(daemon, advect(coords=coords), 413)
    check("1073741824" in refused["detail"], f"no bound in {refused}")
    clocks = {f"c{i}": {"arange": [LARGEST]} for i in range(4)}
    refused = dry(daemon, advect(clocks=clocks, main_clock="c0", outputs={}), 413)
    equal(refused["pointer"], "/clocks/c0", "pointer")
    clocks = {"time": {"linspace": [0, 1, 40000000]}}
    dry(daemon, advect(clocks=clocks, main_clock="time", outputs={}), 200)
    product = {"advect__v": {"linspace": [0, 1, 8000]}, "init__scale": {"linspace": [0.1, 1, 8000]}}
    job = advect(sweep={"product": product})
    for name in product:
        job["inputs"].pop(name, None)
    equal(dry(daemon, job, 200)["members"], 64000000, "members")
    unhurt(daemon, 100)


def inline(n):
    """About 11 bytes of JSON for each of n values."""
    return advect(coords={"c": {"dims": ["d"], "data": [i + 0.5 for i in range(n)]}})


def test_large_bodies_are_worked_on_aside(context):
    daemon = context.daemon(workers=0)
    job = inline(300000)
    dry(daemon, job, 200)
    job["coords"]["c"]["data"][299999] = "x"
    dry(daemon, job, 422)
    daemon.request("POST", "/v1/jobs?dry_run=1", json.dumps(inline(300000)) + "}", status=400)
    unhurt(daemon, 400)
    check(daemon.status("VmRSS") < 100 * 1024, "the memory is given back")


def texts(daemon):
    return os.listdir(os.path.join(daemon.state, "texts"))


def test_long_documents_are_kept_once(context):
    daemon = context.daemon(workers=0)
    first = daemon.submit(inline(100000))
    for _ in range(3):
        daemon.submit({"base": first["id"]})
    equal(len(texts(daemon)), 1, "files of long texts")
    stored = daemon.request("GET", "/v1/jobs/4/document", status=200).json
    equal(stored["coords"]["c"]["data"], [i + 0.5 for i in range(100000)], "data of the document")
    size = os.path.getsize(os.path.join(daemon.state, "simlabd.db-wal"))
    check(size < 1 << 20, f"the database's log has {size} bytes")
    daemon.submit({"base": first["id"], "priority": 3})
    equal(len(texts(daemon)), 2, "files of long texts, with another")
    unhurt(daemon, 200)
    daemon.kill()
    daemon.start()
    equal(len(texts(daemon)), 2, "files of long texts, after a restart")
    equal(daemon.job("5")["priority"], 3, "priority")


def test_long_documents_are_run(context):
    daemon = context.daemon(workers=1)
    daemon.finish(inline(20000))
    equal(len(texts(daemon)), 1, "files of long texts")


def large_model(n, name="large"):
    return {"name": name, "processes": {f"p{i}": "reference.UniformGrid1D" for i in range(n)}}


def test_large_models_are_shown_aside(context):
    daemon = context.daemon(workers=0)
    made = daemon.request("POST", "/v1/models", large_model(20000), status=201).json
    for name in ("large", "large", made["hash"]):
        shown = daemon.request("GET", f"/v1/models/{name}", status=200).json
        equal(len(shown["order"]), 20000, "processes")
        equal(shown["name"], None if name == made["hash"] else "large", "name")
    spent = daemon.processor_seconds()
    daemon.request("GET", "/v1/models/large", status=200)
    check(daemon.processor_seconds() - spent < 0.2, "it was built again")
    changed = {"name": "changed", "base": "large", "processes": {"p7": None}}
    made = daemon.request("POST", "/v1/models", changed, status=201).json
    equal(len(made["order"]), 19999, "processes of the changed model")
    job = {"model": "large", "clocks": {"time": [0, 1]}, "inputs": {"p0__length": 1}}
    refused = daemon.request("POST", "/v1/jobs?dry_run=1", job, status=422).json
    check("p0__spacing" in refused["detail"], f"{refused}")
    unhurt(daemon, 300)


def unread(daemon, path):
    """A client that asks and does not read."""
    client = socket.socket(socket.AF_UNIX)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(daemon.socket)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client


def begun(client):
    check(client.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200", "an answer")


def test_unread_answers_are_shared_and_bounded(context):
    daemon = context.daemon(workers=0, options=["--max-body", "1048576"])
    for name in ("a", "b", "c"):
        model = large_model(7000, name)
        model["processes"]["own_" + name] = "reference.UniformGrid1D"
        daemon.request("POST", "/v1/models", model, status=201)
    for name in ("a", "b"):
        daemon.request("GET", "/v1/models/" + name, status=200)
    clients = [unread(daemon, "/v1/models/" + name) for name in ("a", "b") for _ in range(40)]
    for client in clients:
        begun(client)
    refused = daemon.request("GET", "/v1/models/c", status=503)
    equal(refused.headers["Retry-After"], "1", "Retry-After")
    check("bytes" in refused.json["detail"], f"{refused.json}")
    daemon.request("GET", "/v1/jobs", status=200)
    for client in clients:
        client.close()
    answers = (daemon.request("GET", "/v1/models/c").status for _ in iter(int, 1))
    equal(next(status for status in answers if status != 503), 200, "once the others have left")
    unhurt(daemon, 100)


def test_unread_documents_are_files(context):
    daemon = context.daemon(workers=0)
    daemon.submit(inline(300000))
    clients = [unread(daemon, "/v1/jobs/1/document") for _ in range(100)]
    for client in clients:
        begun(client)
    before = daemon.status("VmRSS")
    clients += [unread(daemon, "/v1/jobs/1/document") for _ in range(100)]
    for client in clients[100:]:
        begun(client)
    grown = daemon.status("VmRSS") - before
    check(grown < 20 * 1024, f"100 more clients that do not read took {grown} kB")
    for client in clients:
        client.close()


def test_pages_are_bounded_by_bytes(context):
    daemon = context.daemon(workers=0)
    labels = {f"k{i}": "v" * 4000 for i in range(16)}
    for _ in range(40):
        daemon.submit(advect(labels=labels))
    seen, before = [], ""
    while before is not None:
        page = daemon.request("GET", f"/v1/jobs?limit=1000{before}", status=200)
        check(len(page.body) < 1200000, f"a page of {len(page.body)} bytes")
        seen += [job["id"] for job in page.json["jobs"]]
        before = f"&before={page.json['next']}" if "next" in page.json else None
    equal(seen, [str(i) for i in range(40, 0, -1)], "jobs on all pages")
    labels["one more"] = "v" * 4000
    refused = daemon.request("POST", "/v1/jobs", advect(labels=labels), status=413).json
    check("65536" in refused["detail"], f"no bound in {refused}")
    unhurt(daemon, 100)


def npy(array):
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def test_uploads_are_written_and_looked_at_aside(context):
    daemon = context.daemon(workers=0)
    values = numpy.full(4000000, 0.5)
    made = daemon.request("POST", "/v1/uploads", npy(values), status=201).json
    job = {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"t": [0, 1]}, "batch_dim": "b",
           "inputs": {"pop__r": 1, "pop__k": {"dims": ["b"], "upload": made["id"]}}}
    equal(dry(daemon, job, 200)["members"], 4000000, "members")
    values[3999998] = -1  # out of bounds
    wrong = daemon.request("POST", "/v1/uploads", npy(values), status=201).json
    job["inputs"]["pop__k"]["upload"] = wrong["id"]
    refused = dry(daemon, job, 422)
    check("at [3999998]" in refused["detail"], f"{refused}")
    unhurt(daemon, 100)


def test_what_has_no_effect_is_said(context):
    daemon = context.daemon(workers=0)
    batch = {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"t": [0, 1]}, "batch_dim": "b",
             "inputs": {"pop__r": 1, "pop__k": {"dims": ["b"], "data": [10, 20]}}}
    threads = {**batch, "scheduler": "threads", "profile": True}
    made = daemon.submit(threads)
    check(len(made["notes"]) == 1 and "threads" in made["notes"][0], f"{made}")
    equal(daemon.job(made["id"])["notes"], made["notes"], "notes of the job")
    equal(dry(daemon, threads, 200)["notes"], made["notes"], "notes of a dry run")
    for job in (advect(parallel=False), advect(parallel=True, scheduler="processes"), batch,
                {**batch, "parallel": False}, {**batch, "scheduler": "threads"}):
        equal(daemon.submit(job)["notes"], [], "notes where all has its effect")


harness.main(globals())
