#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Stores that are taken away while their job runs: the job waits, says for what, and goes on once
they are back, to the store of an undisturbed run. Nothing is ever made in their place, and what was
done and is lost for good is never told as a success (ARCHITECTURE section 5, invariants 1 and 2).

The library is tests/lib/deadly.c: a member that waits holds the job where it is."""
import contextlib
import os
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

NONE, WAITS = 0, 2
MEMBERS, WAITING = 21, 10
ARRAY = "p__value"


def job(**more):
    return {"model": {"processes": {"p": "deadly.Deadly"}},
            "clocks": {"time": {"data": [0.0, 1.0, 2.0, 3.0]}}, "main_clock": "time", "batch_dim": "batch",
            "inputs": {"p__fault": {"dims": ["batch"], "data": [WAITS if m == WAITING else NONE for m in range(MEMBERS)]}},
            "outputs": {ARRAY: "time"}, **more}


class Scene:
    """A job of which something is done; one of its members waits at the gate."""

    def __init__(self, context, workers=1, **more):
        self.context, self.gate, self.aside = context, context.path("gate"), context.directory("aside")
        os.environ["SIMLAB_TEST_GATE"] = self.gate
        self.daemon = context.daemon(workers=workers, options=["--processes", context.program("deadly")])
        self.job = job(**more)
        self.number = self.daemon.submit(self.job)["id"]
        self.store = self.daemon.job(self.number)["store"]
        self.daemon.await_event(self.number, lambda kind, data: kind == "progress" and data["done"] > 0)
        self.daemon.await_line(r"waits at the gate")

    def open_gate(self):
        with open(self.gate, "w", encoding="utf-8"):
            pass

    def _path(self, name):
        return self.store + ".sync" + name[5:] if name.startswith(".sync") else os.path.join(self.store, name)

    def take(self, name):
        """Of the store: "" or what is in it, ".sync" or what is in that."""
        os.rename(self._path(name).rstrip("/"), self._aside(name))

    def _aside(self, name):
        return os.path.join(self.aside, "taken" + name.replace("/", "_"))

    def put_back(self, name):
        path = self._path(name).rstrip("/")
        check(not os.path.lexists(path), f"{path} was made anew")
        os.rename(self._aside(name), path)

    def await_vanished(self):
        """The job says for what it waits."""
        while True:
            j = self.daemon.job(self.number)
            check(j["state"] == "running", f"job ended: {j}\n{self.daemon.log()}")
            if j["waiting"]:
                check("the store has vanished: " + self.store in j["waiting"], j["waiting"])
                return

    def end(self):
        ended = self.daemon.await_end(self.number)
        equal((ended["state"], ended["done"], ended["dead"]), ("succeeded", MEMBERS, 0), f"the end; {self.daemon.log()}")
        equal(ended["waiting"], None, "what it waits for")
        undisturbed, _ = self.context.run_local(self.job, options=["--processes", self.context.program("deadly")])
        harness.same_store(ended["store"], undisturbed)


def taken(*names):
    def test(context):
        scene = Scene(context)
        for name in names:
            scene.take(name)
        scene.open_gate()
        scene.await_vanished()
        for name in reversed(names):
            scene.put_back(name)
        scene.end()
    return test


def tests():
    yield "the store", taken("")
    yield "its locks", taken(".sync")
    yield "the store and the mark of its owner", taken("", ".sync/owner")
    yield "an array", taken(ARRAY)


def test_a_daemon_that_starts_waits_too(context):
    scene = Scene(context)
    scene.daemon.kill()
    scene.take("")
    scene.open_gate()
    scene.daemon.start()
    scene.await_vanished()
    scene.daemon.stop()
    scene.daemon.start()
    scene.await_vanished()
    scene.put_back("")
    scene.end()


def test_one_of_a_former_version_is_waited_for(context):
    """It has no mark of its owner, and its job no contents of libraries, until it is back."""
    scene = Scene(context)
    scene.daemon.kill()
    with contextlib.closing(sqlite3.connect(os.path.join(scene.daemon.state, "simlabd.db"))) as database, database:
        database.execute("DELETE FROM job_library")
    os.unlink(scene.store + ".sync/owner")
    scene.take("")
    scene.open_gate()
    scene.daemon.start()
    scene.daemon.await_line("job 1 waits: the store has vanished")
    scene.await_vanished()
    scene.daemon.finish(job())
    scene.put_back("")
    scene.end()


def test_others_run_meanwhile_and_it_can_be_cancelled(context):
    scene = Scene(context)
    scene.take("")
    scene.open_gate()
    scene.await_vanished()
    scene.daemon.finish(job())
    scene.daemon.request("POST", f"/v1/jobs/{scene.number}/cancel", status=200)
    ended = scene.daemon.await_end(scene.number)
    equal(ended["state"], "cancelled", "the job")
    scene.daemon.await_gone(scene.store + ".sync")
    check(not os.path.lexists(scene.store), "the store was made anew")


def test_what_took_its_place_is_left_alone(context):
    """Another's directory, and a link: neither is written to."""
    scene = Scene(context)
    scene.take("")
    other = scene.context.directory("other")
    os.symlink(other, scene.store)
    scene.open_gate()
    scene.await_vanished()
    equal(os.listdir(other), [], "what the link leads to")
    os.unlink(scene.store)
    os.mkdir(scene.store)
    scene.daemon.finish(job())  # it has been looked at meanwhile
    scene.await_vanished()
    equal(os.listdir(scene.store), [], "the directory in its place")
    os.rmdir(scene.store)
    scene.put_back("")
    scene.end()


def test_what_was_done_and_is_lost_is_no_success(context):
    """The chunk is that of all members: the others' rows are made anew, the done ones' are missed."""
    scene = Scene(context)
    with open(os.path.join(scene.store, ARRAY, ".zarray"), encoding="utf-8") as file:
        chunks = harness.json.load(file)["chunks"]
    check(chunks[0] >= MEMBERS, f"chunks of {chunks}")
    key = next(n for n in os.listdir(os.path.join(scene.store, ARRAY)) if n[0] != ".")
    os.unlink(os.path.join(scene.store, ARRAY, key))
    scene.open_gate()
    ended = scene.daemon.await_end(scene.number)
    equal((ended["state"], ended["done"]), ("failed", MEMBERS), f"the end; {scene.daemon.log()}")
    for word in (f'chunk {key} of array "{ARRAY}"', "member 0"):
        check(word in ended["reason"], f"{word!r} is not in {ended['reason']!r}")


def test_inputs_that_are_lost_are_written_again(context):
    """They are the job's own: closing knows them."""
    scene = Scene(context)
    shutil.rmtree(os.path.join(scene.store, "time"))
    os.unlink(os.path.join(scene.store, "p__fault", "0"))
    os.unlink(os.path.join(scene.store, ".zattrs"))
    scene.open_gate()
    scene.end()


harness.main(globals(), tests())
