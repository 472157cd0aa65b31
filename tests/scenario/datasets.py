#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What xarray makes of a store: texts, coordinates, sizes that agree, values that are missing."""
import os
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


if __name__ == "__main__":
    harness.main(globals())
