#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`zarr_format`: 2, 3 and "both" have the same chunks; version 3's metadata say what version 2's say;
what one of them cannot say is refused; and whatever is killed, damaged or appended, the store is that
of an undisturbed run. (What zarr-python 3 reads of them: `make readers`.)"""
import base64
import json
import os
import random
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../soak")]
import harness  # pylint: disable=wrong-import-position
import kills  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

import numpy as np  # pylint: disable=wrong-import-position

DAMAGED = {  # of a store of both versions: what is damaged, and how
    "zarr.json": "cut", "m__value/zarr.json": "removed", "m__vector/zarr.json": "cut", "time/zarr.json": "changed",
    ".zgroup": "removed", ".zattrs": "cut", "m__value/.zarray": "cut", "m__grid/.zattrs": "removed"}


def metadata(store, *names):
    with open(os.path.join(store, *names), encoding="ascii") as file:
        return json.load(file)


def is_metadata(name):
    return os.path.basename(name).startswith(".z") or os.path.basename(name) == "zarr.json"


# ---- what they say ---------------------------------------------------------------------------------


def fill_of(dtype, fill):
    """(fill_value, _FillValue or None) of version 3, by the dtype and fill value of version 2."""
    kind = np.dtype(dtype).kind
    if fill is None:
        return [0.0, 0.0] if kind == "c" else False if kind == "b" else 0, None
    if kind == "f" and fill != "NaN":
        return fill, base64.b64encode(struct.pack("<d", float(fill))).decode()
    return fill, None if kind in "fc" else fill


def codecs_of(array):
    found, itemsize = [], np.dtype(array["dtype"]).itemsize
    if array["order"] == "F" and len(array["shape"]) > 1:
        found.append({"name": "transpose", "configuration": {"order": list(range(len(array["shape"])))[::-1]}})
    endian = "big" if array["dtype"].startswith(">") else "little"
    found.append({"name": "bytes", **({"configuration": {"endian": endian}} if itemsize > 1 else {})})
    compressor = dict(array["compressor"] or {})
    name = compressor.pop("id", None)
    if name == "blosc":
        shuffle = compressor["shuffle"]
        compressor["shuffle"] = ("noshuffle", "shuffle", "bitshuffle")[(1 + (itemsize == 1)) if shuffle == -1 else shuffle]
        found.append({"name": name, "configuration": {**compressor, "typesize": itemsize}})
    elif name:
        found.append({"name": name, "configuration": {**compressor, "checksum": False}})
    return found


def version3_of(array, attrs):
    """An array's zarr.json, by its .zarray and .zattrs."""
    fill, mask = fill_of(array["dtype"], array["fill_value"])
    names = attrs.pop("_ARRAY_DIMENSIONS")
    return {"zarr_format": 3, "node_type": "array", "shape": array["shape"], "data_type": np.dtype(array["dtype"]).name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": array["chunks"]}},
            "chunk_key_encoding": {"name": "v2", "configuration": {"separator": "."}}, "dimension_names": names,
            "fill_value": fill, "codecs": codecs_of(array), "attributes": {**attrs, **({} if mask is None else {"_FillValue": mask})}}


def agrees(store):
    """Both versions of a store say the same, and so does what is consolidated of them."""
    two = metadata(store, ".zmetadata")["metadata"]
    names = sorted(key[:-len("/.zarray")] for key in two if key.endswith("/.zarray"))
    root = metadata(store, "zarr.json")
    equal(root["attributes"], two[".zattrs"], "attributes of the root")
    equal(sorted(root), ["attributes", "consolidated_metadata", "node_type", "zarr_format"], "keys of zarr.json")
    three = root["consolidated_metadata"]
    equal((three["kind"], three["must_understand"], sorted(three["metadata"])), ("inline", False, names), "what is consolidated")
    for name in names:
        equal(metadata(store, name, "zarr.json"), version3_of(two[f"{name}/.zarray"], dict(two[f"{name}/.zattrs"])), name)
        equal(three["metadata"][name], metadata(store, name, "zarr.json"), f"{name}, consolidated")


def can_be_said(job):
    """In version 3."""
    encodings = list(job.get("encoding", {}).values())
    return not any(e.get("filters") or (e.get("compressor") or {}).get("id") == "zlib" for e in encodings)


def content(store, files):
    return {name: open(os.path.join(store, name), "rb").read() for name in files}  # pylint: disable=consider-using-with


def same_chunks(context, job, options=()):
    """By a local run in each format. The store of both."""
    stores = {f: context.run_local({**job, "zarr_format": f}, 0, options)[0] for f in (2, 3, "both")}
    files = {f: harness.files_of(store) for f, store in stores.items()}
    equal([name for name in files[3] if not is_metadata(name)], [name for name in files[2] if not is_metadata(name)], "chunks")
    check(not any(name.split("/")[-1].startswith(".z") for name in files[3]), "version 2 in a store of version 3")
    check("zarr.json" not in {os.path.basename(name) for name in files[2]}, "version 3 in a store of version 2")
    equal(sorted({*files[2], *files[3]}), files["both"], "files of both")
    told = {"zarr.json", ".zattrs", ".zmetadata"}  # the root's tell of the format
    both = content(stores["both"], files["both"])
    for f in (2, 3):
        one = content(stores[f], files[f])
        odd = [name for name in one if name not in told and one[name] != both[name]]
        check(not odd, f"{odd} differ in the stores of {f} and of both")
    agrees(stores["both"])
    return stores["both"]


def golden(case):
    def test(context):
        same_chunks(context, load(GOLDEN, case, "job.json"))
    return test


def test_encodings(context):
    members = {"dims": ["b"], "data": [0, 1, 0, 0, 0]}
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": [0, 1, 2, 3]}, "batch_dim": "b",
           "inputs": {"m__fault": members, "m__size": 5, "m__grows": 0, "m__work": 0}, "max_attempts": 1,
           "outputs": {"m__value": "time", "m__vector": "time", "m__grid": "time", "m__count": "time", "m__level": "time"},
           "encoding": {"m__value": {"dtype": ">f4", "fill_value": -9999.5, "chunks": [2, 2]},
                        "m__vector": {"order": "F", "compressor": {"id": "zstd", "level": 3}, "fill_value": 0},
                        "m__grid": {"order": "F", "compressor": None, "dtype": ">f8"},
                        "m__count": {"dtype": ">i2", "fill_value": None, "chunks": [1]},
                        "m__level": {"dtype": "u1", "fill_value": 0, "compressor": {"id": "blosc", "shuffle": -1}}}}
    stores = {f: context.run_local({**job, "zarr_format": f}, 1, ["--processes", context.program("varied")])[0] for f in (3, "both")}
    agrees(stores["both"])
    for name in ("value", "vector", "grid", "count", "level"):
        equal(metadata(stores[3], "m__" + name, "zarr.json"), metadata(stores["both"], "m__" + name, "zarr.json"), name)
    equal(metadata(stores[3], "m__count", "zarr.json")["attributes"].get("_FillValue"), None, "a mask that was refused")


# ---- what is refused -----------------------------------------------------------------------------------


def test_what_version_3_cannot_say_is_refused(context):
    daemon = context.daemon()
    job = load(GOLDEN, "advect", "job.json")
    output = next(iter(job["outputs"]))
    texts = {"model": {"processes": {"grid": "reference.UniformGrid1D"}}, "clocks": {"time": [0, 1]}, "outputs": {},
             "inputs": {"grid__length": 3, "grid__spacing": 1}, "coords": {"who": {"dims": ["x"], "data": ["a", "b", "c"]}}}
    delta = {"dtype": "i4", "filters": [{"id": "delta", "dtype": "<i4"}]}
    for encoding, place, words in (({"compressor": {"id": "zlib", "level": 1}}, "/compressor", "zstd"),
                                   (delta, "/filters", "zarr_format")):
        for zarr_format in (3, "both"):
            given = {**job, "encoding": {output: encoding}, "zarr_format": zarr_format}
            problem = daemon.request("POST", "/v1/jobs", given, status=422).json
            equal(problem["pointer"], f"/encoding/{output}{place}", problem)
            check(words in problem["detail"], problem)
            _, ran = context.run_local(given, 2)
            check(words in ran.stderr, ran.stderr)
        daemon.finish({**job, "encoding": {output: encoding}})
    for zarr_format in (3, "both"):
        problem = daemon.request("POST", "/v1/jobs", {**texts, "zarr_format": zarr_format}, status=422).json
        equal(problem["pointer"], "/zarr_format", problem)
        check("coordinate who" in problem["detail"] and '"zarr_format": 2' in problem["detail"], problem)
    daemon.finish(texts)
    varied = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": [0, 1, 2]}, "zarr_format": 3,
              "inputs": {"m__fault": 0, "m__size": 2, "m__grows": 0, "m__work": 0}, "outputs": {"m__label": None}}
    _, ran = context.run_local(varied, 2, ["--processes", context.program("varied")])
    check("output m__label cannot be stored" in ran.stderr, ran.stderr)
    for zarr_format in (1, 4, "2", "3", True, 3.5, []):
        problem = daemon.request("POST", "/v1/jobs", {**job, "zarr_format": zarr_format}, status=422).json
        equal(problem["pointer"], "/zarr_format", problem)


# ---- what holds in all formats -------------------------------------------------------------------------


def batch(zarr_format, **more):
    def each(values):
        return {"dims": ["b"], "data": [values[m % len(values)] for m in range(40)]}
    return {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": [0, 1, 2, 3, 4]}, "batch_dim": "b",
            "inputs": {"m__fault": 0, "m__size": each((4, 7, 2)), "m__grows": each((0, 1)), "m__work": 0},
            "outputs": {"m__value": "time", "m__vector": "time", "m__grid": "time"}, "zarr_format": zarr_format,
            "encoding": {"m__value": {"chunks": [7, 2]}, "m__vector": {"chunks": [16, 2, 3]}}, **more}


class Setting:
    def __init__(self, context, workers=2):
        self.context, self.options = context, ["--processes", context.program("varied")]
        self.daemon = context.daemon(workers=workers, options=self.options)

    def simlab(self, *arguments, code=0):
        ended = self.context.run("simlab", *arguments, "--server", self.daemon.server, "--token", self.daemon.token)
        equal(ended.returncode, code, f"simlab {arguments}: {ended.stdout}{ended.stderr}")
        return ended

    def end(self, number):
        ended = self.daemon.await_end(number)
        equal(ended["state"], "succeeded", f"{ended}\n{self.daemon.log()}")
        self.daemon.await_gone(ended["store"] + ".sync")
        return ended["store"]

    def undisturbed(self, document):
        return self.context.run_local(document, 0, self.options)[0]


def damage(path, how):
    with open(path, "rb") as file:
        data = file.read()
    os.remove(path)
    if how != "removed":
        with open(path, "wb") as file:
            file.write(data[:len(data) // 2] if how == "cut" else data[:-1] + bytes([data[-1] ^ 1]))


def damaged(zarr_format):
    def test(context):
        s = Setting(context)
        document = batch(zarr_format)
        store, whole = s.end(s.daemon.submit(document)["id"]), s.undisturbed(document)
        number = s.daemon.request("GET", "/v1/jobs?limit=1", status=200).json["jobs"][0]["id"]
        there = [name for name in DAMAGED if os.path.exists(os.path.join(store, name))]
        check(len(there) >= 4, there)
        for names in [*([name] for name in there), there]:
            for name in names:
                damage(os.path.join(store, name), DAMAGED[name])
            told = json.loads(s.simlab("verify", "--json", number, code=1).stdout)["faults"]
            equal(sorted(f["file"] for f in told), sorted(names), "files that are named")
            s.simlab("retry", "--damaged", number)
            s.end(number)
            harness.same_store(store, whole)
            s.simlab("verify", number)
    return test


def appended(zarr_format):
    def test(context):
        s = Setting(context)
        whole = batch(zarr_format, open=50)
        inputs = {name: data["data"] for name, data in whole["inputs"].items() if isinstance(data, dict)}
        first = {name: {"dims": ["b"], "data": data[:9]} for name, data in inputs.items()}
        document = {**whole, "inputs": {**whole["inputs"], **first}}
        parts = [{"inputs": {name: data[a:b] for name, data in inputs.items()}} for a, b in ((9, 10), (10, 31), (31, 40))]
        number = s.daemon.submit(document)["id"]
        for k, part in enumerate(parts):
            if k != 1:
                s.end(number)
            harness.await_true(lambda part=part: s.daemon.request("POST", f"/v1/jobs/{number}/members", part).status == 201,
                               "members that are taken")
        store = s.end(number)
        harness.same_store(store, s.undisturbed({**document, "appended": parts}))
        if zarr_format == "both":
            agrees(store)
    return test


def disturbed(zarr_format):
    def test(context):
        kills.turn(context, random.Random(f"formats {zarr_format}"), most=6, longest=0.5, seconds=(0.1, 0.3), may_crash=False,
                   zarr_format=zarr_format)
    return test


CASES = [case for case in harness.golden_cases() if can_be_said(load(GOLDEN, case, "job.json"))]
harness.main(globals(), [*((f"golden_{case}", golden(case)) for case in CASES),
                         *((f"{what.__name__}_{f}", what(f)) for what in (damaged, appended, disturbed) for f in (3, "both"))])
