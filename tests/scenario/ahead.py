#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The first member of a batch, which decides the layout, does not hold up the rest: others run
beside it, whatever becomes of it, and the store is the same (daemon/dispatch/ahead.c). Members are
those of tests/lib/patient.c, whose steps wait until they are let go."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from patient import Patience  # pylint: disable=wrong-import-position
from harness import check, equal

STEPS = 2


def job(numbers, **more):
    return {"model": {"processes": {"p": "patient.Patient"}}, "batch_dim": "batch",
            "clocks": {"time": {"data": [float(i) for i in range(STEPS + 1)]}}, "main_clock": "time",
            "inputs": {"p__number": {"dims": ["batch"], "data": numbers}},
            "outputs": {"p__value": "time"}, **more}


class Scene:
    """A daemon whose members wait, and a store of the same job, of members that did not."""

    def __init__(self, context, workers, numbers, **more):
        self.context, self.numbers, self.job = context, numbers, job(numbers, **more)
        self.patience = Patience(context)
        options = ["--processes", context.program("patient")]
        os.environ.update(self.patience.environment())
        self.patience.give(STEPS * len(numbers))
        self.store, _ = context.run_local(self.job, 0, options)
        self.daemon = context.daemon(workers=workers, options=options, env=self.patience.environment())
        self.id = self.daemon.submit(self.job)["id"]

    def await_begun(self, members):
        """All of these run at once."""
        left = set(members)

        def begun(kind, data):
            if kind == "log" and data["line"] == "p: step 0":
                left.discard(data["member"])
            check(kind not in harness.FINAL, f"the job ended: {data}")
            return not left
        self.daemon.await_event(self.id, begun)

    def worker_of(self, member):
        for worker in self.daemon.workers():
            if worker.get("lease") == [member, member + 1]:
                return worker["pid"]
        raise harness.Failure(f"nobody runs member {member}: {self.daemon.workers()}")

    def kill(self, member):
        pid = self.worker_of(member)
        os.kill(pid, signal.SIGKILL)
        harness.await_exit(pid)

    def end(self, more=0, state="succeeded"):
        """Lets all steps go on, and `more` beside, of members that run again."""
        self.patience.give(STEPS * len(self.numbers) + more)
        ended = self.daemon.await_end(self.id)
        equal(ended["state"], state, f"state ({ended.get('reason')})\n{self.daemon.log()}")
        self.patience.close()
        return ended


def test_all_run_in_one_round(context):
    scene = Scene(context, 3, [1, 2, 3])
    scene.await_begun(range(3))
    harness.same_store(scene.store, scene.end()["store"])


def test_its_worker_is_killed(context):
    scene = Scene(context, 2, [1, 2, 3, 4])
    scene.await_begun([0, 1])
    scene.kill(0)
    harness.same_store(scene.store, scene.end(STEPS)["store"])


def test_another_worker_is_killed(context):
    scene = Scene(context, 2, [1, 2, 3, 4])
    scene.await_begun([0, 1])
    scene.kill(1)
    harness.same_store(scene.store, scene.end(STEPS)["store"])


def test_it_dies(context):
    """The next one decides, which has run by then."""
    scene = Scene(context, 2, [1, 2, 3, 4], max_attempts=1)
    scene.await_begun([0, 1])
    scene.kill(0)
    ended = scene.end(state="partial")
    equal((ended["done"], ended["dead"]), (3, 1), "members done, dead")
    values = harness.open_store(ended["store"])["p__value"][...]
    equal(values[1:].tolist(), [[n + 0.25, n + 0.5, n + 0.5] for n in (2.0, 3.0, 4.0)], "values")
    check((values[0] != values[0]).all(), f"something is left of the dead: {values[0]}")


def test_the_daemon_is_killed(context):
    scene = Scene(context, 2, [1, 2, 3, 4])
    scene.await_begun([0, 1])
    pids = [scene.worker_of(0), scene.worker_of(1)]
    scene.daemon.kill()
    for pid in pids:
        harness.await_exit(pid)
    scene.daemon.start()
    harness.same_store(scene.store, scene.end(2 * STEPS)["store"])


def test_it_is_cancelled(context):
    """Those that wait for the layout, too."""
    scene = Scene(context, 2, [1, 2, 3])
    scene.await_begun([0, 1])
    scene.patience.give(2 * STEPS - 1)  # one of them ends, if it is the first then in order
    scene.daemon.request("POST", f"/v1/jobs/{scene.id}/cancel", status=200)
    scene.end(state="cancelled")
    scene.daemon.stop()


def test_one_worker_is_kept_for_the_first(context):
    """Of the two that the job may have: its first member dies again and again, and rests, while others are idle."""
    members = 6
    document = {"model": {"processes": {"m": "varied.Member"}}, "main_clock": "time", "batch_dim": "b",
                "clocks": {"time": {"data": [0, 1, 2]}}, "outputs": {"m__value": None}, "max_attempts": 4, "workers": 2,
                "inputs": {"m__fault": {"dims": ["b"], "data": [2] + [0] * (members - 1)},
                           "m__work": {"dims": ["b"], "data": [0] * members}}}
    daemon = context.daemon(workers=4, options=["--processes", context.program("varied")])
    ended = daemon.await_end(daemon.submit(document)["id"])
    equal((ended["state"], ended["done"], ended["dead"]), ("partial", members - 1, 1), f"{ended}")

harness.main(globals())
