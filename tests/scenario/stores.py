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


# Four values of each dtype; NaN and infinite ones where it has them.
FOUR = {"bool": [True, False, False, True], "i1": [-128, 0, 1, 126], "i2": [-5, 0, 1, 32766], "i4": [-70000, 0, 1, 70000], "i8": [-2**40, 0, 1, 2**40],
        "u1": [0, 1, 2, 254], "u2": [0, 1, 2, 65534], "u4": [0, 1, 2, 4000000000], "u8": [0, 1, 2, 2**50], "f4": [-0.5, "NaN", 0, "Infinity"],
        "f8": ["-Infinity", 0.1, "NaN", 1e300], "c8": [[1, 2], [0, -1], [0.5, 0], [0, 0]], "c16": [[1, 2], [0, -1], [0.1, 0], [0, 0]], "str": ["a", "", "Gen\u00e8", "efghi"]}
DIMS = {"scalars": (), "lists": ("k",), "batches": ("m",), "series of members": ("m", "time")}
ENCODINGS = {"as zlib": {"compressor": {"id": "zlib", "level": 1}}, "as zstd, in small chunks": {"compressor": {"id": "zstd", "level": 1}, "chunks": 1}, "plain, in order of columns": {"compressor": None, "order": "F"},
             "without fill values": {"fill_value": None}}


def shaped(four, dims):
    """Of as many dims; along time and k there are four, along others two."""
    if not dims:
        return four[0]
    n = 4 if dims[0] in ("k", "time") else 2
    return [shaped(four[i % len(four):] + four[:i], dims[1:]) for i in range(n)]


def arrays(dims, encoding=None, big=False):
    """Inputs, outputs on a clock with dates, index variables and coordinates of each dtype."""
    inputs = {f"e__in_{name}": {"dims": list(dims), "data": shaped(four, dims)} for name, four in FOUR.items()}
    outputs = {f"e__out_{name}": "time" for name in FOUR}
    coords = {"site": {"dims": ["j"], "data": ["n\u00f6rdlich", "s"]}, "control": 3, "flag": {"dims": ["k"], "data": [True, False, True, False]}}
    own = {}
    for name in FOUR:
        byte_order = {"dtype": f">{name}"} if big and name[0] in "iufc" else {}
        own[f"e__out_{name}"] = {**(encoding or {}), **byte_order}
    return {"model": {"processes": {"e": "kinds.Echo", "labels": "kinds.Labels"}}, "clocks": {"time": {"data": [0, 1, 2, 3], "units": "hours since 2000-02-28 12:00"}},
            "inputs": inputs, "outputs": outputs, "coords": coords, "encoding": own, **({"batch_dim": "m"} if "m" in dims else {})}


def kind(document):
    def test(context):
        read(context.run_local(document, options=["--processes", context.program("kinds")])[0])
    return test


def tests():
    for name, dims in DIMS.items():
        yield f"{name} of every dtype", kind(arrays(dims))
    for name, encoding in ENCODINGS.items():
        yield f"every dtype {name}", kind(arrays(("m", "k"), encoding))
    yield "every dtype big-endian", kind(arrays(("j", "k"), big=True))
    for case in harness.golden_cases():
        yield case, compressed(case)
        yield f"{case} uncompressed", uncompressed(case)
    for case in ("dtypes", "encoding", "dynamic-size", "batch-velocity"):
        yield f"{case} in both versions", in_both_versions(case)


harness.main({}, tests())
