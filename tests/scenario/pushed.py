#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Modules in Python that clients push to a daemon."""
import json
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load

GROWTH = """
import simlab.processes as xs
{imports}
@xs.process
class Growth:
    size = xs.variable(intent="out")

    def initialize(self):
        self.size = 1.0

    @xs.runtime(args="step")
    def run_step(self, step):
        self.size = self.size * {factor}
{more}
"""
JOB = {"model": {"processes": {"g": "growth.Growth"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}},
       "main_clock": "time", "outputs": {"g__size": None}}


def growth(factor, imports="", more=""):
    return GROWTH.format(factor=factor, imports=imports, more=more)


def daemon_of(context, *options, **how):
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")
    return context.daemon(workers=2, options=["--modules", *options], **how)


def waiting_of(context):
    """With two pipes that its modules may open."""
    folder = context.directory("pipes")
    pipes = [os.path.join(folder, name) for name in ("started", "go")]
    for path in pipes:
        os.mkfifo(path)
    return daemon_of(context, "--writable", folder), *pipes


def push(daemon, files, name="growth", status=201, **more):
    return daemon.request("POST", "/v1/modules", {"name": name, "files": files, **more}, status=status).json


def size_of(ended):
    return float(harness.open_store(ended["store"])["g__size"][...])


def client(context, daemon, *arguments, code=0):
    ended = context.run("simlab", "--server", "unix:" + daemon.socket, *arguments)
    equal(ended.returncode, code, f"exit status of {arguments}: {ended.stderr}")
    return ended.stdout, ended.stderr


def write(folder, files):
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return folder


def test_new_jobs_get_the_new_module(context):
    daemon, started, go = waiting_of(context)
    waiting = growth(2.0, "import os", f"        if step == 0:\n            open({started!r}, 'w').close()\n"
                                       f"            open({go!r}).close()\n")
    first = push(daemon, {"growth.py": waiting})
    equal(first["types"], ["growth.Growth"], "types")
    check("Python 3." in first["version"] and "NumPy " in first["version"], first["version"])
    old = daemon.submit(JOB)["id"]
    with open(started, encoding="utf-8"):
        second = push(daemon, {"growth.py": growth(3.0)})
    new = daemon.finish(JOB)
    equal(size_of(new), 27.0, "by the new module")
    with open(go, "w", encoding="utf-8"):
        pass
    ended = daemon.await_end(old)
    equal((ended["state"], size_of(ended)), ("succeeded", 8.0), "by the old module")
    for job, module in ((ended, first), (new, second)):
        named = harness.provenance(job["store"])["libraries"]["growth"]
        check(module["sha256"] in json.dumps(named), f"the store names {named}, not {module['sha256']}")
        check("NumPy " in json.dumps(named), f"the store names {named}")


def test_what_was_pushed_outlives_the_daemon(context):
    daemon = daemon_of(context)
    pushed = push(daemon, {"growth.py": growth(2.0)})
    left = os.path.join(daemon.state, "modules/default/.new-abcdef")
    daemon.kill()
    os.mkdir(left)
    daemon.start()
    equal(size_of(daemon.finish(JOB)), 8.0, "after a restart")
    check(not os.path.exists(left), "what was not finished is still there")
    listed = daemon.request("GET", "/v1/modules", status=200).json
    equal([(m["name"], m["sha256"]) for m in listed["modules"]], [("growth", pushed["sha256"])], "modules")
    daemon.stop()
    daemon.options.remove("--modules")
    daemon.start()
    equal(daemon.request("GET", "/v1/modules", status=200).json["may_push"], False, "may_push")
    refused = push(daemon, {"growth.py": growth(4.0)}, status=403)
    check("--modules" in refused["detail"], refused)
    equal(size_of(daemon.finish(JOB)), 8.0, "of the module that is there")


def test_what_is_refused(context):
    daemon = daemon_of(context)
    good = growth(2.0)
    for files, word, more in (
            ({"growth.py": "x = 1 +"}, "SyntaxError", {}),
            ({"growth.py": "import nothing_of_the_kind"}, "No module named 'nothing_of_the_kind'", {}),
            ({"growth.py": "import sys; sys.exit(3)"}, "called sys.exit(3)", {}),
            ({"growth.py": "import os; os.abort()"}, "signal 6", {}),
            ({"growth.py": good.replace("xs.process", "xs.nothing")}, "has no attribute 'nothing'", {}),
            ({"growth.py": "x = 1"}, None, {}),
            ({"other.py": good}, "there is neither growth.py nor growth/__init__.py", {}),
            ({"growth.py": good, "../x.py": ""}, "relative name", {}),
            ({"growth.py": good, "/x.py": ""}, "relative name", {}),
            ({"growth.py": good, "a/.b/x.py": ""}, "relative name", {}),
            ({"growth.py": good, "growth.so": ""}, "library's own", {}),
            ({"growth.py": good, "growth.files": ""}, "library's own", {}),
            ({"growth.py": good, "a": "", "a/b": ""}, "another file", {}),
            ({"growth.py": good, "a.py": 3}, "should be a text", {}),
            ([], "should be an object", {}),
            ({"growth.py": good}, "letters", {"name": "../growth"}),
            ({"growth.py": good}, "letters", {"name": ""}),
            ({"growth.py": good}, "no environment \"nowhere\"", {"environment": "nowhere"}),
            ({"growth.py": good}, "name", {"nmae": "x"}),
    ):
        told = push(daemon, files, **{"status": 422 if word else 201, **more})
        check(word is None or word in told["detail"], f"{word!r} is not in {told}")
        check("/modules/" not in json.dumps(told), f"paths of the daemon: {told}")
    told = push(daemon, {"reference.py": good}, "reference", status=409)
    check("name the module otherwise" in told["detail"], told)
    told = push(daemon, {"json.py": good}, "json", status=422)
    check("name yours otherwise" in told["detail"], told)
    equal(sorted(os.listdir(os.path.join(daemon.state, "modules/default"))), ["growth"], "what is left behind")
    equal(daemon.submit(JOB, status=422)["pointer"][:6], "/model", "no type is on offer")


def test_the_client_pushes(context):
    daemon = daemon_of(context)
    folder = write(context.directory("own"), {
        "growth/__init__.py": "from .parts.factor import FACTOR\n" + growth("FACTOR"),
        "growth/parts/__init__.py": "", "growth/parts/factor.py": "FACTOR = 5.0\n",
        "growth/__pycache__/x.pyc": "", "growth/.hidden": ""})
    told, _ = client(context, daemon, "models", "push", os.path.join(folder, "growth/"))
    listed, _ = client(context, daemon, "models", "pushed")
    check(told.split()[0][:12] in listed and told.split()[1] == "growth", f"{told!r}, listed {listed!r}")
    equal(size_of(daemon.finish(JOB)), 125.0, "by the package")
    write(folder, {"growth.files": "growth.py\nfactor.py\n", "factor.py": "FACTOR = 7.0\n",
                   "growth.py": "from factor import FACTOR\n" + growth("FACTOR")})
    client(context, daemon, "models", "push", os.path.join(folder, "growth.py"))
    equal(size_of(daemon.finish(JOB)), 343.0, "by the module and what it lists")
    with open(os.path.join(folder, "bad.py"), "wb") as file:
        file.write(b"\xff")
    for path, word in (("nothing.py", "No such file"), ("growth.files", "no module in Python"), ("bad.py", "UTF-8")):
        _, told = client(context, daemon, "models", "push", os.path.join(folder, path), code=2)
        check(word in told, f"{word!r} is not in {told!r}")


FAILING = """
import simlab.processes as xs

@xs.process
class Growth:
    size = xs.variable(intent="out")

    def initialize(self):
        raise ValueError("never")
"""


def test_modules_are_removed(context):
    daemon, started, go = waiting_of(context)
    place = os.path.join(daemon.state, "modules/default/growth")
    remove = lambda status, query="", name="growth": daemon.request("DELETE", f"/v1/modules/{name}{query}",
                                                                    status=status).json
    first = push(daemon, {"growth.py": growth(2.0, "import os", f"        if step == 0:\n"
                                              f"            open({started!r}, 'w').close()\n"
                                              f"            open({go!r}).close()\n")})
    running = daemon.submit(JOB)["id"]
    with open(started, encoding="utf-8"):
        for query in ("", "?force=1"):
            told = remove(409, query)["detail"]
            check(f"job {running} (running)" in told, told)
        push(daemon, {"growth.py": growth(3.0)})
        gone = remove(200)  # the newer one, which no job has
        check(gone["name"] == "growth" and gone["sha256"] != first["sha256"], gone)
        check(not os.path.exists(place), "it is still there")
        equal(daemon.request("GET", "/v1/modules", status=200).json["modules"], [], "modules")
        equal(daemon.submit(JOB, status=422)["pointer"][:6], "/model", "no type is on offer")
    with open(go, "w", encoding="utf-8"):
        pass
    ended = daemon.await_end(running)
    equal((ended["state"], size_of(ended)), ("succeeded", 8.0), "by the module that has gone")
    for name, query in (("growth", ""), ("..", ""), ("%2e%2e", ""), ("%2Fetc", ""), ("growth", "?environment=nowhere")):
        remove(404, query, name)
    equal(os.listdir(os.path.dirname(place)), [], "what is left behind")
    push(daemon, {"growth.py": growth(5.0)})
    equal(size_of(daemon.finish(JOB)), 125.0, "pushed again")
    client(context, daemon, "models", "rm", "growth")  # its job succeeded


def test_what_may_be_needed_is_removed_by_force_only(context):
    daemon = daemon_of(context)
    push(daemon, {"growth.py": FAILING})
    failed = daemon.await_end(daemon.submit(JOB)["id"])["id"]
    _, told = client(context, daemon, "models", "rm", "growth", code=2)
    check(f"job {failed} (failed)" in told, told)
    pushed = push(daemon, {"growth.py": growth(2.0)})
    daemon.request("POST", "/v1/models", {"name": "mine", **JOB["model"]}, status=201)
    _, told = client(context, daemon, "models", "rm", "growth", code=2)
    check('the model "mine"' in told, told)
    told, _ = client(context, daemon, "models", "rm", "growth", "--force")
    equal(told.split(), [pushed["sha256"], "growth"], "what was removed")
    daemon.kill()
    daemon.start()
    equal(daemon.request("GET", "/v1/modules", status=200).json["modules"], [], "modules after a restart")
    _, told = client(context, daemon, "models", "rm", "growth", code=2)
    check("no module" in told, told)
    daemon.stop()
    daemon.options.remove("--modules")
    daemon.start()
    client(context, daemon, "models", "rm", "growth", code=4)


def test_the_daemon_stops_while_modules_are_taken(context):
    daemon, started, _ = waiting_of(context)
    hanging = f"import threading\nopen({started!r}, 'w').close()\nthreading.Event().wait()\n"
    told = []

    def pushing(name, text):
        try:
            told.append(daemon.request("POST", "/v1/modules", {"name": name, "files": {name + ".py": text}}).status)
        except OSError as error:
            told.append(error)
    threads = [threading.Thread(target=pushing, args=("growth", hanging))]
    threads[0].start()
    with open(started, encoding="utf-8"):  # the next one waits for the first
        threads += [threading.Thread(target=pushing, args=(f"growth{i}", growth(2.0))) for i in range(20)]
        for thread in threads[1:]:
            thread.start()
    daemon.stop()
    for thread in threads:
        thread.join(harness.WAIT)
    check(all(status == 503 or isinstance(status, OSError) for status in told) and len(told) == 21, f"told {told}")
    daemon.start()
    equal(daemon.request("GET", "/v1/modules", status=200).json["modules"], [], "modules")
    equal(os.listdir(os.path.join(daemon.state, "modules/default")), [], "what is left behind")


def test_a_job_gets_what_it_is_meant_for(context):
    daemon = daemon_of(context)
    first = push(daemon, {"growth.py": growth(2.0)})["sha256"]
    job = {**JOB, "libraries": {"growth": first}, "environment": "default"}
    equal(size_of(daemon.finish(job)), 8.0, "by the content that it names")
    second = push(daemon, {"growth.py": growth(3.0)})["sha256"]
    refused = daemon.submit(job, status=422)
    check(second in refused["detail"] and refused["pointer"] == "/libraries/growth", refused)
    refused = daemon.submit({**JOB, "environment": "nowhere"}, status=422)
    check("no environment" in refused["detail"] and refused["pointer"] == "/environment", refused)


def test_two_modules_in_one_job(context):
    daemon = daemon_of(context)
    push(daemon, {"growth.py": growth(2.0)})
    push(daemon, {"seen.py": """
import growth_types
import simlab.processes as xs

@xs.process
class Seen:
    size = xs.foreign("growth.Growth", "size")
    twice = xs.variable(intent="out")

    def finalize_step(self):
        self.twice = 2 * self.size
""", "growth_types.py": ""}, "seen")
    job = {**JOB, "model": {"processes": {"g": "growth.Growth", "s": "seen.Seen"}}, "outputs": {"s__twice": None}}
    ended = daemon.finish(job)
    equal(float(harness.open_store(ended["store"])["s__twice"][...]), 16.0, "through both")


# ---- from Python ---------------------------------------------------------------------------------


CELLS = ["""
import numpy as np
import simlab
import simlab.processes as xs
from math import floor as lower
FACTOR = 2.0
raise_if_run_again = open({once!r}, "x")

def double(x):
    return np.asarray(x) * FACTOR
""", """
%matplotlib inline
""", """
@xs.process
class Grid:
    n = xs.variable(default=3)
""", """
@xs.process
class Growth:
    n = xs.foreign(Grid, "n")
    size = xs.variable(dims="x", intent="out")

    def initialize(self):
        print("begun")
        self.size = np.ones(lower(self.n))

    def run_step(self):
        self.size = double(self.size)
""", """
job = {{"clocks": {{"time": {{"data": [0, 1, 2, 3]}}}}, "main_clock": "time", "outputs": {{"g__size": "time"}}}}
model = {{"grid": Grid, "g": Growth}}
for how in {hows}:
    ended = simlab.run(job, model, **how)
    print(type(ended).__name__, ended["g__size"].values[:, 0].tolist())
try:
    simlab.run({{**job, "outputs": {{"g__nothing": None}}}}, model, **{hows}[0])
except simlab.RunError as error:
    print("refused", error.status, error)
model["g"].run_step.__globals__["FACTOR"] = object()
try:
    simlab.run(job, model, **{hows}[0])
except ValueError as error:
    print("no source:", error)
"""]
NOTEBOOK = """
import linecache, sys
sys.path.insert(0, {package!r})
for i, text in enumerate({cells!r}):
    name = f"/tmp/ipykernel_1/{{i}}.py"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    if "%" not in text:
        exec(compile(text, name, "exec"), globals())
"""


def notebook(context, hows):
    cells = [cell.format(once=context.path("once"), hows=hows) if "{" in cell else cell for cell in CELLS]
    text = NOTEBOOK.format(package=os.path.join(harness.REPOSITORY, "client/python"), cells=cells)
    return subprocess.run([sys.executable, "-B", "-c", text], capture_output=True, text=True, timeout=harness.WAIT,
                          env={**os.environ, "PYTHONPATH": ""}, check=False)


def test_a_notebook_runs_its_cells_classes(context):
    daemon = daemon_of(context)
    there = {"server": "unix:" + daemon.socket, "client": context.program("simlab")}
    here = {"server": False, "worker": context.program("simlab-worker")}
    ended = notebook(context, [there, here])
    equal(ended.returncode, 0, ended.stderr)
    lines = ended.stdout.splitlines()
    equal(lines[:2], ["Dataset [2.0, 4.0, 8.0, 8.0]"] * 2, "what came out")
    check(lines[2].startswith("refused 2 ") and "g__nothing" in lines[2], lines)
    check(lines[3].startswith("no source: FACTOR (object) is named in a class"), lines)
    equal(ended.stderr.count("begun"), 2, "lines of the log")
    listed = daemon.request("GET", "/v1/modules", status=200).json["modules"]
    equal([m["name"][:9] for m in listed], ["notebook_"], "modules")


def test_setups_as_data_sets(context):
    daemon = daemon_of(context, libraries=context.directory("none"))  # else "reference" is one in C
    sys.path[:0] = [os.path.join(harness.REPOSITORY, "client/python"), os.path.join(harness.REPOSITORY, "tests/lib/python")]
    sys.dont_write_bytecode = True
    # pylint: disable=import-outside-toplevel,import-error
    import simlab
    import xarray
    import reference
    for case in ("advect", "batch-velocity"):
        job = load(harness.GOLDEN, case, "job.json")
        model = {name: getattr(reference, of.partition(".")[2]) for name, of in job["model"]["processes"].items()}
        keys = {"batch_dim": job["batch_dim"]} if "batch_dim" in job else {}
        setup = xarray.Dataset.from_dict(load(harness.GOLDEN, case, "setup.json"))
        ended = simlab.run(setup, model, server="unix:" + daemon.socket, client=context.program("simlab"), **keys)
        check(isinstance(ended, xarray.Dataset), f"returned {ended!r}")
        harness.golden_agrees(ended.encoding["source"], case)


def test_runs_through_the_daemon_that_is_there(context):
    daemon = daemon_of(context)
    folder = write(context.directory("own"), {"growth.py": growth(2.0)})
    text = f"""
import os, sys
sys.path[:0] = [{os.path.join(harness.REPOSITORY, "client/python")!r}, {folder!r}]
import simlab, growth
job = {{**{({**JOB, "model": None})!r}}}
here = {{"worker": {context.program("simlab-worker")!r}, "server": None}}
ended = simlab.run(job, {{"g": growth.Growth}}, client={context.program("simlab")!r}, store="named.zarr")
print(float(ended["g__size"]), os.path.realpath(ended.encoding["source"]))
"""
    run = lambda server: subprocess.run([sys.executable, "-B", "-c", text], capture_output=True, text=True, check=False,
                                        timeout=harness.WAIT, env={**os.environ, "SIMLAB_SERVER": server,
                                                                   "PATH": os.path.abspath(context.build) + ":" + os.environ["PATH"]},
                                        cwd=context.directory("cwd"))
    ended = run("unix:" + daemon.socket)
    equal(ended.stdout.split(), ["8.0", os.path.realpath(os.path.join(daemon.state, "stores/named.zarr"))], ended.stderr)
    ended = run("unix:" + context.path("nobody"))
    equal(ended.stdout.split()[:1], ["8.0"], ended.stderr)
    check("/cwd" in ended.stdout, f"not here: {ended.stdout}")


harness.main(globals())
