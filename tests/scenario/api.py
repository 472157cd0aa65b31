#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The REST interface as a client sees it: who is let in, what is refused and how, what survives."""
import hashlib
import io
import json
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, request, GOLDEN, FINAL


def advect():
    return load(GOLDEN, "advect", "job.json")


def endless():
    """A job that no test waits out."""
    job = advect()
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5] * 200000}
    job["batch_dim"] = "batch"
    return job


def problem(response, status, pointer=None):
    """The response is a problem document (RFC 9457) of that status; its members."""
    equal(response.status, status, f"status of {response!r}")
    equal(response.headers.get_content_type(), "application/problem+json", "media type")
    document = response.json
    for key in ("type", "title", "status", "detail"):
        check(document.get(key), f"no {key} in {document}")
    equal(document["status"], status, "status in the document")
    if pointer is not None:
        equal(document.get("pointer"), pointer, f"pointer of {document}")
    return document


def test_who_is_let_in(context):
    daemon = context.daemon(workers=0)
    token = daemon.token
    equal(stat.S_IMODE(os.stat(os.path.join(daemon.state, "token")).st_mode), 0o600, "token's mode")
    for path in ("/healthz", "/readyz", "/openapi.json"):
        check(request(daemon.tcp, "GET", path).status in (200, 503), f"{path} without a token")
    equal(request(daemon.tcp, "GET", "/healthz").json["status"], "ok", "health")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer " + token[:-1]},
                    {"Authorization": "Bearer " + token + "x"}, {"Authorization": "Basic " + token}):
        for method, path in (("GET", "/v1/jobs"), ("POST", "/v1/jobs"), ("GET", "/v1/workers"),
                             ("GET", "/v1/nothing")):
            problem(request(daemon.tcp, method, path, None, headers), 401)
    good = {"Authorization": "Bearer " + token}
    equal(request(daemon.tcp, "GET", "/v1/jobs", None, good).status, 200, "with the token")
    daemon.request("GET", "/v1/jobs", status=200)  # the socket's peer is us
    equal(request(daemon.tcp, "GET", "/healthz", None, {"Host": "evil.example"}).status, 400, "Host")
    daemon.stop()
    daemon.start()
    equal(daemon.token, token, "token after a second start")


def test_routes_that_are_not(context):
    daemon = context.daemon(workers=0)
    problem(daemon.request("GET", "/v1/nothing"), 404)
    problem(daemon.request("GET", "/v1/jobs/99"), 404)
    problem(daemon.request("GET", "/v1/jobs/abc"), 404)
    problem(daemon.request("GET", "/v1/models/none"), 404)
    problem(daemon.request("GET", "/v1/processes/none.None"), 404)
    problem(daemon.request("DELETE", "/v1/jobs"), 405)
    problem(daemon.request("GET", "/v1/jobs?state=happy"), 422)


def test_bodies_that_are_refused(context):
    daemon = context.daemon(workers=0, options=["--max-body", "65536"])

    def post(body, headers=None):
        return daemon.request("POST", "/v1/jobs", body, headers)
    problem(post(b""), 400)
    problem(post(b"{"), 400)
    problem(post(b'{"model": \xff}'), 400)
    nan = problem(post(json.dumps(advect()).replace("0.3", "NaN").encode()), 400)
    check("NaN" in nan["detail"], f"no hint of the string \"NaN\": {nan}")
    problem(post(b"[" * 60000), 400)
    problem(post(b"[]"), 422)
    problem(post({**advect(), "model": "none"}), 422, "/model")
    problem(post({**advect(), "clockz": 1}), 422)
    problem(post(b'"' + b"x" * 65535 + b'"'), 413)
    equal(daemon.request("GET", "/v1/jobs", status=200).json["jobs"], [], "jobs")
    equal(daemon.request("GET", "/healthz").status, 200, "health after all that")


def test_dry_run(context):
    daemon = context.daemon(workers=0)
    daemon.request("POST", "/v1/jobs?dry_run=1", advect(), status=200)
    job = advect()
    job["inputs"]["advect__w"] = 1
    problem(daemon.request("POST", "/v1/jobs?dry_run=1", job), 422, "/inputs/advect__w")
    equal(daemon.request("GET", "/v1/jobs", status=200).json["jobs"], [], "jobs")


def test_idempotency(context):
    daemon = context.daemon(workers=0)
    key = {"Idempotency-Key": "one"}
    first = daemon.request("POST", "/v1/jobs", advect(), key, status=201)
    again = daemon.request("POST", "/v1/jobs", advect(), key)
    check(again.status in (200, 201), f"{again!r}")
    equal(again.json["id"], first.json["id"], "job")
    equal(first.headers["Location"], "/v1/jobs/" + first.json["id"], "Location")
    other = advect()
    other["inputs"]["advect__v"] = 2
    problem(daemon.request("POST", "/v1/jobs", other, key), 409)
    daemon.kill()
    daemon.start()
    equal(daemon.request("POST", "/v1/jobs", advect(), key).json["id"], first.json["id"], "job later")
    check(daemon.submit(advect())["id"] != first.json["id"], "without a key it is another job")


def test_pages(context):
    daemon = context.daemon(workers=0)
    made = [daemon.submit(advect())["id"] for _ in range(7)]
    seen, query = [], "limit=3"
    while query:
        page = daemon.request("GET", "/v1/jobs?" + query, status=200).json
        check(len(page["jobs"]) <= 3, f"page of {len(page['jobs'])}")
        seen += [j["id"] for j in page["jobs"]]
        query = f"limit=3&before={page['next']}" if page.get("next") else None
    equal(seen, made[::-1], "jobs, newest first")
    equal(len(daemon.request("GET", "/v1/jobs?state=queued", status=200).json["jobs"]), 7, "queued")
    equal(daemon.request("GET", "/v1/jobs?state=running", status=200).json["jobs"], [], "running")


def test_cancel(context):
    daemon = context.daemon(workers=0)
    number = daemon.submit(advect())["id"]
    equal(daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200).json["state"], "cancelled", "state")
    problem(daemon.request("POST", f"/v1/jobs/{number}/cancel"), 409)
    equal(daemon.await_end(number)["state"], "cancelled", "state at the end")


def test_cancel_while_running(context):
    daemon = context.daemon(workers=2)
    number = daemon.submit(endless())["id"]
    daemon.await_event(number, lambda kind, data: kind == "progress")
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    equal(daemon.await_end(number)["state"], "cancelled", "state")
    daemon.finish(advect())  # the workers are free again


def test_restart_keeps_jobs(context):
    """Acknowledged jobs survive kill -9, and run when there are workers."""
    daemon = context.daemon(workers=0)
    made = [daemon.submit(advect())["id"] for _ in range(5)]
    model = daemon.request("POST", "/v1/models", {"name": "kept", **advect()["model"]}, status=201).json
    daemon.kill()
    daemon.workers_wanted = 2
    daemon.start()
    for number in made:
        equal(daemon.await_end(number)["state"], "succeeded", f"job {number}")
    equal(daemon.request("GET", "/v1/models/kept", status=200).json["hash"], model["hash"], "model")
    stores = [daemon.job(n)["store"] for n in made]
    equal(len(set(stores)), len(stores), "stores of their own")
    for store in stores[1:]:
        harness.same_store(stores[0], store)


def test_models(context):
    daemon = context.daemon(workers=2)
    processes = advect()["model"]["processes"]
    r = daemon.request("POST", "/v1/models", {"name": "advection", "processes": processes}, status=201)
    model = r.json
    equal(r.headers["Location"], "/v1/models/" + model["hash"], "Location")
    for name in ("advection", model["hash"]):
        equal(daemon.request("GET", "/v1/models/" + name, status=200).json["hash"], model["hash"], name)
    again = daemon.request("POST", "/v1/models", {"name": "advection", "processes": processes})
    check(again.status in (200, 201), f"the same again: {again!r}")
    other = {k: v for k, v in processes.items() if k != "advect"}
    problem(daemon.request("POST", "/v1/models", {"name": "advection", "processes": other}), 409)
    swapped = dict(reversed(processes.items()))
    changed = daemon.request("POST", "/v1/models", {"processes": swapped}, status=201).json
    check(changed["hash"] != model["hash"], "the declared order is part of the hash")
    ended = daemon.finish({**advect(), "model": "advection"})
    equal(ended["model"], model["hash"], "the job's model")
    harness.golden_agrees(ended["store"], "advect")
    names = [m.get("name") for m in daemon.request("GET", "/v1/models", status=200).json["models"]]
    check("advection" in names, f"models: {names}")


def test_processes(context):
    daemon = context.daemon(workers=0)
    listed = daemon.request("GET", "/v1/processes", status=200).json["processes"]
    names = [p["name"] for p in listed]
    check("reference.AdvectionLax" in names and "landscape" in {n.split(".")[0] for n in names}, f"{names}")
    shown = daemon.request("GET", "/v1/processes/reference.AdvectionLax", status=200).json
    check("velocity" in json.dumps(shown), f"{shown}")


def test_uploads(context):
    import numpy  # pylint: disable=import-outside-toplevel
    daemon = context.daemon(workers=2)
    job = load(GOLDEN, "advect-velocity-array", "job.json")
    file = io.BytesIO()
    numpy.save(file, numpy.array(job["inputs"]["advect__v"]["data"]))
    body = file.getvalue()
    octets = {"Content-Type": "application/octet-stream"}
    for _ in range(2):
        made = daemon.request("POST", "/v1/uploads", body, octets, status=201).json
        equal(made["id"], hashlib.sha256(body).hexdigest(), "id")
    equal((made["dtype"], made["shape"]), ("<f8", [150]), "dtype, shape")
    job["inputs"]["advect__v"]["data"] = {"upload": made["id"]}
    harness.golden_agrees(daemon.finish(job)["store"], "advect-velocity-array")
    job["inputs"]["advect__v"]["data"] = {"upload": "0" * 64}
    problem(daemon.request("POST", "/v1/jobs", job), 422)
    job["inputs"]["advect__v"]["data"] = {"upload": "../token"}
    problem(daemon.request("POST", "/v1/jobs", job), 422)
    job["inputs"]["advect__v"]["data"] = {"file": "/etc/passwd"}
    problem(daemon.request("POST", "/v1/jobs", job), 422)
    problem(daemon.request("POST", "/v1/uploads", b"not an array", octets), 422)
    problem(daemon.request("POST", "/v1/uploads", body[:-8], octets), 422)


def test_stores_stay_under_their_root(context):
    daemon = context.daemon(workers=0)
    for name in ("../out", "/etc/out", "a/../../out", "", ".", ".."):
        problem(daemon.request("POST", "/v1/jobs", {**advect(), "store": name}), 422, "/store")
    problem(daemon.request("POST", "/v1/jobs", {**advect(), "store": "a\u0000b"}), 400)
    made = daemon.submit({**advect(), "store": "mine"})
    check(os.path.realpath(made["store"]).startswith(os.path.realpath(daemon.state)), made["store"])
    problem(daemon.request("POST", "/v1/jobs", {**advect(), "store": "mine"}), 409)


def test_events_resume(context):
    daemon = context.daemon(workers=2)
    job = advect()
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5] * 2000}
    job["batch_dim"] = "batch"
    number = daemon.submit(job)["id"]
    whole = list(daemon.events(number, 0))
    kinds = [kind for _, kind, _ in whole]
    check(kinds[0] == "queued" and "running" in kinds and kinds[-1] == "succeeded", f"{kinds}")
    equal(sum(kind in FINAL for kind in kinds), 1, f"final events in {kinds}")
    durable = [e for e in whole if e[0] is not None]
    numbers = [int(n) for n, _, _ in durable]
    equal(numbers, sorted(numbers), "numbers of events")
    for cut in (0, 1, len(durable) - 2):
        # Progress that later progress has overtaken may be left out; nothing else may.
        rest = list(daemon.events(number, durable[cut][0]))
        equal(rest[-1], durable[-1], f"last event after {durable[cut][0]}")
        check(all(e in durable[cut + 1:] for e in rest), f"events after {durable[cut][0]}: {rest}")
        equal([e for e in rest if e[1] != "progress"], [e for e in durable[cut + 1:] if e[1] != "progress"],
              f"events after {durable[cut][0]}")


def test_a_broken_library_harms_a_child_only(context):
    """A library that crashes when it is loaded is reported; the others serve."""
    folder = context.directory("broken")
    source = os.path.join(folder, "crash.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write("#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { abort(); }\n")
    harness.subprocess.run(["gcc", "-shared", "-fPIC", "-o", os.path.join(folder, "crash.so"), source], check=True)
    os.unlink(source)
    daemon = context.daemon(workers=0, options=["--processes", folder])
    daemon.await_line("library crash .*is left out: it cannot be described: killed by signal 6")
    daemon.submit(advect())


def test_one_daemon_per_state(context):
    daemon = context.daemon(workers=0)
    second = context.run("simlabd", "--state", daemon.state, "--listen", "tcp:127.0.0.1:0", "--workers", "0",
                         "--processes", context.program("processes"))
    check(second.returncode not in (0, -6, -11), f"a second daemon on one state: {second.returncode}")
    check(second.stderr.strip(), "it did not say why")
    daemon.submit(advect())


harness.main(globals())
