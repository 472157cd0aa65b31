#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Independent readers open what the service writes: the store of every golden case, compressed as it
comes and not compressed, and of some in both versions of Zarr, is shown to zarr-python, xarray, GDAL and
ncdump (readers.py). Newer ones than this machine's: `make readers`."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, load, GOLDEN

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import readers  # pylint: disable=wrong-import-position


def read(store):
    wrong = [f"{reader}: {fault}" for reader, fault in readers.check_store(store) if fault]
    check(not wrong, "\n".join(wrong))


def compressed(case):
    def test(context):
        read(context.run_local(load(GOLDEN, case, "job.json"))[0])
    return test


def uncompressed(case):
    def test(context):
        job = load(GOLDEN, case, "job.json")
        encoding = job.setdefault("encoding", {})
        for name in job["outputs"]:
            encoding.setdefault(name, {})["compressor"] = None
        store, _ = context.run_local(job)
        for name in job["outputs"]:
            check(load(store, name, ".zarray")["compressor"] is None, f"{name} is compressed")
        read(store)
    return test


def in_both_versions(case):
    """Of which these readers know the second."""
    def test(context):
        store, _ = context.run_local({**load(GOLDEN, case, "job.json"), "zarr_format": "both"})
        check(os.path.exists(os.path.join(store, "zarr.json")), "no version 3")
        read(store)
    return test


def tests():
    for case in harness.golden_cases():
        yield case, compressed(case)
        yield f"{case} uncompressed", uncompressed(case)
    for case in ("dtypes", "encoding", "dynamic-size", "batch-velocity"):
        yield f"{case} in both versions", in_both_versions(case)


harness.main({}, tests())
