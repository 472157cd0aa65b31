#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What xarray makes of a store: texts, coordinates, sizes that agree, values that are missing."""
import json
import os
import re
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

import numpy as np  # pylint: disable=wrong-import-position

with warnings.catch_warnings():  # what other modules say while they are loaded is not about us
    warnings.simplefilter("ignore")
    import xarray  # pylint: disable=wrong-import-position

GRID = {"grid": "reference.UniformGrid1D"}


def opened(store, **options):
    return xarray.open_zarr(store, consolidated=True, **options).load()


def grid(**more):
    return {"model": {"processes": GRID}, "clocks": {"time": [0, 1]}, "outputs": {},
            "inputs": {"grid__length": 3, "grid__spacing": 1}, **more}


def sites(**more):
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"time": [0, 3]}, "outputs": {"pop__n": None},
            "inputs": {"pop__r": {"dims": ["site"], "data": [0.5, "NaN", 0.5, 0.6]}}, "batch_dim": "site", **more}


def refused(context, document, words, code=2):
    _, ran = context.run_local(document, code)
    check(words in ran.stderr, f"{words!r} is not in {ran.stderr!r}")


def test_texts_are_texts(context):
    names = ["north", "Genève", "", "南"]
    ds = opened(context.run_local(sites(coords={"site": names}))[0])
    equal(ds.site.values.tolist(), names, "labels")
    equal(float(ds.pop__n.sel(site="Genève").isnull()), 1.0, "selected by a text")


def test_coordinates_are_coordinates(context):
    coords = {"lon": {"dims": ["x"], "data": [7.1, 7.2, 7.3]}, "x_name": {"dims": ["x"], "data": ["a", "b", "c"]},
              "control": {"dims": [], "data": 3}, "run": {"dims": ["run"], "data": [1, 2]}}
    ds = opened(context.run_local(grid(coords=coords))[0])
    equal(sorted(ds.coords), ["control", "lon", "run", "time", "x", "x_name"], "coordinates")
    check(not set(coords) & set(ds.data_vars), "coordinates among the variables")


def test_a_coordinate_has_a_name_of_its_own(context):
    refused(context, grid(coords={"x": [1, 2, 3]}), "under the name of an index variable")
    refused(context, sites(coords={"pop__n": {"dims": ["site"], "data": [1, 2, 3, 4]}}), "under the name of an output")


def test_sizes_that_do_not_agree(context):
    """Given larger or smaller than what the model makes; by an input, a coordinate, a clock."""
    daemon = context.daemon()
    for n in (2, 4):
        document = grid(coords={"lon": {"dims": ["x"], "data": list(range(n))}})
        words = f"3 elements along the dimension 'x', but lon has {n}"
        refused(context, document, words, 1)
        check(words in daemon.finish(document, "failed")["reason"], "what the daemon says")
    opened(context.run_local(grid(coords={"lon": {"dims": ["x"], "data": [7, 8, 9]}}))[0])


def test_where_the_data_come_from(context):
    """One text, which the formats that know texts only keep; a store tells its model and libraries."""
    store, _ = context.run_local(grid(attrs={"title": "a grid"}))
    ds = opened(store)
    check(all(isinstance(value, str) for value in ds.attrs.values()), f"attributes {ds.attrs}")
    said = harness.provenance(store)
    equal(said["model"]["processes"], GRID, "its model")
    equal(sorted(said["libraries"]), ["reference"], "its libraries")


# ---- labels of members ----

PROFILE = {"grid": "reference.UniformGrid1D", "profile": "reference.ProfileU", "init": "reference.InitUGauss"}


def profiles(lists, **more):
    return {"model": {"processes": PROFILE}, "clocks": {"time": [0, 1]}, "outputs": {"profile__u": None},
            "inputs": {"init__loc": 1, "init__scale": 0.5}, "sweep": {"zip": lists}, **more}


def everywhere(context, document, state="succeeded"):
    """Locally, by one worker and three, and by threads: the same store, which is returned."""
    store, _ = context.run_local(document, 0 if state == "succeeded" else 1)
    for workers, how in ((1, {}), (3, {}), (1, {"scheduler": "threads", "threads": 3})):
        daemon = context.daemon(workers=workers)
        harness.same_store(store, daemon.finish({**document, **how}, state)["store"])
        daemon.stop()
    return store


def test_labels_that_differ_from_member_to_member(context):
    document = profiles({"grid__spacing": [1, 0.5, 0.25], "grid__length": [3, 3, 0.75]})
    ds = opened(everywhere(context, document))
    check("x" not in ds.variables, "no labels that are one member's")
    equal(ds.grid__x.dims, ("batch", "x"), "dims")
    check("grid__x" in ds.coords, "a coordinate")
    for member, want in enumerate(([0, 1, 2], np.arange(6) / 2, np.arange(3) / 4)):
        equal(ds.grid__x.values[member][:len(want)].tolist(), list(want), f"labels of member {member}")
        check(np.isnan(ds.grid__x.values[member][len(want):]).all(), "and no more")
    peak = ds.profile__u.where(ds.grid__x == 1).max("x")
    equal(peak.values.tolist()[:2], [1, 1], "selected by each member's own labels")


def test_labels_that_could_differ(context):
    """Equal ones, and those of which some members have but the first: one coordinate, by which is selected."""
    for lists, n in (({"grid__spacing": [1, 1, 1], "grid__length": [3, 3, 3]}, 3), ({"grid__spacing": [1, 1], "grid__length": [2, 4]}, 4)):
        ds = opened(everywhere(context, profiles(lists)))
        equal(ds.x.values.tolist(), list(range(n)), f"labels of {lists}")
        equal(ds.profile__u.sel(x=1).values.tolist(), [1] * len(lists["grid__length"]), "selected")
    ds = opened(context.run_local(profiles({"init__scale": [0.5, 1]}, inputs={"init__loc": 1, "grid__spacing": 1, "grid__length": 3}))[0])
    equal((ds.x.values.tolist(), "grid__x" in ds.variables), ([0, 1, 2], False), "nothing that varies leads to them")


def test_labels_of_dead_members_do_not_count(context):
    for first in (-1, 1):
        spacing = [first, 2 - 3 * (first > 0), 1 + (first < 0)]
        lists = {"grid__spacing": spacing, "grid__length": [4, 4, 4]}
        document = profiles(lists, validate="none", max_attempts=1, encoding={"x": {"dtype": "f4"}, "grid__x": {"chunks": [1, 1]}})
        ds = opened(everywhere(context, document, "partial"))
        equal((ds.x.dtype.str, ds.x.values.tolist()), ("<f4", list(range(0, 4, 2 if first < 0 else 1))), f"labels with spacing {spacing}")
        check(np.isnan(ds.grid__x.values[spacing.index(-1)]).all(), "of the dead one")


def test_labels_that_are_asked_for(context):
    lists = {"grid__spacing": [1, 0.5], "grid__length": [3, 3]}
    for outputs in ({"grid__x": None}, {"grid__x": "time"}):
        ds = opened(context.run_local(profiles(lists, outputs=outputs))[0])
        check("grid__x" in ds.coords and "x" not in ds.variables, f"{ds}")
    refused(context, profiles(lists, coords={"x": [1, 2]}), "under the name of an index variable")
    refused(context, profiles(lists, encoding={"x": {"chunks": [1, 1]}}), "encoding of output x")
    refused(context, profiles(lists, encoding={"grid__x": {"chunks": [1, 1, 1]}}), "encoding of output grid__x")


# ---- sweeps ----


def wide(ds, batch="batch"):
    """As README has it."""
    return ds.set_index({batch: ds.swept.split()}).unstack()


def test_swept_values_are_dimensions(context):
    """Selected by value: numbers, integers, texts; products, lists side by side, both; of a batch of another name."""
    logistic = {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"time": [0, 1]}, "outputs": {"pop__n": "time"}}
    grown = lambda r, k, n0: n0 + r * n0 * (1 - n0 / k)
    r, k, n0 = [0.1, 1e-5, 0.3], [50, 100], [1, 2, 3, 4]
    product = {**logistic, "sweep": {"product": {"pop__r": r, "pop__k": k, "pop__n0": {"linspace": [1, 4, 4]}}}}
    ds = wide(opened(everywhere(context, product)))
    equal(dict(ds.sizes), {"pop__r": 3, "pop__k": 2, "pop__n0": 4, "time": 2}, "dims")
    for at in ((0, 0, 0), (1, 1, 3), (2, 0, 2)):
        value = (r[at[0]], k[at[1]], n0[at[2]])
        got = ds.pop__n.sel(pop__r=value[0], pop__k=value[1], pop__n0=value[2], time=1)
        equal(float(got), grown(*value), f"selected by {value}")
    both = {**logistic, "sweep": {"product": {"pop__r": r}, "zip": {"pop__k": k, "pop__n0": [1, 2]}}, "batch_dim": "run"}
    ds = opened(context.run_local(both)[0])
    equal(ds.swept, "pop__r pop__k", "one of the lists side by side")
    ds = wide(ds, "run")
    equal(float(ds.pop__n.sel(pop__r=1e-5, pop__k=100, time=1)), grown(1e-5, 100, 2), "selected")
    one = wide(opened(context.run_local({**logistic, "sweep": {"product": {"pop__r": r}}})[0]))
    equal((one.pop__n.dims, float(one.pop__n.sel(batch=0.3, time=1))), (("batch", "time"), grown(0.3, 100, 1)), "a single one")


def test_swept_texts_and_arrays(context):
    sides = {"boundary__west": ["closed", "fixed_value"]}
    document = {"model": {"processes": {"grid": "landscape.RasterGrid", "boundary": "landscape.Boundary"}}, "clocks": {"time": [0, 1]},
                "inputs": {"grid__ny": 3, "grid__nx": 4, "grid__dx": 1, "grid__dy": 1}, "outputs": {"boundary__fixed": None},
                "sweep": {"product": {**sides, "boundary__north": ["fixed_value", "closed"]}}}
    ds = wide(opened(context.run_local(document)[0]))
    got = ds.boundary__fixed.sel(boundary__west="closed", boundary__north="closed").values
    equal(got.sum(), 6, "cells of the other two sides")
    arrays = {"model": {"processes": PROFILE | {"advect": "reference.AdvectionLax"}}, "clocks": {"time": [0, 1]}, "outputs": {"profile__u": None},
              "inputs": {"init__loc": 1, "init__scale": 0.5, "grid__spacing": 1, "grid__length": 3},
              "sweep": {"product": {"advect__v": [[0, 0, 1], [1, 0, 0]]}}, "attrs": {"title": "arrays"}}
    check("swept" not in opened(context.run_local(arrays)[0]).attrs, "an array is no label")


# ---- clocks ----


def clocks(main, other, **units):
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "main_clock": "time", "outputs": {"pop__n": "out"},
            "inputs": {"pop__r": 0.5}, "clocks": {"time": {**main, **units}, "out": other}}


def test_labels_that_differ_in_last_bits_are_one(context):
    """As the main clock has them, so that what is selected on one clock is found on the other."""
    pairs = [({"arange": [0, 1.05, 0.1]}, {"arange": [0, 1.05, 0.3]}), ({"linspace": [0, 1, 101]}, {"linspace": [0, 1, 11]}),
             ({"linspace": [-1, 1, 21]}, {"data": [-0.9, 0, 0.3]}), ({"arange": [0, 1.05, 0.1]}, {"data": [0.3, 0.6, 0.9]}),
             ({"linspace": [1e6, 1e6 + 1, 11]}, {"arange": [1e6, 1e6 + 1, 0.2]})]
    daemon = context.daemon()
    for main, other in pairs:
        store, _ = context.run_local(clocks(main, other))
        ds = opened(store)
        check(set(ds.out.values) <= set(ds.time.values), f"{main} and {other}: {ds.out.values}")
        harness.same_store(store, daemon.finish(clocks(main, other))["store"])


def test_labels_that_are_others(context):
    for main, other in (([0, 0.1, 0.2], [0.1001]), ([0, 1, 2], [1.0000001]), ([0, 1e-16, 1], [5e-17]), ([1, 2], [1, 1 + 2e-16, 2])):
        refused(context, clocks({"data": main}, other), "not one of the main clock's")


def test_every_so_many_steps(context):
    whole = opened(context.run_local(clocks({"linspace": [0, 2, 21]}, {"linspace": [0, 2, 21]}))[0])
    for every, n in ((1, 21), (4, 6), (7, 3), (20, 2), (21, 1), (1000, 1)):
        ds = opened(context.run_local(clocks({"linspace": [0, 2, 21]}, {"every": every}, units="days since 2001-02-03"))[0])
        equal(ds.sizes["out"], n, f"labels of every {every}")
        equal(ds.out.values.tolist(), ds.time.values[::every].tolist(), f"dates of every {every}")
        equal(ds.pop__n.values.tolist(), whole.pop__n.values[::every].tolist(), f"values of every {every}")
    for other, words in (({"every": 0}, "number of the main clock's steps"), ({"every": 2.5}, "number of the main clock's steps"),
                         ({"every": 2, "data": [0]}, "labels of its own"), ({"every": 2, "times": [0], "nearest": True}, "labels of its own")):
        refused(context, clocks({"data": [0, 1, 2]}, other), words)
    refused(context, {**clocks({"data": [0, 1]}, {"every": 2}), "main_clock": "out"}, "it is the main clock")


DECODED = [("days since 2000-02-29", "standard"), ("hours since 1-1-1 12:30", "julian"), ("months since 2000-02-30", "360_day"),
           ("d since 2001-02-29 00:00:00.5", "all_leap"), ("common_years since 2000-01-01", "noleap"), ("Seconds since 0000-01-01", "noleap"),
           ("days since 2000-01-01T00:00:00Z", "proleptic_gregorian"), ("nanoseconds since 2000-01-01 00:00 +01:00", "standard")]
UNKNOWN = [("months since 2000-01-01", "standard"), ("years since 2000-01-01", "360_day"), ("weeks since 2000-01-01", "standard"),
           ("days since 0000-01-01", "standard"), ("days since 2000-13-05", "standard"), ("days since 1900-02-29", "standard"),
           ("days since 2000-01-31", "360_day"), ("days since 2000-02-29", "noleap"),
           ("days since 2000-01-01 25:00", "standard"), ("days since tomorrow", "standard"), ("days since 2000-01-01", "nonsense")]


def test_units_that_readers_decode(context):
    """Each that is taken is read; each that is refused would not be."""
    for units, calendar in DECODED + UNKNOWN:
        document = clocks({"data": [0, 1, 2]}, [0, 2], units=units, calendar=calendar)
        if (units, calendar) in UNKNOWN:
            refused(context, document, "no date" if units.startswith("days") and calendar != "nonsense" else "no reader")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dates before NumPy's
            ds = opened(context.run_local(document)[0])
        check(ds.time.dtype.kind in "MO", f"{units} in {calendar}: {ds.time}")
    for units, calendar in UNKNOWN:
        data = xarray.Dataset({"time": ("time", [0, 1], {"units": units, "calendar": calendar})})
        try:
            xarray.decode_cf(data)
        except ValueError:
            continue
        check(False, f"xarray decodes {units} in {calendar}")


def test_times_that_are_near(context):
    """Each of the main clock's labels once; of two as near the later; the same in a check as in a run."""
    daemon = context.daemon()
    for main, times, want in (([0, 0.4, 1, 2], [0, 0.6, 1.2, 1.9], [0, 0.4, 1, 2]), ({"linspace": [0, 100, 101]}, {"arange": [0, 100, 24.6]}, [0, 25, 49, 74, 98]),
                              ([0, 1, 2, 3], [0.2, 0.3, 0.5, 1.1, 3], [0, 1, 3]), ([0, 0.5, 1], [0, 1], [0, 1]), ([0, 1, 2], {"linspace": [0, 2, 21]}, [0, 1, 2]),
                              ([5], [5], [5]), ({"arange": [0, 1.05, 0.1]}, [1], [1])):
        document = clocks({"data": main}, {"times": times, "nearest": True}, units="days since 2001-02-03")
        store, _ = context.run_local(document)
        equal(opened(store, decode_times=False).out.values.tolist(), want, f"{times} in {main}")
        equal(opened(store).pop__n.shape, (len(want),), "values")
        harness.same_store(store, daemon.finish(document)["store"])
    for other, words in (({"times": [0, 2.1], "nearest": True}, "outside the main clock's ('time'), from 0 to 2"), ({"times": [-0.1], "nearest": True}, "outside"),
                         ({"times": [0]}, "nearest"), ({"data": [0], "nearest": True}, "nearest"), ({"times": [0], "nearest": False}, "nearest"),
                         ({"times": [1, 0], "nearest": True}, "ascend"), ({"times": ["a"], "nearest": True}, "not a finite number"),
                         ({"times": [0], "data": [0], "nearest": True}, "labels of its own"), ({"nearest": True}, "nearest is for times")):
        refused(context, clocks({"data": [0, 1, 2]}, other), words)
    refused(context, {**clocks({"data": [0, 1]}, {"times": [0], "nearest": True}), "main_clock": "out"}, "it is the main clock")


CONVERTED = [("days since 2000-01-01", [0, 0.5, 2], "hours since 2000-01-01", [0, 12, 48]), ("hours since 2000-01-01", [0, 12, 48], "days since 2000-01-01", [0.5, 2]),
             ("seconds", [0, 60, 90], "min", [0, 1, 1.5]), ("d", [0, 1, 2], "h", [24]), ("s", [0, 1, 2], "ms", [1000, 2000]),
             ("days since 2000-01-01", {"linspace": [0, 1, 25]}, "hours since 2000-01-01", {"arange": [0, 25, 3]})]


def test_units_of_two_clocks(context):
    days = "days since 2000-01-01"
    daemon = context.daemon()
    for units, main, others, labels in CONVERTED:
        document = clocks({"data": main}, {"data": labels, "units": others}, units=units)
        store, _ = context.run_local(document)
        harness.same_store(store, daemon.finish(document)["store"])
        ds = opened(store)
        equal((opened(store, decode_times=False).out.attrs["units"], ds.pop__n.shape), (units, ds.out.shape), "units")
        check(set(ds.out.values) <= set(ds.time.values), f"{others} in {units}: {ds.out.values}")
    context.run_local({**clocks({"data": [0, 30]}, {"data": [1], "units": "months since 2000-01-01", "calendar": "360_day"}, units=days, calendar="360_day")})
    for main, others in ((days, "hours since 2000-01-02"), (days, "hours"), ("days", "hours since 2000-01-01"), ("months", "days"), ("years", "days"), ("m", "h"), ("kyr", "yr")):
        refused(context, clocks({"data": [0, 1]}, {"data": [0, 1], "units": others}, units=main), "write its labels in these")
    refused(context, clocks({"data": [0, 1]}, {"data": [0, 1], "units": "hours since 2000-01-01"}, units=days), "0.041666666666666664 is not one of the main clock's")
    refused(context, clocks({"data": [0, 1]}, {"data": [0, 1], "units": days, "calendar": "noleap"}, units=days, calendar="julian"),
            "its calendar: ")
    context.run_local(clocks({"data": [0, 1]}, {"data": [0, 1], "units": days}, units=days))


# ---- missing values ----

SCALE = {"id": "fixedscaleoffset", "dtype": "<f8", "scale": 10, "offset": 0}
KEEPING = [{}, {"dtype": "f4"}, {"dtype": "i2"}, {"dtype": ">i4", "fill_value": -1}, {"dtype": "u1"}, {"dtype": "i8"}, {"fill_value": -9.5},
           {"filters": [{**SCALE, "astype": "<i2"}], "fill_value": 3276.7},
           {"filters": [{**SCALE, "astype": "|u1"}, {"id": "delta", "dtype": "|u1"}], "fill_value": 25.5},
           {"filters": [{**SCALE, "dtype": "<f4", "astype": "<i4"}], "dtype": "<f4", "fill_value": -1},
           {"filters": [{**SCALE, "dtype": ">f8", "astype": ">i4"}], "dtype": ">f8", "fill_value": -1}]
LOSING = [{"filters": [{"id": "delta", "dtype": "<f8"}]}, {"filters": [{"id": "delta", "dtype": "<f4"}], "dtype": "<f4"},
          {"filters": [{**SCALE, "astype": "<i2"}]}, {"filters": [{**SCALE, "astype": "<i2"}], "fill_value": 0.05}]


def test_nan_is_missing_under_every_encoding(context):
    right = opened(context.run_local(sites())[0]).pop__n.values
    equal(np.isnan(right).tolist(), [False, True, False, False], "what is missing")
    for encoding in KEEPING:
        got = opened(context.run_local(sites(encoding={"pop__n": encoding}))[0]).pop__n.values
        check(np.allclose(got, right, rtol=0, atol=1, equal_nan=True), f"{encoding}: {got}, expected about {right}")
    for encoding in LOSING:
        refused(context, sites(encoding={"pop__n": encoding}), "NaN")


def test_who_asks_for_no_fill_value_has_integers(context):
    ds = opened(context.run_local(sites(encoding={"pop__n": {"dtype": "u1", "fill_value": None}}))[0])
    equal((ds.pop__n.dtype.str, ds.pop__n.values.tolist()), ("|u1", [2, 0, 2, 2]), "values")


# ---- what became NaN ----

ADVECT = {"grid": "reference.UniformGrid1D", "profile": "reference.ProfileU", "init": "reference.InitUGauss", "advect": "reference.AdvectionLax"}


def unstable(**more):
    """Of three members the first is stable, the second grows beyond all bounds, the third begins with NaN."""
    return {"model": {"processes": ADVECT}, "clocks": {"time": {"linspace": [0, 200, 401]}},
            "inputs": {"grid__spacing": 0.01, "grid__length": 0.05, "init__loc": 0.03, "init__scale": 0.01},
            "sweep": {"product": {"advect__v": [0.01, 5, "NaN"]}}, "outputs": {"profile__u": "time"}, **more}


def test_a_run_that_became_nan_is_ended(context):
    ds = opened(context.run_local(unstable(stop_when={"variable": "profile__u", "not_finite": True}))[0])
    saved = [np.nonzero(~np.isfinite(ds.profile__u.values[m]).all(axis=1))[0] for m in range(3)]
    steps = [int(s[0]) if len(s) else None for s in saved]
    check(steps[0] is None, f"the stable one: {steps}")
    equal(steps[2], 1, "NaN from the first step on")
    check(1 < steps[1] < 400, f"infinite at step {steps}")
    check(np.isnan(ds.profile__u.values[1:, -1]).all(), "nothing is saved after the end")


def test_outputs_that_have_to_be_finite(context):
    daemon = context.daemon()
    document = unstable(finite_outputs=True)
    store, ran = context.run_local(document, 1)
    ended = daemon.finish(document, "partial")
    harness.same_store(store, ended["store"])
    members = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    equal([m["member"] for m in members], [1, 2], "dead members")
    words = "process 'profile': output profile__u is nan before step 1, in cell [0]"
    check(words in members[1]["reason"] and words in ran.stderr, f"{members} and {ran.stderr}")
    daemon.finish(unstable(finite_outputs=True, sweep={"product": {"advect__v": [0.01, 0.02]}}))
    context.run_local({**unstable(finite_outputs=True), "outputs": {}})


def warnings_of(job):
    return [note for note in job["notes"] if note.startswith("warning: ")]


def test_a_job_says_that_outputs_became_nan(context):
    """The lowest member, the output, the step and the cell: in the job's answer, in its log, and by the client."""
    daemon = context.daemon(workers=2)
    for how in ({}, {"scheduler": "threads", "threads": 2}):
        ended = daemon.finish(unstable(**how))
        equal(len(warnings_of(ended)), 1, f"warnings of {ended['notes']}")
        check(re.match(r"warning: member 1: output profile__u is -?(inf|nan) before step [1-9][0-9]*, in cell \[[0-4]\]$", warnings_of(ended)[0]),
              f"what it says: {ended['notes']}")
    log = [data for _, kind, data in daemon.events(ended["id"], 0) if kind == "log"]
    equal(sorted(line["member"] for line in log), [1, 2], "who says it, once")
    _, ran = context.run_local(unstable())
    check("member 2: warning: output profile__u is nan before step 1, in cell [0]" in ran.stderr, ran.stderr)
    path = context.path("unstable.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(unstable(), file)
    ran = subprocess.run([os.path.join(context.build, "simlab"), "run", path], capture_output=True, text=True, timeout=harness.WAIT, env={**os.environ, "SIMLAB_SERVER": daemon.server},
                         check=True)
    check("warning: member 1: output profile__u is" in ran.stderr, ran.stderr)


def test_what_is_missing_from_the_start_is_no_warning(context):
    """Some cells that were never there; but not all of them, and not an output that is NaN at the end."""
    daemon = context.daemon()
    echo = {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"time": [0, 1, 2]}, "outputs": {"pop__n": None}}
    equal(warnings_of(daemon.finish({**echo, "inputs": {"pop__r": 0.5}})), [], "a finite one")
    equal(warnings_of(daemon.finish({**echo, "inputs": {"pop__r": "NaN"}})), ["warning: member 0: output pop__n is nan at the end"], "NaN at the end")
    grown = {**echo, "outputs": {"pop__n": "time"}, "inputs": {"pop__r": {"dims": ["time"], "data": [0.5, "NaN", 0.5]}}}
    equal(warnings_of(daemon.finish(grown)), ["warning: member 0: output pop__n is nan at the end"], "NaN from the second step on")


if __name__ == "__main__":
    harness.main(globals())
