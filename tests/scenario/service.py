#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""simlabd as a service: its options, its state directory, a disk that is full, its end."""
import http.client
import json
import os
import resource
import socket
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN, REPOSITORY


def advect():
    return load(GOLDEN, "advect", "job.json")


def test_options_that_are_wrong(context):
    for words, said in (
            (["--nothing"], "--nothing"),
            (["state"], "state"),
            (["--state"], "needs a value"),
            (["--state="], "empty"),
            (["--workers", "-1"], "0 to 4096"),
            (["--workers", "2x"], "2x"),
            (["--workers=99999"], "99999"),
            (["--check=yes"], "no value"),
            (["--log-level", "loud"], "warning")):
        ended = context.run("simlabd", *words)
        equal(ended.returncode, 2, f"exit of {words}")
        check(said in ended.stderr, f"{words}: {ended.stderr}")
        equal(ended.stdout, "", "standard output")


def test_options_are_told(context):
    ended = context.run("simlabd", "--help")
    equal(ended.returncode, 0, "exit")
    with open(os.path.join(REPOSITORY, "daemon/config.def"), encoding="utf-8") as file:
        options = [line.split('"')[1] for line in file if line.startswith("OPTION(")]
    check(len(options) > 5, f"{options}")
    for option in options:
        check(f"  --{option}" in ended.stdout, f"--{option} is not in --help")
    check(context.run("simlabd", "--version").stdout.startswith("simlabd "), "--version")


def test_check(context):
    state = context.path("state")
    ended = context.run("simlabd", "--check", "--state", state, "--processes", context.program("processes"))
    equal(ended.returncode, 0, f"exit; {ended.stderr}")
    check("reference.AdvectionLax" in ended.stdout.split("\n"), ended.stdout)
    check(not os.path.exists(state), "--check made the state directory")


def test_state_is_private(context):
    daemon = context.daemon(workers=0, state=context.path("new"))
    for name, mode in ((".", 0o700), ("token", 0o600), ("uploads", 0o700), ("run", 0o700), ("simlabd.db", 0o600)):
        found = stat.S_IMODE(os.stat(os.path.join(daemon.state, name)).st_mode)
        equal(oct(found), oct(mode), f"mode of {name}")
    check(len(daemon.token) >= 32, f"token {daemon.token!r}")


def start_that_fails(context, said, *words):
    ended = context.run("simlabd", "--workers", "0", "--processes", context.program("processes"), *words)
    equal(ended.returncode, 3, f"exit; {ended.stderr}")
    check(said in ended.stderr, f"{said!r} is not in: {ended.stderr}")


def test_starts_that_fail(context):
    daemon = context.daemon(workers=0)
    fresh = context.path("state")
    start_that_fails(context, "process " + str(daemon.process.pid), "--state", daemon.state, "--listen", "tcp:127.0.0.1:0")
    start_that_fails(context, "in use", "--state", fresh, "--listen", daemon.tcp)
    start_that_fails(context, "another program", "--state", fresh, "--listen", "unix:" + daemon.socket)
    start_that_fails(context, "unix:PATH or tcp:HOST:PORT", "--state", fresh, "--listen", "localhost")
    start_that_fails(context, "Not a directory", "--state", daemon.socket + "/state", "--listen", "tcp:127.0.0.1:0")
    daemon.request("GET", "/healthz", status=200)
    daemon.stop()
    check(not os.path.exists(daemon.socket), "the socket was left behind")
    with open(os.path.join(daemon.state, "token"), "w", encoding="utf-8") as file:
        file.write("short\n")
    start_that_fails(context, "token", "--state", daemon.state, "--listen", "tcp:127.0.0.1:0")


def test_port_file(context):
    path = context.path("ports")
    daemon = context.daemon(workers=0, options=["--port-file", path])
    with open(path, encoding="utf-8") as file:
        equal(file.read().split(), ["unix:" + daemon.socket, daemon.tcp, f"unix:{daemon.state}/socket"], "port file")


def test_nothing_is_acknowledged_that_cannot_be_stored(context):
    daemon = context.daemon(workers=0)
    first = daemon.submit(advect())["id"]
    _, hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (4096, hard))
    for _ in range(3):
        refused = daemon.request("POST", "/v1/jobs", advect(), status=503)
        equal(refused.json["type"], "urn:simlabd:problem:busy", "problem")
        check(refused.headers["Retry-After"], "no Retry-After")
    daemon.request("POST", f"/v1/jobs/{first}/cancel", status=503)
    daemon.request("GET", "/readyz", status=503)
    daemon.request("GET", "/healthz", status=200)
    equal([(j["id"], j["state"]) for j in daemon.request("GET", "/v1/jobs", status=200).json["jobs"]],
          [(first, "queued")], "jobs")
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    second = daemon.submit(advect())["id"]
    daemon.request("GET", "/readyz", status=200)
    daemon.kill()
    daemon.start()
    equal({j["id"] for j in daemon.request("GET", "/v1/jobs", status=200).json["jobs"]}, {first, second}, "jobs later")


def test_stops_while_it_is_busy(context):
    daemon = context.daemon(workers=1)
    job = advect()
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5] * 200000}
    job["batch_dim"] = "batch"
    number = daemon.submit(job)["id"]
    stream = harness.connection(daemon.server)
    stream.request("GET", f"/v1/jobs/{number}/events")
    answer = stream.getresponse()
    check(answer.readline(), "no event")
    half = socket.socket(socket.AF_UNIX)
    half.connect(daemon.socket)
    half.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    daemon.await_event(number, lambda kind, data: kind == "running")
    daemon.stop()
    try:
        answer.read()
    except http.client.IncompleteRead:
        raise harness.Failure("the stream was cut off, not ended") from None
    half.settimeout(harness.WAIT)
    equal(half.recv(10), b"", "after the half request")
    half.close()
    daemon.start()
    equal(daemon.job(number)["state"], "running", "state after the restart")
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)


def test_a_long_state_path(context):
    """Sockets have short names: the workers' one stands under /tmp then, and goes with the daemon."""
    daemon = context.daemon(workers=1, state=os.path.join(context.path("long"), "x" * 120), socket_path=context.path("s"))
    ended = daemon.finish(advect())
    check(ended["store"].startswith(daemon.state), ended["store"])
    with open(f"/proc/{daemon.workers()[0]['pid']}/cmdline", encoding="utf-8") as file:
        endpoint = next(word for word in file.read().split("\0") if word.startswith("ipc://"))
    run = os.path.dirname(endpoint[len("ipc://"):])
    check(run.startswith("/tmp/simlabd-"), f"the workers' socket is in {run}")
    equal(oct(stat.S_IMODE(os.stat(run).st_mode)), oct(0o700), f"mode of {run}")
    daemon.stop()
    check(not os.path.exists(run), f"{run} was left behind")


def test_a_leftover_store_is_not_overwritten(context):
    daemon = context.daemon(workers=1)
    stores = os.path.join(daemon.state, "stores")
    os.makedirs(os.path.join(stores, "1.zarr"), exist_ok=True)
    daemon.finish(advect())
    equal(os.listdir(os.path.join(stores, "1.zarr")), [], "files in the store that stood there")


def test_many_at_once(context):
    """Requests of one turn share a commit; each has its own answer."""
    daemon = context.daemon(workers=0)
    body = json.dumps(advect())
    connections = []
    for _ in range(50):
        c = harness.connection(daemon.server)
        c.request("POST", "/v1/jobs", body)
        connections.append(c)
    made = [json.loads(c.getresponse().read())["id"] for c in connections]
    equal(len(set(made)), 50, "jobs")
    equal(sorted(map(int, made)), list(range(1, 51)), "numbers")
    for c in connections:
        c.close()


harness.main(globals())
