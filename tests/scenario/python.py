#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Models in Python: the golden cases by the classes that they were computed with (tests/lib/python/
reference.py), locally and through a daemon, by each scheduler; and what Python authors expect
(pieces.py there)."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN

MODULES = os.path.join(harness.REPOSITORY, "tests/lib/python")


def library(context, *names):
    """A directory of libraries: each is a link to the host, with the module beside it."""
    host = context.program("python/python.so")
    if not os.path.exists(host):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("modules")
    for name in names:
        os.symlink(host, os.path.join(folder, name + ".so"))
        shutil.copy(os.path.join(MODULES, name + ".py"), folder)
        with open(os.path.join(folder, name + ".files"), "w", encoding="utf-8") as file:
            file.write(name + ".py\n")
    return folder


def local(context, document, folder, code=0):
    return context.run_local(document, code, ["--processes", folder])


def values(store, name):
    return harness.open_store(store)[name][...]


def run(context, processes, outputs, inputs=None, steps=3, code=0):
    document = {"model": {"processes": processes}, "clocks": {"time": {"data": list(range(steps + 1))}},
                "main_clock": "time", "inputs": inputs or {}, "outputs": {o: "time" for o in outputs},
                "max_attempts": 1}
    return local(context, document, library(context, "pieces"), code)


# ---- golden cases --------------------------------------------------------------------------------


COMPARED = ("advect", "gray-scott", "dynamic-size")  # byte for byte, too: each run imports NumPy


def test_golden(context):
    folder = library(context, "reference")
    for case in harness.golden_cases():
        document = load(GOLDEN, case, "job.json")
        store, _ = local(context, document, folder)
        harness.golden_agrees(store, case)
        if case not in COMPARED:
            continue
        document.update(parallel=True, threads=2, scheduler="threads")
        threads, _ = local(context, document, folder)
        harness.same_store(store, threads)


def test_golden_through_a_daemon(context):
    folder = library(context, "reference")
    empty = context.directory("empty")
    context.program = (lambda program: lambda name: empty if name == "processes" else program(name))(context.program)
    daemon = context.daemon(workers=2, options=["--processes", folder])
    for case in harness.golden_cases():
        ended = daemon.finish(load(GOLDEN, case, "job.json"))
        harness.golden_agrees(ended["store"], case)
        if case not in COMPARED:
            continue
        store, _ = local(context, load(GOLDEN, case, "job.json"), folder)
        harness.same_store(store, ended["store"])


def test_golden_refusals(context):
    folder = library(context, "reference")
    for name in sorted(os.listdir(os.path.join(GOLDEN, "errors"))):
        _, ended = local(context, load(GOLDEN, "errors", name)["job"], folder, code=2)
        check("refused" in ended.stderr, f"{name}: {ended.stderr}")


# ---- values --------------------------------------------------------------------------------------


def test_assigning_rebinds(context):
    store, _ = run(context, {"a": "pieces.Rebinding"}, ["a__change", "a__u"])
    equal(values(store, "a__change")[1].tolist(), [2.0, 4.0, 6.0, 8.0], "u - old, second step")


def test_arrays_that_are_kept_and_changed(context):
    store, _ = run(context, {"w": "pieces.Watcher", "p": "pieces.InPlace"},
                   ["p__u", "p__v", "w__total", "p__same", "w__is_writable"])
    equal(values(store, "p__u")[:3, 0].tolist(), [1, 2, 3], "what was changed in place")
    equal(values(store, "p__v")[:3, 0].tolist(), [3, 6, 9], "what was written through")
    equal(values(store, "w__total")[:3].tolist(), [3, 6, 9], "what another process sees")
    check(values(store, "p__same")[:3].all(), "an array that was assigned is not what is read")
    check(not values(store, "w__is_writable")[:3].any(), "an input can be written")


def test_texts_and_other_kinds(context):
    store, _ = run(context, {"k": "pieces.Kinds"}, ["k__number", "k__said"])
    equal(values(store, "k__number")[:3].tolist(), [3.0, 3.0, 3.0], "a whole number in a fraction's place")
    equal(values(store, "k__said")[:3].tolist(), [1, 2, 3], "counted")


def test_objects_validators_converters(context):
    processes = {"t": "pieces.Tool", "u": "pieces.User"}
    store, _ = run(context, processes, ["u__found"], {"t__size": 3.7})
    equal(values(store, "u__found")[0].tolist(), 3, "what a converter made, through an object")
    _, ended = run(context, processes, ["u__found"], {"t__even": 3}, code=1)
    check("even is odd: 3" in ended.stderr, ended.stderr)


def test_a_model_in_c_and_python(context):
    folder = library(context, "pieces")
    document = load(harness.REPOSITORY, "daemon/processes/landscape", "demo.json")
    del document["sweep"]
    document["model"]["processes"]["relief"] = "pieces.Relief"
    document["clocks"] = {"time": {"data": {"linspace": [0, 20000, 21]}},
                          "snapshot": {"data": {"linspace": [0, 20000, 5]}}}
    document["inputs"].update({"grid__ny": 30, "grid__nx": 40, "init__elevation": 0, "uplift__rate": 5e-4, "rivers__erodibility": 1e-5,
                               "hillslopes__diffusivity": 0.2})
    document["outputs"]["relief__mean"] = "snapshot"
    options = ["--processes", folder, "--processes", context.program("processes")]
    stores = [context.run_local({**document, **how}, 0, options)[0]
              for how in ({}, {"parallel": True, "threads": 2, "scheduler": "threads"})]
    harness.same_store(*stores)
    mean, elevation = values(stores[0], "relief__mean"), values(stores[0], "topography__elevation")
    # It is seen in run_step, before the step's uplift and erosion are added.
    check(0 < mean[1] < mean[2] < mean[3] < elevation[-1].mean(), f"means {mean}")


# ---- errors and lines ----------------------------------------------------------------------------


def test_what_is_printed_is_logged(context):
    _, ended = run(context, {"t": "pieces.Talker"}, [])
    for line in ("printed 1", "logged 2", "written"):
        check(line in ended.stderr, f"{line!r} is not in {ended.stderr}")


WRONG = {
    "raises": ["KeyError: 'missing'", "pieces.py", "in helper", "called at", "in run_step"],
    "exits": ["called sys.exit(3)"],
    "dtype": ["'out'", "str"],
    "dims": ["'out'", "2 dimensions"],
    "object": ["'out'", "any_object"],
    "unset": ["'never'", "no value yet"],
    "input": ["'how'", "intent is in"],
    "signal": ["7 is not a valid RuntimeSignal"],
    "attribute": ["'Wrong' object has no attribute 'nothing'"],
}


def test_errors_say_what_and_where(context):
    for how, words in WRONG.items():
        _, ended = run(context, {"bad": "pieces.Wrong"}, ["bad__out"], {"bad__how": how}, code=1)
        for word in ["process 'bad' (pieces.Wrong), run_step of step 0", *words]:
            check(word in ended.stderr, f"{how}: {word!r} is not in {ended.stderr}")


def test_another_python_in_the_path(context):
    folder, other = library(context, "pieces"), context.directory("other")
    os.makedirs(os.path.join(other, "bin"))
    os.makedirs(os.path.join(other, "lib/python3.11"))
    for place in ("bin/python3", "lib/python3.11/os.py"):
        with open(os.path.join(other, place), "w", encoding="utf-8") as file:
            os.chmod(file.fileno(), 0o755)
    path = {"PATH": os.path.join(other, "bin") + ":" + os.environ["PATH"]}
    ended = context.run("simlab-worker", "describe", os.path.join(folder, "pieces.so"), env=path)
    equal(ended.returncode, 0, f"exit status: {ended.stderr}")
    version = json.loads(ended.stdout)["version"]
    check("Python 3." in version and "NumPy " in version, f"version {version!r}")


def broken(context, text, name="broken", beside=None):
    """(exit status, words) of describing a module of this text, with a module `beside` it."""
    folder = library(context)
    with open(os.path.join(folder, name + ".files"), "w", encoding="utf-8") as file:
        file.write(name + ".py\n")
    if beside:
        with open(os.path.join(folder, "beside.py"), "w", encoding="utf-8") as file:
            file.write(beside)
    os.symlink(context.program("python/python.so"), os.path.join(folder, name + ".so"))
    with open(os.path.join(folder, name + ".py"), "w", encoding="utf-8") as file:
        file.write(text)
    ended = context.run("simlab-worker", "describe", os.path.join(folder, name + ".so"))
    return ended.returncode, ended.stderr + ended.stdout


def test_modules_that_cannot_be_imported(context):
    for text, word in (("import nothing_of_the_kind", "No module named 'nothing_of_the_kind'"),
                       ("x = 1 +\n", "SyntaxError"), ("import sys; sys.exit(2)", "called sys.exit(2)")):
        code, told = broken(context, text)
        equal(code, 2, f"exit status of {text!r}")
        check(word in told, f"{word!r} is not in {told}")
    code, told = broken(context, "", "json")
    check("name yours otherwise" in told, told)


def test_what_belongs_to_a_module_is_listed(context):
    folder = library(context, "pieces")
    with open(os.path.join(folder, "pieces.files"), "w", encoding="utf-8") as file:
        file.write("other.py\n")
    with open(os.path.join(folder, "other.py"), "w", encoding="utf-8"):
        pass
    ended = context.run("simlab-worker", "describe", os.path.join(folder, "pieces.so"))
    check("pieces.py belongs to it: list it in pieces.files" in ended.stderr, ended.stderr)
    code, told = broken(context, "import beside\n", beside="x = 1\n")
    equal(code, 2, "exit status")
    check("beside.py belongs to it: list it in broken.files" in told, told)


TOGETHER = (  # what a process does, in a module that has these names
    ("pass", True), ("self._x = []; self._x.append(1)", True), ("count = TABLE['a']", True),
    ("self._random = np.random.default_rng(3)", True), ("SIZES = []; SIZES.append(1)", True),
    ("global COUNT; COUNT = 1", False), ("TABLE['a'] = 1", False), ("SIZES.append(1)", False), ("SIZES[0] += 1", False),
    ("P.n = 1", False), ("type(self).n += 1", False), ("self.own.append(1)", False), ("self.own = [1]", True),
    ("np.random.seed(1)", False), ("np.seterr(all='raise')", False))


def test_which_modules_stay_in_one_worker(context):
    for statement, is_movable in TOGETHER:
        code, told = broken(context, f"""
import numpy as np
import simlab.processes as xs
COUNT, TABLE, SIZES = 0, {{"a": 0}}, [1]

@xs.process
class P:
    n = 0
    own = []
    u = xs.variable()

    def run_step(self):
        {statement}
""")
        equal(code, 0, f"exit status of {statement!r}: {told}")
        equal(json.loads(told)["types"][0]["movable"], is_movable, statement)


# ---- checkpoints ---------------------------------------------------------------------------------


def test_runs_go_on_from_their_checkpoints(context):
    folder = library(context, "pieces")
    job = {"model": {"processes": {"b": "pieces.Bookkeeper", "r": "pieces.Reader", "w": "pieces.InPlace"}},
           "clocks": {"time": {"data": list(range(31))}}, "main_clock": "time", "max_attempts": 3,
           "outputs": {name: "time" for name in ("b__u", "b__ratio", "b__drawn", "r__n", "w__u", "w__v", "w__same")},
           "checkpoint": {"every": 1}}
    marker = context.path("marker")
    job["model"]["processes"]["killer"] = "pieces.Killer"
    job["inputs"] = {"killer__marker": marker,
                     "killer__checkpoint": os.path.join(context.root, "local.*", "out.zarr.sync", ".checkpoints", "0")}
    stores = []
    for is_killed in (False, True):
        if is_killed:
            os.mkdir(marker)
        store, ended = local(context, job, folder)
        stores.append(store)
        equal(ended.stderr.count("from its checkpoint"), int(is_killed), ended.stderr)
    equal(values(stores[0], "r__n")[:4].tolist(), [2, 4, 6, 8], "entries")
    harness.same_store(*stores)


def test_what_cannot_be_saved_is_named(context):
    folder = library(context, "pieces")
    for how, words in (("generator", "attribute '_steps' (generator) cannot be saved"),
                       ("view", "it is a view of another object")):
        job = {"model": {"processes": {"p": "pieces.Unsaved"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}},
               "main_clock": "time", "inputs": {"p__how": how}, "outputs": {"p__n": None},
               "checkpoint": {"every": 1}}
        store, ended = local(context, job, folder)
        check(words in ended.stderr, ended.stderr)
        equal(int(values(store, "p__n")), 3, "steps")


# ---- modules where they lie ----------------------------------------------------------------------


def module(folder, name, text, files=None):
    """A path of a module NAME.py, with a list of what belongs to it."""
    path = os.path.join(folder, name + ".py")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for file, content in ((path, text), (os.path.join(folder, name + ".files"), files)):
        if content is not None:
            with open(file, "w", encoding="utf-8") as stream:
                stream.write(content)
    return path


GROWTH = """
import simlab.processes as xs

@xs.process
class Growth:
    size = xs.variable(intent="out")

    def initialize(self):
        self.size = 1.0

    def run_step(self):
        self.size = self.size * FACTOR
"""
GROWTH_JOB = {"model": {"processes": {"g": "growth.Growth"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}},
              "main_clock": "time", "outputs": {"g__size": None}}


def test_a_module_is_given_where_it_lies(context):
    library(context)
    alone = module(context.directory("a"), "growth", "FACTOR = 2.0\n" + GROWTH)
    two = context.directory("b")
    module(two, "parts/factor", "FACTOR = 3.0\n")
    module(two, "parts/__init__", "")
    listed = module(two, "growth", "from parts.factor import FACTOR\n" + GROWTH,
                    "growth.py\nparts/__init__.py\nparts/factor.py\n")
    temporary = context.directory("temporary")
    os.environ["TMPDIR"] = temporary
    try:
        for path, size in ((alone, 8.0), (listed, 27.0)):
            store, _ = context.run_local(GROWTH_JOB, 0, ["--python", path])
            equal(float(values(store, "g__size")), size, f"size by {path}")
        for wrong, word in (((alone, listed), "another module has a file of that name"),
                            ((alone + "c",), "No such file"), ((os.path.join(two, "growth.files"),), "no module in Python"),
                            ((os.path.join(two, "parts"),), "parts.files, which lists the files of a module")):
            options = [word for path in wrong for word in ("--python", path)]
            _, ended = context.run_local(GROWTH_JOB, 2, options)
            check(word in ended.stderr, f"{word!r} is not in {ended.stderr}")
    finally:
        del os.environ["TMPDIR"]
    equal(os.listdir(temporary), [], "what is left behind")


def test_run_from_python(context):
    library(context)
    sys.path[:0] = [os.path.join(harness.REPOSITORY, "client/python"), MODULES]
    sys.dont_write_bytecode = True
    # pylint: disable=import-outside-toplevel,import-error
    import simlab
    import reference
    import xarray
    options = {"worker": context.program("simlab-worker"), "processes": [context.directory("none")]}
    case = load(GOLDEN, "advect", "job.json")
    model = {name: getattr(reference, of.partition(".")[2]) for name, of in case["model"]["processes"].items()}
    expected, _ = local(context, case, library(context, "reference"))
    store = context.path("out.zarr")
    ended = simlab.run({k: v for k, v in case.items() if k != "model"}, model, store=store, **options)
    harness.same_store(expected, store)
    check(isinstance(ended, xarray.Dataset), f"returned {ended!r}")

    setup = xarray.Dataset.from_dict(load(GOLDEN, "advect", "setup.json"))
    again = simlab.run(setup, model, **options)
    for name in case["outputs"]:
        equal(again[name].values.tolist(), ended[name].values.tolist(), name)

    class Nowhere(reference.Decay):  # pylint: disable=too-few-public-methods
        pass
    Nowhere.__module__ = "__main__"
    Nowhere = simlab.processes.process(Nowhere)
    bad = {k: v for k, v in case.items() if k != "inputs"}
    for call, kind, word in ((lambda: simlab.run(bad, model, **options), simlab.RunError, "grid"),
                             (lambda: simlab.run(case, {"d": Nowhere}, **options), ValueError, "write the classes into a file"),
                             (lambda: simlab.run(case, {"d": int}, **options), TypeError, "no process class")):
        try:
            call()
        except kind as error:
            check(word in str(error), str(error))
            continue
        raise harness.Failure(f"no {kind.__name__} was raised")


PEERS = """
import numpy as np
import xsimlab as xs

@xs.process
class Line:
    n = xs.variable(default=4, converter=int)
    x = xs.index(dims="x")

    def initialize(self):
        self.x = np.arange(self.n, dtype=float)

@xs.process
class Growth:
    x = xs.foreign(Line, "x")
    rate = xs.variable()
    size = xs.variable(dims="x", intent="out", description="of each")

    @rate.validator
    def _is_rate(self, attribute, value):
        if value < 0:
            raise ValueError(f"{attribute.name} is below 0")

    def initialize(self):
        self.size = np.ones_like(self.x)

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        self.size = self.size * (1 + self.rate * dt) + self.x

model = xs.Model({"line": Line, "growth": Growth})
"""


def test_models_of_the_peer(context):
    """Its classes as they are, by what its decorators leave on them."""
    library(context)
    try:
        import attr  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError as error:
        raise harness.Skip("xarray-simlab needs attrs") from error
    standin = os.path.join(MODULES, "standin")
    folder = context.directory("peers")
    path = module(folder, "peers", PEERS)
    sys.path[:0] = [os.path.join(harness.REPOSITORY, "client/python"), standin, folder]
    os.environ["PYTHONPATH"] = standin
    # pylint: disable=import-outside-toplevel,import-error
    import simlab
    import peers
    job = {"clocks": {"time": {"data": [0, 1, 2]}}, "main_clock": "time", "outputs": {"growth__size": None}}
    try:
        ended = simlab.run({**job, "inputs": {"growth__rate": 1.0}}, peers.model, worker=context.program("simlab-worker"),
                           processes=[context.directory("none")])
        equal(ended["growth__size"].values.tolist(), [4.0, 7.0, 10.0, 13.0], "sizes")
        document = {**job, "model": {"processes": {"line": "peers.Line", "growth": "peers.Growth"}},
                    "inputs": {"growth__rate": -1.0}, "max_attempts": 1}
        _, refused = context.run_local(document, 1, ["--python", path])
        check("rate is below 0" in refused.stderr, refused.stderr)
    finally:
        del os.environ["PYTHONPATH"]


# ---- without a worker ----------------------------------------------------------------------------


def test_classes_are_plain_objects_elsewhere(_):
    sys.path.insert(0, os.path.join(harness.REPOSITORY, "client/python"))
    sys.path.insert(0, MODULES)
    sys.dont_write_bytecode = True
    import reference  # pylint: disable=import-outside-toplevel,import-error
    import simlab.processes as xs  # pylint: disable=import-outside-toplevel,import-error
    grid = reference.FixedGrid1D()
    grid.initialize()
    equal(grid.x.shape, (20,), "nodes")
    equal(list(xs.filter_variables(reference.Decay, intent="in")), ["rate", "u"], "inputs")
    for wrong, kind in ((lambda: reference.InitUGauss(loc=0, scale=-1, x=0), ValueError),
                        (lambda: reference.Decay(q=1), TypeError),
                        (lambda: xs.variable(dims=["x", "y"]), ValueError),
                        (lambda: xs.foreign(reference.Decay, "q"), KeyError),
                        (lambda: xs.foreign(reference.Decay, "u", intent="inout"), ValueError),
                        (lambda: xs.variable(dims=xs.MAIN_CLOCK), ValueError),
                        (lambda: xs.runtime(args="stp"), ValueError),
                        (lambda: xs.process(type("T", (), {"d": xs.on_demand()})), KeyError)):
        try:
            wrong()
        except kind:
            continue
        raise harness.Failure(f"nothing of kind {kind.__name__} was raised")


harness.main(globals())
