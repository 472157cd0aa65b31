#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that is full under the stores (daemon/README.md, invariant 8): nothing is leased, the
log and /readyz say why, nothing is lost, and all goes on by itself when there is room again.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import disks  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

DISK = 8 << 20
MEMBERS = 400


def job():
    """A batch of which each member stores some kilobytes that do not compress."""
    sweep = load(GOLDEN, "batch-velocity", "job.json")
    labels = [i / 200 for i in range(201)]
    sweep["clocks"] = {"time": {"data": labels}, "otime": {"data": labels[::40]}}
    sweep["inputs"]["grid__spacing"] = 1.5 / 300
    sweep["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.1 + 0.8 * i / MEMBERS for i in range(MEMBERS)]}
    return sweep


def size_of(store):
    return sum(os.path.getsize(os.path.join(store, name)) for name in harness.files_of(store))


def goes_on(context, free):
    wanted = job()
    undisturbed, _ = context.run_local(wanted)
    with disks.Small(context, DISK) as disk:
        daemon = context.daemon(workers=2, options=["--store-root", os.path.join(disk.path, "stores")])
        disk.fill(free(size_of(undisturbed)))
        number = daemon.submit(wanted)["id"]
        daemon.await_line("nothing is leased until .*No space left")
        unready = daemon.request("GET", "/readyz", status=503).json
        check("No space left" in unready["reason"], f"{unready}")
        daemon.request("GET", "/healthz", status=200)
        now = daemon.job(number)
        check(now["state"] == "running" and now["done"] < MEMBERS and now["dead"] == 0, f"{now}")
        disk.empty()
        ended = daemon.await_end(number)
        equal((ended["state"], ended["done"], ended["dead"]), ("succeeded", MEMBERS, 0), f"the end; {daemon.log()}")
        daemon.await_line("stores can be written again")
        daemon.request("GET", "/readyz", status=200)
        harness.same_store(ended["store"], undisturbed)
        daemon.stop()


def test_what_is_removed_is_gone(context):
    """Workers, which are kept from the files in the state directory and so have rules for what stands beside it, hold
    none of it on the disk."""
    with disks.Small(context, 64 << 20) as disk:
        disk.fill(32 << 20)
        daemon = context.daemon(workers=2, state=os.path.join(disk.path, "state"),
                                socket_path=os.path.join(context.directory("s"), "s"))
        daemon.finish(load(GOLDEN, "advect", "job.json"))
        disk.empty()
        left = os.statvfs(disk.path)
        check(left.f_bavail * left.f_frsize > 48 << 20, f"{left.f_bavail * left.f_frsize} bytes of room")
        daemon.stop()


def test_full_under_the_database(context):
    """What was refused is not there; that it can be written again is seen without a write of others."""
    with disks.Small(context, DISK) as disk:
        daemon = context.daemon(workers=0, state=os.path.join(disk.path, "state"),
                                socket_path=os.path.join(context.directory("s"), "s"),
                                options=["--store-root", context.directory("stores")])
        daemon.submit(load(GOLDEN, "advect", "job.json"))
        disk.fill()
        jobs, answer = 0, None
        while not answer or answer.status == 201:  # until what the database has in reserve is used up
            jobs, answer = jobs + 1, daemon.request("POST", "/v1/jobs", job())
        equal(answer.status, 503, f"{answer!r}")
        refused = answer.json
        check("full" in refused["detail"] or "disk I/O" in refused["detail"], f"{refused}")
        daemon.await_line("nothing is stored until it works again")
        unready = daemon.request("GET", "/readyz", status=503).json
        check("the database of jobs failed" in unready["reason"], f"{unready}")
        equal(len(daemon.request("GET", "/v1/jobs", status=200).json["jobs"]), jobs, "jobs")
        disk.empty()
        daemon.await_line("the database works again")
        daemon.request("GET", "/readyz", status=200)
        equal(daemon.submit(job())["id"], str(jobs + 1), "the next job")
        daemon.stop()


ROOM = 32768  # for the directories that a submission makes


def test_full_from_the_beginning(context):
    goes_on(context, lambda size: ROOM)


def test_full_in_the_middle(context):
    goes_on(context, lambda size: size // 2)


def test_a_disk_without_room_for_a_store(context):
    """What cannot be made is not acknowledged, and leaves nothing."""
    with disks.Small(context, DISK) as disk:
        stores = os.path.join(disk.path, "stores")
        daemon = context.daemon(workers=1, options=["--store-root", stores])
        disk.fill()
        answer = daemon.submit(job(), status=507)
        check("has 0 bytes left" in answer["detail"], f"{answer}")
        daemon.request("POST", "/v1/jobs?oversize=1", job(), status=507)
        equal(os.listdir(stores) if os.path.exists(stores) else [], [], "what a refused submission left")
        disk.empty()
        daemon.submit(job())
        daemon.stop()


def test_a_cancelled_job_frees_the_service(context):
    """Where nothing waits for room, nothing shows that there is some: the service takes jobs."""
    with disks.Small(context, DISK) as disk:
        daemon = context.daemon(workers=1, options=["--store-root", os.path.join(disk.path, "stores")])
        disk.fill(ROOM)
        number = daemon.submit(job())["id"]
        daemon.await_line("nothing is leased until")
        daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
        daemon.await_line("nothing waits for room")
        daemon.request("GET", "/readyz", status=200)
        daemon.stop()


disks.enter_namespace()
harness.main(globals())
