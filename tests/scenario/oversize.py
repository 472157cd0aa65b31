#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A job whose outputs cannot fit on the disk is refused when it is submitted."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal  # pylint: disable=wrong-import-position


def job(members, labels, clock="time", **more):
    """8 bytes for each member and label; it is held, so that nobody runs it."""
    return {"model": {"processes": {"pop": "reference.Logistic"}}, "clocks": {"time": {"linspace": [0, 1, labels]}},
            "batch_dim": "m", "inputs": {"pop__r": {"dims": ["m"], "linspace": [0.1, 0.9, members]}},
            "outputs": {"pop__n": clock}, "hold": True, **more}


def free(daemon):
    disk = os.statvfs(daemon.state)
    return disk.f_bavail * disk.f_frsize


def test_it_is_refused(context):
    daemon = context.daemon(workers=1)
    huge = job(60000000, 1000000)
    check(8 * 60000000 * 1000000 > free(daemon), "the disk is too large for this test")
    for path in ("/v1/jobs", "/v1/jobs?dry_run=1"):
        problem = daemon.request("POST", path, huge, status=507).json
        equal(problem["pointer"], "/outputs", "pointer")
        check("60000000 members take 480 TB or more, uncompressed" in problem["detail"] and "left" in problem["detail"], problem)
    equal(daemon.request("GET", "/v1/jobs").json["jobs"], [], "jobs")
    equal(os.listdir(os.path.join(daemon.state, "stores")), [], "stores")


def test_it_is_taken_all_the_same(context):
    daemon = context.daemon(workers=1)
    huge = job(60000000, 1000000)
    daemon.request("POST", "/v1/jobs?dry_run=1&oversize=1", huge, status=200)
    path = context.path("huge.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(huge, file)
    server = ["--server", daemon.server, "--token", daemon.token]
    refused = context.run("simlab", "submit", path, *server)
    check(refused.returncode and "480 TB" in refused.stderr and "--oversize" in refused.stderr, refused.stderr)
    taken = context.run("simlab", "submit", path, "--oversize", *server)
    equal(taken.returncode, 0, f"simlab submit --oversize: {taken.stderr}")


def test_what_is_not_known_is_not_counted(context):
    """Once at the end, or where a member may stop before: what fits is taken."""
    daemon = context.daemon(workers=1)
    for fits in (job(60, 1000000), job(1000, 1000000, None),
                 job(60000, 1000000, stop_when={"variable": "pop__n", "above": 1})):
        daemon.request("POST", "/v1/jobs", fits, status=201)


harness.main(globals())
