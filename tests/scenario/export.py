#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`simlab export`: a netCDF file has what xarray makes of the store, of all of it or of chosen variables and
members, also while the job runs; ncdump prints it, netCDF4 sees the types and fill values; and a file is whole
or absent."""
import os
import re
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

import numpy as np  # pylint: disable=wrong-import-position

with warnings.catch_warnings():  # what other modules say while they are loaded is not about us
    warnings.simplefilter("ignore")
    import netCDF4  # pylint: disable=wrong-import-position
    import xarray  # pylint: disable=wrong-import-position

NEVER_ENDS = 6


def exported(context, store, *arguments, code=0, program=("simlab-export",)):
    """The file; or what was said of it."""
    path = os.path.join(context.directory("nc"), "out.nc")
    ended = context.run(*program, store, path, *arguments)
    equal((ended.returncode, ended.stdout), (code, ""), ended.stderr)
    equal(os.listdir(os.path.dirname(path)), ["out.nc"] if code == 0 else [], "files")
    check(code or not ended.stderr, ended.stderr)
    return path if code == 0 else ended.stderr


def of_store(store):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xarray.open_zarr(store, consolidated=True).load()


def complex_names(file):
    return {name for name, v in file.variables.items() if v.dtype is not str and v.dtype.kind == "V"}


def agrees(path, ds):
    """The file with what xarray made of the store."""
    with netCDF4.Dataset(path) as file:
        pairs = complex_names(file)
        for name in pairs:
            seen = file[name][...]
            np.testing.assert_array_equal(np.asarray(seen["r"]) + 1j * np.asarray(seen["i"]), ds[name].values, name)
    with xarray.open_dataset(path, drop_variables=pairs) as file:
        seen = file.load()
    xarray.testing.assert_identical(seen, ds.drop_vars(pairs))
    for name in seen.variables:
        equal(seen[name].dtype, ds[name].dtype, f"dtype of {name}")
    printed = subprocess.run(["ncdump", path], capture_output=True, text=True, timeout=harness.WAIT, check=False)
    equal((printed.returncode, printed.stderr), (0, ""), "ncdump")


def same_types(path, store):
    """Types and fill values, which xarray need not show."""
    group = harness.open_store(store)
    with netCDF4.Dataset(path) as file:
        equal(sorted(file.variables), sorted(group), "variables")
        for name, v in file.variables.items():
            array = group[name]
            kind = array.dtype.kind
            equal(v.dimensions, tuple(array.attrs["_ARRAY_DIMENSIONS"]), f"dims of {name}")
            want = str if kind == "S" else np.dtype("i1") if kind == "b" else array.dtype.newbyteorder("=")
            equal(kind == "c" or v.dtype == want, True, f"type of {name}: {v.dtype}")
            has_fill = kind in "iuf" and array.fill_value is not None
            equal("_FillValue" in v.ncattrs(), has_fill, f"fill of {name}")
            if has_fill:
                np.testing.assert_array_equal(v.getncattr("_FillValue"), array.fill_value)


def golden(case):
    def test(context):
        store, _ = context.run_local(load(GOLDEN, case, "job.json"))
        path = exported(context, store)
        agrees(path, of_store(store))
        same_types(path, store)
    return test


# ---- parts ---------------------------------------------------------------------------------------------


PROFILE = {"grid": "reference.UniformGrid1D", "profile": "reference.ProfileU", "init": "reference.InitUGauss"}


def profiles(**more):
    """Eight members, two in a chunk; texts, labels, a clock with units."""
    return {"model": {"processes": PROFILE}, "clocks": {"time": {"data": [0, 1, 2], "units": "days since 2000-01-01"}},
            "inputs": {"grid__length": 3, "grid__spacing": 1}, "outputs": {"profile__u": "time", "init__loc": None},
            "sweep": {"product": {"init__loc": [1, 2], "init__scale": [0.5, 1, 2, 4]}},
            "coords": {"who": {"dims": ["batch"], "data": list("abcdefgh")}, "place": {"dims": ["x"], "data": [7.5, 8.5, 9.5]},
                       "height": 3, "across": {"dims": ["x", "batch"], "data": np.arange(24).reshape(3, 8).tolist()}},
            "encoding": {"profile__u": {"chunks": [2, 1, 2]}}, "attrs": {"title": "ä", "levels": [1, 2.5], "n": 3, "large": 2**40,
                                                                       "words": ["a", "ü"]}, **more}


def test_chosen_variables(context):
    """With their coordinates, as xarray takes them."""
    for form in (2, 3):
        job = profiles(zarr_format=form)
        if form == 3:
            del job["coords"]["who"]  # it has no texts of fixed length
        ds = of_store(context.run_local({**job, "zarr_format": 2})[0])
        store, _ = context.run_local(job)
        with netCDF4.Dataset(exported(context, store)) as file:
            equal([file.getncattr(n) if n != "levels" else list(file.levels) for n in ("title", "levels", "n", "large", "words")],
                  ["ä", [1, 2.5], 3, 2**40, ["a", "ü"]], "attributes")
            equal(file["profile__u"].chunking(), [2, 1, 2], "chunks")
        for names in (["profile__u"], ["init__scale", "init__loc"], ["time"], ["place"]):
            with xarray.open_dataset(exported(context, store, *names)) as file:
                seen = file.load()
            equal(sorted(seen.variables), sorted(ds[names].variables), f"with {names}")
            for name in seen.variables:
                xarray.testing.assert_identical(seen[name].variable, ds[name].variable)


def test_chosen_members(context):
    """In the order of the list, within and across chunks, and not along the first axis only."""
    store, _ = context.run_local(profiles())
    ds = of_store(store)
    for words, members in (("5", [5]), ("0-7", list(range(8))), ("6,1-3,0", [6, 1, 2, 3, 0]), ("2,2", [2, 2])):
        agrees(exported(context, store, "--members", words), ds.isel(batch=members))


def test_it_is_the_same_each_time(context):
    store, _ = context.run_local(profiles())
    first, second = (open(exported(context, store), "rb").read() for _ in range(2))  # pylint: disable=consider-using-with
    check(first == second, "two files of one store differ")


def test_maps_are_in_their_place(context):
    """By CF's grid mapping, of one variable too."""
    job = {**load(harness.REPOSITORY, "client/gallery/landscape.json"), "crs": "EPSG:32616"}
    path = exported(context, context.run_local(job)[0], "topography__elevation", "--members", "2")
    shown = subprocess.run(["gdalinfo", f'NETCDF:"{path}":topography__elevation'], capture_output=True, text=True, check=True).stdout
    check('ID["EPSG",32616]' in shown and "Pixel Size = (270.0" in shown, shown)


def test_values_that_are_missing(context):
    """Of dead members, and of arrays without an element."""
    members = {"dims": ["b"], "data": [0, 1, 0, 0, 0]}
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": [0, 1, 2, 3]}, "batch_dim": "b",
           "inputs": {"m__fault": members, "m__size": 5, "m__grows": 0, "m__work": 0}, "max_attempts": 1,
           "outputs": {"m__value": "time", "m__vector": "time", "m__count": "time", "m__level": "time"},
           "encoding": {"m__value": {"dtype": ">f4", "fill_value": -9999.5, "chunks": [2, 2]},
                        "m__vector": {"order": "F", "compressor": None, "fill_value": 0},
                        "m__count": {"dtype": ">i2", "fill_value": None, "chunks": [1]},
                        "m__level": {"dtype": "u1", "fill_value": 0}}}
    options = ["--processes", context.program("varied")]
    store, _ = context.run_local(job, 1, options)
    path = exported(context, store)
    agrees(path, of_store(store))
    same_types(path, store)
    job["inputs"].update(m__fault=0, m__size={"dims": ["b"], "data": [0, 0]})
    store, _ = context.run_local(job, 0, options)
    path = exported(context, store)
    agrees(path, of_store(store))
    same_types(path, store)


# ---- whose stores --------------------------------------------------------------------------------------


def test_of_a_job_that_runs(context):
    """What readers see by then: of an open batch the members that are shown."""
    daemon = context.daemon(workers=1, options=["--processes", context.program("varied")])
    job = {"model": {"processes": {"m": "varied.Member"}}, "clocks": {"time": [0, 1, 2, 3]}, "batch_dim": "b", "open": 50,
           "inputs": {"m__fault": {"dims": ["b"], "data": [0] * 3}, "m__size": 5, "m__grows": 0, "m__work": 0},
           "outputs": {"m__value": "time"}}
    number = daemon.submit(job)["id"]
    store = daemon.await_end(number)["store"]
    part = {"inputs": {"m__fault": [0, 0, NEVER_ENDS]}}
    path = f"/v1/jobs/{number}/members"
    harness.await_true(lambda: daemon.request("POST", path, part).status == 201, "members that are appended")
    harness.await_true(lambda: of_store(store).sizes["b"] == 6, "the new members in the store")
    at = ["--server", daemon.server, "--token", daemon.token]
    with xarray.open_dataset(exported(context, number, *at, program=("simlab", "export"))) as file:
        seen = file.load()
    equal(daemon.job(number)["state"], "running", "state")
    equal(seen.sizes["b"], 6, "members")
    xarray.testing.assert_identical(seen.isel(b=slice(3)), of_store(store).isel(b=slice(3)))
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)


def test_what_the_page_shows(context):
    """The commands of client/README.md, on the stores of its gallery."""
    with open(os.path.join(harness.REPOSITORY, "client/README.md"), encoding="utf-8") as text:
        commands = re.findall(r"^```sh\n(.*?)^```", text.read().split("\n# Stores")[1], re.S | re.M)
    folder = context.directory("page")
    for name in ("advection", "population", "landscape"):
        job = os.path.join(harness.REPOSITORY, "client/gallery", name + ".json")
        ended = context.run("simlab-worker", "run", job, "--store", os.path.join(folder, name + ".zarr"))
        equal(ended.returncode, 0, ended.stderr)
    path = context.build + os.pathsep + os.environ["PATH"]
    for command in commands:
        ended = subprocess.run(["/bin/sh", "-ec", command], cwd=folder, env={**os.environ, "PATH": path}, text=True,
                               capture_output=True, timeout=harness.WAIT, check=False)
        equal(ended.returncode, 0, f"{command}: {ended.stderr}")
    harness.same_store(os.path.join(folder, "advection.zarr"), os.path.join(folder, "again.zarr"))
    with xarray.open_dataset(os.path.join(folder, "some.nc")) as some, xarray.open_dataset(os.path.join(folder, "all.nc")) as whole:
        xarray.testing.assert_equal(some.pop__n, whole.pop__n.isel(batch=[*range(10), 210]))
    printed = subprocess.run(["gdalinfo", os.path.join(folder, "elevation.tif")], capture_output=True, text=True, check=True).stdout
    check("Driver: GTiff" in printed and "Unit Type: m" in printed and "Pixel Size = (270" in printed, printed)


# ---- what is refused, and what fails -------------------------------------------------------------------


def test_what_is_not_there_is_refused(context):
    store, _ = context.run_local(profiles())
    one, _ = context.run_local(load(GOLDEN, "advect", "job.json"))
    for place, arguments, words in ((store, ["nothing"], 'no variable nothing, but ["across'), (store, ["--members", "6-8"], "no member 8"),
                                    (store, ["--members", "1,"], "usage"), (store, ["--members", "3-1"], "usage"),
                                    (store, ["--members", "-1"], "usage"), (store, ["--members", "99999999999999999999"], "usage"),
                                    (one, ["--members", "0"], "it is no batch"), (context.directory("none"), [], "neither .zgroup nor zarr.json")):
        said = exported(context, place, *arguments, code=2)
        check(words in said, f"{words!r} is not in {said!r}")


def test_a_file_is_whole_or_absent(context):
    """What stood there stays where it fails: a chunk that is broken, a disk that takes no more."""
    store, _ = context.run_local(profiles())
    path = exported(context, store)
    whole = open(path, "rb").read()  # pylint: disable=consider-using-with
    full = subprocess.run(["prlimit", "--fsize=20000", context.program("simlab-export"), store, path], capture_output=True,
                          text=True, timeout=harness.WAIT, check=False)
    equal(full.returncode, 1, full.stderr)
    failed = context.run("simlab-export", store, path, env={"SIMLAB_FAULT": "rename:1:EIO"})
    equal((failed.returncode, "Input/output error" in failed.stderr), (1, True), failed.stderr)
    with open(os.path.join(store, "profile__u", "0.0.0"), "wb") as chunk:
        chunk.write(b"no chunk")
    broken = context.run("simlab-export", store, path)
    equal(broken.returncode, 1, broken.stderr)
    check("chunk 0.0.0 of array \"profile__u\"" in broken.stderr, broken.stderr)
    equal(os.listdir(os.path.dirname(path)), ["out.nc"], "files")
    check(open(path, "rb").read() == whole, "the file was touched")  # pylint: disable=consider-using-with


def test_names_that_netcdf_has_not(context):
    """An attribute is left out, and that is said."""
    store, _ = context.run_local(profiles(attrs={"_NCProperties": "mine", "a/b": 1, "kept": True, "object": {"a": None}}))
    path = os.path.join(context.directory("nc"), "out.nc")
    ended = context.run("simlab-export", store, path)
    equal(ended.returncode, 0, ended.stderr)
    for name in ("_NCProperties", "a/b"):
        check(f"no attribute {name}" in ended.stderr, ended.stderr)
    with netCDF4.Dataset(path) as file:
        equal((file.kept, file.object), (1, '{"a":null}'), "attributes")


harness.main(globals(), [(f"golden_{case}", golden(case)) for case in harness.golden_cases()])
