#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`simlab-worker run` whose Nth write, rename or fsync fails, for every N: it exits 1 with a message,
and the store holds nothing that is wrong (daemon/README.md, invariant 3). Where the Nth rename
kills the process in which user code runs, another one goes on, to the same store."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

MOST = 200  # of one kind in a run


def job():
    batch = load(GOLDEN, "batch-velocity", "job.json")
    batch["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.5, 0.75, 1.0]}
    return harness.json.dumps(batch)


def run(context, store, fault):
    env = {**os.environ, "SIMLAB_FAULT": fault} if fault else None
    return context.run("simlab-worker", "run", "-", "--store", store, stdin=job(), env=env)


def whole(good, bad, fault):
    """Every file is that of an undisturbed run, but for metadata, which may lack what came later."""
    for folder, _, names in os.walk(bad):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), bad)
            if name.endswith(".partial"):
                check(fault.endswith("kill"), f"{fault}: {path} was left")
                continue
            with open(os.path.join(bad, path), "rb") as f:
                data = f.read()
            if name == ".zmetadata":
                harness.json.loads(data)
                continue
            with open(os.path.join(good, path), "rb") as f:
                check(data == f.read(), f"{fault}: {path} is another")


def each_fails(context, operation, how, code, least):
    good, bad = context.path(f"good-{operation}-{how}.zarr"), context.path(f"bad-{operation}-{how}.zarr")
    equal(run(context, good, None).returncode, 0, "exit of the undisturbed run")
    for n in range(1, MOST):
        fault = f"{operation}:{n}:{how}"
        shutil.rmtree(bad, ignore_errors=True)
        shutil.rmtree(bad + ".sync", ignore_errors=True)
        ended = run(context, bad, fault)
        if ended.returncode == 0:
            check(n > least, f"there were only {n - 1} calls of {operation}")
            harness.same_store(good, bad)
            return
        equal(ended.returncode, code, f"{fault}: exit ({ended.stderr})")
        check(how == "kill" or "error: cannot " in ended.stderr, f"{fault}: said {ended.stderr!r}")
        whole(good, bad, fault)
    check(False, f"{operation}: it never ends")


def test_each_write_fails(context):
    each_fails(context, "write", "ENOSPC", 1, 20)


def test_each_rename_fails(context):
    each_fails(context, "rename", "EIO", 1, 20)


def test_each_fsync_fails(context):
    each_fails(context, "fsync", "EIO", 1, 1)


def test_killed_at_each_rename(context):
    good, finished = context.path("good.zarr"), 0
    equal(run(context, good, None).returncode, 0, "exit of the undisturbed run")
    for n in range(1, MOST):
        bad, fault = context.path("bad.zarr"), f"rename:{n}:kill"
        ended = run(context, bad, fault)
        check(ended.returncode in (0, 1), f"{fault}: exit {ended.returncode} ({ended.stderr})")
        if ended.returncode == 0:
            finished += "killed by signal 9" in ended.stderr
            harness.same_store(good, bad)
        else:
            whole(good, bad, fault)
        if "killed by signal 9" not in ended.stderr:
            check(n > 20 and finished > 1, f"only {n - 1} renames, {finished} finished after one")
            return
    check(False, "it never ends")


harness.main(globals())
