#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A size that no machine has is an error at once, with process and variable named; a limit on
addresses leaves room for what fits; elements that were never written are zero, whoever was there
before. The library is tests/lib/large.c."""
import json
import os
import re
import resource
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

HUGE = 10 ** 12
WORDS = (r"process 'p' \(large.Large\), initialize: variable 'x' was given 1000000000000 elements of "
         r"8 bytes, 7.28 TiB: this is more than the \S+ \S+ of memory that there can be")


def job(sizes, **more):
    many = isinstance(sizes, list)
    return {"model": {"processes": {"p": "large.Large"}},
            "clocks": {"time": {"data": [0.0, 1.0]}}, "main_clock": "time",
            "inputs": {"p__n": {"dims": ["batch"], "data": sizes} if many else sizes},
            "outputs": {"p__x": None, "p__unwritten": None},
            **({"batch_dim": "batch"} if many else {}), **more}


def libraries(context):
    return ["--processes", context.program("large")]


def test_a_single_simulation_is_refused_at_once(context):
    _, ran = context.run_local(job(HUGE), 1, libraries(context))
    check(re.search("error: " + WORDS, ran.stderr), ran.stderr)
    check("process of its own" not in ran.stderr, "no member is left to go on: " + ran.stderr)
    daemon = context.daemon(options=libraries(context))
    ended = daemon.finish(job(HUGE), "failed")
    check(re.search(WORDS, ended["reason"]), f"reason {ended}")


def test_members_beside_it_are_stored(context):
    sizes = [3, HUGE, 5, 4, HUGE, 2]
    store, ran = context.run_local(job(sizes), 1, libraries(context))
    equal(len(re.findall(WORDS, ran.stderr)), 2, f"failures told in {ran.stderr}")
    daemon = context.daemon(options=libraries(context))
    ended = daemon.finish(job(sizes), "partial")
    harness.same_store(store, ended["store"])
    members = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
    equal([(m["member"], m["state"], m["attempts"]) for m in members],
          [(1, "dead", 1), (4, "dead", 1)], "dead members")
    x = harness.open_store(store)["p__x"][...]
    equal(x[2].tolist(), [1, 2, 3, 4, 5], "values beside it")
    daemon.finish(job([1, 2]))


def test_the_first_member_is_too_large(context):
    sizes = [HUGE, 5, 4]
    store, _ = context.run_local(job(sizes), 1, libraries(context))
    daemon = context.daemon(options=libraries(context))
    harness.same_store(store, daemon.finish(job(sizes), "partial")["store"])


def test_unwritten_elements_are_zero(context):
    sizes = [50, 10, 1000, 20, 7, 300]
    store, _ = context.run_local(job(sizes), 0, libraries(context))
    equal(harness.open_store(store)["p__unwritten"][...].tolist(), [0] * len(sizes), "sums")


def test_addresses_are_limited(context):
    if context.is_sanitized():
        raise harness.Skip("a sanitizer needs all addresses")
    wanted, _ = context.run_local(job([100, 200000]), 0, libraries(context))
    for limit in (8000000 * 1024, 1000000 * 1024):
        store = context.path("s.zarr")
        ran = subprocess.run([context.program("simlab-worker"), "run", "-", "--store", store,
                              *libraries(context)], input=json.dumps(job([100, 200000])),
                             capture_output=True, text=True, check=False,
                             preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_AS, (n, n)))
        equal((ran.returncode, ran.stderr), (0, ""), f"exit under {limit} bytes of addresses")
        harness.same_store(wanted, store)


harness.main(globals())
