#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The machine as it is: logs that nobody reads, helpers of models, strangers' processes, processors
that may not be used, closed descriptors, short memory. The library is tests/lib/machine.c."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import Skip, await_true, check, equal
from memory_group import begun_in, kills_of, memory_group

(NOTHING, HANGS_AT_START, PRINTS, PRINTS_AND_ABORTS, FLOODS, FORGES, LEAVES_ORPHANS, HIDES, HANGS_WITH_HIDDEN, EATS,
 KILLS_ITSELF, BREAKS_A_PIPE, SEES_THREADS, SEES_SYSTEMD, SEES_OOM_SCORE) = range(15)


def job(act, amount=0, **more):
    """One simulation, or a batch where `act` is a list."""
    many = isinstance(act, list)
    return {"model": {"processes": {"p": "machine.Acts"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}},
            "inputs": {"p__act": {"dims": ["batch"], "data": act} if many else act, "p__amount": amount},
            "outputs": {"p__value": None}, "max_attempts": 1, **({"batch_dim": "batch"} if many else {}), **more}


def start(context, workers=1, **more):
    options = ["--processes", context.program("machine"), *more.pop("options", ())]
    return context.daemon(workers=workers, options=options, **more)


def value(context, act, **more):
    """What the library saw, under a daemon."""
    ended = start(context).finish(job(act, **more))
    return float(harness.open_store(ended["store"])["p__value"][...])


def processes():
    """pid -> (parent, state)"""
    found = {}
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit():
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                found[int(name)] = (int(parent), state)
    return found


def children(pid):
    return [p for p, (parent, _) in processes().items() if parent == pid]


class Plain:
    """simlabd started by a command of one's own, without the harness's ears on its log."""

    def __init__(self, context, before=(), options=(), listen=True, env=None, **more):
        self.state = context.path("state")
        self.socket = os.path.join(context.directory("listen"), "s")
        notify_path = os.path.join(context.directory("notify"), "s")
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.settimeout(harness.WAIT)
        notify.bind(notify_path)
        os.chmod(notify_path, 0o777)
        listens = ["--listen", "unix:" + self.socket] if listen else []
        more.setdefault("stderr", subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [*before, context.program("simlabd"), "--state", self.state, *listens, "--processes",
             context.program("machine"), *options], stdin=subprocess.DEVNULL,
            env={**(os.environ if env is None else env), "NOTIFY_SOCKET": notify_path}, **more)
        context.daemons.append(self)
        with notify:
            while "READY=1" not in notify.recv(4096).decode():
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def request(self, method, path, body=None, headers=None):
        return harness.request("unix:" + self.socket, method, path, body, headers)

    def finish(self, document, state="succeeded"):
        made = self.request("POST", "/v1/jobs", document)
        check(made.status == 201, repr(made))
        for _, kind, _ in harness.events("unix:" + self.socket, f"/v1/jobs/{made.json['id']}/events",
                                         {"Last-Event-ID": "0"}):
            if kind in harness.FINAL:
                break
        ended = self.request("GET", f"/v1/jobs/{made.json['id']}").json
        equal(ended["state"], state, f"state of {ended}")
        return ended

    def log(self):
        return ""

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            equal(self.process.wait(harness.WAIT), 0, "exit status")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# ---- the log -------------------------------------------------------------------------------------


def test_a_log_that_nobody_reads(context):
    with Plain(context, options=["--workers", "1"], stderr=subprocess.PIPE) as daemon:
        for _ in range(3):
            daemon.finish(job(FLOODS, 400))
        daemon.finish(job(PRINTS_AND_ABORTS), "failed")
        equal(daemon.request("GET", "/healthz").status, 200, "healthz")
        daemon.stop()
        lines = daemon.process.stderr.read().split(b"\n")
    check(len(lines) > 20, f"{len(lines)} lines were in the pipe")


def test_a_log_whose_reader_is_gone(context):
    with Plain(context, options=["--workers", "1"], stderr=subprocess.PIPE) as daemon:
        daemon.process.stderr.close()
        daemon.finish(job(PRINTS))
        daemon.finish(job(FLOODS, 100))


def test_a_library_survives_a_broken_pipe(context):
    equal(value(context, BREAKS_A_PIPE), 32.0, "EPIPE")
    document = job(BREAKS_A_PIPE)
    store, _ = context.run_local(document, options=["--processes", context.program("machine")])
    equal(float(harness.open_store(store)["p__value"][...]), 32.0, "EPIPE of a local run")


def test_lines_say_whose_they_are(context):
    daemon = start(context, workers=2)
    ended = daemon.finish(job([PRINTS] * 20))
    for member in range(20):
        daemon.await_line(f"job {ended['id']}, member {member}: unfinished$")
        said = [line for line in daemon.lines if f", member {member}: " in line]
        equal([line.rpartition(": ")[2] for line in said], ["step 0", "step 1", "step 2", "unfinished"],
              f"lines of member {member}")
        check(all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ simlabd: worker local-\d+\.\d+, job ", line)
                  for line in said), f"{said}")


def test_what_would_be_obeyed_is_shown(context):
    daemon = start(context)
    daemon.finish(job(FORGES))
    line = daemon.await_line(r"member 0: a")
    check(line.endswith(r"member 0: a\x1b[2Jb\r\u202e\x9b"), line)


def test_floods_are_counted(context):
    daemon = start(context)
    daemon.finish(job(FLOODS, 20000))
    line = daemon.await_line(r"prints faster than \d+ lines a second: \d+ lines were dropped")
    lost = int(re.search(r"(\d+) lines were", line).group(1))
    told = sum("xxxx" in line for line in daemon.lines)
    check(lost > 10000 and 0 < told < 10000, f"{told} told, {lost} dropped")


# ---- deaths --------------------------------------------------------------------------------------


def test_a_death_says_where_and_the_last_words(context):
    daemon = start(context)
    ended = daemon.finish(job([NOTHING, PRINTS_AND_ABORTS, NOTHING]), "partial")
    daemon.await_line(r"worker local-1\.\d+ \(pid \d+\) was killed by signal 6 \(Aborted\), "
                      rf"at job {ended['id']}, member 1, step 0 of 3")
    dead = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    check(dead[0]["reason"].endswith("it last printed: the last words"), f"{dead}")


def test_a_slow_start_is_timed(context):
    daemon = start(context, workers=2)
    ended = daemon.finish(job([NOTHING, NOTHING, HANGS_AT_START, NOTHING], member_timeout=0.5), "partial")
    listed = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    equal([m["member"] for m in listed], [2], "dead members")
    check("ran longer than its limit" in listed[0]["reason"], f"{listed}")


def test_killed_for_memory_most_often(context):
    daemon = start(context)
    ended = daemon.finish(job(KILLS_ITSELF), "failed")
    check(re.search(r"killed by signal 9, most often for want of memory: it had \d+ MiB", ended["reason"]),
          ended["reason"])


def test_killed_for_memory_as_a_fact(context):
    path = context.path("log")
    with memory_group(200 << 20) as group, open(path, "w", encoding="utf-8") as log:
        with Plain(context, before=begun_in(group), options=["--workers", "2", "--worker-memory", "0"], stderr=log) as daemon:
            ended = daemon.finish(job([NOTHING, EATS, NOTHING], 900), "partial")
            listed = daemon.request("GET", f"/v1/jobs/{ended['id']}/members").json["members"]
            equal([m["member"] for m in listed], [1], "dead members")
            check("killed by the system for want of memory" in listed[0]["reason"], f"{listed}")

            # It is one worker's: not also that of those who die of something else later.
            def workers():
                return daemon.request("GET", "/v1/workers").json["workers"]
            await_true(lambda: len(workers()) == 2, "both workers are there")
            for worker in workers():
                os.kill(worker["pid"], signal.SIGKILL)
            def deaths(how):
                with open(path, encoding="utf-8") as file:
                    return len(re.findall(f"\\(pid \\d+\\) was killed by {how}", file.read()))
            await_true(lambda: deaths("signal 9, most often") + deaths("the system") >= 3, "all deaths are told")
            check(1 <= deaths("the system") <= kills_of(group), f"{kills_of(group)} killed for want of memory")


def test_the_kernel_would_choose_a_worker(context):
    with open("/proc/self/oom_score_adj", encoding="utf-8") as file:
        ours = int(file.read())
    equal(value(context, SEES_OOM_SCORE), min(ours + 500, 1000), "oom_score_adj")


def test_a_former_worker_tells_where_it_was(context):
    daemon = start(context)
    made = daemon.submit(job([NOTHING, HANGS_AT_START]))
    page = os.path.join(daemon.state, "scratch/worker-1.where")

    def is_at_member_1():
        with open(page, "rb") as file:
            words = memoryview(file.read(64)).cast("q").tolist()  # version, pid, job, lease, member, …
        return words[2] == int(made["id"]) and words[4] == 1
    await_true(is_at_member_1, "the page tells of member 1")
    daemon.kill()
    daemon.start()
    daemon.await_line(f"a worker of the former daemon ended at job {made['id']}, member 1, step 0")
    daemon.request("POST", f"/v1/jobs/{made['id']}/cancel")


# ---- what models start, and what they do not -----------------------------------------------------


def hidden_by(daemon, document):
    made = daemon.submit(document)
    return made["id"], int(daemon.await_line(r": hidden \d+$").rpartition(" ")[2])


def test_who_hides_goes_with_its_worker(context):
    daemon = start(context)
    number, hidden = hidden_by(daemon, job(HIDES))
    equal(daemon.await_end(number)["state"], "failed", "state")
    check(harness.await_exit(hidden), "the hidden process is still there")
    check(not os.path.exists(f"/proc/{hidden}"), "it was dead before that was told")


def test_who_hides_goes_where_the_guard_was_killed(context):
    daemon = start(context)
    number, hidden = hidden_by(daemon, job(HANGS_WITH_HIDDEN))
    worker = daemon.workers()[0]["pid"]
    os.kill(processes()[worker][0], signal.SIGKILL)
    equal(daemon.await_end(number)["state"], "failed", "state")
    for pid in (worker, hidden):
        check(harness.await_exit(pid), f"process {pid} is still there")


def test_who_hides_goes_with_the_daemon(context):
    daemon = start(context)
    _, hidden = hidden_by(daemon, job(HANGS_WITH_HIDDEN))
    daemon.kill()
    check(harness.await_exit(hidden), "the hidden process outlived a daemon that was killed")
    daemon.start()


def test_what_a_library_starts_when_it_is_described(context):
    path = context.path("hidden")
    ended = subprocess.run([context.program("simlabd"), "--check", "--processes", context.program("loads"),
                            "--writable", os.path.dirname(path)], check=False,
                           env={**os.environ, "SIMLAB_TEST_HIDDEN": path}, capture_output=True, timeout=harness.WAIT)
    equal(ended.returncode, 0, f"exit ({ended.stderr})")
    with open(path, encoding="utf-8") as file:
        hidden = [int(line) for line in file]
    check(hidden and not [pid for pid in hidden if os.path.exists(f"/proc/{pid}")], f"{hidden} are left")


def test_orphans_are_reaped(context):
    daemon = start(context, workers=2)
    daemon.finish(job(LEAVES_ORPHANS, 20))
    ours = [daemon.process.pid, *children(daemon.process.pid)]
    await_true(lambda: not [p for p, (parent, state) in processes().items() if parent in ours and state == "Z"],
               "zombies stay")


def test_children_from_before_are_left_alone(context):
    with Plain(context, before=["sh", "-c", 'setsid tail -f /dev/null & exec "$@"', "sh"],
               options=["--workers", "1"]) as daemon:
        await_true(lambda: any(name_of(p) == "tail" for p in children(daemon.process.pid)), "the helper runs")
        helper = next(p for p in children(daemon.process.pid) if name_of(p) == "tail")
        try:
            daemon.finish(job(PRINTS_AND_ABORTS), "failed")
            daemon.stop()
            equal(name_of(helper), "tail", "the helper that was there before")
        finally:
            os.kill(helper, signal.SIGKILL)


def name_of(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    return ""


def test_process_1_of_a_container(context):
    namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if os.geteuid() != 0 or subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode:
        raise Skip("no process namespace to be had (root)")
    with contextlib.ExitStack() as stack:
        daemon = Plain(context, before=namespace, options=["--workers", "1"])
        stack.callback(daemon.close)
        first = children(daemon.process.pid)[0]
        subprocess.run(["nsenter", "-t", str(first), "-p", "-m", "sh", "-c",
                        "(setsid tail -f /dev/null &); (setsid true &)"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_true(lambda: any(name_of(p) == "tail" for p in children(first)), "the stranger is process 1's child")
        daemon.finish(job(HIDES), "failed")
        check(any(name_of(p) == "tail" for p in children(first)), "the stranger was killed")
        await_true(lambda: not [p for p, (parent, state) in processes().items() if parent == first and state == "Z"],
                   "zombies stay")


def test_what_systemd_says_is_not_handed_on(context):
    with Plain(context, options=["--workers", "1"],
               env={**os.environ, "WATCHDOG_USEC": "60000000", "LISTEN_FDS": "1", "JOURNAL_STREAM": "1:2"}) as daemon:
        ended = daemon.finish(job(SEES_SYSTEMD))
        equal(float(harness.open_store(ended["store"])["p__value"][...]), 0.0, "variables of systemd")


# ---- processors, threads -------------------------------------------------------------------------


def test_workers_are_as_many_as_processors(context):
    cpu = str(min(os.sched_getaffinity(0)))
    with Plain(context, before=["taskset", "-c", cpu]) as daemon:
        await_true(lambda: daemon.request("GET", "/v1/workers").json["workers"], "a worker")
        equal(len(daemon.request("GET", "/v1/workers").json["workers"]), 1, "workers on one processor")
        equal(len(children(daemon.process.pid)), 2, "with the one that closes stores")


def test_threads(context):
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    with Plain(context, options=["--workers", "1"], env=env) as daemon:
        side_by_side = {"threads": 3, "scheduler": "threads"}  # those are the simulation's own
        for more, wanted in (({}, 1), ({"threads": 3}, 3), (side_by_side, 1), ({}, 1), ({"threads": 1}, 1)):
            ended = daemon.finish(job(SEES_THREADS, **more))
            group = harness.open_store(ended["store"])
            equal(float(group["p__value"][...]), wanted, f"OMP_NUM_THREADS with {more}")
            equal(json.loads(group.attrs["simlabd"]).get("threads"), wanted if wanted > 1 else None, "provenance")
    with Plain(context, options=["--workers", "1"], env={**env, "OMP_NUM_THREADS": "2"}) as daemon:
        ended = daemon.finish(job(SEES_THREADS))
        equal(float(harness.open_store(ended["store"])["p__value"][...]), 2, "as the environment says")


# ---- descriptors, umask, addresses, token --------------------------------------------------------


def test_closed_descriptors(context):
    with Plain(context, before=["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh"], options=["--workers", "1"]) as daemon:
        daemon.finish(job(PRINTS))
        for fd in range(3):
            equal(os.readlink(f"/proc/{daemon.process.pid}/fd/{fd}"), "/dev/null", f"descriptor {fd}")
        with open(os.path.join(daemon.state, "lock"), encoding="utf-8") as file:
            equal(file.read(), f"{daemon.process.pid}\n", "the lock file")
    store = context.path("out.zarr")
    path = context.path("job.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job(PRINTS), file)
    ended = subprocess.run(["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", context.program("simlab-worker"), "run", path,
                            "--store", store, "--processes", context.program("machine")], check=False)
    equal(ended.returncode, 0, "a local run")
    harness.open_store(store)


def test_the_umask_is_the_users(context):
    for umask, directory, file in ((0o077, 0o700, 0o600), (0o002, 0o775, 0o664)):
        root = context.path("out")
        with Plain(context, options=["--workers", "1", "--store-root", root], umask=umask) as daemon:
            ended = daemon.finish(job(NOTHING))
            for path, wanted in ((root, directory), (ended["store"], directory), (ended["store"] + "/.zattrs", file),
                                 (daemon.state, 0o700), (daemon.state + "/simlabd.db", 0o600)):
                equal(oct(os.stat(path).st_mode & 0o777), oct(wanted), f"mode of {path} with umask {umask:o}")


def test_a_second_user(context):
    home = context.directory("home")
    before, more = [], {"HOME": home}
    if os.geteuid() == 0:
        os.chmod(context.root, 0o755)
        os.chown(home, 65534, 65534)
        before = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        if subprocess.run([*before, "test", "-x", context.program("simlab-worker")], check=False).returncode:
            raise Skip("another user cannot run what was built")
    env = {k: v for k, v in os.environ.items() if k not in ("XDG_RUNTIME_DIR", "SIMLAB_SERVER")}
    with contextlib.closing(socket.socket()) as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # taken already: as well
            first.bind(("127.0.0.1", 7464))
            first.listen()
        ended = subprocess.Popen([*before, context.program("simlabd"), "--workers", "0", "--processes",
                                  context.program("machine")], env={**env, **more}, stdin=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        try:
            said = []
            for line in ended.stderr:
                said.append(line)
                if "listening on" in line:
                    break
            own = os.path.join(home, ".local/state/simlabd/socket")
            check(any("tcp:127.0.0.1:7464" in line and "left out" in line for line in said), f"{said}")
            check(said[-1].rstrip().endswith("unix:" + own), f"{said}")
            equal(oct(os.stat(own).st_mode & 0o777), "0o600", "mode of the socket")
            equal(harness.request("unix:" + own, "GET", "/healthz").status, 200, "healthz")
        finally:
            ended.terminate()
            ended.wait(harness.WAIT)
            ended.stderr.close()
        given = subprocess.run([*before, context.program("simlabd"), "--listen", "tcp:127.0.0.1:7464"], check=False,
                               env={**env, **more}, capture_output=True, text=True, timeout=harness.WAIT)
        equal(given.returncode, 3, f"an address that was given must be had: {given.stderr}")


def test_a_socket_below_the_state_directory(context):
    daemon = start(context, workers=0)
    own = os.path.join(daemon.state, "socket")
    equal(harness.request("unix:" + own, "GET", "/v1/jobs").status, 200, "without a token")
    equal(oct(os.stat(own).st_mode & 0o777), "0o600", "its mode")
    daemon.stop()
    check(not os.path.exists(own), "the socket was left behind")
    daemon = start(context, workers=0, socket_path=own, state=daemon.state)
    equal(harness.request("unix:" + own, "GET", "/v1/jobs").status, 200, "given, too")


def test_a_token_that_others_may_use(context):
    state = context.path("state")
    options = ["--state", state, "--listen", "tcp:127.0.0.1:0", "--processes", context.program("machine")]
    daemon = context.daemon(state=state, workers=0)
    daemon.stop()
    token = os.path.join(state, "token")

    def refused(words):
        ended = context.run("simlabd", *options)
        equal(ended.returncode, 3, f"exit ({ended.stderr})")
        check(words in ended.stderr and token in ended.stderr, ended.stderr)
    for mode in (0o640, 0o604, 0o602):
        os.chmod(token, mode)
        refused(f"(mode {mode:04o}, should be 0600)")
    os.chmod(token, 0o600)
    os.rename(token, token + ".elsewhere")
    os.symlink(token + ".elsewhere", token)
    refused("a link")
    os.unlink(token)
    os.rename(token + ".elsewhere", token)
    if os.geteuid() == 0:
        os.chown(token, 12345, -1)
        refused("user 12345")


# ---- readiness -----------------------------------------------------------------------------------


def test_ready_says_that_no_worker_is(context):
    folder = context.directory("programs")
    shutil.copy(context.program("simlabd"), folder)
    with open(os.path.join(folder, "simlab-worker"), "w", encoding="utf-8") as file:
        file.write(f"""#!/bin/sh
[ "$1" = serve ] || exec '{context.program("simlab-worker")}' "$@"
echo 'no luck today' >&2
exit 7
""")
        os.fchmod(file.fileno(), 0o755)
    build, context.build = context.build, folder
    daemon = context.daemon(workers=1, options=["--processes", os.path.join(build, "machine")])
    context.build = build
    reason = {}

    def is_told():
        answer = daemon.request("GET", "/readyz")
        reason["is"] = answer.json.get("reason", "")
        return answer.status == 503
    await_true(is_told, "/readyz says so")
    check(re.fullmatch(r"no worker is ready: the last one, local-(?:1|closer)\.\d+, exited with status 7; "
                       r"it last printed: no luck today", reason["is"]), reason["is"])


def test_the_workers_socket_is_made_anew(context):
    daemon = start(context)
    daemon.finish(job(NOTHING))
    shutil.rmtree(os.path.join(daemon.state, "run"))
    os.kill(daemon.workers()[0]["pid"], signal.SIGKILL)
    daemon.await_line("the workers' socket .*/run/workers was removed: it is made anew")
    daemon.finish(job(NOTHING))
    ended = context.run("simlab-worker", "serve", "--endpoint", "ipc:///no/such/socket", "--name", "w",
                        "--libraries", "/no/such/libraries")
    equal(ended.returncode, 1, "a worker without a socket")
    check("no socket at /no/such/socket" in ended.stderr, ended.stderr)


harness.main(globals())
