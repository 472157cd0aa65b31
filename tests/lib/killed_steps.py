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
SCHEDULERS = ("serial", "threads", "processes", "auto")
THREADS = {"serial": (1,), "threads": (1, 2, 4, 8), "processes": (1, 2, 3, 4), "auto": (2, 4)}
RESUMED = re.compile(r"it goes on after step \d+, from its checkpoint")
# What a run says of itself, and not of its members.
OWN = re.compile(r"it goes on after step|it runs from its start|its worker was killed by signal 9|a helper of its worker|"
                 r"members are done, and|a checkpoint was not saved|there is no checkpoint after step")

ERROR = re.compile(r"simlab-worker: (error|warning): ")


class Subject:
    """A job, with the killer among its processes."""

    def __init__(self, context, name, job, drawn, libraries=()):
        self.context, self.name, self.job, self.drawn = context, name, job, drawn
        self.options = ["--processes", context.program("killer")]
        for directory in libraries:
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
        options = [*self.options, "--processes", self.context.program("processes"), *(["--resume"] if resume else [])]
        return LocalRun(self.context, job, store, options, {"SIMLAB_TEST_KILL": order} if order else None)

    def undisturbed(self):
        if not self.plain:
            self.plain = self.context.path("plain.zarr")
            run = self.run({**self.job, "parallel": False}, self.plain)
            run.finish()
            self.lines, self.code = lines_of(run.said), run.process.returncode
        return self.plain

    def to_be_killed(self, scheduler):
        job = {**self.job, "checkpoint": {"every": 1}, "max_attempts": 3}
        if not self.is_batch():
            job.update(scheduler=scheduler, threads=self.drawn.choice(THREADS[scheduler]))
        return job

    def write_order(self, whom, step, store):
        order = os.path.join(self.context.directory("order"), "order")
        with open(order, "w", encoding="utf-8") as file:
            file.write(f"{step} {whom} {f'{store}.sync/.checkpoints/0' if step > 0 else '-'}\n")
        return order

    def killed(self, scheduler, whom, step):
        """Whether it was killed, and whether it went on from a checkpoint: some end before, or are killed before one
        is whole."""
        store = self.context.path("out.zarr")
        job, order = self.to_be_killed(scheduler), self.write_order(whom, step, store)
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

    def killed_in_daemon(self, scheduler, step):
        """The same, in a daemon."""
        state = self.context.directory("state")
        job = {**self.to_be_killed(scheduler), "store": "killed.zarr"}
        order = self.write_order("worker", step, os.path.join(state, "stores", "killed.zarr"))
        daemon = self.context.daemon(state=state, workers=2, options=[*self.options, "--writable", os.path.dirname(order)],
                                     env={"SIMLAB_TEST_KILL": order})
        number = daemon.submit(job)["id"]
        logged = []
        daemon.await_event(number, lambda kind, data: (kind == "log" and logged.append(data)) or kind in harness.FINAL)
        ended = daemon.await_end(number)
        what = f"{self.name}, {scheduler}, killed in step {step} in a daemon: {logged}; {ended}"
        equal(ended["state"] == "succeeded", self.code == 0, what)
        said = "\n".join(f"simlab-worker: member {line['member']}: {line['line']}" if self.is_batch() else
                         f"simlab-worker: {line['line']}" for line in logged)
        equal(by_member(lines_of(said)), by_member(line for line in self.lines if not ERROR.match(line)), what)
        harness.same_store(self.undisturbed(), ended["store"])
        daemon.stop()
        return not os.path.exists(order), RESUMED.search(said) is not None

    def at_random(self, scheduler, is_in_daemon=False):
        self.undisturbed()
        step = self.drawn.randrange(min(1, self.steps() - 1), self.steps())
        if is_in_daemon:
            return self.killed_in_daemon(scheduler, step)
        return self.killed(scheduler, "all" if self.drawn.randrange(3) == 0 else "worker", step)


def by_member(lines):
    """In the order of each; those of several workers come side by side."""
    found = {}
    for line in lines:
        member = re.match(r"simlab-worker: member (\d+): ", line)
        found.setdefault(member and int(member.group(1)), []).append(line)
    return found


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
