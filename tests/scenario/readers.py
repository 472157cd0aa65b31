#!/usr/bin/python3 -I
# SPDX-License-Identifier: Apache-2.0
"""Do independent readers open a store, without a warning, and see the same values in it?

usage: readers.py [--counting] STORE...

zarr-python's values are compared with those of xarray (open_zarr, consolidated; also after to_netcdf,
and as selected by labels), of GDAL (each array by gdalmdiminfo, two-dimensional ones by gdalinfo) and
of netCDF's ncdump; attributes are held against rules of the CF conventions. With --counting they must
also count 0, 1, 2 ... 99, 0 ... in C order, in every array whose name begins with "count_".

What the readers cannot do, as of Debian 12: GDAL 3.6 refuses a fill value of complex arrays and
arrays without elements; ncdump 4.9.0 crashes on bool, complex and string arrays and on values of
scalars, and reads garbage where values are compressed, big-endian, filtered or in Fortran order. Such
arrays are left out of what these two are shown.
"""
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np

with warnings.catch_warnings():  # what other modules say while they are loaded is not about us
    warnings.simplefilter("ignore")
    import dask.array  # noqa: F401
    import xarray
    import zarr


def same(a, b, tolerance=0.0):
    """Equal values, NaN equal to itself."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "fc" or b.dtype.kind in "fc":
        return np.allclose(a, b, rtol=tolerance, atol=0, equal_nan=True)
    return np.array_equal(a, b)


def run(*command):
    """Standard output of a command that must succeed and be silent on standard error."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command[0]} exits {done.returncode}: {done.stderr[-500:]}"
    assert not done.stderr.strip(), f"{command[0]} says: {done.stderr[:500]}"
    return done.stdout


def subset(store, names, directory):
    """A group of only these arrays, without consolidated metadata."""
    path = os.path.join(directory, "part.zarr")
    os.mkdir(path)
    for name in [".zgroup", ".zattrs"] + sorted(names):
        if os.path.exists(os.path.join(store, name)):
            os.symlink(os.path.abspath(os.path.join(store, name)), os.path.join(path, name))
    return path


def zarr_values(store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_consolidated(store, mode="r")
        listed = dict(zarr.open_group(store, mode="r").arrays())
        arrays = dict(group.arrays())
        assert sorted(arrays) == sorted(listed), "consolidated metadata differ from the arrays"
        for name, array in arrays.items():
            assert array.shape == listed[name].shape, f"{name}: consolidated shape is old"
            if array.ndim > 0:  # zarr 2.13 does not count the chunk of a scalar
                assert array.nchunks_initialized == array.nchunks, f"{name} lacks chunks"
            assert len(array.attrs["_ARRAY_DIMENSIONS"]) == array.ndim
        return arrays, {name: array[...] for name, array in arrays.items()}


def check_zarr(store):
    zarr_values(store)
    leftovers = [f for _, _, files in os.walk(store) for f in files if f.endswith(".partial")]
    assert not leftovers, f"left over: {leftovers}"
    assert not os.path.exists(store.rstrip("/") + ".sync"), "the directory of locks is still there"


def check_xarray(store):
    _, values = zarr_values(store)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        raw = xarray.open_zarr(store, consolidated=True, mask_and_scale=False, decode_times=False)
        for name, value in values.items():
            if value.dtype.kind == "S":
                value = np.char.decode(value, "utf-8").astype(object)
            assert same(raw[name].values, value), f"xarray reads other values of {name}"
        xarray.open_zarr(store, consolidated=True).load()


def check_labels(store):
    """What a label selects is what stands at its place."""
    ds = xarray.open_zarr(store, consolidated=True).load()
    for dim, index in ds.indexes.items():
        for i in sorted({0, len(index) - 1}) if len(index) and index.is_unique and not index.hasnans else ():
            selected, wanted = ds.sel({dim: index[i]}), ds.isel({dim: i})
            assert selected.identical(wanted), f"{dim} = {index[i]} selects other values than the place {i}"


def check_netcdf(store):
    """All but complex numbers and attributes that are objects, such as GDAL's: netCDF has none. Texts
    are bytes there where xarray is not told to forget that they were bytes in Zarr."""
    ds = xarray.open_zarr(store, consolidated=True).load()
    ds = ds.drop_vars([name for name, array in ds.variables.items() if array.dtype.kind == "c"])
    for array in (ds, *ds.variables.values()):
        array.attrs = {key: value for key, value in array.attrs.items() if not isinstance(value, dict)}
        if array is not ds and array.dtype == object:
            array.encoding = {}
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "store.nc")
        ds.to_netcdf(path)
        with xarray.open_dataset(path) as again:
            assert set(again.variables) == set(ds.variables) and set(again.coords) == set(ds.coords), "other variables"
            for name, array in ds.variables.items():
                assert array.dims == again[name].dims and same(array.values, again[name].values), f"{name} is another in netCDF"


def check_cf(store):
    """Of CF 1.11, what any job's store is to have."""
    group = zarr.open_group(store, mode="r")
    arrays = dict(group.arrays())
    if "simlabd" not in group.attrs:
        return
    assert group.attrs["Conventions"].startswith("CF-1."), "Conventions"
    for name, array in arrays.items():
        attrs = dict(array.attrs)
        assert isinstance(attrs.get("units", ""), str), f"units of {name}"
        assert attrs.get("long_name") or not attrs.get("description"), f"{name} has no long_name"
        assert attrs.get("grid_mapping", name) in arrays, f"grid_mapping of {name}"
        since = " since " in attrs.get("units", "")
        assert not since or (attrs["axis"], attrs["standard_name"]) == ("T", "time"), f"{name} is no time axis"
        if attrs["_ARRAY_DIMENSIONS"] == [name] and array.dtype.kind in "iuf" and "axis" in attrs:
            assert array.size < 2 or len(set(np.sign(np.diff(array[...])))) == 1, f"{name} is not monotonic"


def check_gdal(store):
    arrays, values = zarr_values(store)
    usable = {
        n: a for n, a in arrays.items()
        if a.size > 0 and not (a.dtype.kind == "c" and a.fill_value is not None)
    }
    with tempfile.TemporaryDirectory() as directory:
        path = subset(store, usable, directory)
        listing = json.loads(run("gdalmdiminfo", path))
        assert sorted(listing.get("arrays", {})) == sorted(usable)
        for name, array in usable.items():
            if array.dtype.kind != "c" and array.size <= 100000:
                check_gdal_values(path, name, values[name])
            if array.ndim == 2 and array.dtype.kind in "iuf" and min(array.shape) > 0:
                check_gdal_range(path, name, array, values[name])


def check_gdal_values(path, name, value):
    text = run("gdalmdiminfo", "-detailed", "-array", "/" + name, path)
    text = re.sub(r"(?<![\w\"])(nan|-?inf)(?![\w\"])", r'"\1"', text)
    seen = json.loads(text)["values"]
    if value.dtype.kind == "S":
        assert same(np.char.encode(np.array(seen, dtype="U"), "utf-8"), value), f"GDAL reads other values of {name}"
        return
    # Printed with 9 or 17 digits; integers beyond 2**53 may come as reals.
    seen = np.array(seen, dtype="f8")
    assert same(seen, value.astype("f8"), 1e-8), f"GDAL reads other values of {name}"


def check_gdal_range(path, name, array, value):
    if array.dtype.itemsize == 8 and array.dtype.kind in "iu":
        return  # not a band type with statistics in GDAL 3.6
    if value.dtype.kind == "f" and (np.isinf(value).any() or not np.isfinite(value).any()):
        return  # no number in JSON
    info = json.loads(run("gdalinfo", "-json", "-mm", f'ZARR:"{path}":/{name}').replace(
        "nan", '"nan"'))
    band = info["bands"][0]
    valid = value[value != array.fill_value] if array.fill_value is not None else value
    valid = valid[np.isfinite(valid)] if valid.dtype.kind == "f" else valid
    assert info["size"] == [array.shape[1], array.shape[0]]
    if valid.size and "computedMin" in band:
        # three decimals are printed
        for seen, wanted in ((band["computedMin"], valid.min()), (band["computedMax"], valid.max())):
            assert math.isclose(seen, float(wanted), abs_tol=2e-3, rel_tol=1e-6), f"GDAL's range of {name}: {seen}, not {wanted}"


def ncdump_values(text, name):
    found = re.search(rf"^ {re.escape(name)} =(.*?);", text, re.S | re.M)
    assert found, f"ncdump does not print {name}"
    return [math.nan if w in ("_", "NaN", "NaNf") else float(w)
            for w in (word.strip().replace("Infinity", "inf").replace("inff", "inf")
                      for word in found.group(1).split(","))]


def check_ncdump(store):
    arrays, values = zarr_values(store)
    usable = {n: a for n, a in arrays.items() if a.dtype.kind in "iuf" and a.size > 0}
    plain = [
        n for n, a in usable.items()
        if a.compressor is None and not a.filters and a.ndim > 0 and a.order == "C"
        and a.dtype.byteorder in "<|=" and a.size <= 10000
    ]
    if not usable:
        return
    with tempfile.TemporaryDirectory() as directory:
        url = "file://" + subset(store, usable, directory) + "#mode=zarr,file"
        header = run("ncdump", "-h", url)
        for name in usable:
            assert re.search(rf"\b{re.escape(name)}\b", header), f"ncdump does not list {name}"
        if not plain:
            return
        text = run("ncdump", "-p", "9,17", "-v", ",".join(plain), url)
    for name in plain:
        value = values[name].astype("f8").ravel()
        fill = arrays[name].fill_value
        if fill is not None:
            value[values[name].ravel() == fill] = math.nan  # printed as "_"
        seen = np.array(ncdump_values(text, name))
        if fill is not None:
            seen[seen == float(fill)] = math.nan
        assert same(seen, value, 1e-8), f"ncdump reads other values of {name}"


def check_counting(store):
    _, values = zarr_values(store)
    for name, value in values.items():
        if not name.startswith("count_"):
            continue
        count = np.arange(value.size).reshape(value.shape) % 100
        if value.dtype.kind == "S":
            count = np.char.mod(b"n%d", count)
        elif value.dtype.kind == "b":
            count = count % 2 == 1
        seen = value if value.dtype.kind == "c" else value.astype(count.dtype)
        assert same(seen, count, 1e-12), f"{name} does not count"


CHECKS = {"zarr": check_zarr, "xarray": check_xarray, "labels": check_labels, "netcdf": check_netcdf, "cf": check_cf, "gdal": check_gdal,
          "ncdump": check_ncdump}


def check_store(path, checks=None):
    """[(reader, None or what is wrong)] for one store."""
    results = []
    for reader, check in (checks or CHECKS).items():
        try:
            check(path)
            results.append((reader, None))
        except Exception as error:  # pylint: disable=broad-except
            results.append((reader, f"{type(error).__name__}: {error}"))
    return results


def main(arguments):
    counting = "--counting" in arguments
    checks = dict(CHECKS, counting=check_counting) if counting else CHECKS
    stores = [a for a in arguments if a != "--counting"]
    if not stores:
        print(__doc__, file=sys.stderr)
        return 2
    passed = failed = 0
    for store in stores:
        for reader, wrong in check_store(store, checks):
            passed += wrong is None
            failed += wrong is not None
            if wrong:
                print(f"not ok: {store}: {reader}: {wrong}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
