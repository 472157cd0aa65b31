#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The command line against a server that misbehaves: lost connections, odd streams, refusals,
interrupts, terminals; and how it finds the daemon and the token."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from fake_server import Fake  # pylint: disable=wrong-import-position
from harness import check, equal, WAIT

JOB = {"model": {"processes": {}}, "inputs": {}}


def job(state, **more):
    return {"id": "7", "name": None, "state": state, "model": "h", "store": "/stores/7.zarr", "members": 24,
            "done": 0, "dead": 0, "progress": None, "reason": None, "created": "2026-01-01T00:00:00.000Z",
            "started": None, "ended": None, **more}


def event(kind, data=None, number=None, end=b"\n"):
    lines = [f"id: {number}".encode()] if number is not None else []
    lines += [b"event: " + kind.encode(), b"data: " + json.dumps(data or {}).encode(), b""]
    return b"".join(line + end for line in lines)


def progress(done, number=None, dead=0, members=24):
    return event("progress", {"done": done, "dead": dead, "members": members}, number)


class Setting:
    """A fake daemon with a job 7 that ends well, and the client."""

    def __init__(self, context, tcp=False):
        self.context = context
        self.fake = Fake(("127.0.0.1", 0) if tcp else context.path("s"))
        self.file = context.path("job.json")
        self.write(JOB)
        self.stream(event("queued", number=1) + event("succeeded", number=2))
        self.fake.routes[("POST", "/v1/jobs")] = 201, job("queued")
        self.fake.routes[("GET", "/v1/jobs/7")] = 200, job("succeeded", done=24)

    def write(self, document):
        with open(self.file, "w", encoding="utf-8") as file:
            json.dump(document, file)

    def stream(self, *streams):
        """What each connection to the job's events is sent; the last stays."""
        def answer(data):
            return lambda handler, _: handler.stream(data if isinstance(data, list) else [data])
        self.fake.routes[("GET", "/v1/jobs/7/events")] = [answer(s) for s in streams]

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if k not in ("SIMLAB_SERVER", "SIMLAB_TOKEN", "XDG_RUNTIME_DIR")}
        return {**kept, "HOME": self.context.directory("home"), "SIMLAB_SERVER": self.fake.url, **more}

    def __call__(self, *arguments, code=0, stdin=None, **environment):
        ended = subprocess.run([self.context.program("simlab"), *arguments], input=stdin, text=True,
                               capture_output=True, timeout=WAIT, env=self.environment(**environment),
                               stdin=subprocess.DEVNULL if stdin is None else None, check=False)
        equal(ended.returncode, code, f"exit of simlab {' '.join(arguments)}: {ended.stdout}{ended.stderr}")
        return ended

    def start(self, *arguments, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        client = subprocess.Popen([self.context.program("simlab"), *arguments], text=True,
                                  env=self.environment(TERM="xterm"), **options)
        hung = threading.Timer(WAIT, client.kill)  # so that a wait for a line of it ends
        hung.daemon = True
        hung.start()
        return client

    def last_ids(self):
        return [r[2].get("Last-Event-ID") for r in self.fake.requests if r[1].endswith("/events")]


def await_line(stream, part):
    for line in stream:
        if part in line:
            return line
    raise harness.Failure(f"no line with {part!r}")


# ---- event streams -------------------------------------------------------------------------------


def test_stream_in_single_bytes(context):
    simlab = Setting(context)
    whole = (b"\xef\xbb\xbf: hello\n\n" + event("queued", number=1, end=b"\r\n") + event("running", number=2, end=b"\r") +
             b"retry: 10\nid: 3\nevent: progress\ndata: {\"done\": 12,\ndata: \"dead\": 0, \"members\": 24}\n\n" +
             b"data\n\n:\n\n" + event("succeeded", number=4))
    simlab.stream([whole[i:i + 1] for i in range(len(whole))])
    ended = simlab("run", simlab.file)
    check("50 %, 12 of 24 members" in ended.stderr, ended.stderr)
    equal(ended.stdout.split("\n")[0], "/stores/7.zarr", "path of the store")
    equal(len(simlab.last_ids()), 1, "connections")


def test_lost_streams_resume(context):
    """After the last whole event; what had begun is told again."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (200, job("succeeded"))]
    simlab.stream(event("running", number=5) + b"id: 6\nevent: succee", b"", progress(1) + progress(12, 9),
                  event("succeeded", number=10))
    ended = simlab("wait", "7")
    equal(simlab.last_ids(), [None, "5", "5", "9"], "Last-Event-ID")
    equal(ended.stdout, "7 succeeded /stores/7.zarr\n", "output")
    check("trying again" in ended.stderr and "connected again" in ended.stderr, ended.stderr)


def test_failing_daemon_is_waited_for(context):
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (None,), (503, {"detail": "starting"}),
                                                 (200, job("succeeded"))]
    good = simlab.fake.routes[("GET", "/v1/jobs/7/events")][0]
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = [(503, {"detail": "starting"}), (None,), good]
    simlab("wait", "7")


def test_restarted_daemon_is_waited_for(context):
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (200, job("succeeded"))]
    going = threading.Event()

    def hang(handler, _):
        handler.stream([event("running", number=3)])
        going.set()
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = [hang]
    waiting = simlab.start("wait", "7")
    check(going.wait(WAIT), "no stream was opened")
    simlab.fake.stop()
    await_line(waiting.stderr, "trying again")
    simlab.stream(event("succeeded", number=4))
    simlab.fake.start()
    output = waiting.communicate(timeout=WAIT)
    equal(waiting.returncode, 0, f"exit of wait: {output}")
    equal(simlab.last_ids()[-1], "3", "Last-Event-ID")


def test_stream_that_has_all(context):
    """204: the last event was told before the connection was lost."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (200, job("succeeded"))]
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = [(204,)]
    simlab("wait", "7")


def test_stream_that_is_forbidden_or_gone(context):
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, job("running")
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = 401, {"detail": "no"}
    simlab("wait", "7", code=4)
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = 404, {"detail": "there is no job"}
    simlab("wait", "7", code=2)


def test_streams_of_nonsense(context):
    """Nothing of the kind is waited for, or tried again without end."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, job("running")
    page = [("Content-Type", "text/html")]
    garbage = [b"<p>nonsense</p>\n" * 2000]
    for stream in ((200, b"<html>", page), (200, b"", page), (200, job("running")),
                   lambda h, _: h.stream(garbage), lambda h, _: h.stream([b"event: progress\ndata: {\"done\": -1}\n\n"]),
                   lambda h, _: h.stream([b"event: progress\ndata: {\"done\": 1e300}\n\n"]),
                   lambda h, _: h.stream([b"event: log\ndata: [\n\n"]), lambda h, _: h.stream([b"event: succeeded\n data: 5\ndata: 5\n\n"]),
                   lambda h, _: h.stream([b"data: " + b"x" * 65536] * 40), lambda h, _: h.stream([])):
        simlab.fake.routes[("GET", "/v1/jobs/7/events")] = stream
        simlab("wait", "7", code=3)
    simlab.stream([b": a comment\nevent: newer\ndata: what is not known\n\nretry: 5\n\n", event("succeeded", number=1)])
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (200, job("succeeded"))]
    simlab("wait", "7")


def test_contradictions(context):
    """The events say that the job has ended, the job that it has not: for ever, or after a retry."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, job("running")
    said = simlab("wait", "7", code=3).stderr
    check("has ended, and that it has not" in said, said)
    check(simlab.last_ids()[:2] == [None, "2"], f"what was told is told again: {simlab.last_ids()}")
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = (204,)
    check("has ended, and that it has not" in simlab("wait", "7", code=3).stderr, "no word")
    simlab.fake.requests.clear()
    simlab.stream(event("failed", number=5), event("running", number=6) + event("succeeded", number=7))
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running"))] * 2 + [(200, job("succeeded"))]
    simlab("wait", "7")
    equal(simlab.last_ids(), [None, "5"], "Last-Event-ID")


# ---- silence -------------------------------------------------------------------------------------


def silent(handler, _):
    """Says nothing until the client has gone."""
    handler.connection.recv(1)
    handler.close_connection = True


def test_silent_server(context):
    """No command waits for ever; a submission that may have been heard can be repeated."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = silent
    simlab.fake.routes[("POST", "/v1/jobs")] = silent
    simlab.fake.routes[("GET", "/v1/models/m")] = silent
    for words in (("status", "7"), ("wait", "7"), ("plot", "7", "p__v"), ("models", "show", "m")):
        check("has said nothing for 1 s" in (said := simlab(*words, "--timeout", "1", code=3).stderr), said)
    ended = simlab("run", simlab.file, "--timeout", "1", code=3)
    check("has said nothing" in ended.stderr and "--idempotency-key" in ended.stderr, ended.stderr)
    equal(len(simlab.fake.paths("POST")), 1, "tries")
    for wrong in ("0", "-1", "x", "", "99999999999999999999"):
        check("--timeout" in simlab("jobs", "--timeout", wrong, code=2).stderr, f"--timeout {wrong}")


def test_silent_stream_is_opened_again(context):
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (200, job("succeeded"))]
    good = simlab.fake.routes[("GET", "/v1/jobs/7/events")][0]

    def falls_silent(handler, body):
        handler.stream([event("running", number=3)])
        silent(handler, body)
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = [falls_silent, good]
    said = simlab("wait", "7", "--timeout", "1").stderr
    check("has said nothing for 1 s; trying again until it is there" in said and "cannot reach" not in said, said)
    check("connected again" in said, said)
    equal(simlab.last_ids(), [None, "3"], "Last-Event-ID")


def test_quiet_stream_is_alive(context):
    """Nothing happens but comments, fewer bytes than seconds; as with the daemon's every 15 s."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = [(200, job("running")), (200, job("succeeded"))]
    paced = threading.Event()

    def pieces():
        for _ in range(3):
            paced.wait(2.5)
            yield b":\n"
        yield event("succeeded", number=1)
    simlab.fake.routes[("GET", "/v1/jobs/7/events")] = lambda handler, _: handler.stream(pieces())
    said = simlab("wait", "7", "--timeout", "5").stderr
    equal(len(simlab.last_ids()), 1, f"connections; {said}")
    check("again" not in said and "cannot" not in said, said)


def test_odd_http(context):
    """What is no HTTP is said, and not tried again."""
    simlab = Setting(context)

    def say(text):
        def answer(handler, _):
            handler.wfile.write(text)
            handler.close_connection = True
        return answer
    for text in (b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", b"HTTP/1.1 100 Continue\r\n\r\n" * 50000,
                 b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * (2 << 20), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"):
        simlab.fake.routes[("GET", "/v1/jobs/7")] = say(text)
        simlab("status", "7", code=3)
        simlab("wait", "7", code=3)
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, b" " * (65 << 20)
    check("more than this program takes" in simlab("status", "7", code=3).stderr, "a large answer")


def test_states_and_exit_codes(context):
    simlab = Setting(context)
    for state, code in (("succeeded", 0), ("partial", 1), ("failed", 1), ("cancelled", 1)):
        simlab.stream(event(state, number=1))
        simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, job(state, dead=2, reason="the\x1b[2Jend")
        ended = simlab("run", simlab.file, code=code)
        check(code == 0 or f"job 7: {state}: the\\x1b[2Jend" in ended.stderr, ended.stderr)
        equal("/stores/7.zarr" in ended.stdout, state in ("succeeded", "partial"), f"store of a job that {state}")
    equal(simlab("wait", "7", "7", code=1).stdout.count("\n"), 2, "lines of wait")


# ---- submission ----------------------------------------------------------------------------------


def test_lost_answer_is_asked_for_again(context):
    """With the same key, so that there is one job."""
    simlab = Setting(context)
    simlab.fake.routes[("POST", "/v1/jobs")] = [(None,), (503, {"detail": "busy"}), (201, job("queued"))]
    equal(simlab("submit", simlab.file).stdout, "7\n", "output")
    keys = [r[2]["Idempotency-Key"] for r in simlab.fake.requests]
    equal(len(keys), 3, "tries")
    equal(len(set(keys)), 1, f"keys {keys}")
    simlab("submit", "--idempotency-key", "mine", simlab.file)
    equal(simlab.fake.requests[-1][2]["Idempotency-Key"], "mine", "key")
    simlab("submit", simlab.file)
    check(simlab.fake.requests[-1][2]["Idempotency-Key"] not in keys, "another job with a key used before")


def test_document_is_sent_as_it_is(context):
    simlab = Setting(context)
    document = {"z": [0.1, 1e300, -0.0, 2**53, 2**63 - 1, -2**63, 2**63, [2**64 - 1], "9223372036854775808", "ß\u0001"], "a": {"b": None}, "model": "m", "inputs": {"x": "NaN"}}
    simlab("submit", "-", stdin=json.dumps(document))
    sent = json.loads(simlab.fake.requests[-1][3])
    equal(sent, document, "document")
    equal(list(sent), list(document), "order of keys")
    simlab("submit", "--dry-run", simlab.file, code=2)
    equal(simlab.fake.requests[-1][1], "/v1/jobs?dry_run=1", "path")
    simlab("run", "--store", "mine", simlab.file)
    sent = next(r for r in simlab.fake.requests[::-1] if r[0] == "POST")
    equal(json.loads(sent[3])["store"], "mine", "store")


def test_documents_that_cannot_be_read(context):
    simlab = Setting(context)
    for text in ("", "{", "[]", "{\"a\": 1, \"a\": 2}", "{\"a\": 1" + "0" * 400 + "}", "\xff", "{\"a\": \"\0\"}", "{\0}"):
        path = context.path("bad.json")
        with open(path, "w", encoding="latin-1") as file:
            file.write(text)
        check(path in simlab("submit", path, code=2).stderr, "which file")
    for number in ("NaN", "Infinity", "-Infinity", "nan"):
        said = simlab("submit", "-", stdin=f'{{"inputs": {{"a": [1,\n{number}]}}}}', code=2).stderr
        check("standard input:2:" in said and 'write "NaN"' in said, said)
    simlab("submit", context.path("none"), code=2)
    simlab("submit", context.directory("folder"), code=2)
    equal(simlab.fake.requests, [], "requests")


def test_uploads(context):
    simlab = Setting(context)
    folder = os.path.dirname(simlab.file)
    array = b"\x93NUMPY" + bytes(range(256)) * 4096
    for name in ("a.npy", "b.npy"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(array + name.encode())
    simlab.fake.routes[("POST", "/v1/uploads")] = [(201, {"id": "one"}), (201, {"id": "two"}), (422, {"detail": "no"})]
    given = {"inputs": {"x": {"dims": ["x"], "data": {"file": "a.npy"}}, "y": {"data": {"file": "a.npy"}},
                        "z": {"data": {"file": os.path.join(folder, "b.npy")}, "attrs": {"file": "c.npy"}}},
             "labels": {"data": {"file": "d.npy"}}, "sweep": {"product": {"w": {"file": "a.npy"}}}}
    simlab.write(given)
    simlab("submit", simlab.file)
    bodies = [r[3] for r in simlab.fake.requests]
    equal(bodies[:-1], [array + b"a.npy", array + b"b.npy"], "uploads")
    sent = json.loads(bodies[-1])
    equal([sent["inputs"][k]["data"] for k in "xyz"], [{"upload": "one"}, {"upload": "one"}, {"upload": "two"}], "inputs")
    equal(sent["sweep"]["product"]["w"], {"upload": "one"}, "sweep")
    equal((sent["inputs"]["z"]["attrs"], sent["labels"]), (given["inputs"]["z"]["attrs"], given["labels"]), "the rest")
    check("a.npy" in simlab("submit", simlab.file, code=2).stderr, "which file")


# Where a file may stand (proto/job.schema.json), as a path through the job.
PLACES = [(section, "n", *more) for section in ("inputs", "clocks", "coords") for more in ((), ("data",))] + [
    ("sweep", kind, "n", *more) for kind in ("product", "zip") for more in ((), ("data",))] + [
        ("setup", section, "n", "data") for section in ("coords", "data_vars")]


def put(at, value):
    for key in reversed(at):
        value = {key: value}
    return value


def test_files_in_each_place(context):
    """The upload stands where the file stood; all else stays."""
    simlab = Setting(context)
    with open(os.path.join(os.path.dirname(simlab.file), "a.npy"), "wb") as file:
        file.write(b"\x93NUMPY")
    simlab.fake.routes[("POST", "/v1/uploads")] = 201, {"id": "one"}
    for at in PLACES:
        beside = {} if at[-1] == "data" else {"dims": ["x"], "attrs": {"units": "m", "file": "b.npy"}}
        simlab.write(put(at, {**beside, "file": "a.npy"}))
        simlab("submit", simlab.file)
        equal(json.loads(simlab.fake.requests[-1][3]), put(at, {**beside, "upload": "one"}), f"job with a file at {at}")
        simlab.write(put(at, {**beside, "file": "none.npy"}))
        said = simlab("submit", simlab.file, code=2).stderr
        check(f"/{'/'.join(at)}/file" in said, f"not said where: {said}")
    for at, value in ((("inputs", "n"), {"file": "a.npy", "data": [1]}), (("inputs", "n", "data"), {"file": "a.npy", "x": 1}),
                      (("inputs", "n", "data"), [{"file": "a.npy"}]), (("inputs", "n"), {"file": 5}), (("inputs", "file"), "a.npy"),
                      (("labels",), {"file": "a.npy"}), (("attrs", "n"), {"file": "a.npy"}), (("coords",), 5)):
        simlab.write(put(at, value))
        simlab("submit", simlab.file)
        equal(json.loads(simlab.fake.requests[-1][3]), put(at, value), "what is no short form is left to the daemon")


def test_files_that_are_not_sent(context):
    """Nothing but arrays leaves the machine."""
    simlab = Setting(context)
    secret = context.path("secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("password")
    for path in (secret, secret + ".none", os.path.dirname(secret), "/dev/zero"):
        simlab.write({"inputs": {"x": {"data": {"file": path}}}})
        check("/inputs/x/data" in simlab("submit", simlab.file, code=2).stderr, "where")
    equal(simlab.fake.requests, [], "requests")


def test_notes_are_said(context):
    simlab = Setting(context)
    simlab.fake.routes[("POST", "/v1/jobs")] = 201, job("queued", notes=["parallel\x1b is not yet", 5, None])
    equal(simlab("submit", simlab.file).stderr, "simlab: note: parallel\\x1b is not yet\n", "notes")
    simlab.fake.routes[("POST", "/v1/jobs")] = 201, job("queued", notes={"a": 1})
    equal(simlab("submit", simlab.file).stderr, "", "no notes")


# ---- refusals ------------------------------------------------------------------------------------


def test_problems(context):
    simlab = Setting(context)
    for status, body, code, words in (
            (422, {"detail": "x is wrong", "pointer": "/inputs/x"}, 2, "refused: x is wrong (at /inputs/x)"),
            (422, {"detail": "x is\nwrong", "pointer": ""}, 2, "refused: x is\\nwrong"),
            (400, {"title": "The request cannot be read"}, 2, "refused: The request cannot be read"),
            (401, {"detail": "show a token"}, 4, "not allowed: show a token"),
            (403, None, 4, "not allowed: "), (404, b"<html>", 2, "HTTP status 404"),
            (409, {"detail": 5, "title": "c"}, 2, "refused: c"), (302, None, 3, "HTTP status 302"),
            (500, {"detail": "the disk"}, 3, "the daemon failed: the disk"), (200, b"{", 3, "no JSON")):
        simlab.fake.routes[("GET", "/v1/jobs/7")] = status, body, [("Location", "http://127.0.0.1:1/")]
        check("simlab: " + words in (said := simlab("status", "7", code=code).stderr) or words in said, f"{words!r}: {said}")
    simlab.fake.routes[("GET", "/v1/jobs/7")] = (None,)
    simlab("status", "7", code=3)
    simlab.fake.routes[("GET", "/v1/jobs/..%2F..%2Fhealthz")] = 200, job("failed")
    simlab("status", "../../healthz")


def test_json_is_the_answer_as_it_is(context):
    simlab = Setting(context)
    odd = json.dumps(job("queued")).encode()[:-1] + b',  "b":  1.50, "a": [ ]}'
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, odd
    simlab.fake.routes[("GET", "/v1/jobs?limit=3")] = 200, b'{"jobs": [ ' + odd + b"\n] }"
    equal(simlab("--json", "status", "7").stdout.encode(), odd + b"\n", "status")
    equal(simlab("jobs", "--json", "--limit", "3").stdout.encode(), b'{"jobs": [ ' + odd + b"\n] }\n", "jobs")
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 404, b'{"detail": "none"}\n'
    refused = simlab("--json", "status", "7", code=2)
    equal(refused.stdout, '{"detail": "none"}\n', "problem")
    equal(refused.stderr, "simlab: refused: none\n", "words")


def test_pages(context):
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/jobs?limit=4&state=queued")] = 200, {"jobs": [job("queued", id="9")] * 2, "next": "9"}
    simlab.fake.routes[("GET", "/v1/jobs?limit=2&state=queued&before=9")] = 200, {"jobs": [job("queued", id="8")] * 2, "next": "8"}
    ended = simlab("jobs", "--state", "queued", "--limit", "4")
    equal([line.split()[0] for line in ended.stdout.splitlines()], ["ID", "9", "9", "8", "8"], "rows")
    check("--limit" in ended.stderr, "a word that there are more")
    simlab("jobs", "--limit", "0", code=2)


def test_wrong_usage(context):
    simlab = Setting(context)
    for arguments in (["nonsense"], ["run"], ["run", "a", "b"], ["jobs", "extra"], ["status", "7", "--store", "x"],
                      ["run", "--nonsense", "x"], ["run", "x", "--store"], ["jobs", "--json=1"], ["models", "update", "m"],
                      ["models", "update", "m", "--set", "p"], ["models", "nonsense"], ["help", "nonsense"],
                      ["--server", "ftp://x", "jobs"], ["--server", "http://u@h/", "jobs"], ["--server", "unix:", "jobs"],
                      ["--token", "a\nb", "jobs"]):
        check(simlab(*arguments, code=2).stderr.startswith("simlab: "), f"a word about {arguments}")
    for words in (["submit", simlab.file, "--store"], ["models", "create", simlab.file, "--name"],
                  ["models", "update", "m", "--set", "p=l.T", "--name"], ["models", "update", "m", "--drop"], ["models", "drop", "m"]):
        ended = subprocess.run([context.program("simlab"), *words, b"\xff"], capture_output=True, env=simlab.environment(),
                               stdin=subprocess.DEVNULL, check=False)
        equal((ended.returncode, b"no UTF-8" in ended.stderr), (2, True), f"{words}: {ended.stderr}")
    for word in ("--set", "--after"):
        ended = subprocess.run([context.program("simlab"), "models", "update", "m", word, b"\xff=a"], capture_output=True,
                               env=simlab.environment(), stdin=subprocess.DEVNULL, check=False)
        equal((ended.returncode, b"no UTF-8" in ended.stderr), (2, True), f"{word}: {ended.stderr}")
    equal(simlab.fake.requests, [], "requests")
    check("usage: simlab run" in simlab("run", "--help").stdout, "help of run")
    check("usage: simlab models show" in simlab("help", "models", "show").stdout, "help of models show")


def test_closed_standard_files(context):
    """What would be printed goes nowhere, and not into the connection or a file."""
    simlab = Setting(context)
    simlab.fake.routes[("GET", "/v1/models/m")] = 200, {"hash": "h", "processes": {}, "order": [], "inputs": {}}
    graph = context.path("graph.dot")

    def ends_with(code, *words, closed=(0, 1, 2)):
        simlab.fake.requests.clear()
        ended = subprocess.run([context.program("simlab"), *words], env=simlab.environment(), timeout=WAIT, check=False,
                               stdout=subprocess.DEVNULL,
                               preexec_fn=lambda: [os.close(fd) for fd in closed])
        equal(ended.returncode, code, f"exit of {words} with {closed} closed")
        check(all(r[0] in ("GET", "POST") for r in simlab.fake.requests), f"requests: {simlab.fake.requests}")
    ends_with(0, "run", simlab.file)
    ends_with(0, "run", simlab.file, closed=(2,))
    ends_with(0, "status", "7")
    ends_with(2, "submit", "-")
    ends_with(2, "nonsense")
    ends_with(0, "models", "graph", "m", "-o", graph)
    with open(graph, encoding="utf-8") as file:
        equal(file.read(), "digraph model {\n  rankdir=LR;\n}\n", "graph")


def test_full_disk(context):
    simlab = Setting(context)
    with open("/dev/full", "w", encoding="utf-8") as full:
        failed = simlab.start("status", "7", stdout=full)
        failed.communicate(timeout=WAIT)
    check(failed.returncode != 0, "success, though nothing was written")


# ---- finding the daemon --------------------------------------------------------------------------


def test_finds_the_users_socket_and_token(context):
    simlab = Setting(context)
    runtime, home = context.directory("run"), context.directory("home")
    os.makedirs(os.path.join(runtime, "simlabd"))
    os.makedirs(os.path.join(home, ".local/state/simlabd"))
    with open(os.path.join(home, ".local/state/simlabd/token"), "w", encoding="utf-8") as file:
        file.write("secret\n")
    own = Fake(os.path.join(runtime, "simlabd/simlabd.sock"))
    own.routes[("GET", "/v1/jobs/7")] = 200, job("failed")
    simlab("status", "7", SIMLAB_SERVER="", XDG_RUNTIME_DIR=runtime, HOME=home)
    equal([r[2]["Authorization"] for r in own.requests], ["Bearer secret"], "token")
    simlab("status", "7", XDG_RUNTIME_DIR=runtime)
    equal(len(own.requests), 1, "SIMLAB_SERVER comes first")
    simlab("--server", own.url, "status", "7")
    equal(len(own.requests), 2, "--server comes first of all")
    own.stop()
    simlab("status", "7", SIMLAB_SERVER=own.url, code=3)


def test_token_stays_on_this_machine(context):
    """A token file's token is shown to loopback and Unix sockets only; no proxy sees it."""
    simlab = Setting(context, tcp=True)
    home = context.directory("home")
    os.makedirs(os.path.join(home, ".local/state/simlabd"))
    with open(os.path.join(home, ".local/state/simlabd/token"), "w", encoding="utf-8") as file:
        file.write("secret\n")
    proxy = Fake(("127.0.0.1", 0))
    far = Fake(("127.0.0.2", 0))
    far.routes[("GET", "/v1/jobs/7")] = 200, job("failed")

    def shown(fake, **environment):
        simlab("status", "7", HOME=home, SIMLAB_SERVER=fake.url, http_proxy=proxy.url, ALL_PROXY=proxy.url, **environment)
        return fake.requests[-1][2].get("Authorization")
    equal(shown(simlab.fake), "Bearer secret", "token on loopback")
    equal(shown(far), None, "token far away")
    equal(shown(far, SIMLAB_TOKEN="given"), "Bearer given", "token that was given")
    equal(proxy.requests, [], "requests to the proxy")


# ---- people --------------------------------------------------------------------------------------


class Running:
    """`simlab run` of a job whose stream the test feeds."""

    def __init__(self, context, *arguments):
        self.simlab = Setting(context)
        self.more = threading.Semaphore(0)
        self.pieces = []
        self.done = False
        self.simlab.fake.routes[("GET", "/v1/jobs/7/events")] = self._feed
        self.simlab.fake.routes[("POST", "/v1/jobs/7/cancel")] = self._cancel
        self.client = self.simlab.start("run", *arguments, self.simlab.file)
        self.say(event("running"))
        await_line(self.client.stderr, "running")

    def say(self, piece):
        self.pieces.append(piece)
        self.more.release()

    def _feed(self, handler, _):
        def pieces():
            sent = 0
            while not self.done or sent < len(self.pieces):
                if sent < len(self.pieces):
                    sent += 1
                    yield self.pieces[sent - 1]
                elif not self.more.acquire(timeout=0.05):
                    yield b":\n\n"  # finds out that the client has gone
        handler.stream(pieces())

    def _cancel(self, _, __):
        self.simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, job("cancelled")
        self.done = True
        self.say(event("cancelled"))
        return 200, job("cancelled")

    def interrupt(self, number=signal.SIGINT):
        self.client.send_signal(number)

    def end(self):
        self.output = self.client.communicate(timeout=WAIT)
        self.done = True
        self.simlab.fake.stop()
        return self.client.returncode

    def cancelled(self):
        return "/v1/jobs/7/cancel" in self.simlab.fake.paths("POST")


def test_interrupts(context):
    run = Running(context)
    run.interrupt()
    line = await_line(run.client.stderr, "goes on")
    check("simlab cancel 7" in line, line)
    run.interrupt()
    equal(run.end(), -signal.SIGINT, "exit")
    check(not run.cancelled(), "it was cancelled")


def test_interrupted_once(context):
    run = Running(context)
    run.interrupt()
    await_line(run.client.stderr, "goes on")
    run.done = True
    run.say(event("succeeded"))
    equal(run.end(), 0, "exit")


def test_terminated(context):
    run = Running(context)
    run.interrupt(signal.SIGTERM)
    equal(run.end(), -signal.SIGTERM, "exit")
    check(not run.cancelled(), "it was cancelled")


def test_cancel_on_interrupt(context):
    run = Running(context, "--cancel-on-interrupt")
    run.interrupt()
    await_line(run.client.stderr, "again cancels it")
    check(not run.cancelled(), "cancelled at once")
    run.interrupt()
    equal(run.end(), 1, "exit")
    check(run.cancelled(), "it was not cancelled")


def test_cancel_on_terminate(context):
    run = Running(context, "--cancel-on-interrupt")
    run.interrupt(signal.SIGTERM)
    equal(run.end(), 1, "exit")
    check(run.cancelled(), "it was not cancelled")


def test_plain_progress(context):
    """At most one line for each tenth, without escape codes."""
    simlab = Setting(context)
    simlab.stream(b"".join(progress(i, i + 1, members=1000) for i in range(1001)) + event("succeeded", number=2000))
    ended = simlab("run", simlab.file)
    lines = re.findall(r"^simlab: job 7: (\d+) %, (\d+) of 1000 members", ended.stderr, re.MULTILINE)
    equal([int(percent) for percent, _ in lines], list(range(0, 101, 10)), "percents")
    check("\x1b" not in ended.stderr and "\r" not in ended.stderr, "escape codes")
    check("queued" in simlab("run", simlab.file).stderr, "queued")
    equal(simlab("run", "--quiet", simlab.file).stderr, "", "what a quiet run says")
    equal(simlab("run", "-q", simlab.file).stdout, "/stores/7.zarr\n", "what a quiet run prints")


def test_steps_and_dead(context):
    simlab = Setting(context)
    simlab.fake.routes[("POST", "/v1/jobs")] = 201, job("queued", members=1)
    simlab.stream(event("progress", {"step": 50, "nsteps": 100}) + event("succeeded", number=2))
    check("50 %, 50 of 100 steps" in simlab("run", simlab.file).stderr, "steps")
    simlab.fake.routes[("POST", "/v1/jobs")] = 201, job("queued")
    simlab.stream(progress(11, dead=1) + event("log", {"member": 3, "line": "hot"}) + event("succeeded", number=2))
    said = simlab("run", simlab.file).stderr
    check("50 %, 11 of 24 members, 1 dead" in said and "member 3: hot" in said, said)


def test_progress_on_a_terminal(context):
    """One line that is redrawn, never wider than the terminal."""
    simlab = Setting(context)
    simlab.stream(progress(6, 1) + progress(12, 2) + event("succeeded", number=3))
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        raise harness.Skip(error) from None
    os.set_blocking(ours, False)
    client = simlab.start("run", simlab.file, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        select.select([ours], [], [], WAIT)
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece
    equal(client.wait(WAIT), 0, "exit")
    os.close(ours)
    frames = [f for f in re.split(rb"\r|\x1b\[K|\n", said) if f]
    check(any(b"25 %" in f for f in frames) and any(b"50 %" in f and b"[##" in f for f in frames), repr(frames))
    check(all(len(f) < 80 for f in frames), f"a frame that wraps: {frames}")


def test_python_line_is_python(context):
    simlab = Setting(context)
    path = "/st\"o\\res/ü 7.zarr"
    simlab.fake.routes[("GET", "/v1/jobs/7")] = 200, job("succeeded", store=path)
    line = simlab("run", simlab.file).stdout.splitlines()[1]
    opened = []
    module = type(sys)("xarray")
    module.open_zarr = opened.append
    sys.modules["xarray"] = module
    try:
        exec(line, {})  # pylint: disable=exec-used
    finally:
        del sys.modules["xarray"]
    equal(opened, [path], "path in the line of Python")


harness.main(globals())
