#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`simlab-worker run --resume`: where all processes of a run were killed, it goes on, and the store
is that of an undisturbed run, byte for byte."""
import hashlib
import os
import re
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal
from local_run import LocalRun
from patient import Patience

FREELY = {"SIMLAB_TEST_PATIENCE": "/dev/zero"}


def job_of(steps, **more):
    return {"model": {"processes": {"p": "patient.Patient", "q": "faulty.Faulty"}},
            "clocks": {"time": {"data": [float(i) for i in range(steps + 1)]}}, "main_clock": "time",
            "inputs": {"p__number": 3}, "outputs": {"p__value": "time"}, **more}


def batch_of(members, dead=-1):
    faults = [2 if i == dead else 0 for i in range(members)]
    return job_of(2, batch_dim="batch", max_attempts=1, encoding={"p__value": {"chunks": [20, 3]}}, inputs={
        "p__number": {"dims": ["batch"], "data": list(range(members))}, "q__fault": {"dims": ["batch"], "data": faults}})


def options_of(context, *more):
    return [*more, "--processes", context.program("patient"), "--processes", context.program("faulty")]


def undisturbed(context, job, code=0):
    store = context.path("plain.zarr")
    return store, LocalRun(context, job, store, options_of(context), FREELY).end(code)


def resumed(context, job, store, code=0, env=None):
    return LocalRun(context, job, store, options_of(context, "--resume"), env or FREELY).end(code)


def await_true(is_true):
    until = time.monotonic() + harness.WAIT
    while not is_true():
        os.sched_yield()
        check(time.monotonic() < until, "it is not so")


def killed(context, job, store, steps, kill=LocalRun.kill_all, before=0):
    """A run that is killed in the midst of this step, and has a checkpoint; so many are not its own."""
    patience = Patience(context)
    try:
        run = LocalRun(context, job, store, options_of(context), patience.environment())
        patience.give(steps - before)
        run.await_said(f"step {steps}")
        await_true(lambda: os.path.exists(store + ".sync/.checkpoints/0"))
        kill(run)
    finally:
        patience.close()


def steps_in(said):
    return [int(step) for step in re.findall(r"(?m): step (\d+)$", said)]


def test_one_simulation_goes_on(context):
    job = job_of(12, checkpoint={"every": 1})
    plain, _ = undisturbed(context, job)
    for steps in (1, 5, 11):
        store = context.path("out.zarr")
        killed(context, job, store, steps)
        said = resumed(context, job, store)
        check(re.search(r"goes on after step \d+, from its checkpoint", said), said)
        equal(steps_in(said), list(range(12)), f"its log, whole: {said}")
        harness.same_store(plain, store)


def end_by_signal(run):
    run.process.send_signal(signal.SIGINT)
    run.end(-signal.SIGINT)


def kill_first(run):
    """Those below end with it, in their time."""
    run.process.kill()
    run.end(-signal.SIGKILL)


def test_whatever_has_ended_it(context):
    job = job_of(12, checkpoint={"every": 1})
    plain, _ = undisturbed(context, job)
    for kill in (end_by_signal, kill_first):
        store = context.path("out.zarr")
        killed(context, job, store, 5, kill)
        check("goes on after step" in resumed(context, job, store), "from a checkpoint")
        harness.same_store(plain, store)


def three_steps_more(context, job, store, goes_on):
    """A run that is killed in the fourth step that it runs."""
    patience = Patience(context)
    try:
        run = LocalRun(context, job, store, options_of(context, "--resume"), patience.environment())
        patience.give(3)
        run.await_said("goes on after step" if goes_on else "step 0\n")
        found = re.search(r"goes on after step (\d+)", run.said)
        run.await_said(f"step {int(found.group(1)) + 3 if found else 3}\n")
        await_true(lambda: os.path.exists(store + ".sync/.checkpoints/0"))
        run.kill_all()
    finally:
        patience.close()


def test_it_is_killed_again_and_again(context):
    job = job_of(12, checkpoint={"every": 1})
    plain, _ = undisturbed(context, job)
    store = context.path("out.zarr")
    for goes_on in (False, True, True):
        three_steps_more(context, job, store, goes_on)
    equal(steps_in(resumed(context, job, store)), list(range(12)), "its log")
    harness.same_store(plain, store)


def until_some_are_done(patience, run, journal, members):
    """Feeds members until the journal has grown twice, by the layout and by some that are done, which are told of now
    and then."""
    sizes = {os.path.getsize(journal)}
    for member in range(1, members):
        patience.give(2)
        run.await_said(f"member {member}: p: step 0")
        sizes.add(os.path.getsize(journal))
        if len(sizes) == 3:
            return
    check(False, "no member was told to be done")


def test_members_that_are_done_are_not_run_again(context):
    members = 3000
    job = batch_of(members, dead=0)
    store = context.path("out.zarr")
    patience = Patience(context)
    try:
        run = LocalRun(context, job, store, options_of(context), patience.environment())
        patience.give(1)  # of member 0, which dies in its second step
        run.await_said("member 0: p: step 1")
        patience.give(1)
        run.await_said("member 1: p: step 0")
        until_some_are_done(patience, run, store + ".sync/.run", members)
        run.kill_all()
    finally:
        patience.close()
    said = resumed(context, job, store, 1)
    told = re.search(rf"(\d+) of {members} members are done, and 1 have failed", said)
    check(told and int(told.group(1)) > 0, said[:500])
    lines = re.findall(r"member (\d+): p: step 0", said)
    equal(len(lines), members - 1 - int(told.group(1)), "members that were run")
    plain, _ = undisturbed(context, job, 1)
    harness.same_store(plain, store)


def test_it_begins_where_there_is_none(context):
    job = job_of(3)
    plain, _ = undisturbed(context, job)
    store = context.path("out.zarr")
    check("goes on" not in resumed(context, job, store), "it begins")
    harness.same_store(plain, store)
    check("exists already" in resumed(context, job, store, 2), "one that has ended is not run again")


def of_boot(journal, boot):
    """The journal as another boot of the machine would have left it."""
    at = 8 + 40
    end = next(i for i in range(at, len(journal)) if is_sum(journal, i))
    head = journal[:at] + boot + journal[at + len(boot):end]
    return head + hashlib.sha256(head).hexdigest().encode() + journal[end + 64:]


def is_sum(journal, at):
    return journal[at:at + 64] == hashlib.sha256(journal[:at]).hexdigest().encode()


def test_what_is_refused(context):
    job = job_of(12, checkpoint={"every": 1})
    store = context.path("out.zarr")
    patience = Patience(context)
    try:
        run = LocalRun(context, job, store, options_of(context), patience.environment())
        run.await_said("step 0")
        check("another run is at work on it" in resumed(context, job, store, 2), "two at once")
        run.kill_all()
    finally:
        patience.close()
    check("it is the store of another job" in resumed(context, {**job, "seed": 1}, store, 2), "another job")
    said = LocalRun(context, job, store, options_of(context, "--resume", "--debug"), FREELY).end(2)
    check("other options" in said, said)
    said = LocalRun(context, job, store, options_of(context), FREELY).end(2)
    check("exists already" in said and "with --resume it goes on" in said, said)
    with open(store + ".sync/.run", "rb") as file:
        journal = file.read()
    with open("/proc/sys/kernel/random/boot_id", "rb") as file:
        boot = file.read().strip()
    at = journal.index(boot)
    for damage, words in ((journal[:at] + b"0" + journal[at + 1:], "its journal is damaged"),
                          (journal[:100], "its journal is cut"), (b"x" * len(journal), "its journal is damaged"),
                          (journal[:8] + b"0.0.0\0" + journal[14:], "another release"),
                          (of_boot(journal, b"0" * 36), "the machine was started anew since")):
        with open(store + ".sync/.run", "wb") as file:
            file.write(damage)
        check(words in resumed(context, job, store, 2), f"{words}; {damage[:100]!r}")
    with open(store + ".sync/.run", "wb") as file:
        file.write(journal + b"\x07\0\0\0cut")
    plain, _ = undisturbed(context, job)
    equal(steps_in(resumed(context, job, store)), list(range(12)), "its log")
    harness.same_store(plain, store)


def write_numbers(path, value):
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (), }"
    header += b" " * (117 - len(header)) + b"\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + value.to_bytes(8, "little"))


def test_a_file_of_the_job_that_was_replaced(context):
    path = os.path.join(context.directory("input"), "number.npy")
    write_numbers(path, 3)
    job = job_of(12, checkpoint={"every": 1}, inputs={"p__number": {"dims": [], "data": {"file": path}}})
    store = context.path("out.zarr")
    killed(context, job, store, 5)
    write_numbers(path, 4)
    check("a file that the job names was replaced" in resumed(context, job, store, 1), "another value")
    write_numbers(path, 3)
    resumed(context, job, store)
    plain, _ = undisturbed(context, job)
    harness.same_store(plain, store)


def test_a_checkpoint_that_it_starts_from_was_replaced(context):
    """By one of another seed, which is as good for a run that begins."""
    spun_up, store = context.path("spun_up.zarr"), context.path("out.zarr")
    spin_up = job_of(2, checkpoint={"keep": 2})
    LocalRun(context, spin_up, spun_up, options_of(context), FREELY).end()
    job = job_of(12, checkpoint={"every": 1}, **{"from": {"store": spun_up, "step": 2}})
    killed(context, job, store, 5, before=2)
    kept = os.path.join(spun_up + ".checkpoints", "0.2")
    os.rename(kept, kept + ".first")
    other = context.path("other.zarr")
    LocalRun(context, {**spin_up, "seed": 5, "inputs": {"p__number": 4}}, other, options_of(context), FREELY).end()
    os.rename(os.path.join(other + ".checkpoints", "0.2"), kept)
    check("a file that the job names was replaced" in resumed(context, job, store, 1), "another start")
    os.rename(kept + ".first", kept)
    resumed(context, job, store)
    plain, _ = undisturbed(context, job)
    harness.same_store(plain, store)


harness.main(globals())
