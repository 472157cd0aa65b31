#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the readers of one Debian see in stores, run there by readers.py: standard library, and what is tested.

usage: read.py FOLDER

FOLDER has NAME.zarr stores, NAME.npz with the values that each array has, and NAME.nc exported from it. Prints
the versions as one JSON object, and then one for each reader and store: {"reader", "store", "wrong"}.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import netCDF4
    import xarray
    import zarr

FEW = 100000  # elements that are printed
PLACE = (-87, 36.14471809881776)  # longitude and latitude


def same(seen, want, name, tolerance=0.0):
    seen, want = np.asarray(seen), np.asarray(want)
    if want.dtype.kind == "S":
        want = np.char.decode(want, "utf-8")
        seen = np.char.decode(seen, "utf-8") if seen.dtype.kind == "S" else seen.astype(want.dtype)
    assert seen.shape == want.shape, f"{name}: shape {seen.shape}, expected {want.shape}"
    inexact = want.dtype.kind in "fc"
    agree = np.allclose(seen, want, rtol=tolerance, atol=0, equal_nan=True) if inexact else np.array_equal(seen, want)
    assert agree, f"other values of {name}"


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command[0]} exits {done.returncode}: {done.stderr[-300:]}"
    assert not done.stderr.strip(), f"{command[0]} says: {done.stderr[:300]}"
    return done.stdout


def formats(store):
    """Versions of Zarr that the store has."""
    return [f for f, name in ((2, ".zgroup"), (3, "zarr.json")) if os.path.exists(os.path.join(store, name))]


def by_zarr(store, want):
    for version in formats(store):
        group = zarr.open_group(store, mode="r", zarr_format=version)
        assert sorted(group.array_keys()) == sorted(want), "other arrays"
        for name, values in want.items():
            same(group[name][...], values, f"{name} (version {version})")


def opened(store, version, **options):
    ds = xarray.open_zarr(store, consolidated=True, zarr_format=version, **options)
    for array in ds.variables.values():
        array.attrs.pop("_CRS", None)  # GDAL's, and an object: netCDF has none
    return ds


def by_xarray(store, want):
    """Values; and labels select."""
    for version in formats(store):
        raw = opened(store, version, mask_and_scale=False, decode_times=False).load()
        assert sorted(map(str, raw.variables)) == sorted(want), "other variables"
        for name, values in want.items():
            same(raw[name].values, values, f"{name} (version {version})")
        ds = opened(store, version).load()
        for dim, index in ds.indexes.items():
            if index.is_unique and len(index):
                ds.sel({dim: index[-1]})


def to_netcdf(store, _):
    """All but complex numbers, as xarray writes it."""
    for version in formats(store):
        ds = opened(store, version).load()
        ds = ds.drop_vars([name for name, v in ds.variables.items() if v.dtype.kind == "c"])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "out.nc")
            ds.to_netcdf(path)
            with xarray.open_dataset(path) as back:
                xarray.testing.assert_equal(back.load(), ds)


def gdal_values(path, want, *options):
    text = run("gdalmdiminfo", "-detailed", *options, path)
    listed = json.loads(re.sub(r"(?<![\w\".])(nan|-?inf)(?![\w\"])", r'"\1"', text)).get("arrays", {})
    assert set(want) <= set(listed), f"arrays that are missing: {set(want) - set(listed)}"
    for name, values in want.items():
        if values.dtype.kind == "c" or not values.size:
            continue
        seen = listed[name]["values"]
        if values.dtype.kind == "S":
            same(np.array(seen, dtype=object if isinstance(seen, list) else None).astype(str), values, name)
        else:
            same(np.array(seen, dtype="f8"), values.astype("f8"), name, 1e-8)


def by_gdal(store, want):
    """Version 3 where there are both."""
    gdal_values(store, want)


def corner_on_map(place):
    """Of the upper left corner, as GDAL projects it: (longitude, latitude)."""
    found = re.search(r"^Upper Left .*\( *(\d+)d *(\d+)' *([\d.]+)\"([EW]), *(\d+)d *(\d+)' *([\d.]+)\"([NS])\)$", run("gdalinfo", place), re.M)
    assert found, "it is nowhere"
    (lon, lat), signs = [[sum(float(x) / 60 ** i for i, x in enumerate(found.group(a, a + 1, a + 2))) for a in (1, 5)], found.group(4, 8)]
    return lon * (-1 if signs[0] == "W" else 1), lat * (-1 if signs[1] == "S" else 1)


def place_by_gdal(store, _):
    """Of maps: as readers.py has put it, 500 km east and 4,000 km north in zone 16 of UTM."""
    if os.path.basename(store).startswith("map-"):
        seen = corner_on_map(f'ZARR:"{store}":/heights:1' if store.endswith(".zarr") else f"NETCDF:{store}:height")
        assert np.allclose(seen, PLACE, atol=1e-5), f"it is at {seen}, not at {PLACE}"


def printed(path, want, names):
    text = run("ncdump", "-p", "9,17", "-v", ",".join(names), path)
    for name in names:
        found = re.search(rf"^ {re.escape(name)} =(.*?);", text, re.S | re.M)
        assert found, f"{name} is not printed"
        words = [word.strip().rstrip("f").replace("Infinity", "inf").replace("-in", "-inf") if word.strip().endswith("f")
                 else word.strip() for word in found.group(1).split(",")]
        masked = np.array([word == "_" for word in words])
        seen = np.array([np.nan if word in ("_", "NaN") else float(word) for word in words])
        values = want[name].astype("f8").ravel()
        same(seen[~masked], values[~masked], name, 1e-8)


def nc_by_ncdump(path, want):
    run("ncdump", path)
    names = [n for n, v in want.items() if v.dtype.kind in "iuf" and 0 < v.size <= FEW]
    if names:
        printed(path, want, names)


def nc_by_netcdf4(path, want):
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        assert sorted(file.variables) == sorted(want), "other variables"
        for name, values in want.items():
            seen = file[name][...]
            seen = seen["r"] + 1j * seen["i"] if getattr(seen, "dtype", None) is not None and seen.dtype.names else seen
            same(seen, values.astype("i1") if values.dtype.kind == "b" else values, name)


def nc_by_xarray(path, want):
    """What xarray makes of the store."""
    pairs = [name for name, v in want.items() if v.dtype.kind == "c"]
    store = path[:-len(".nc")] + ".zarr"
    ds = opened(store, formats(store)[0]).load().drop_vars(pairs)
    with xarray.open_dataset(path, drop_variables=pairs) as file:
        xarray.testing.assert_identical(file.load(), ds)


def nc_by_gdal(path, want):
    gdal_values(path, {name: v for name, v in want.items() if v.dtype.kind != "c"}, "-arrayoption", "SHOW_ZERO_DIM=YES")


# netCDF's own reader of Zarr (4.9.3) reads garbage where values are compressed, and does not list scalars.
STORES = {"zarr": by_zarr, "xarray": by_xarray, "xarray's to_netcdf": to_netcdf, "gdal": by_gdal, "places by gdal": place_by_gdal}
FILES = {"netCDF by ncdump": nc_by_ncdump, "netCDF by netCDF4": nc_by_netcdf4, "netCDF by xarray": nc_by_xarray,
         "netCDF by gdal": nc_by_gdal, "netCDF: places by gdal": place_by_gdal}


def wrong(check, path, want):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(path, want)
        except Exception as error:  # pylint: disable=broad-except
            return f"{type(error).__name__}: {str(error)[:400]}"
    return None


def main(folder):
    version = {"zarr": zarr.__version__, "xarray": xarray.__version__, "netCDF4": netCDF4.__version__, "numpy": np.__version__,
               "gdal": run("gdalmdiminfo", "--version").split(",")[0], "netcdf": netCDF4.__netcdf4libversion__}
    print(json.dumps(version), flush=True)
    for store in sorted(glob.glob(os.path.join(folder, "*.zarr"))):
        name = store[:-len(".zarr")]
        with np.load(name + ".npz") as values:
            want = dict(values)
        for checks, path in ((STORES, store), (FILES, name + ".nc")):
            for reader, check in checks.items():
                print(json.dumps({"reader": reader, "store": os.path.basename(store), "wrong": wrong(check, path, want)}), flush=True)


main(sys.argv[1])
