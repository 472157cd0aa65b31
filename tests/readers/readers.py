#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`make readers`: newer readers than this machine's open what the service writes, and see the same values.

usage: readers.py [--build DIR] [--work DIR] [READERS...]

READERS are suites of Debian (trixie, testing), each made by debootstrap below the folder of work, with its own
zarr-python, xarray, netCDF4, GDAL and ncdump; and `zarrita`, which npm installs there. They are shown each golden
case in each format that can say it, and files that `simlab export` writes of them. The values that they are to
see are those that this machine's zarr-python reads in version 2. Root only; asks Debian's mirror (that of this
machine's apt) and npm's registry. A folder of work that is named stays, and is used again.

What a reader is known not to read is in CANNOT, by reader and array's kind; it counts as a failure once it does.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import harness  # pylint: disable=wrong-import-position

import numpy as np  # pylint: disable=wrong-import-position

SUITES = ("trixie", "testing")
PACKAGES = ["python3-zarr", "python3-xarray", "python3-dask", "python3-netcdf4", "python3-cftime", "gdal-bin", "netcdf-bin"]
FORMATS = (2, 3, "both")

CANNOT = {
    ("trixie", "gdal", r".*-3\.zarr"): "GDAL 3.10 knows the codec `bytes` by its earlier name only, `endian`",
    ("trixie", "places by gdal", r"map-3\.zarr"): "as above",
    ("trixie|testing", "xarray's to_netcdf", r"texts-2\.zarr"): "texts beyond ASCII are written only after ds.drop_encoding()",
}


# ---- what they are shown -------------------------------------------------------------------------------


def plain(value):
    """As zarrita.mjs compares it: texts, so that no digit is lost."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), value)
    if isinstance(value, (bool, complex)):
        return str(value).lower()
    return str(value)


def write_wanted(store, name):
    """Beside a store: the values of its arrays."""
    values = {key: array[...] for key, array in harness.open_store(store).arrays()}
    np.savez(name + ".npz", **values)
    with open(name + ".json", "w", encoding="utf-8") as file:
        json.dump({key: [plain(v) for v in np.asarray(value).ravel().tolist()] for key, value in values.items()}, file)


def jobs():
    for case in harness.golden_cases():
        yield case, harness.load(harness.GOLDEN, case, "job.json")
    grid = {"grid": "reference.UniformGrid1D", "profile": "reference.ProfileU", "init": "reference.InitUGauss"}
    sweep = {"model": {"processes": grid}, "inputs": {"grid__length": 3, "grid__spacing": 1}, "outputs": {"profile__u": "time"},
             "clocks": {"time": {"data": [0, 1, 2], "units": "days since 2000-01-01"}},
             "sweep": {"product": {"init__loc": [1, 2], "init__scale": [0.5, 1, 2, 4]}}}
    yield "sweep", sweep
    labels = {"y": {"dims": ["y"], "data": [3999950, 3999850, 3999750]}, "x": {"dims": ["x"], "data": [500050, 500150]}}
    heights = {"height": {"dims": ["y", "x"], "data": [[1, 2], [3, 4], [5, 6]]}, "heights": {"dims": ["k", "y", "x"], "data": [[[1.5, 2], [3, 4], [5, 6]]] * 2}}
    yield "map", {"model": {"processes": {"pop": "reference.Logistic"}}, "inputs": {"pop__r": 0.5}, "outputs": {"pop__n": None}, "clocks": {"time": [0, 1]},
                  "coords": {**labels, **heights}, "crs": "EPSG:32616"}
    yield "texts", {**sweep, "coords": {"who": {"dims": ["batch"], "data": ["a", "Genève", "", "南", "e", "f", "g", "h"]}}}


def make_stores(context, folder):
    """The names of the stores; a job that version 3 refuses is there in version 2 only."""
    for name, job in jobs():
        for form in FORMATS:
            path = os.path.join(folder, f"{name}-{form}")
            with open(path + ".job", "w", encoding="utf-8") as file:
                json.dump({**job, "zarr_format": form}, file)
            ended = context.run("simlab-worker", "run", path + ".job", "--store", path + ".zarr")
            os.remove(path + ".job")
            if ended.returncode == 2 and form != 2:
                continue
            harness.equal(ended.returncode, 0, ended.stderr)
            if form == 2:
                write_wanted(path + ".zarr", path)
                two = path
            else:
                for kind in (".npz", ".json"):
                    shutil.copyfile(two + kind, path + kind)
            ended = context.run("simlab-export", path + ".zarr", path + ".nc")
            harness.equal(ended.returncode, 0, ended.stderr)


# ---- who reads -----------------------------------------------------------------------------------------


def mirror():
    """Of Debian, as this machine's apt has it."""
    sites = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)", "Origin: Debian", "Label: Debian"], capture_output=True,
                           text=True, check=True).stdout.split()
    harness.check(sites, "apt has no mirror of Debian")
    return collections.Counter(sites).most_common(1)[0][0]


def ran(command, **options):
    ended = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if ended.returncode != 0:
        raise harness.Failure(f"{command[0]} exits {ended.returncode}: {ended.stdout[-500:]}{ended.stderr[-1500:]}")
    return ended.stdout


def make_suite(root, suite):
    if os.path.exists(os.path.join(root, "made")):
        return
    shutil.rmtree(root, ignore_errors=True)
    ran(["debootstrap", "--variant=minbase", "--no-check-gpg", suite, root, mirror()])
    with open(os.path.join(root, "etc/apt/apt.conf.d/90acquire"), "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in ran(["apt-config", "dump"]).splitlines() if line.startswith("Acquire::http")))
    apt = ["chroot", root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends"]
    ran(apt + ["update"])
    ran(apt + ["install", *PACKAGES])
    with open(os.path.join(root, "made"), "w", encoding="utf-8") as file:
        file.write(suite)


def in_suite(work, suite, stores):
    root = os.path.join(work, suite)
    make_suite(root, suite)
    inside = os.path.join(root, "stores")
    shutil.rmtree(inside, ignore_errors=True)
    shutil.copytree(stores, inside)
    shutil.copyfile(os.path.join(HERE, "read.py"), os.path.join(root, "read.py"))
    mounts = "mount -t proc proc /proc && exec python3 -B /read.py /stores"
    return ran(["unshare", "--mount", "--pid", "--fork", "chroot", root, "sh", "-c", mounts])


def in_zarrita(work, stores):
    root = os.path.join(work, "zarrita")
    if not os.path.isdir(os.path.join(root, "node_modules", "zarrita")):
        os.makedirs(root, exist_ok=True)
        with open(os.path.join(root, "package.json"), "w", encoding="utf-8") as file:
            json.dump({"private": True}, file)
        ran(["npm", "install", "--silent", "--no-audit", "--no-fund", "zarrita", "@zarrita/storage"], cwd=root)
    shutil.copyfile(os.path.join(HERE, "zarrita.mjs"), os.path.join(root, "zarrita.mjs"))
    return ran(["node", "zarrita.mjs", stores], cwd=root)


# ---- what comes of it ----------------------------------------------------------------------------------


def known(where, seen):
    """Why this reader cannot read this store; None: it can."""
    for (place, reader, store), why in CANNOT.items():
        if re.fullmatch(place, where) and re.fullmatch(reader, seen["reader"]) and re.fullmatch(store, seen["store"]):
            return why
    return None


def judge(where, text):
    """Prints a line for each reader and format. How many were wrong."""
    lines = [json.loads(line) for line in text.splitlines()]
    print(f"{where}: " + ", ".join(f"{name} {version}" for name, version in lines[0].items()))
    read, cannot, faults = collections.Counter(), collections.Counter(), []
    for seen in lines[1:]:
        form = re.search(r"-(2|3|both)\.zarr$", seen["store"]).group(1)
        why = known(where, seen)
        if why and seen["wrong"]:
            cannot[seen["reader"], form, why] += 1
        elif why or seen["wrong"]:
            faults.append(f"  not ok: {seen['reader']}: {seen['store']}: {seen['wrong'] or 'it is read: ' + why}")
        else:
            read[seen["reader"], form] += 1
    for (reader, form), n in sorted(read.items()):
        print(f"  {reader}: {n} stores of format {form}")
    for (reader, form, why), n in sorted(cannot.items()):
        print(f"  {reader}: not {n} of format {form}: {why}")
    for fault in faults:
        print(fault)
    sys.stdout.flush()
    return len(faults)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    parser.add_argument("--build", default="build")
    parser.add_argument("--work")
    parser.add_argument("readers", nargs="*", metavar="READERS")
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        work = os.path.abspath(arguments.work or os.path.join(folder, "work"))
        stores = os.path.join(folder, "stores")
        os.mkdir(stores)
        make_stores(harness.Context(os.path.abspath(arguments.build), folder), stores)
        for reader in arguments.readers or [*SUITES, "zarrita"]:
            try:
                text = in_zarrita(work, stores) if reader == "zarrita" else in_suite(work, reader, stores)
                wrong += judge(reader, text)
            except harness.Failure as failure:
                wrong += 1
                print(f"{reader}: {failure}")
    print(f"{wrong} wrong")
    return 1 if wrong else 0


sys.exit(main())
