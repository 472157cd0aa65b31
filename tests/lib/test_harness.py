#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""That the tests can fail: comparisons find each kind of difference, and the runner each way in
which a suite can go wrong."""
import os
import shutil
import subprocess
import sys

import numpy
import zarr

import harness
from harness import check, equal, load, GOLDEN, REPOSITORY


def written(context, case, change=None):
    """A store that holds what expected.json says, after change(variables)."""
    variables = load(GOLDEN, case, "expected.json")["variables"]
    if change:
        change(variables)
    path = context.path("out.zarr")
    group = zarr.open_group(path, mode="w")
    for name, v in variables.items():
        dtype = v["dtype"]
        values = [harness.NAMED.get(x, x) for x in harness.flat(v["data"])]
        fill = None if dtype == "|b1" else harness.NAMED.get(v["fill_value"], v["fill_value"])
        array = group.create_dataset(name, shape=v["shape"], chunks=v["chunks"] or None, dtype=dtype,
                                     fill_value=fill)
        array[...] = numpy.array(values, dtype=dtype).reshape(v["shape"])
        array.attrs.update({**v["attrs"], "_ARRAY_DIMENSIONS": v["dims"]})
    zarr.consolidate_metadata(path)
    return path


def faults(context, case, change=None):
    expected, job = load(GOLDEN, case, "expected.json"), load(GOLDEN, case, "job.json")
    return list(harness.golden_faults(written(context, case, change), expected["variables"],
                                      job.get("encoding", {})))


def test_right_stores_agree(context):
    for case in harness.golden_cases():
        equal(faults(context, case), [], case)


def test_each_difference_is_found(context):
    def value(v):
        v["profile__u"]["data"][30] *= 1 + 4e-12

    changes = {
        "value": ("batch-velocity", value, "values differ"),
        "dims": ("batch-velocity", lambda v: v["profile__u"].update(dims=["batch", "time", "x"]), "dims"),
        "missing": ("batch-velocity", lambda v: v.pop("x"), "not in the store"),
        "extra": ("batch-velocity", lambda v: v.update(y=v["x"]), "not expected"),
        "attribute": ("batch-velocity", lambda v: v["profile__u"]["attrs"].clear(), "attribute"),
        "dtype": ("dtypes", lambda v: v["z__f4"].update(dtype="<f8"), "dtype"),
        "fill": ("dtypes", lambda v: v["z__i2"].update(fill_value=0), "fill_value"),
        "integer": ("dtypes", lambda v: v["z__i8"]["data"].__setitem__(1, 99), "values differ"),
        "chunks": ("encoding", lambda v: v["profile__u"].update(chunks=[5, 3, 64]), "chunks"),
        "nan": ("dynamic-size", lambda v: v["pt__position"]["data"].__setitem__(3, 0.0), "values differ"),
    }
    for name, (case, change, words) in changes.items():
        found = faults(context, case, change)
        check(found and any(words in f for f in found), f"{name}: {found}")


def test_tolerances(_):
    check(harness.close_to(1 + 9e-13, 1.0, "<f8") and not harness.close_to(1 + 2e-12, 1.0, "<f8"), "f8")
    check(harness.close_to(9e-15, 0.0, "<f8") and not harness.close_to(2e-14, 0.0, "<f8"), "f8 near 0")
    check(harness.close_to(1 + 9e-7, 1.0, "<f4") and not harness.close_to(1 + 2e-6, 1.0, "<f4"), "f4")
    check(harness.close_to(float("nan"), "NaN", "<f8") and not harness.close_to(1.0, "NaN", "<f8"), "NaN")
    check(not harness.close_to(float("nan"), 1.0, "<f8"), "a NaN for a number")
    check(not harness.close_to(float("inf"), "-Infinity", "<f8"), "infinities")


def test_stores_are_compared_by_bytes(context):
    a = written(context, "batch-velocity")
    b = context.path("b.zarr")
    shutil.copytree(a, b)
    harness.same_store(a, b)

    def differs(message):
        try:
            harness.same_store(a, b)
        except harness.Failure:
            return
        raise harness.Failure(message)
    with open(os.path.join(b, "x/0"), "r+b") as file:
        first = file.read(1)
        file.seek(0)
        file.write(bytes([first[0] ^ 1]))
    differs("a flipped bit")
    shutil.copyfile(os.path.join(a, "x/0"), os.path.join(b, "x/0"))
    with open(os.path.join(b, ".0.partial"), "wb"):
        pass
    differs("a file too many")
    os.unlink(os.path.join(b, ".0.partial"))
    os.mkdir(b + ".sync")
    differs("locks left")


def runner(context, script, pattern="OURS"):
    """(passed, failed) that the runner makes of a suite with this shell script."""
    code = ("import sys; sys.path.insert(0, sys.argv[1]); import run_tests as r; "
            "s = r.run(('suite', ['/bin/sh', '-c', sys.argv[2]], getattr(r, sys.argv[3]))); print(s[1], s[2])")
    ended = subprocess.run(["/usr/bin/python3", "-B", "-c", code, os.path.join(REPOSITORY, "tests/lib"), script,
                            pattern], capture_output=True, text=True, check=True, cwd=context.root)
    return tuple(int(n) for n in ended.stdout.split())


def test_runner(context):
    equal(runner(context, "echo 3 passed, 0 failed"), (3, 0), "a good suite")
    equal(runner(context, "echo 3 passed, 2 failed; exit 1"), (3, 2), "a bad one")
    equal(runner(context, "echo 3 passed, 0 failed; exit 1"), (3, 1), "a good line, a bad exit")
    equal(runner(context, "echo 0 passed, 0 failed"), (0, 1), "no tests")
    equal(runner(context, "echo skipped all: no disk; echo 0 passed, 0 failed"), (0, 0), "all skipped")
    equal(runner(context, "true"), (0, 1), "no closing line")
    found = "echo 3 passed, 0 failed; log=${ASAN_OPTIONS#log_path=}; echo leak >${log%%:*}.1"
    equal(runner(context, found), (3, 1), "a sanitizer's log")
    killed = "==17==Unable to get registers from thread 18."
    equal(runner(context, found.replace("leak", killed)), (3, 0), "one that was killed while it looked")
    crashed = ("Tracer caught signal 11: addr=0x208 pc=0x7f sp=0x7f\n==7==LeakSanitizer has encountered a fatal error.\n"
               "==7==HINT: LeakSanitizer does not work under ptrace (strace, gdb, etc)")
    for no_finding in (killed, crashed):
        equal(runner(context, found.replace("leak", f"'{no_finding}'")), (3, 0), "one that found nothing")
        equal(runner(context, found.replace("leak", f"'{no_finding}\nleak'")), (3, 1), "one that found something, too")
    equal(runner(context, "sleep 1000 & echo 3 passed, 0 failed"), (3, 0), "a process left over")
    line = "[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: %d"
    equal(runner(context, "echo '" + line % (4, 4, 0, 0) + "'", "CRITERION"), (4, 0), "Criterion, good")
    equal(runner(context, "echo '" + line % (4, 2, 1, 1) + "'; exit 1", "CRITERION"), (2, 2), "Criterion, bad")
    equal(runner(context, "echo '" + line % (0, 0, 0, 0) + "'", "CRITERION"), (0, 1), "Criterion, none")


if __name__ == "__main__":
    harness.main(globals())
