# SPDX-License-Identifier: Apache-2.0
"""Local runs whose worker is killed (SIGKILL) in the midst of a step, by tests/lib/killer.c, and that go on from a
checkpoint: with the store, the log and the end of a run that nobody has disturbed. Of golden cases, and of the random
models of tests/threads/random_models."""
import json
import os
import re
import signal

import harness
from harness import check, equal
from local_run import LocalRun

OUTPUTS = 10  # of a random model: each is a hash of much that came before it, and costs some files
SCHEDULERS = ("serial", "threads", "processes")
RESUMED = re.compile(r"it goes on after step \d+, from its checkpoint")
# What a run says of itself, and not of its members.
OWN = re.compile(r"it goes on after step|it runs from its start|its worker was killed by signal 9|a helper of its worker|"
                 r"members are done, and|a checkpoint was not saved|there is no checkpoint after step")


class Subject:
    """A job, with the killer among its processes."""

    def __init__(self, context, name, job, drawn, libraries=()):
        self.context, self.name, self.job, self.drawn = context, name, job, drawn
        self.options = ["--processes", context.program("killer")]
        for directory in (*libraries, context.program("processes")):
            self.options += ["--processes", directory]
        model = self.job["model"]
        names = sorted(model["processes"])
        model["processes"]["killer"] = "killer.Killer"
        other, way = drawn.choice(names), drawn.randrange(3)
        if way == 1:
            model.setdefault("after", {}).setdefault(other, []).append("killer")
        elif way == 2:
            model.setdefault("after", {})["killer"] = [other]
        self.plain, self.lines, self.code = None, None, None

    def is_batch(self):
        return "batch_dim" in self.job or "sweep" in self.job

    def steps(self):
        return len(self.job["clocks"][self.job.get("main_clock") or next(iter(self.job["clocks"]))]["data"]) - 1

    def run(self, job, store, order=None, resume=False):
        return LocalRun(self.context, job, store, [*self.options, *(["--resume"] if resume else [])],
                        {"SIMLAB_TEST_KILL": order} if order else None)

    def undisturbed(self):
        if not self.plain:
            self.plain = self.context.path("plain.zarr")
            run = self.run({**self.job, "parallel": False}, self.plain)
            run.finish()
            self.lines, self.code = lines_of(run.said), run.process.returncode
        return self.plain

    def killed(self, scheduler, whom, step):
        """Whether it was killed, and whether it went on from a checkpoint: some end before, or are killed before one
        is whole."""
        store = self.context.path("out.zarr")
        order = os.path.join(self.context.directory("order"), "order")
        checkpoint = f"{store}.sync/.checkpoints/0" if step > 0 else "-"
        with open(order, "w", encoding="utf-8") as file:
            file.write(f"{step} {whom} {checkpoint}\n")
        job = {**self.job, "checkpoint": {"every": 1}, "max_attempts": 3}
        if not self.is_batch():
            job.update(scheduler=scheduler, threads=1 if scheduler == "serial" else self.drawn.randint(2, 4))
        run = self.run(job, store, order)
        run.finish()
        what = f"{self.name}, {scheduler}, {whom} killed in step {step}: {run.said}"
        was_killed = not os.path.exists(order)
        if was_killed and whom == "all":
            equal(run.process.returncode, -signal.SIGKILL, what)
            run = self.run(job, store, resume=True)
            run.finish()
            what += f"; then: {run.said}"
        equal(run.process.returncode, self.code, what)
        equal(lines_of(run.said), self.lines, what)
        harness.same_store(self.undisturbed(), store)
        return was_killed, RESUMED.search(run.said) is not None

    def at_random(self, scheduler):
        self.undisturbed()
        whom = "all" if self.drawn.randrange(3) == 0 else "worker"
        return self.killed(scheduler, whom, self.drawn.randrange(min(1, self.steps() - 1), self.steps()))


def lines_of(said):
    return [line for line in said.splitlines() if not OWN.search(line)]


def golden(context, case, drawn):
    return Subject(context, case, harness.load(harness.GOLDEN, case, "job.json"), drawn)


def random_model(context, number, drawn):
    """tests/threads/random_models has it as a library that makes its types from its configuration."""
    folder = context.directory("model")
    os.link(context.program("random/random.so"), os.path.join(folder, "t.so"))
    with open(os.path.join(folder, "t.configuration"), "w", encoding="utf-8") as file:
        file.write(str(number))
    said = context.run("threads/random_models", "--job", str(number))
    check(said.returncode == 0, said.stderr)
    job = json.loads(said.stdout)
    kept = drawn.sample(sorted(job["outputs"]), min(OUTPUTS, len(job["outputs"])))
    job["outputs"] = {name: job["outputs"][name] for name in kept}
    return Subject(context, f"model {number}", job, drawn, [folder])
