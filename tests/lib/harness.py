# SPDX-License-Identifier: Apache-2.0
"""What the scenario tests stand on: a daemon in a fresh state directory, its REST interface, its
event streams, golden cases, and stores compared byte for byte. Standard library, and zarr and numpy
where a store is read.

A scenario is a Python file whose functions named test_* take one argument, a Context; it ends with
`harness.main(globals())`. Nothing here sleeps: every wait is for an event, and WAIT bounds it so
that a hung system fails instead of hanging the tests.
"""
import argparse
import filecmp
import http.client
import json
import math
import os
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
GOLDEN = os.path.join(REPOSITORY, "tests/golden")
WAIT = float(os.environ.get("SIMLAB_TEST_WAIT", "120"))  # seconds until a wait counts as hung
FINAL = ("succeeded", "partial", "failed", "cancelled")


class Failure(AssertionError):
    """A test's finding."""


class Skip(Exception):
    """The machine lacks what a test needs (not a package: those are installed)."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def await_true(condition, what):
    """For what no event tells: looks again and again."""
    deadline = time.monotonic() + WAIT
    while not condition():
        check(time.monotonic() < deadline, what)
        os.sched_yield()


def equal(got, want, what):
    check(got == want, f"{what}: {got!r}, expected {want!r}")


def load(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return json.load(file)


# ---- HTTP ----------------------------------------------------------------------------------------


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:2000]!r}"


def connection(server):
    """Of "unix:PATH" or "tcp:HOST:PORT"."""
    kind, _, rest = server.partition(":")
    if kind == "unix":
        return UnixConnection(rest, WAIT)
    host, _, port = rest.rpartition(":")
    return http.client.HTTPConnection(host, int(port), timeout=WAIT)


def request(server, method, path, body=None, headers=None):
    """One request on a connection of its own. A body that is not bytes or text is sent as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    c = connection(server)
    try:
        c.request(method, path, body=body, headers=headers)
        r = c.getresponse()
        return Response(r.status, r.headers, r.read())
    finally:
        c.close()


def events(server, path, headers=None):
    """Yields (id, kind, data) of an event stream until the daemon ends it."""
    c = connection(server)
    try:
        c.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        r = c.getresponse()
        if r.status != 200:
            raise Failure(f"{path}: {r.status} {r.read()[:500]!r}")
        number = kind = None
        data = []
        for line in r:
            line = line.decode().rstrip("\r\n")
            if line == "":
                if data:
                    yield number, kind, json.loads("\n".join(data))
                kind, data = None, []
            elif not line.startswith(":"):
                field, _, value = line.partition(":")
                value = value[1:] if value.startswith(" ") else value
                if field == "id":
                    number = value
                elif field == "event":
                    kind = value
                elif field == "data":
                    data.append(value)
    finally:
        c.close()


# ---- processes -----------------------------------------------------------------------------------


def await_exit(pid):
    """Waits until a process that is not our child is gone (or a zombie); False where it stays."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(WAIT * 1000))
    finally:
        os.close(fd)


class Daemon:
    """simlabd on a state directory; started again with start() after kill() or stop()."""

    def __init__(self, context, state=None, workers=2, options=(), socket_path=None, env=None, nofile=None,
                 libraries=None, before=()):
        self.context = context
        self.state = state or context.directory("state")
        self.workers_wanted = workers
        self.options, self.env = list(options), dict(env or {})
        self.before = list(before)  # a command that starts it
        self.libraries = libraries or context.program("processes")
        self.nofile = nofile  # descriptors it may have; None: as many as we
        self.socket = socket_path or os.path.join(self.state, "test.sock")
        self.process = None
        self.lines, self.lines_before = [], []
        self.seen = set()  # pids of workers ever listed
        context.daemons.append(self)
        self.start()

    def start(self):
        self.process = None  # what is still heard of a former one is not of this one
        self.lines_before += self.lines
        self.lines, self.ended, self.ready, self.tcp = [], False, False, None
        self.changed = threading.Condition()
        notify_path = os.path.join(self.context.directory("notify"), "s")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(notify_path)
        self.process = subprocess.Popen(
            [*self.before, self.context.program("simlabd"), "--state", self.state,
             "--listen", "unix:" + self.socket, "--listen", "tcp:127.0.0.1:0",
             "--workers", str(self.workers_wanted),
             "--backoff", "20", "--backoff-max", "1000", "--processes", self.libraries, *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**os.environ, **self.env, "NOTIFY_SOCKET": notify_path},
            preexec_fn=self._limit if self.nofile else None)
        reader = threading.Thread(target=self._read, args=(self.process.stderr, self.lines), daemon=True)
        reader.start()
        threading.Thread(target=self._listen, args=(notify,), daemon=True).start()
        threading.Thread(target=self._reap, args=(self.process, reader), daemon=True).start()
        with self.changed:
            self.changed.wait_for(lambda: self.ended or (self.ready and self.tcp), WAIT)
        check(not self.ended, f"simlabd ended with {self.process.returncode}:\n{self.log()}")
        check(self.tcp, f"simlabd was not ready:\n{self.log()}")

    def _limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.nofile, self.nofile))

    def status(self, name):
        """A figure of /proc/PID/status, such as VmHWM, in kB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def longest_turn(self):
        """Seconds of processor time: how long its loop was held at most."""
        return self.request("GET", "/healthz", status=200).json["longest_turn"]

    def _read(self, stream, lines):
        for line in stream:
            line = line.decode(errors="replace").rstrip("\n")
            found = re.search(r"listening on (tcp:127\.0\.0\.1:\d+)", line)
            with self.changed:
                lines.append(line)
                if found and lines is self.lines:
                    self.tcp = found.group(1)
                self.changed.notify_all()

    def _listen(self, notify):
        with notify:
            while True:
                if "READY=1" in notify.recv(4096).decode().split("\n"):
                    break
        with self.changed:
            self.ready = True
            self.changed.notify_all()

    def _reap(self, process, reader):
        process.wait()
        reader.join(5)  # what it said last; workers that hang may hold the pipe
        with self.changed:
            if process is self.process:
                self.ended = True
            self.changed.notify_all()

    def log(self):
        return "\n".join(self.lines)

    def whole_log(self):
        """Lines, also of those that were started before."""
        return [*self.lines_before, *self.lines]

    def await_line(self, pattern):
        """Waits for a line of the log that the pattern is found in."""
        def found():
            return next((l for l in self.lines if re.search(pattern, l)), None)
        with self.changed:
            self.changed.wait_for(lambda: found() or self.ended, WAIT)
        check(found(), f"no line {pattern!r} in the log:\n{self.log()}")
        return found()

    @property
    def server(self):
        return "unix:" + self.socket

    @property
    def url(self):
        return "http://" + self.tcp[len("tcp:"):]

    @property
    def token(self):
        with open(os.path.join(self.state, "token"), encoding="utf-8") as file:
            return file.read().strip()

    def request(self, method, path, body=None, headers=None, status=None):
        r = request(self.server, method, path, body, headers)
        if status is not None:
            check(r.status == status, f"{method} {path}: {r!r}, expected {status}")
        return r

    def submit(self, job, status=201, headers=None):
        return self.request("POST", "/v1/jobs", job, headers, status).json

    def job(self, number):
        return self.request("GET", f"/v1/jobs/{number}", status=200).json

    def events(self, number, after=None):
        headers = {"Last-Event-ID": str(after)} if after is not None else {}
        return events(self.server, f"/v1/jobs/{number}/events", headers)

    def await_event(self, number, accept):
        """The first event of a job, from its beginning, that accept(kind, data) takes."""
        seen = []
        for _, kind, data in self.events(number, 0):
            seen.append((kind, data))
            if accept(kind, data):
                return data
        raise Failure(f"job {number}: awaited event did not come; came: {seen[-20:]}")

    def await_gone(self, path):
        """Waits for the daemon to remove a file or directory; each answer is a turn of its loop."""
        until = time.monotonic() + WAIT
        while os.path.lexists(path):
            self.request("GET", "/healthz", status=200)
            check(time.monotonic() < until, f"{path} is still there")

    def await_end(self, number):
        """The job as it stands after its final event, its store without locks."""
        self.await_event(number, lambda kind, data: kind in FINAL)
        job = self.job(number)
        if job["state"] != "cancelled":  # its leases may be running yet
            self.await_gone(job["store"] + ".sync")
        return job

    def workers(self):
        found = self.request("GET", "/v1/workers", status=200).json["workers"]
        self.seen.update(w["pid"] for w in found)
        return found

    def finish(self, job, state="succeeded"):
        """Submits, waits for the end, and returns the job."""
        ended = self.await_end(self.submit(job)["id"])
        check(ended["state"] == state, f"job ended {ended}, expected {state}\n{self.log()}")
        return ended

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(WAIT)
        self.ready = False

    def stop(self):
        """Asks it to end, as systemd would; its exit code must be 0 and its workers gone."""
        if self.process.poll() is not None:
            return
        try:
            self.workers()
        except (OSError, Failure, http.client.HTTPException):
            pass
        self.process.terminate()
        try:
            code = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"simlabd did not stop on SIGTERM:\n{self.log()}") from None
        self.ready = False
        check(code == 0, f"simlabd ended with {code}:\n{self.log()}")
        left = [pid for pid in self.seen if not await_exit(pid)]
        check(not left, f"workers outlived the daemon: {left}")

    def close(self):
        """Ends what is left of it, whatever happened."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# ---- one test ------------------------------------------------------------------------------------


class Context:
    def __init__(self, build, root):
        self.build, self.root = build, root
        self.daemons = []

    def program(self, name):
        return os.path.join(self.build, name)

    def is_sanitized(self):
        """Whether the programs are built with a sanitizer."""
        linked = subprocess.run(["ldd", self.program("simlab-worker")], capture_output=True, text=True, check=True).stdout
        return "libasan" in linked or "libtsan" in linked

    def directory(self, name):
        """A fresh directory that goes with the test."""
        return tempfile.mkdtemp(prefix=name + ".", dir=self.root)

    def path(self, name):
        """A path in a fresh directory, where nothing stands yet."""
        return os.path.join(self.directory("d"), name)

    def daemon(self, **options):
        return Daemon(self, **options)

    def run(self, program, *arguments, stdin=None, env=None):
        """Runs one of our programs to its end: CompletedProcess with text."""
        return subprocess.run([self.program(program), *arguments], input=stdin, text=True,
                              capture_output=True, timeout=WAIT, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL if stdin is None else None, check=False)

    def run_local(self, job, code=0, options=()):
        """`simlab-worker run` on a job: (path of the store, CompletedProcess)."""
        folder = self.directory("local")
        path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job, file)
        ended = self.run("simlab-worker", "run", path, "--store", store, *options)
        check(ended.returncode == code,
              f"simlab-worker run: exit {ended.returncode}, expected {code}: {ended.stderr}")
        return store, ended

    def stop(self):
        for daemon in self.daemons:
            daemon.stop()

    def close(self):
        for daemon in self.daemons:
            daemon.close()


def run_test(build, test):
    """None, a Skip, or the text of what went wrong."""
    root = tempfile.mkdtemp(prefix="simlab-")
    context = Context(build, root)
    try:
        test(context)
        context.stop()
        return None
    except Skip as skip:
        return skip
    except Failure as failure:
        place = traceback.extract_tb(failure.__traceback__)
        return f"{failure}\n  at " + ", ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in place[1:])
    except Exception:  # pylint: disable=broad-except
        return traceback.format_exc()
    finally:
        context.close()
        if os.environ.get("SIMLAB_TEST_LOG"):
            print("\n".join(d.log() for d in context.daemons))
        shutil.rmtree(root, ignore_errors=True)


def tests_of(scope):
    return [(n[len("test_"):], f) for n, f in scope.items() if n.startswith("test_") and callable(f)]


def main(scope, more=()):
    """Runs the tests of a scenario; `more`: (name, function) beside its test_* functions."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(REPOSITORY, "build"))
    parser.add_argument("--list", action="store_true", help="names of the tests")
    parser.add_argument("names", nargs="*", help="tests to run (a part of the name)")
    options = parser.parse_args()
    tests = [(n, f) for n, f in [*tests_of(scope), *more]
             if not options.names or any(part in n for part in options.names)]
    if options.list:
        print("\n".join(n for n, _ in tests))
        sys.exit(0)
    build, passed, failed, skipped = os.path.abspath(options.build), 0, 0, 0
    for name, test in tests:
        began = time.monotonic()
        fault = run_test(build, test)
        if fault is None:
            passed += 1
        elif isinstance(fault, Skip):
            skipped += 1
            print(f"skipped {name}: {fault}")
        else:
            failed += 1
            print(f"FAILED {name}\n    " + fault.rstrip().replace("\n", "\n    "))
        if os.environ.get("SIMLAB_TEST_VERBOSE"):
            print(f"{'passed' if fault is None else 'ended'} {name} ({time.monotonic() - began:.1f} s)")
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed + skipped else 0)


# ---- stores --------------------------------------------------------------------------------------


def files_of(store):
    return sorted(os.path.relpath(os.path.join(folder, name), store)
                  for folder, _, names in os.walk(store) for name in names)


def same_store(a, b):
    """Two stores are equal byte for byte, and neither has locks or torn files left."""
    for store in (a, b):
        check(os.path.isdir(store), f"{store}: no store")
        check(not os.path.exists(store + ".sync"), f"{store}.sync was left")
    left, right = files_of(a), files_of(b)
    odd = sorted(set(left) ^ set(right))
    check(not odd, f"files in one store only: {odd[:10]}")
    differ = [name for name in left
              if not filecmp.cmp(os.path.join(a, name), os.path.join(b, name), shallow=False)]
    check(not differ, f"{len(differ)} of {len(left)} files differ: {differ[:10]}")


def open_store(path):
    import zarr  # pylint: disable=import-outside-toplevel
    return zarr.open_consolidated(path, mode="r")


def provenance(path):
    """What a store says of where its data come from."""
    return json.loads(open_store(path).attrs["simlabd"])


def flat(value):
    if isinstance(value, list):
        for element in value:
            yield from flat(element)
    else:
        yield value


NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def close_to(got, want, dtype):
    """One value by the tolerances of tests/golden/README.md."""
    if dtype[1] != "f":
        return got == want
    want = NAMED.get(want, want)
    if math.isnan(want) or math.isinf(want):
        return got == want or (math.isnan(want) and math.isnan(got))
    relative = 1e-6 if dtype.endswith("f4") else 1e-12
    return abs(got - want) <= max(relative * abs(want), 1e-14)


def same_fill(got, want, dtype):
    if dtype == "|b1":
        return got is None  # tests/golden/README.md
    if isinstance(want, str):
        want = NAMED[want]
    if got is None or want is None:
        return got is want
    return got == want or (got != got and want != want)


def golden_faults(path, expected, encoding):
    """What differs between the store at `path` and the `variables` of an expected.json."""
    group = open_store(path)
    names = set(group.array_keys())
    for name in sorted(set(expected) - names):
        yield f"{name}: not in the store"
    for name in sorted(names - set(expected)):
        yield f"{name}: in the store, but not expected"
    for name in sorted(names & set(expected)):
        want, array = expected[name], group[name]
        attrs = dict(array.attrs)
        dims = attrs.pop("_ARRAY_DIMENSIONS", None)
        for what, a, b in (("dims", dims, want["dims"]), ("dtype", array.dtype.str, want["dtype"]),
                           ("shape", list(array.shape), want["shape"])):
            if a != b:
                yield f"{name}: {what} {a}, expected {b}"
        if "chunks" in encoding.get(name, {}) and list(array.chunks) != want["chunks"]:
            yield f"{name}: chunks {list(array.chunks)}, expected {want['chunks']}"
        if not same_fill(array.fill_value, want["fill_value"], want["dtype"]):
            yield f"{name}: fill_value {array.fill_value!r}, expected {want['fill_value']!r}"
        for key, value in want["attrs"].items():
            if attrs.get(key) != value:
                yield f"{name}: attribute {key} {attrs.get(key)!r}, expected {value!r}"
        if list(array.shape) != want["shape"]:
            continue
        got = array[...].ravel().tolist() if array.ndim else [array[()].item()]
        values = list(flat(want["data"]))
        wrong = [i for i, (a, b) in enumerate(zip(got, values)) if not close_to(a, b, want["dtype"])]
        if wrong or len(got) != len(values):
            i = wrong[0] if wrong else -1
            yield (f"{name}: {len(wrong)} of {len(values)} values differ; the first, element {i}: "
                   f"{got[i]!r}, expected {values[i]!r}")


def golden_agrees(path, case):
    expected, job = load(GOLDEN, case, "expected.json"), load(GOLDEN, case, "job.json")
    faults = list(golden_faults(path, expected["variables"], job.get("encoding", {})))
    check(not faults, f"{case}:\n" + "\n".join(faults))


def golden_cases():
    return sorted(n for n in os.listdir(GOLDEN) if os.path.exists(os.path.join(GOLDEN, n, "job.json")))


def golden_errors():
    return sorted(n[:-len(".json")] for n in os.listdir(os.path.join(GOLDEN, "errors")))


def setup_job(case):
    """The case's job, with clocks, inputs and outputs replaced by its setup.json."""
    job = load(GOLDEN, case, "job.json")
    kept = {k: v for k, v in job.items() if k not in ("clocks", "main_clock", "inputs", "outputs")}
    return {**kept, "setup": load(GOLDEN, case, "setup.json")}
