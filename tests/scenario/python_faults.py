#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in processes in Python, in a daemon: each has a clear reason, and harms its own member."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal
from memory_group import begun_in, memory_group

MODULE = os.path.join(harness.REPOSITORY, "tests/lib/python/harmful.py")
WHERE = "process 'h' (harmful.Harmful), run_step of step 1"
HOW = {
    "raises": [WHERE + ": ValueError: it is wrong; at harmful.py:", "in raises: raise ValueError", "called at"],
    "exits": [WHERE + ": called sys.exit('no more')"],
    "allocates": [WHERE, "Unable to allocate 1.00 EiB"],
    "recurses": [WHERE, "RecursionError"],
    "leaves": ["its worker exited with status 0 in " + WHERE],
    "kills": ["its worker was killed by signal 9", "it had", "MiB in " + WHERE],
    "crashes": ["its worker was killed by signal 11 (Segmentation fault) in " + WHERE],
    "aborts": ["its worker was killed by signal 6 (Aborted) in " + WHERE],
    "spins": ["ran longer than its limit of 1 s, in " + WHERE],
    "sleeps": ["ran longer than its limit of 1 s, in " + WHERE],
}


def daemon_of(context, *options, **more):
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")
    return context.daemon(workers=2, options=["--modules", *options], **more)


def push(daemon, name, text, status=201):
    return daemon.request("POST", "/v1/modules", {"name": name, "files": {name + ".py": text}}, status=status).json


def harmful(daemon):
    with open(MODULE, encoding="utf-8") as file:
        push(daemon, "harmful", file.read())


def job(how, **more):
    return {"model": {"processes": {"h": "harmful.Harmful"}}, "clocks": {"time": {"data": [0, 1, 2, 3]}},
            "main_clock": "time", "batch_dim": "batch", "inputs": {"h__how": {"dims": ["batch"], "data": how}},
            "outputs": {"h__done": None}, "max_attempts": 1, **more}


def test_each_has_its_reason(context):
    daemon = daemon_of(context)
    harmful(daemon)
    for how, words in HOW.items():
        limit = {"member_timeout": 1} if "limit" in words[0] else {}
        ended = daemon.finish(job(["", how, "", ""], **limit), "partial")
        equal((ended["done"], ended["dead"]), (3, 1), how)
        dead = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
        equal([m["member"] for m in dead], [1], how)
        for word in words:
            check(word in dead[0]["reason"], f"{how}: {word!r} is not in {dead[0]['reason']}")
        equal(harness.open_store(ended["store"])["h__done"][...].tolist()[::2], [2, 2], f"{how}: its neighbours")


def test_memory_without_end(context):
    """By the machine's own limit the worker is killed; by the worker's, Python says so."""
    daemon = daemon_of(context, "--worker-memory", "400")
    harmful(daemon)
    daemon.finish(job(["", "eats", "", ""], max_attempts=1), "partial")
    dead = daemon.request("GET", "/v1/jobs/1/members", status=200).json["members"]
    check("MemoryError" in dead[0]["reason"], dead)
    daemon.stop()
    with memory_group(400 << 20) as group:
        daemon = daemon_of(context, "--worker-memory", "0", before=begun_in(group))
        harmful(daemon)
        ended = daemon.finish(job(["", "eats", "", ""]), "partial")
        equal((ended["done"], ended["dead"]), (3, 1), "members")
        dead = daemon.request("GET", f"/v1/jobs/{ended['id']}/members", status=200).json["members"]
        for word in ("killed by the system for want of memory", "MiB in " + WHERE):
            check(word in dead[0]["reason"], f"{word!r} is not in {dead[0]['reason']}")
        daemon.stop()
    document = {**job(["", "eats"]), "model": {"processes": {"h": "harmful.Harmful"}}}
    path, store = context.path("job.json"), context.path("out.zarr")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    ended = subprocess.run(["prlimit", f"--as={6 << 30}", context.program("simlab-worker"), "run", path, "--store", store,
                            "--python", MODULE], capture_output=True, text=True, check=False, timeout=harness.WAIT)
    equal(ended.returncode, 1, f"exit status: {ended.stderr}")
    for word in (WHERE, "MemoryError: Unable to allocate 8.00 MiB"):
        check(word in ended.stderr, f"{word!r} is not in {ended.stderr}")
    equal(harness.open_store(store)["h__done"][0], 2, "its neighbour")


def test_what_is_printed_reaches_the_log(context):
    daemon = daemon_of(context)
    harmful(daemon)
    number = daemon.submit(job(["prints"]))["id"]
    said = [data["line"] for _, kind, data in daemon.events(number, 0) if kind == "log"]
    equal(said, ["h: printed", "h: printed there", "h: logged"], "lines of the member")
    for line in ("said by a library in C", "written to 1", "written to 2"):
        check(f"job {number}, member 0: {line}" in daemon.log(), daemon.log())


CLASS = """
import simlab.processes as xs

@xs.process
class P:
    done = xs.variable(intent="out")

    def initialize(self):
        self.done = 1
"""


def test_imports_that_hang_or_print(context):
    daemon = daemon_of(context)
    refused = push(daemon, "hangs", "import threading\nthreading.Event().wait()\n", 422)
    check("did not end within" in refused["detail"], refused)
    push(daemon, "prints", "import ctypes, os\nprint('printed')\nos.write(1, b'written')\nctypes.CDLL(None).puts(b'put')\n" + CLASS)
    done = {"model": {"processes": {"p": "prints.P"}}, "clocks": {"time": {"data": [0, 1]}}, "main_clock": "time",
            "outputs": {"p__done": None}}
    daemon.finish(done)


harness.main(globals())
