#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Environments of Python: named ones beside the default, as they are built after installation."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

MODULE = """
import simlab.processes as xs
{imports}

@xs.process
class Where:
    said = xs.variable(intent="out")

    def initialize(self):
        self.said = {said}
"""
JOB = {"model": {"processes": {"w": "where.Where"}}, "clocks": {"time": {"data": [0, 1]}}, "main_clock": "time",
       "outputs": {"w__said": None}}


def installed(context):
    """A directory with the programs, and the environment "other" beside the default: a virtual one of
    the system's Python, with a package of its own."""
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")
    folder = context.directory("installed")
    for name in ("simlabd", "simlab-worker", "simlab", "python/python.so", "python/build-host"):
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        shutil.copy(context.program(name), os.path.join(folder, name))
    for name in ("processes", "python/source"):
        shutil.copytree(context.program(name), os.path.join(folder, name))
    environment = context.path("environment")
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", "--system-site-packages", environment], check=True)
    program = os.path.join(environment, "bin/python")
    packages = subprocess.run([program, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True,
                              capture_output=True, text=True).stdout.strip()
    with open(os.path.join(packages, "only_there.py"), "w", encoding="utf-8") as file:
        file.write("WHAT = 'of the other'\n")
    build = lambda *words: subprocess.run([os.path.join(folder, "python/build-host"), *words], capture_output=True,
                                          text=True, check=False,
                                          env={**os.environ, "INCLUDE": os.path.join(harness.REPOSITORY, "include")})
    ended = build(program, "other")
    equal(ended.returncode, 0, ended.stderr)
    for words, code, said in (((program, "default"), 2, "no name"), ((program, "../x"), 2, "no name"),
                              ((program,), 2, "usage"), (("/bin/false", "x"), 1, "cannot host modules")):
        ended = build(*words)
        equal(ended.returncode, code, f"exit status of {words}")
        check(said in ended.stderr, ended.stderr)
    context.build = folder
    return folder


def said(store):
    return harness.open_store(store)["w__said"][...].item().decode()


def test_jobs_choose_an_environment(context):
    installed(context)
    daemon = context.daemon(workers=1, options=["--modules"])
    push = lambda module, environment, status=201: daemon.request(
        "POST", "/v1/modules", {"name": "where", "files": {"where.py": module}, "environment": environment}, status=status).json
    other = MODULE.format(imports="import only_there", said="only_there.WHAT")
    refused = push(other, None, 422)
    check("No module named 'only_there'" in refused["detail"], refused)
    refused = push(other, "nowhere", 422)
    check("there is \"default\", \"other\"" in refused["detail"], refused)
    hashes = {push(MODULE.format(imports="", said="'of the default'"), "default")["sha256"], push(other, "other")["sha256"]}
    for _ in range(2):  # the one worker is renewed each time
        equal(said(daemon.finish(JOB)["store"]), "of the default", "without a name")
        ended = daemon.finish({**JOB, "environment": "other"})
        equal(said(ended["store"]), "of the other", "by its name")
    check("needs another python than it has loaded" in daemon.log() or "needs another content" in daemon.log(), daemon.log())
    named = harness.provenance(ended["store"])["libraries"]["where"]
    check(named["sha256"] in hashes and "Python 3." in named["version"], f"provenance {named}")
    again = daemon.finish({"base": ended["id"]})
    equal(said(again["store"]), "of the other", "of a job that is based on it")
    refused = daemon.submit({**JOB, "environment": "nowhere"}, 422)
    equal(refused["pointer"], "/environment", refused["detail"])


def test_two_environments_are_no_model(context):
    """A library of the administrator may be for one environment, and a module for another."""
    folder = installed(context)
    own = context.directory("own")
    shutil.copy(os.path.join(folder, "python/other/python.so"), os.path.join(own, "here.so"))
    for name, text in (("here.py", MODULE.format(imports="", said="'here'")), ("here.files", "here.py\n")):
        with open(os.path.join(own, name), "w", encoding="utf-8") as file:
            file.write(text)
    daemon = context.daemon(workers=1, options=["--modules", "--processes", own])
    daemon.request("POST", "/v1/modules", {"name": "where", "files": {"where.py": MODULE.format(imports="", said="'there'")}}, status=201)
    both = {**JOB, "model": {"processes": {"w": "where.Where", "h": "here.Where"}}}
    refused = daemon.submit(both, 422)
    check("two environments of Python" in refused["detail"] and refused["pointer"] == "/model", refused)
    for name in ("where", "here", "where"):
        daemon.finish({**JOB, "model": {"processes": {"w": f"{name}.Where"}}})
    check("needs another python than it has loaded" in daemon.log(), daemon.log())


def test_a_local_run_chooses_one(context):
    installed(context)
    path = os.path.join(context.directory("module"), "where.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(MODULE.format(imports="import only_there", said="only_there.WHAT"))
    store, _ = context.run_local({**JOB, "environment": "other"}, 0, ["--python", path])
    equal(said(store), "of the other", "by its name")
    for job, word in ((JOB, "No module named 'only_there'"), ({**JOB, "environment": "nowhere"}, "there is \"default\", \"other\"")):
        _, ended = context.run_local(job, 2, ["--python", path])
        check(word in ended.stderr, ended.stderr)


harness.main(globals())
