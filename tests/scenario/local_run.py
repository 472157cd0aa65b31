#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`simlab-worker run` with members that exit, crash, never end, or leave their process behind: it
ends as a job of the daemon does, with the same store, byte for byte. The libraries are
tests/lib/faulty.c and untidy.c."""
import json
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NONE, FAILS, ABORTS, WRITES_NOWHERE, NEVER_ENDS, EXITS, EXITS_WITH_3, EXITS_AT_ONCE, EXITS_QUICKLY = range(9)
LEAVES_A_THREAD = 14


def faulty(faults, **more):
    many = isinstance(faults, list)
    return {"model": {"processes": {"p": "faulty.Faulty"}},
            "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}}, "main_clock": "time",
            "inputs": {"p__fault": {"dims": ["batch"], "data": faults} if many else faults},
            "outputs": {"p__value": "time"}, **({"batch_dim": "batch"} if many else {}), **more}


def untidy(deeds):
    return {"model": {"processes": {"p": "untidy.Untidy"}},
            "clocks": {"time": {"data": [0.0, 1.0]}}, "main_clock": "time", "batch_dim": "batch",
            "inputs": {"p__deed": {"dims": ["batch"], "data": deeds}},
            "outputs": {"p__found": None, "p__value": None}}


def local(context, library, job, code):
    """(path of the store, what was said)"""
    store, ended = context.run_local(job, code, ["--processes", context.program(library)])
    return store, ended.stderr


def same_as_the_daemons(context, library, job, code, state):
    store, said = local(context, library, job, code)
    daemon = context.daemon(options=["--processes", context.program(library)])
    harness.same_store(store, daemon.finish(job, state)["store"])
    return said


def batch(size, **at):
    faults = [NONE] * size
    for name, fault in at.items():
        faults[int(name[1:])] = fault
    return faults


def test_a_batch_with_all_faults(context):
    faults = batch(30, m0=ABORTS, m1=FAILS, m7=EXITS, m8=WRITES_NOWHERE, m15=NEVER_ENDS, m16=NONE,
                   m20=EXITS_WITH_3, m21=EXITS_AT_ONCE, m22=EXITS_QUICKLY, m29=ABORTS)
    said = same_as_the_daemons(context, "faulty", faulty(faults, max_attempts=2, member_timeout=0.5),
                               1, "partial")
    there = " in process 'p' (faulty.Faulty), run_step of step 1\n"
    for words in (f"member 0: its worker was killed by signal 6 (Aborted){there}",
                  "member 1: process 'p' (faulty.Faulty), run_step of step 1: asked to fail",
                  f"member 7: its worker exited with status 0{there}",
                  "member 8: its worker ",  # killed by signal 11, or by a sanitizer
                  f"member 15 ran longer than its limit of 0.5 s,{there}",
                  f"member 20: its worker exited with status 3{there}",
                  f"member 22: its worker exited with status 0{there}", "9 of 30 members failed"):
        check(words in said, f"{words!r} is not in {said}")


def test_a_single_simulation_exits(context):
    for fault in (EXITS, EXITS_WITH_3, EXITS_AT_ONCE, EXITS_QUICKLY):
        _, said = local(context, "faulty", faulty(fault, max_attempts=1), 1)
        check("its worker exited with status" in said and "in process 'p' (faulty.Faulty), run_step of step 1" in said, said)
    _, said = local(context, "faulty", faulty(EXITS, max_attempts=3), 1)
    equal(said.count("run_step of step 1; it is tried again"), 2, f"attempts told in {said}")


def test_a_single_simulation_never_ends(context):
    _, said = local(context, "faulty", faulty(NEVER_ENDS, max_attempts=1, member_timeout=0.3), 1)
    check("ran longer than its limit of 0.3 s" in said, said)


def test_members_that_need_processes_of_their_own(context):
    deeds = [0, LEAVES_A_THREAD, 0, 0, LEAVES_A_THREAD, LEAVES_A_THREAD, 6, 1, 10, 0]
    said = same_as_the_daemons(context, "untidy", untidy(deeds), 0, "succeeded")
    equal(said.count("a process of its own"), 3, f"renewals told in {said}")


def test_it_is_asked_to_end(context):
    job = context.path("job.json")
    with open(job, "w", encoding="utf-8") as file:
        json.dump(faulty(NEVER_ENDS, log_every=1), file)
    for number in (signal.SIGTERM, signal.SIGINT):
        ran = subprocess.Popen([context.program("simlab-worker"), "run", job, "--store",
                                context.path("s.zarr"), "--processes", context.program("faulty")],
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = ran.stderr.readline()
        check("step 1 of 3" in line, f"it runs: {line}")
        with open(f"/proc/{ran.pid}/task/{ran.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        equal(len(children), 1, "its process")
        ran.send_signal(number)
        equal(ran.wait(harness.WAIT), -number, "its end")
        check(harness.await_exit(int(children[0])), "its process has ended")
        equal(ran.stderr.read(), "", "no death is told")


def test_only_its_own_directory_is_emptied(context):
    """Members work in one of their own, below $TMPDIR, which is gone after it."""
    here = context.directory("here")
    with open(os.path.join(here, "kept"), "w", encoding="utf-8") as file:
        file.write("x")
    store = os.path.join(here, "out.zarr")
    ran = subprocess.run([context.program("simlab-worker"), "run", "-", "--store", "out.zarr",
                          "--processes", os.path.relpath(context.program("untidy"), here)],
                         input=json.dumps(untidy([6, 7, 0])), text=True, capture_output=True,
                         cwd=here, env={**os.environ, "TMPDIR": here}, check=False)
    equal(ran.returncode, 0, f"exit ({ran.stderr})")
    equal(harness.open_store(store)["p__found"][...].tolist(), [0, 0, 0], "found")
    equal(sorted(os.listdir(here)), ["kept", "out.zarr"], "files left")


def test_a_store_that_exists_is_refused(context):
    job = json.dumps(faulty(NONE))
    store = context.path("s.zarr")
    for code in (0, 2):
        ran = context.run("simlab-worker", "run", "-", "--store", store, "--processes",
                          context.program("faulty"), stdin=job)
        equal(ran.returncode, code, f"exit ({ran.stderr})")
    check(re.search("refused: .*s.zarr exists already", ran.stderr), ran.stderr)


harness.main(globals())
