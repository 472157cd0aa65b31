#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Attributes by the CF conventions; coordinate systems, as GDAL and xarray see them; cells outside the domain."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, REPOSITORY

import numpy as np  # pylint: disable=wrong-import-position
import xarray  # pylint: disable=wrong-import-position

RASTER = {"grid": "landscape.RasterGrid", "boundary": "landscape.Boundary", "topo": "landscape.Topography", "init": "landscape.InitialElevation",
          "uplift": "landscape.Uplift", "surface": "landscape.SurfaceToErode", "flow": "landscape.FlowRouter", "rivers": "landscape.StreamPower",
          "creep": "landscape.HillslopeDiffusion"}


def opened(store, **options):
    return xarray.open_zarr(store, consolidated=True, **options).load()


def attrs_of(store, name):
    return load(store, name, ".zattrs")


def refused(context, document, words):
    _, ran = context.run_local(document, 2)
    check(words in ran.stderr, f"{words!r} is not in {ran.stderr!r}")


def landscape(elevation, steps=3, **inputs):
    ny, nx = np.shape(elevation)
    data = np.where(np.isnan(elevation), "NaN", np.asarray(elevation, "O")).tolist()
    names = ("topo__elevation", "topo__volume", "topo__uplifted_volume", "topo__eroded_volume", "flow__drainage_area", "flow__lake_depth", "flow__receivers",
             "boundary__outside", "boundary__n_outside", "boundary__fixed", "rivers__incised_volume", "creep__outflow_volume")
    return {"model": {"processes": RASTER}, "clocks": {"time": {"data": list(range(0, 500 * steps + 1, 500))}}, "outputs": {name: "time" for name in names},
            "inputs": {"grid__ny": ny, "grid__nx": nx, "grid__dx": 100, "grid__dy": 80, "init__elevation": {"dims": ["y", "x"], "data": data},
                       "uplift__rate": 1e-3, "rivers__erodibility": 2e-5, "creep__diffusivity": 0.5, **inputs}}


# ---- attributes ----


def test_what_cf_asks_of_attributes(context):
    clock = {"data": [0, 500], "units": "days since 2001-02-03"}
    document = {**landscape(np.ones((3, 4)), 1), "attrs": {"title": "a landscape"}}
    document["clocks"] = {"time": clock}
    document["outputs"] = {"topo__elevation": {"clock": "time", "attrs": {"long_name": "height", "history": ["one", 2]}}, "flow__drainage_area": {"attrs": {}},
                           "topo__volume": {"clock": None}, "flow__lake_depth": {}}
    store, _ = context.run_local(document)
    harness.same_store(store, context.daemon().finish(document)["store"])
    ds = opened(store)
    equal((ds.attrs["Conventions"], ds.attrs["title"]), ("CF-1.11", "a landscape"), "of the root")
    equal(opened(store, decode_times=False).time.attrs, {"units": "days since 2001-02-03", "axis": "T", "standard_name": "time"}, "of the clock")
    elevation = {"description": "elevation of the surface", "units": "m", "standard_name": "surface_altitude", "long_name": "height", "history": ["one", 2]}
    equal(ds.topo__elevation.attrs, elevation, "given with the output")
    equal((ds.topo__elevation.dims, ds.topo__volume.dims, ds.flow__lake_depth.dims), (("time", "y", "x"), (), ("y", "x")), "clocks")
    equal(ds.flow__drainage_area.attrs["long_name"], ds.flow__drainage_area.attrs["description"], "of a description")
    equal({k: ds.rivers__erodibility.attrs.get(k) for k in ("units", "units_text")}, {"units": None, "units_text": "m^(1-2m)/yr"}, "units that UDUNITS does not know")
    ds = opened(context.run_local({**document, "attrs": {"Conventions": "CF-1.8, ACDD-1.3"}, "clocks": {"time": [0, 1]}})[0])
    equal((ds.attrs["Conventions"], ds.time.attrs), ("CF-1.8, ACDD-1.3", {}), "given, and without a date")


def test_outputs_that_are_refused(context):
    for given, words in (({"clock": "time", "units": "m"}, "units"), ({"clock": 3}, "the name of a clock belongs here"), ({"attrs": []}, "attrs is not an object"),
                         ({"clock": "tim"}, "did you mean 'time'"), ([], "the name of a clock belongs here")):
        refused(context, {**landscape(np.ones((3, 3)), 1), "outputs": {"topo__elevation": given}}, words)


# ---- coordinate systems ----

LOCAL = 'ENGCRS["a model\'s own",EDATUM["none"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
DEGREES = ('GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],'
           'AXIS["Latitude",NORTH],AXIS["Longitude",EAST]]')


def gdal(store, place):
    ran = subprocess.run(["gdalinfo", "-json", f'ZARR:"{store}":/{place}'], capture_output=True, text=True, check=True, timeout=harness.WAIT)
    equal(ran.stderr, "", "what GDAL says")
    return json.loads(re.sub(r"\bnan\b", '"nan"', ran.stdout))


def proj(system):
    """As PROJ understands it, names aside."""
    ran = subprocess.run(["gdalsrsinfo", "-o", "proj4", system], capture_output=True, text=True, check=True, timeout=harness.WAIT)
    return ran.stdout.split()


def test_every_form_of_a_coordinate_system(context):
    codes = (4326, 32616, 32760, 25832, 26917, 4258, 4269, 3857)
    for crs in (*codes, "EPSG:27700", DEGREES, LOCAL):
        document = {**landscape(np.ones((3, 4)), 1), "crs": crs}
        store, _ = context.run_local(document)
        ds = opened(store)
        check("spatial_ref" in ds.coords, "spatial_ref is no coordinate")
        on_map = {name for name, array in ds.variables.items() if {"y", "x"} <= set(array.dims)}
        check({"topo__elevation", "init__elevation", "boundary__fixed"} <= on_map, f"on the map: {on_map}")
        for name, array in ds.variables.items():
            equal((array.attrs.get("grid_mapping"), "_CRS" in array.attrs), ("spatial_ref", True) if name in on_map else (None, False), f"of {name} in {crs}")
        number = f"EPSG:{crs}" if isinstance(crs, int) else crs
        if crs != LOCAL:  # of which PROJ complains that it is nowhere
            seen = gdal(store, "topo__elevation:0")
            equal(seen["geoTransform"], [-50, 100, 0, 200, 0, -80], "where it lies")
            equal(proj(seen["coordinateSystem"]["wkt"]), proj(number), f"{crs} by GDAL")
            equal(proj(ds.spatial_ref.attrs["spatial_ref"]), proj(number), f"{crs} by spatial_ref")
        check("crs_wkt" in ds.spatial_ref.attrs or crs in (3857, "EPSG:27700"), f"crs_wkt of {crs}")


def test_parameters_of_zones(context):
    """CF's, as those that PROJ has for the same number."""
    for code, lon, north in ((32616, -87, 0), (32701, -177, 1e7), (25833, 15, 0)):
        attrs = attrs_of(context.run_local({**landscape(np.ones((3, 3)), 1), "crs": code})[0], "spatial_ref")
        got = [attrs[k] for k in ("grid_mapping_name", "longitude_of_central_meridian", "false_northing", "scale_factor_at_central_meridian", "false_easting")]
        equal(got, ["transverse_mercator", lon, north, 0.9996, 500000], f"of {code}")
    attrs = attrs_of(context.run_local({**landscape(np.ones((3, 3)), 1), "crs": 4326})[0], "spatial_ref")
    equal((attrs["grid_mapping_name"], attrs["semi_major_axis"], attrs["inverse_flattening"]), ("latitude_longitude", 6378137, 298.257223563), "in degrees")


def test_labels_on_the_map(context):
    """In degrees, by dims of other names, and by an axis."""
    fields = {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"time": [0, 1]}, "outputs": {}, "inputs": {"pop__r": 1}, "crs": 4326}
    rows = (("lat", "lon", {}, {}, True), ("north", "east", {"axis": "Y"}, {"axis": "X"}, True), ("y", "x", {"axis": "Z"}, {}, False), ("j", "k", {}, {}, False))
    for y, x, y_attrs, x_attrs, is_map in rows:
        document = {**fields, "coords": {y: {"dims": [y], "data": [46.5, 46], "attrs": y_attrs}, x: {"dims": [x], "data": [7, 7.5, 8], "attrs": x_attrs},
                                         "height": {"dims": [y, x], "data": [[1, 2, 3], [4, 5, 6]]}}}
        store = context.run_local(document)[0]
        ds = opened(store)
        equal("_CRS" in ds.height.attrs, is_map, f"{y}, {x}")
        if is_map:
            equal([ds[y].attrs["standard_name"], ds[x].attrs["standard_name"], ds[x].attrs["units"]], ["latitude", "longitude", "degrees_east"], "labels")
            seen = gdal(store, "height")
            equal((seen["geoTransform"], proj(seen["coordinateSystem"]["wkt"])), ([6.75, 0.5, 0, 46.75, 0, -0.5], proj("EPSG:4326")), "by GDAL")


def test_a_process_says_where_it_is(context):
    """Unless the job does; in each format; and what it says has to be a coordinate system."""
    document = {"model": {"processes": {"p": "kinds.Placed"}}, "clocks": {"time": [0, 1]}, "outputs": {"p__height": None}}
    kinds = ["--processes", context.program("kinds")]
    for more, code in (({}, 25832), ({"crs": 32632}, 32632), ({"zarr_format": "both"}, 25832)):
        store, _ = context.run_local({**document, **more}, options=kinds)
        seen = gdal(store, "p__height")
        equal((seen["geoTransform"], proj(seen["coordinateSystem"]["wkt"])), ([399500, 1000, 0, 5201500, 0, -1000], proj(f"EPSG:{code}")), f"{more}")
        equal("spatial_ref" in opened(store).coords, True, "a coordinate")
    for name in ("p__height", "spatial_ref", "x", ""):
        third = load(store, name, "zarr.json")["attributes"]
        equal({k: v for k, v in attrs_of(store, name).items() if k != "_ARRAY_DIMENSIONS"}, third, f"attributes of {name} in version 3")
    _, ran = context.run_local({**document, "model": {"processes": {"p": "kinds.Nowhere"}}}, 2, options=kinds)
    check("index variable x: its attribute crs is not a coordinate system" in ran.stderr, ran.stderr)


def test_coordinate_systems_that_are_refused(context):
    for crs in (0, 1023, 32768, 4326.5, "4326", "EPSG:", "EPSG:43x", "EPSG:99999999999999999999", "WGS 84", "PROJCRS", 'PROJCRS["a"', 'PROJCRS["a"]]', 'PROJCRS["a]', 'X["a"]',
                'PROJCRS["a"]PROJCRS["b"]', "[" * 100, [], {}, True):
        refused(context, {**landscape(np.ones((3, 3)), 1), "crs": crs}, "crs is not a coordinate system")
    refused(context, {**landscape(np.ones((3, 3)), 1), "crs": 4326, "coords": {"spatial_ref": 1}}, "under the name of the coordinate system")
    context.run_local({**landscape(np.ones((3, 3)), 1), "coords": {"spatial_ref": 1}})


def test_the_demo_lies_in_its_place(context):
    """Its store has the extent of the elevation model, to half a cell."""
    document = load(REPOSITORY, "daemon/processes/landscape/demo.json")
    document["inputs"]["init__elevation"]["data"] = {"file": os.path.join(REPOSITORY, "daemon/processes/landscape/jacksboro_dem.npy")}
    del document["sweep"]
    document["inputs"].update({"rivers__erodibility": 1e-5, "hillslopes__diffusivity": 0.1})
    document["clocks"] = {"time": [0, 1000], "snapshot": [0, 1000]}
    store, _ = context.run_local(document)
    seen = gdal(store, "topography__elevation:0")
    corners = seen["cornerCoordinates"]
    text = "".join("{} {}\n".format(*corners[k]) for k in ("upperLeft", "lowerRight"))
    ran = subprocess.run(["gdaltransform", "-s_srs", seen["coordinateSystem"]["wkt"], "-t_srs", "EPSG:4326", "-output_xy"], input=text, capture_output=True, text=True,
                         check=True, timeout=harness.WAIT)
    warped = context.path("warped.tif")
    subprocess.run(["gdalwarp", "-q", "-s_srs", seen["coordinateSystem"]["wkt"], "-t_srs", "EPSG:4326", f'ZARR:"{store}":/topography__elevation:0', warped], check=True,
                   timeout=harness.WAIT)
    shown = json.loads(subprocess.run(["gdalinfo", "-json", warped], capture_output=True, text=True, check=True, timeout=harness.WAIT).stdout)["cornerCoordinates"]
    cell = 3 / 3600
    want = [-84.41375, 36.73292, -84.41375 + 403 * cell, 36.73292 - 344 * cell]
    got = [float(word) for word in ran.stdout.split()]
    check(np.allclose(got, want, rtol=0, atol=cell / 2), f"{got}, expected {want}")
    check(np.allclose([*shown["upperLeft"], *shown["lowerRight"]], want, rtol=0, atol=2 * cell), f"{shown}, expected about {want}")


# ---- cells outside the domain ----


def surface(ny, nx, seed):
    return np.round(np.random.default_rng(seed).random((ny, nx)) * 40 + 100, 3)


def embedded(inner, nodata, row=2, column=3, shape=(9, 12)):
    whole = np.full(shape, float(nodata))
    whole[row:row + inner.shape[0], column:column + inner.shape[1]] = inner
    return whole, (slice(row, row + inner.shape[0]), slice(column, column + inner.shape[1]))


def test_a_domain_in_a_larger_raster(context):
    """Is as if it were the raster: the same surface, areas and balance, by each status of its edge and each form of nodata."""
    inner = surface(5, 7, 1)
    sides = ("west", "east", "south", "north")
    for nodata in (-9999, "NaN", 0):
        for edge in ("fixed_value", "closed"):
            own = {f"boundary__{side}": edge for side in sides}
            if edge == "closed":  # then water leaves through a side of the raster
                own["boundary__west"] = "fixed_value"
            whole, box = embedded(inner, np.nan if nodata == "NaN" else nodata, column=0 if edge == "closed" else 3)
            masked = {**own, "init__nodata": nodata, "boundary__edge": edge}
            want = opened(context.run_local(landscape(inner, **own))[0])
            got = opened(context.run_local(landscape(whole, **masked))[0])
            place = {"y": box[0], "x": box[1]}
            for name in ("topo__elevation", "flow__drainage_area", "flow__lake_depth"):
                check(np.allclose(got[name][place], want[name], rtol=1e-12, atol=1e-12), f"{name} of {edge}, nodata {nodata}")
            for name in ("topo__volume", "topo__uplifted_volume", "topo__eroded_volume", "rivers__incised_volume", "creep__outflow_volume"):
                check(np.allclose(got[name], want[name], rtol=1e-9), f"{name} of {edge}, nodata {nodata}: {got[name].values}, expected {want[name].values}")
            outside = np.ones(whole.shape, bool)
            outside[box] = False
            equal(np.isnan(got.topo__elevation.values[-1]).tolist(), outside.tolist(), "cells without elevation")
            equal(got.boundary__outside.values[-1].tolist(), outside.tolist(), "cells outside")
            equal(int(got.boundary__n_outside[-1]), int(outside.sum()), "their number")
            check(not got.flow__drainage_area.values[-1][outside].any(), "areas outside")


def test_a_catchment_drains_through_its_lowest_cell(context):
    whole, box = embedded(surface(6, 7, 2), -9999)
    place = np.unravel_index(np.argmin(np.where(whole == -9999, np.inf, whole)), whole.shape)
    whole[2, 5] = 50  # of the edge
    check(place != (2, 5), "it is the lowest anyway")
    document = landscape(whole, init__nodata=-9999, boundary__edge="outlet")
    store, _ = context.run_local(document)
    for how in ({}, {"scheduler": "threads", "threads": 2}):
        harness.same_store(store, context.daemon().finish({**document, **how})["store"])
    ds = opened(store)
    fixed = ds.boundary__fixed.values[-1] & ~ds.boundary__outside.values[-1]
    equal(np.argwhere(fixed).tolist(), [[2, 5]], "its outlet")
    equal(float(ds.flow__drainage_area.values[-1][2, 5]), 42 * 8000.0, "what drains there")
    equal(float(ds.topo__elevation.values[-1][2, 5]), 50.0, "base level")
    check(float(ds.topo__elevation.min()) == 50, "a hole")


def test_masks_that_are_refused(context):
    whole, _ = embedded(surface(4, 4, 3), -9999)
    for document, words in ((landscape(whole, init__nodata=-9999, boundary__edge="closed"), "water has nowhere to go"), (landscape(whole, boundary__edge="lowest"), "is out of bounds"),
                            (landscape(np.full((3, 3), -9999.0), init__nodata=-9999), "water has nowhere to go"), (landscape(embedded(surface(4, 4, 3), np.nan)[0]), "not a finite number")):
        code = 2 if "bounds" in words else 1
        _, ran = context.run_local(document, code)
        check(words in ran.stderr, f"{words!r} is not in {ran.stderr!r}")
    ds = opened(context.run_local(landscape(whole))[0])
    equal(int(ds.boundary__n_outside[-1]), 0, "-9999 is an elevation where nobody says otherwise")


if __name__ == "__main__":
    harness.main(globals())
