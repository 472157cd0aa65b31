#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`simlab replay STORE` makes the job out of its store: computed again, it gives the same bytes."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

import numpy as np  # pylint: disable=wrong-import-position

MODEL = {"processes": {"pop": "reference.Logistic"}}


def replayed(context, store, files=True, code=0):
    """The document, as it is printed, or written with its arrays beside it."""
    if not files:
        ended = context.run("simlab-worker", "replay", store)
        equal(ended.returncode, code, ended.stderr)
        return json.loads(ended.stdout) if code == 0 else ended.stderr
    path = os.path.join(context.directory("replayed"), "job.json")
    ended = context.run("simlab", "replay", store, "-o", path)
    equal((ended.returncode, ended.stdout), (code, ""), ended.stderr)
    return path if code == 0 else ended.stderr


def same_again(context, job, options=(), code=0, **more):
    store, _ = context.run_local({**job, **more}, code, options)
    path = replayed(context, store)
    again = os.path.join(context.directory("again"), "again.zarr")
    ended = context.run("simlab-worker", "run", path, "--store", again, *options)
    equal(ended.returncode, code, ended.stderr)
    harness.same_store(store, again)
    return store, path


def golden(case):
    def test(context):
        job = load(GOLDEN, case, "job.json")
        store, _ = same_again(context, job)
        printed = context.run_local(replayed(context, store, files=False))[0]
        harness.same_store(store, printed)
        harness.golden_agrees(printed, case)
    return test


def logistic(**more):
    return {"model": MODEL, "clocks": {"time": [0, 1, 2, 3]}, "outputs": {"pop__n": "time"}, "inputs": {"pop__r": 0.5}, **more}


def test_sweeps(context):
    """A product, in an order that is not that of the names, and lists side by side."""
    inputs = {"pop__k": [100, 50, 70], "pop__n0": [1, 2]}
    for sweep in ({"product": inputs}, {"zip": {"pop__n0": [1, 2, 3], "pop__r": {"linspace": [0, 1, 3]}}},
                  {"product": {"pop__r": {"dims": ["batch"], "data": [0.5, 0.25], "attrs": {"who": "me"}}},
                   "zip": {"pop__n0": [3, 1], "pop__k": [7, 9]}}):
        given = {} if "pop__r" in str(sweep) else {"pop__r": 0.5}
        _, path = same_again(context, logistic(sweep=sweep, inputs=given))
        again = load(path)["sweep"]
        equal({form: list(lists) for form, lists in again.items()}, {form: list(lists) for form, lists in sweep.items()}, "sweep")


def test_arrays_that_lists_do_not_tell(context):
    """Long ones, and those of other types, come back as .npy."""
    folder = context.directory("npy")
    np.save(os.path.join(folder, "r.npy"), np.linspace(0, 1, 3000))
    np.save(os.path.join(folder, "who.npy"), np.arange(3000).astype(">u2"))
    np.save(os.path.join(folder, "name.npy"), np.array([b"a", b"bc"], dtype="S9"))
    job = logistic(inputs={"pop__r": {"dims": ["run"], "file": os.path.join(folder, "r.npy")}}, batch_dim="run",
                   coords={"who": {"dims": ["run"], "file": os.path.join(folder, "who.npy")},
                           "name": {"dims": ["two"], "file": os.path.join(folder, "name.npy")},
                           "small": {"dims": ["two"], "data": [True, False]}})
    store, path = same_again(context, job)
    files = sorted(os.listdir(os.path.dirname(path)))
    equal(files, ["job.json", "job.name.npy", "job.pop__r.npy", "job.who.npy"], "files")
    check("say -o" in replayed(context, store, files=False, code=2), "no hint")


def test_what_was_given_of_an_output(context):
    """The store shows the output; what was given stands in its provenance, unless it is long."""
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": [0, 1]}, "batch_dim": "b",
           "inputs": {"m__fault": 0, "m__size": {"dims": ["b"], "data": [1, 2, 3]}, "m__grows": 0, "m__work": 0},
           "outputs": {"m__size": None, "m__value": None}}
    options = ["--processes", context.program("varied")]
    same_again(context, job, options)
    job["inputs"]["m__size"]["data"] = [1, 2] * 8192
    job["outputs"] = {"m__size": None}
    store, _ = context.run_local(job, 0, options)
    check("m__size" in replayed(context, store, code=2), "the input is not named")


def test_other_keys(context):
    job = logistic(outputs={"pop__n": "time"}, stop_when={"variable": "pop__n", "above": 3}, seed=7, attrs={"title": "t", "n": [1]},
                   encoding={"pop__n": {"dtype": "f4", "compressor": {"id": "zstd", "level": 2}}}, zarr_format="both", validate=None,
                   clocks={"time": {"data": {"linspace": [0, 1, 11]}, "units": "days since 2000-01-01", "attrs": {"a": 1}},
                           "other": {"every": 5}}, main_clock={"dim": "time", "calendar": "noleap"}, finite_outputs=True,
                   name="it", priority=3, labels={"l": "1"}, max_attempts=7)
    _, path = same_again(context, job)
    document = load(path)
    check(not {"name", "priority", "labels", "max_attempts"} & set(document), "what does not change results")


def test_open_batches(context):
    part = {"inputs": {"pop__r": [0.1, 0.2]}, "coords": {"b": [5, 6]}}
    for expected, members in ((50, 3), (2, 2), (True, 3)):
        inputs = {"pop__r": {"dims": ["b"], "data": [0.5, 0.25, 0.125][:members]}}
        same_again(context, logistic(inputs=inputs, batch_dim="b", open=expected, appended=[part, part], coords={
            "b": {"dims": ["b"], "data": [1, 2, 3][:members]}}))
    swept = {"product": {"pop__r": [0.5, 0.25], "pop__k": [7, 9]}}
    same_again(context, logistic(sweep=swept, inputs={}, open=2, appended=[{"inputs": {"pop__r": [0.1], "pop__k": [8]}}]))


def test_dead_members_die_again(context):
    """As they are in the store."""
    job = {"model": {"processes": {"p": "faulty.Faulty"}}, "clocks": {"time": [0, 1, 2]}, "batch_dim": "batch", "max_attempts": 1,
           "inputs": {"p__fault": {"dims": ["batch"], "data": [0, 1, 0]}}, "outputs": {"p__value": "time"}}
    same_again(context, job, ["--processes", context.program("faulty")], 1)


def test_through_a_daemon(context):
    """Of a job's number, with uploads, and submitted again with what was written."""
    folder = context.directory("npy")
    file = os.path.join(folder, "r.npy")
    np.save(file, np.linspace(0.1, 0.9, 2500))
    daemon = context.daemon()
    at = ["--server", daemon.server, "--token", daemon.token]
    with open(file, "rb") as data:
        upload = daemon.request("POST", "/v1/uploads", data.read(), {"Content-Type": "application/octet-stream"}, status=201).json["id"]
    first = daemon.finish(logistic(inputs={"pop__r": {"dims": ["b"], "upload": upload}}, batch_dim="b"))
    path = os.path.join(folder, "again.json")
    ended = context.run("simlab", "replay", first["id"], "-o", path, *at)
    equal(ended.returncode, 0, ended.stderr)
    ended = context.run("simlab", "run", "--quiet", path, *at)
    equal(ended.returncode, 0, ended.stderr)
    for store in (first["store"], ended.stdout.strip()):
        daemon.await_gone(store + ".sync")
    harness.same_store(first["store"], ended.stdout.strip())
    changed = {**load(path), "libraries": {"reference": "0" * 64}}
    equal(daemon.request("POST", "/v1/jobs", changed, status=422).json["pointer"], "/libraries/reference", "another library")


def test_what_tells_no_job_is_refused(context):
    store, _ = context.run_local(logistic())
    for name in (".zattrs", ".zmetadata"):
        os.remove(os.path.join(store, name))
    check("does not tell its job" in replayed(context, store, code=2), "no reason")
    check("neither .zgroup nor zarr.json" in replayed(context, context.directory("empty"), code=2), "no reason")


harness.main(globals(), [(f"golden_{case}", golden(case)) for case in harness.golden_cases()])
