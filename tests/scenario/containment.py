#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Members that crash, hang, end their process, leave things behind, or reach for what is none of
theirs, among a thousand: each dies of its own, or is refused; the others do not notice. The
library is tests/lib/captive.c."""
import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

MEMBERS = 1000
# The same numbers as in captive.c.
NONE, SEGFAULT, ABORT, LOOP, EXIT, CONNECT, SIGNAL, PRY, LEAVE, READ, WRITE, STOP, EAT, FORK, LATE, BYSTANDER = range(16)
MEMORY, TASKS = 128, 100  # MiB
REASONS = {SEGFAULT: "signal 11", ABORT: "signal 6", LOOP: "longer than its limit", EXIT: "exit",
           EAT: f"MiB of the {MEMORY} that it may have"}
REFUSED = (CONNECT, SIGNAL, PRY, STOP)
OF_FILES = (READ, WRITE)  # where the kernel has Landlock
ALL = ("privileges", "files", "signals", "calls")


def job(deeds, **more):
    return {"model": {"processes": {"p": "captive.Captive"}},
            "clocks": {"time": {"data": [0.0, 1.0]}}, "main_clock": "time", "batch_dim": "batch",
            "inputs": {"p__deed": {"dims": ["batch"], "data": deeds}},
            "outputs": {"p__value": None, "p__through": None}, **more}


def start(context, *options, workers=2):
    socket_path, state = os.path.join(context.directory("sockets"), "http"), context.directory("state")
    outside = context.directory("outside")
    with open(os.path.join(outside, "there"), "w", encoding="ascii") as file:
        file.write("outside")
    daemon = context.daemon(workers=workers, socket_path=socket_path, state=state,
                            options=["--processes", context.program("captive"), *options],
                            env={"SIMLAB_TEST_SOCKET": socket_path, "SIMLAB_TEST_BYSTANDER": str(os.getpid()),
                                 "SIMLAB_TEST_STATE": state, "SIMLAB_TEST_OUTSIDE": outside,
                                 "SIMLAB_TEST_LATE": os.path.join(outside, "late")})
    daemon.outside = outside
    return daemon


def words_of(daemon):
    """What the first worker that is ready has said that holds."""
    while True:
        said = [w["sandbox"] for w in daemon.workers() if w["state"] != "starting"]
        if said:
            return said[0]
        check(daemon.process.poll() is None, daemon.log())


def marked(pid, mark):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return mark in file.read()
    except OSError:
        return False


def is_closer(pid):
    """The one that closes stores, and its guard."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return b"\0local-closer." in file.read()
    except OSError:
        return False


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def left_of(daemon):
    """Processes with its scratch directory in their environment, that are none of its workers nor their guards."""
    mark = os.path.join(daemon.state, "scratch").encode()
    known = {w["pid"] for w in daemon.workers()}
    guards = set()
    for pid in known:
        with contextlib.suppress(OSError):
            guards.add(parent_of(pid))
    return [int(pid) for pid in os.listdir("/proc")
            if pid.isdigit() and int(pid) not in known | guards and marked(pid, mark) and not is_closer(pid)]


def test_a_thousand_members_with_harmful_ones_among_them(context):
    deeds = [NONE] * MEMBERS
    daemon = start(context, "--worker-memory", str(MEMORY), "--worker-tasks", str(TASKS))
    words = words_of(daemon)
    check("calls" in words, "what holds")
    reasons = {deed: reason for deed, reason in REASONS.items() if deed != EAT or "memory" in words}
    if context.is_sanitized():
        reasons[SEGFAULT] = "exited with status 1"
    for deed in (*reasons, *REFUSED, LEAVE, *(OF_FILES if "files" in words else ()), *([FORK] if "tasks" in words else [])):
        deeds[deed * 70 + 7] = deed
    undisturbed, _ = context.run_local(job([NONE] * MEMBERS), options=["--processes", context.program("captive")])
    ended = daemon.await_end(daemon.submit(job(deeds, max_attempts=1, member_timeout=4))["id"])
    equal((ended["state"], ended["done"], ended["dead"]), ("partial", MEMBERS - len(reasons), len(reasons)),
          f"the end; {daemon.log()}")
    listed = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    for m in listed:
        reason = reasons[deeds[m["member"]]]
        check(reason in m["reason"], f"member {m['member']}: {m['reason']}: no word of {reason}")
    group, other = harness.open_store(ended["store"]), harness.open_store(undisturbed)
    values, expected = group["p__value"][...], other["p__value"][...]
    through = group["p__through"][...]
    alive = [m for m in range(MEMBERS) if deeds[m] not in reasons]
    equal([m for m in alive if values[m].tobytes() != expected[m].tobytes()], [], "members that differ")
    equal({deeds[m]: bin(through[m]) for m in alive if through[m] != 0}, {}, "what was not refused")
    with open(os.path.join(daemon.outside, "there"), encoding="ascii") as file:
        equal((file.read(), os.listdir(daemon.outside)), ("outside", ["there"]), "what lies outside")
    until = time.monotonic() + harness.WAIT
    while left_of(daemon):  # a worker that is being renewed is none of its workers for a moment
        check(time.monotonic() < until, f"processes {left_of(daemon)} are left; {daemon.log()}")


def holds_all(context):
    daemon = start(context, workers=1)
    words = words_of(daemon)
    daemon.stop()
    return all(word in words for word in ALL)


def test_no_other_process_gets_a_signal_where_the_kernel_keeps_it(context):
    daemon = start(context, "--sandbox", "require" if holds_all(context) else "auto", workers=1)
    words = words_of(daemon)
    ended = daemon.finish(job([BYSTANDER]))
    equal(harness.open_store(ended["store"])["p__through"][...].tolist(), [0 if "signals" in words else 1], words)


def test_a_file_that_came_after_the_worker_is_seen(context):
    daemon = start(context, workers=1)
    words_of(daemon)
    late = os.path.join(daemon.state, "..", "late")  # beside the way to the state directory
    with open(late, "w", encoding="ascii") as file:
        file.write("late")
    os.symlink(os.path.realpath(late), os.path.join(daemon.outside, "late"))
    before = {w["pid"] for w in daemon.workers()}
    daemon.finish(job([NONE]))
    equal({w["pid"] for w in daemon.workers()}, before, "a member that succeeds renews nothing")
    daemon.finish(job([LATE], max_attempts=1))
    os.unlink(late)
    equal(daemon.await_end(daemon.submit(job([LATE], max_attempts=1))["id"])["state"], "failed", "without the file")


def test_without_a_sandbox_nothing_is_kept(context):
    daemon = start(context, "--sandbox", "off", workers=1)
    check("calls" not in words_of(daemon) and "files" not in words_of(daemon), "what holds")
    listed = context.run("simlab", "workers", env={"SIMLAB_SERVER": daemon.server}).stdout.splitlines()
    check(listed[1].startswith("local-1.1") and listed[1].endswith(words_of(daemon)), f"{listed}")
    ended = daemon.finish(job([PRY, READ, BYSTANDER]))
    check(all(bits != 0 for bits in harness.open_store(ended["store"])["p__through"][...].tolist()), "refused")


harness.main(globals())
