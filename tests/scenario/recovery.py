#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is to be right after the worst: a member that takes the daemon down dies alone; leaving a
daemon that was silent is no attempt; a store that vanished is waited for; a state that was moved
goes on where it was; a database that is lost is missed; locks of ended jobs are gone.

The library is tests/lib/deadly.c."""
import contextlib
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NONE, KILLS_DAEMON, WAITS = range(3)


def job(faults, **more):
    many = isinstance(faults, list)
    return {"model": {"processes": {"p": "deadly.Deadly"}},
            "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}}, "main_clock": "time",
            "inputs": {"p__fault": {"dims": ["batch"], "data": faults} if many else faults},
            "outputs": {"p__value": "time"}, **({"batch_dim": "batch"} if many else {}), **more}


def start(context, workers=2, **more):
    return context.daemon(workers=workers,
                          options=["--processes", context.program("deadly"), *more.pop("options", [])],
                          **more)


class Gate:
    """Members that wait go on once it is open; they are at it when a worker is busy with them."""

    def __init__(self, context):
        self.path = context.path("gate")
        os.environ["SIMLAB_TEST_GATE"] = self.path

    def open(self):
        with open(self.path, "w", encoding="utf-8"):
            pass


AT_THE_GATE = r"waits at the gate"


def await_busy(daemon, number):
    """A member of the job waits at the gate; its worker."""
    daemon.await_line(rf"job {number}, .*{AT_THE_GATE}")
    return next(w["pid"] for w in daemon.workers() if w["job"] == str(number))


def await_waiting(daemon, number, word):
    """Asks until the job waits for that reason."""
    while True:
        j = daemon.job(number)
        check(j["state"] not in harness.FINAL, f"job ended: {j}\n{daemon.log()}")
        if j["waiting"] and word in j["waiting"]:
            return j


# ---- members that take the daemon down ----


def await_death(daemon):
    daemon.process.wait(harness.WAIT)
    equal(daemon.process.returncode, -signal.SIGKILL, f"how the daemon ended; {daemon.log()}")


def run_to_the_end(daemon, number, most):
    """Starts the daemon again each time that it dies; the job as it ended, and how often it died."""
    deaths = 0
    while True:
        with contextlib.suppress(OSError, harness.http.client.HTTPException, harness.Failure):
            if daemon.process.poll() is not None:
                daemon.start()  # which may not come to its end
            return daemon.await_end(number), deaths
        await_death(daemon)
        deaths += 1
        check(deaths <= most, f"the daemon died {deaths} times; {daemon.log()}")


def test_a_member_that_takes_the_daemon_down_dies_alone(context):
    faults = [KILLS_DAEMON if m in (7, 39) else NONE for m in range(40)]
    undisturbed, _ = context.run_local(job([NONE] * 40), options=["--processes", context.program("deadly")])
    daemon = start(context, options=["--sandbox", "off"])  # it would refuse that
    number = daemon.submit(job(faults, max_attempts=2))["id"]
    ended, deaths = run_to_the_end(daemon, number, 8)
    equal((ended["state"], ended["done"], ended["dead"]), ("partial", 38, 2), f"the end; {daemon.log()}")
    check(6 <= deaths <= 8, f"{deaths} deaths: both members may stand at one, until they run alone; {daemon.log()}")
    listed = daemon.request("GET", f"/v1/jobs/{number}/members", status=200).json["members"]
    equal([(m["member"], m["attempts"]) for m in listed], [(7, 2), (39, 2)], "dead members and their attempts")
    for m in listed:
        check("the daemon died 4 times" in m["reason"], m["reason"])
    values = harness.open_store(ended["store"])["p__value"][...]
    for m in set(range(40)) - {7, 39}:
        equal(values[m].tolist(), harness.open_store(undisturbed)["p__value"][m].tolist(), f"member {m}")


def test_others_wait_for_a_suspect_that_is_alone(context):
    gate = Gate(context)
    daemon = start(context)
    number = daemon.submit(job(WAITS))["id"]
    for _ in range(2):
        await_busy(daemon, number)
        daemon.kill()
        daemon.start()
    await_busy(daemon, number)
    other = daemon.submit(job(NONE))["id"]
    held = await_waiting(daemon, other, "runs alone")
    check(f"member 0 of job {number}" in held["waiting"], held["waiting"])
    told = context.run("simlab", "--server", f"unix:{daemon.socket}", "status", str(other))
    check(f"  waiting  {held['waiting']}\n" in told.stdout, f"simlab status: {told.stdout}")
    daemon.await_line(r"member 0 ran at 2 deaths of the daemon: it runs alone now")
    gate.open()
    for n in (number, other):
        equal(daemon.await_end(n)["state"], "succeeded", f"job {n}")


def test_an_orderly_stop_suspects_nobody(context):
    gate = Gate(context)
    daemon = start(context)
    number = daemon.submit(job(WAITS, max_attempts=1))["id"]
    for _ in range(3):
        await_busy(daemon, number)
        daemon.stop()
        daemon.start()
    await_busy(daemon, number)
    daemon.finish(job(NONE))  # beside it
    gate.open()
    equal(daemon.await_end(number)["state"], "succeeded", "the job")


def test_leaving_a_daemon_that_is_silent_is_no_attempt(context):
    gate = Gate(context)
    daemon = start(context, workers=1)
    number = daemon.submit(job(WAITS, max_attempts=1))["id"]
    pid = await_busy(daemon, number)
    daemon.process.send_signal(signal.SIGSTOP)
    check(harness.await_exit(pid), "the worker stays though its daemon is silent")
    daemon.process.send_signal(signal.SIGCONT)
    gate.open()
    ended = daemon.await_end(number)
    equal((ended["state"], ended["dead"]), ("succeeded", 0), f"the job; {daemon.log()}")


# ---- stores that are elsewhere ----


def test_two_daemons_with_one_store_root(context):
    """A store is one job's of one daemon's, also where each would name it alike by itself."""
    root = context.directory("root")
    daemons = [start(context, workers=1, options=["--store-root", root]) for _ in range(2)]
    answers = [d.request("POST", "/v1/jobs", {**job([NONE] * 4), "store": "same"}) for d in daemons]
    equal([answer.status for answer in answers], [201, 409], "who gets the store")
    check("exists already" in answers[1].json["detail"], answers[1].json)
    ended = [daemons[i].await_end(n) for i, n in [
        (0, answers[0].json["id"]),
        *((i, d.submit(job([NONE] * (4 + i)))["id"]) for i, d in enumerate(daemons))]]
    equal([e["state"] for e in ended], ["succeeded"] * 3, "the ends")
    equal(len({e["store"] for e in ended}), 3, "stores")
    equal([len(harness.open_store(e["store"])["p__value"]) for e in ended], [4, 4, 5], "members in each")


def test_a_state_that_was_moved_goes_on_where_it_was(context):
    gate = Gate(context)
    daemon = start(context)
    first = daemon.finish(job(NONE))["id"]
    wanted = job([NONE] * 20 + [WAITS] + [NONE] * 20)
    number = daemon.submit(wanted)["id"]
    await_busy(daemon, number)
    daemon.stop()
    moved = context.path("moved")
    shutil.move(daemon.state, moved)
    gate.open()
    other = start(context, state=moved)
    ended = other.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", 41), f"the end; {other.log()}")
    for n in (first, number):
        equal(other.job(n)["store"], os.path.join(moved, "stores", f"{n}.zarr"), "store")
        harness.open_store(other.job(n)["store"])
    check(not os.path.exists(daemon.state), "something was made at the old place")


# ---- closing ----


def test_a_store_is_closed_however_often_that_is_interrupted(context):
    daemon = context.daemon(workers=1)
    members = 60
    wanted = harness.load(harness.GOLDEN, "batch-velocity", "job.json")
    wanted["inputs"]["advect__v"] = {"dims": ["batch"], "data": [0.1 + 0.8 * i / members for i in range(members)]}
    wanted["encoding"] = {"profile__u": {"chunks": [1, 1, 30]}}
    wanted["max_attempts"] = 1
    number = daemon.submit(wanted)["id"]
    daemon.await_event(number, lambda kind, data: kind == "progress" and data["done"] == members)
    killed = set()
    while len(killed) < 4 and daemon.job(number)["state"] == "running":
        for w in daemon.workers():
            if w["job"] == number and w["pid"] not in killed:
                killed.add(w["pid"])
                os.kill(w["pid"], signal.SIGKILL)
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", members), f"the end; {daemon.log()}")
    undisturbed, _ = context.run_local(wanted)
    harness.same_store(ended["store"], undisturbed)


# ---- locks ----


def test_the_locks_of_a_cancelled_job_go(context):
    gate = Gate(context)
    daemon = start(context, workers=1)
    number = daemon.submit(job([NONE] * 5 + [WAITS]))["id"]
    await_busy(daemon, number)
    store = daemon.job(number)["store"]
    queued = daemon.submit(job(NONE))["id"]
    check(os.path.isdir(store + ".sync"), "the locks are there")
    for n in (number, queued):
        daemon.request("POST", f"/v1/jobs/{n}/cancel", status=200)
    gate.open()
    for n in (number, queued):
        daemon.await_gone(daemon.job(n)["store"] + ".sync")


def test_locks_that_a_former_daemon_left_go_at_the_start(context):
    Gate(context)
    daemon = start(context, workers=1)
    number = daemon.submit(job([NONE] * 5 + [WAITS]))["id"]
    await_busy(daemon, number)
    store = daemon.job(number)["store"]
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)  # its worker still has the lease
    daemon.kill()
    check(os.path.isdir(store + ".sync"), "the locks are there")
    daemon.start()
    daemon.await_gone(store + ".sync")


# ---- databases ----


def test_jobs_of_a_former_version_go_on(context):
    """They have no contents of libraries, and their stores no mark of whose they are."""
    import sqlite3  # pylint: disable=import-outside-toplevel
    gate = Gate(context)
    daemon = start(context, workers=1)
    numbers = [daemon.submit(job([NONE, NONE, WAITS, NONE]))["id"], daemon.submit(job(NONE))["id"]]
    await_busy(daemon, numbers[0])
    daemon.stop()
    for number in numbers:
        os.unlink(os.path.join(daemon.state, f"stores/{number}.zarr.sync/owner"))
    os.rmdir(os.path.join(daemon.state, f"stores/{numbers[1]}.zarr.sync"))
    os.rmdir(os.path.join(daemon.state, f"stores/{numbers[1]}.zarr"))
    with contextlib.closing(sqlite3.connect(os.path.join(daemon.state, "simlabd.db"))) as connection:
        connection.execute("DELETE FROM job_library")
        connection.commit()
    gate.open()
    daemon.start()
    for number in numbers:
        ended = daemon.await_end(number)
        equal((ended["state"], ended["reason"]), ("succeeded", None), f"job {number}; {daemon.log()}")


def refused(context, daemon, *words):
    """simlabd does not start, and says so; its words."""
    ended = subprocess.run([context.program("simlabd"), "--state", daemon.state, "--listen",
                            "unix:" + daemon.socket, "--processes", context.program("processes")],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.WAIT, check=False)
    equal(ended.returncode, 3, f"exit; {ended.stderr}")
    for word in words:
        check(word in ended.stderr, f"{word!r} is not in {ended.stderr!r}")
    return ended.stderr


def begun(context):
    """A daemon that was killed with a job done, and its database."""
    daemon = start(context)
    daemon.finish(job(NONE))
    daemon.kill()
    return daemon, os.path.join(daemon.state, "simlabd.db")


def accepts_loss(daemon, *words):
    """It starts with the option, says what is lost, and goes on without it."""
    daemon.options.append("--accept-loss")
    daemon.start()
    for word in words:
        check(word in daemon.log(), f"{word!r} is not in {daemon.log()!r}")
    daemon.options.remove("--accept-loss")
    ended = daemon.finish(job(NONE))
    check(os.path.isdir(ended["store"]), "the store")
    daemon.stop()
    daemon.start()
    equal(daemon.job(ended["id"])["state"], "succeeded", "the new job")


def test_a_database_that_is_missing_is_missed(context):
    daemon, database = begun(context)
    os.rename(database, database + ".aside")
    refused(context, daemon, database, "is missing", "while its -wal is there", "--accept-loss")
    os.rename(database + ".aside", database)
    daemon.start()
    equal(len(daemon.request("GET", "/v1/jobs", status=200).json["jobs"]), 1, "jobs")
    daemon.stop()
    os.unlink(database)
    refused(context, daemon, database, "is missing", "--accept-loss", "all jobs are unknown, and their stores stay")
    check(not os.path.exists(database), "a new one was made")
    accepts_loss(daemon, "is missing")
    check(os.path.isdir(os.path.join(daemon.state, "stores/1.zarr")), "the old store was taken away")


def test_a_database_that_is_empty_or_cut(context):
    for size, word in ((lambda s: 0, "is empty"), (lambda s: s // 2, "is damaged"), (lambda s: 4096, "is damaged")):
        daemon = start(context)
        daemon.finish(job(NONE))
        daemon.stop()  # all of it is in the file
        database = os.path.join(daemon.state, "simlabd.db")
        os.truncate(database, size(os.path.getsize(database)))
        refused(context, daemon, database, word, "--accept-loss")
        accepts_loss(daemon, word, f"{database}.lost-1")
        check(os.path.exists(f"{database}.lost-1"), "it was not set aside")
        daemon.stop()


def test_a_database_that_is_cut_while_its_wal_is_there(context):
    daemon = start(context)
    for _ in range(40):
        daemon.submit(job(NONE, name="x" * 100))
    daemon.stop()
    daemon.start()
    daemon.submit(job(NONE))
    daemon.kill()
    database = os.path.join(daemon.state, "simlabd.db")
    os.truncate(database, os.path.getsize(database) // 2)
    refused(context, daemon, database, "is damaged")


def test_a_wal_that_is_lost_is_missed(context):
    daemon, database = begun(context)
    os.rename(database + "-wal", database + "-wal.aside")
    refused(context, daemon, database, "holds nothing")
    os.rename(database + "-wal.aside", database + "-wal")
    daemon.start()
    daemon.stop()
    daemon.start()
    daemon.finish(job(NONE))
    daemon.kill()
    os.unlink(database + "-wal")
    refused(context, daemon, database + "-wal", "newest part", "--accept-loss")
    accepts_loss(daemon, "newest part")


def test_the_database_of_another(context):
    daemon, database = begun(context)
    other, theirs = begun(context)
    other.start()
    other.stop()
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(database + suffix)
    shutil.copy(theirs, database)
    refused(context, daemon, "is not the database that this state directory had")
    with open(database, "wb") as file:
        file.write(b"no database at all " * 1000)
    refused(context, daemon, database, "is damaged")


def test_documents_that_were_taken_away(context):
    import sqlite3  # pylint: disable=import-outside-toplevel
    gate = Gate(context)
    daemon = start(context, workers=1)
    daemon.submit(job(WAITS))
    number = daemon.submit(job(NONE))["id"]
    connection = sqlite3.connect(os.path.join(daemon.state, "simlabd.db"))
    connection.execute("DELETE FROM job_text WHERE job = 2")
    connection.commit()
    connection.close()
    gate.open()
    ended = daemon.await_end(number)
    equal(ended["state"], "failed", "state")
    check("the database has lost the document of job 2" in ended["reason"], ended["reason"])
    shown = daemon.request("GET", f"/v1/jobs/{number}/document")
    check(shown.status == 507 and "has lost the document" in shown.json["detail"], f"{shown}")


def test_a_store_root_that_is_a_file(context):
    daemon = start(context)
    daemon.stop()
    stores = os.path.join(daemon.state, "stores")
    os.rmdir(stores)
    with open(stores, "w", encoding="utf-8"):
        pass
    refused(context, daemon, stores, "Not a directory")


harness.main(globals())
