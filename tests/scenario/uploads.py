#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A number for each member by an upload: workers read what their leases need of it, and hold no more."""
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal  # pylint: disable=wrong-import-position

MEMBERS = 1500000
NUMBERS_KIB = MEMBERS * 8 // 1024


def upload(daemon, array):
    import numpy  # pylint: disable=import-outside-toplevel
    file = io.BytesIO()
    numpy.save(file, array)
    return {"upload": daemon.request("POST", "/v1/uploads", file.getvalue(), status=201).json["id"]}


def job(data, members):
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"t": [0, 1]}, "batch_dim": "m",
            "inputs": {"pop__r": {"dims": ["m"], "data": data}}, "outputs": {"pop__n": None},
            "name": f"{members} members"}


def most_memory(pid):
    """That a process has had, in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


def workers(daemon):
    return [w["pid"] for w in daemon.request("GET", "/v1/workers").json["workers"]]


def test_workers_hold_no_more_than_they_need(context):
    import numpy  # pylint: disable=import-outside-toplevel
    daemon = context.daemon(workers=1)
    rates = numpy.linspace(0.1, 0.9, MEMBERS)
    small = daemon.finish(job({"linspace": [0.1, 0.9, 100000]}, 100000))
    equal(small["state"], "succeeded", "a batch without an upload")
    before = most_memory(workers(daemon)[0])
    store = daemon.finish(job(upload(daemon, rates), MEMBERS))["store"]
    grown = most_memory(workers(daemon)[0]) - before
    check(grown < NUMBERS_KIB // 2, f"the worker has {grown} KiB more, of an upload of {NUMBERS_KIB} KiB")
    arrays = harness.open_store(store)
    check((arrays["pop__r"][...] == rates).all(), "the numbers as given")
    same = daemon.finish(job({"linspace": [0.1, 0.9, MEMBERS]}, MEMBERS))["store"]
    equal(arrays["pop__n"][...].tobytes(), harness.open_store(same)["pop__n"][...].tobytes(), "as by a linspace")


def test_bytes_of_other_kinds(context):
    """Cast as they are read: big-endian, single precision, integers."""
    import numpy  # pylint: disable=import-outside-toplevel
    daemon = context.daemon(workers=2)
    whole = numpy.arange(70001)
    for array in (whole.astype(">i4"), (whole / 7).astype("<f4"), (whole / 7).astype(">f8")):
        arrays = harness.open_store(daemon.finish(job(upload(daemon, array), len(whole)))["store"])
        check((arrays["pop__r"][...] == array.astype("f8")).all(), f"{array.dtype}: as given")
        first = harness.open_store(daemon.finish(job(array[:1].astype("f8").tolist(), 1))["store"])
        equal(arrays["pop__n"][0], first["pop__n"][0], f"{array.dtype}: the first member")


harness.main(globals())
