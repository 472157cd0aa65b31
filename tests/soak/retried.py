# SPDX-License-Identifier: Apache-2.0
"""Batches with dead members and damaged chunks are retried while daemon, workers and guards are
killed and stopped: the stores are those of undisturbed runs without deaths, byte for byte."""
import os

import batches
import harness
import kills
from harness import equal
from patience import Patient
from turn import Disturber, look_for_bugs

STEADY = {"m__size": 4, "m__grows": 0}  # the layout is the same, whoever decides it


class Retried:
    """A batch, and the store of a run in which nothing went wrong. The cure is there by then."""

    def __init__(self, context, drawn, options, **how):
        self.job = batches.draw(drawn, members=drawn.choice((5, 17, 60, 150)), may_crash=False, **how)
        members = len(self.job["inputs"]["m__fault"]["data"])
        self.job["inputs"].update(STEADY)
        for m in drawn.sample(range(1, members), max(1, members // 10)):
            self.job["inputs"]["m__fault"]["data"][m] = batches.FAILS
        self.job["max_attempts"] = 1000  # who is killed is not to die of it
        self.members, self.context, self.options = members, context, options
        self.number = self.store = None

    def damage(self, drawn):
        """Removes, cuts and changes some chunks of outputs."""
        files = [name for name in harness.files_of(self.store) if name.startswith("m__") and not name.split("/")[1].startswith(".")]
        for name in drawn.sample(files, min(len(files), drawn.randint(1, 4))):
            path = os.path.join(self.store, name)
            with open(path, "rb") as file:
                data = file.read()
            os.remove(path)
            if drawn.random() < 0.6:
                with open(path, "wb") as file:
                    file.write(data[:len(data) // 2] if drawn.random() < 0.5 else data[:-1] + bytes([data[-1] ^ 255]))

    def retry(self, patient):
        """As a client does that is not answered: asked again until the job goes on, or has."""
        before = patient.job_now(self.number)["retries"]

        def attempt():
            daemon = patient.daemon
            self.context.run("simlab", "retry", "--damaged", self.number, "--server", daemon.server, "--token", daemon.token,
                             "--timeout", "5")
            return patient.job_now(self.number)["retries"] > before or None
        patient.until(attempt)

    def compare(self, patient):
        ended = patient.job_now(self.number)
        equal((ended["state"], ended["done"], ended["dead"]), ("succeeded", self.members, 0), f"job {ended}")
        patient.unlocked(ended["store"])
        undisturbed, _ = self.context.run_local(self.job, 0, self.options)
        harness.same_store(undisturbed, ended["store"])


def turn(context, drawn, most=kills.MOST, longest=max(kills.FROZEN), jobs=3, **how):
    """How often they were disturbed."""
    cure = os.environ["SIMLAB_TEST_CURE"] = context.path("cure")
    options = ["--processes", context.program("varied")]
    daemon = context.daemon(workers=drawn.randint(1, 3), options=options)
    patient = Patient(daemon)
    wanted = [Retried(context, drawn, options, **how) for _ in range(jobs)]
    for i, one in enumerate(wanted):
        one.number = patient.submit(one.job, f"retried-{i}")
    for one in wanted:
        patient.end(one.number)
        ended = patient.job_now(one.number)
        patient.unlocked(ended["store"])
        one.store = ended["store"]
        if ended["state"] != "failed":  # some end before they would have died
            one.damage(drawn)
    with open(cure, "w", encoding="utf-8"):
        pass
    with Disturber(drawn, kills.Acts(daemon, longest).all(), most) as disturber:
        for one in wanted:
            one.retry(patient)
        for one in wanted:
            patient.end(one.number)
        disturber.end()
        for one in wanted:
            one.compare(patient)
        patient.stop()
        look_for_bugs(daemon)
        return len(disturber.told)
