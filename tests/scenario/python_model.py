#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`simlab-worker run FILE.py:MODEL JOB.json`: a model that stands in a file of Python, with the modules beside it, and
a job, or a set-up, as a document."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

MODULES = os.path.join(harness.REPOSITORY, "tests/lib/python")
GROWTH = """
import numpy as np
import simlab.processes as xs

@xs.process
class Growth:
    rate = xs.variable(default=0.1)
    size = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.size = np.ones(3)

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        self.size = self.size * (1 + self.rate * dt)
"""
MODEL = """
import simlab.processes as xs
from growth import Growth
from parts.more import FACTOR

@xs.process
class Doubled:
    size = xs.foreign(Growth, "size")
    twice = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.twice = self.size * FACTOR

    def run_step(self):
        self.twice = self.size * FACTOR

model = xs.Model({"growth": Growth, "doubled": Doubled})
small = {"growth": Growth}
number = 5
"""
FILES = {"growth.py": GROWTH, "model.py": MODEL, "parts/__init__.py": "", "parts/more.py": "FACTOR = 2.0\n",
         "broken.py": "import nothing_of_the_kind\n", "notes.txt": "no module", "not-a-name.py": "no module"}
JOB = {"clocks": {"time": {"data": [0, 1, 2]}}, "main_clock": "time", "inputs": {"growth__rate": 1.0},
       "outputs": {"doubled__twice": "time"}, "max_attempts": 1}
SETUP = {"attrs": {"__xsimlab_output_vars__": "growth__size"}, "dims": {"time": 3},
         "coords": {"time": {"dims": ["time"], "data": [0, 1, 2],
                             "attrs": {"__xsimlab_output_clock__": 1, "__xsimlab_main_clock__": 1}}},
         "data_vars": {"growth__rate": {"dims": [], "attrs": {}, "data": 0.5}}}


def files(context, texts):
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("models")
    for name, text in texts.items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return folder


def run(context, model, document, code=0):
    folder = context.directory("run")
    path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    ended = context.run("simlab-worker", "run", model, path, "--store", store)
    equal(ended.returncode, code, f"exit status of {model}: {ended.stderr}")
    return store, ended.stderr


def test_a_model_by_its_name(context):
    folder = files(context, FILES)
    temporary = context.directory("temporary")
    os.environ["TMPDIR"] = temporary
    try:
        store, _ = run(context, os.path.join(folder, "model.py:model"), JOB)
        equal(harness.open_store(store)["doubled__twice"][:, 0].tolist(), [4, 8, 8], "of two modules and a package")
        contents = harness.provenance(store)["libraries"]
        equal(sorted(contents), ["growth", "model"], "libraries in the store")
        by_processes = {**JOB, "parallel": True, "scheduler": "processes", "threads": 2, "checkpoint": {"every": 10}}
        harness.same_store(store, run(context, os.path.join(folder, "model.py:model"), by_processes)[0])
        with open(os.path.join(folder, "parts/more.py"), "w", encoding="utf-8") as file:
            file.write("FACTOR = 3.0\n")
        other, _ = run(context, os.path.join(folder, "model.py:model"), JOB)
        now = harness.provenance(other)["libraries"]
        check(now["model"] != contents["model"], "its content is not known by what it imports")
        store, _ = run(context, os.path.join(folder, "model.py:small"), SETUP)
        equal(harness.open_store(store)["growth__size"][0], 2.25, "of a set-up that is the whole document")
    finally:
        del os.environ["TMPDIR"]
    equal(os.listdir(temporary), [], "what is left behind")


def test_golden_set_ups(context):
    case = load(GOLDEN, "advect", "job.json")
    processes = case["model"]["processes"]
    names = ", ".join(f'"{name}": reference.{of.partition(".")[2]}' for name, of in processes.items())
    with open(os.path.join(MODULES, "reference.py"), encoding="utf-8") as file:
        reference = file.read()
    folder = files(context, {"reference.py": reference, "model.py": f"import reference\nadvection = {{{names}}}\n"})
    store, _ = run(context, os.path.join(folder, "model.py:advection"), load(GOLDEN, "advect", "setup.json"))
    harness.golden_agrees(store, "advect")


PEER = """
import xsimlab as xs

@xs.process
class One:
    n = xs.variable(intent="out")

    def initialize(self):
        self.n = 1.0

model = xs.Model({"one": One})
"""


def test_a_model_of_the_peer(context):
    try:
        import attr  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        raise harness.Skip("xarray-simlab needs attrs") from error
    folder = files(context, {"peers.py": PEER})
    os.environ["PYTHONPATH"] = os.path.join(MODULES, "standin")
    try:
        store, _ = run(context, os.path.join(folder, "peers.py:model"), {**JOB, "inputs": {}, "outputs": {"one__n": None}})
    finally:
        del os.environ["PYTHONPATH"]
    equal(float(harness.open_store(store)["one__n"][()]), 1.0, "n")


def test_what_is_no_model(context):
    folder = files(context, FILES)
    for model, words in (("model.py:number", ["model.py has no model number", "it has model, small"]),
                         ("growth.py:model", ["growth.py has no model model", "it has none"]),
                         ("nowhere.py:model", ["cannot read the module", "No such file"]),
                         ("model.py", ["should be FILE.py:NAME"]), ("model:model", ["should be FILE.py:NAME"]),
                         ("model.py:", ["should be FILE.py:NAME"]),
                         ("broken.py:model", ["No module named 'nothing_of_the_kind'"])):
        store, said = run(context, os.path.join(folder, model), JOB, 2)
        for word in ["refused", *words]:
            check(word in said, f"{model}: {word!r} is not in {said}")
        check(not os.path.exists(store), f"{model}: there is a store")
    _, said = run(context, os.path.join(folder, "model.py:small"), {**JOB, "model": {"processes": {"g": "growth.Growth"}}}, 2)
    check("the job has a model" in said and "/model" in said, said)


if __name__ == "__main__":
    harness.main(globals())
