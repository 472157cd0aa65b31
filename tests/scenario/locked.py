#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Another program (a backup, a shell that was forgotten) holds the database's lock: it is said once,
/readyz names it, nothing is lost, and all goes on by itself when the lock is gone."""
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

SAID = "locked by another program"


def hold(daemon):
    other = sqlite3.connect(os.path.join(daemon.state, "simlabd.db"), isolation_level=None, timeout=30)
    other.execute("begin immediate")
    return other


def lines_with(daemon, text):
    return [line for line in daemon.lines if text in line]


def test_held_while_a_job_waits(context):
    job = load(GOLDEN, "advect", "job.json")
    daemon = context.daemon(workers=1)
    daemon.request("GET", "/readyz", status=200)
    other = hold(daemon)
    refused = daemon.request("POST", "/v1/jobs", job, status=503).json
    check(SAID in refused["detail"], f"{refused}")
    daemon.await_line(SAID)
    for _ in range(3):
        refused = daemon.request("POST", "/v1/jobs", job, status=503).json
        check(SAID in refused["detail"], f"{refused}")
        reason = daemon.request("GET", "/readyz", status=503).json["reason"]
        check(SAID in reason, reason)
        daemon.request("GET", "/healthz", status=200)
    other.execute("rollback")
    other.close()
    daemon.await_line("the database works again")
    daemon.request("GET", "/readyz", status=200)
    daemon.finish(job)
    equal(len(lines_with(daemon, SAID)), 1, f"lines that say it; {daemon.log()}")
    equal(len(lines_with(daemon, "the database works again")), 1, f"lines that take it back; {daemon.log()}")
    daemon.stop()


def test_held_while_a_job_runs(context):
    """The dispatcher meets it by itself: its reports and leases wait."""
    job = load(GOLDEN, "batch-velocity", "job.json")
    job["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.1 + 0.8 * i / 3000 for i in range(3000)]}
    daemon = context.daemon(workers=2)
    number = daemon.submit(job)["id"]
    daemon.await_event(number, lambda kind, data: kind == "progress")
    other = hold(daemon)
    daemon.await_line(SAID)
    before = daemon.job(number)
    equal(before["state"], "running", "state")
    check(SAID in daemon.request("GET", "/readyz", status=503).json["reason"], "the reason")
    equal(daemon.job(number)["done"], before["done"], "members done while nothing can be written")
    other.execute("rollback")
    other.close()
    daemon.await_line("the database works again")
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"], ended["dead"]), ("succeeded", 3000, 0), f"the end; {daemon.log()}")
    daemon.request("GET", "/readyz", status=200)
    daemon.stop()


sys.exit(harness.main(globals()))
