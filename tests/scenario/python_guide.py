#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The second example of client/python/README.md works as written, here and through a daemon: landscapes
in C under a rain in Python."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, REPOSITORY


def example():
    """(the module, the script, the command)"""
    with open(os.path.join(REPOSITORY, "client/python/README.md"), encoding="utf-8") as file:
        body = re.search(r"^## A model in C and Python\n(.*?)(?=^## )", file.read(), re.S | re.M)
    found = re.findall(r"^```(\w+)\n(.*?)^```", body.group(1), re.S | re.M)
    equal([language for language, _ in found], ["python", "python", "sh"], "blocks")
    return [text for _, text in found]


def run(context, server):
    """The directory that it was run in, and where its store is."""
    module, script, _ = example()
    folder = context.directory("example")
    for name, text in (("orography.py", module), ("sweep.py", script + "\nprint(landscapes.encoding['source'])\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    ended = subprocess.run(["/usr/bin/python3", "-B", "sweep.py"], cwd=folder, capture_output=True, text=True,
                           timeout=harness.WAIT, check=False, env=environment(context, server))
    equal(ended.returncode, 0, ended.stderr)
    return folder, os.path.realpath(ended.stdout.strip())


def environment(context, server):
    return {**os.environ, "SIMLAB_SERVER": server, "PATH": os.path.abspath(context.build) + ":" + os.environ["PATH"],
            "PYTHONPATH": os.path.join(REPOSITORY, "client/python")}


def test_rivers_under_a_rain_in_python(context):
    if not os.path.exists(context.program("python/python.so")):
        raise harness.Skip("Python's headers were not there when this was built")
    nobody = "unix:" + context.path("nobody")
    folder, here = run(context, nobody)
    equal(here, os.path.realpath(os.path.join(folder, "orography.zarr")), "the store")
    daemon = context.daemon(workers=2, options=["--modules"])
    _, there = run(context, "unix:" + daemon.socket)
    check(there.startswith(os.path.realpath(daemon.state)), there)
    harness.same_store(here, there)
    store = harness.open_store(here)
    last, rain = store["topography__elevation"][:, -1], store["climate__rain"][:, -1]
    west, east = last[0, :, :50].mean(), last[0, :, 50:].mean()
    check(east > 1.3 * west, f"in the shadow {east} m, before it {west} m")
    check(abs(last[4, :, :50].mean() / last[4, :, 50:].mean() - 1) < 0.1, "without a shadow the sides differ")
    check(rain[4].min() > 0.999 > 0.5 > rain[0].min(), "the rain does not see the mountains")
    ended = subprocess.run(["/bin/sh", "-ec", example()[2]], cwd=folder, env=environment(context, nobody),
                           capture_output=True, text=True, timeout=harness.WAIT, check=False)
    equal(ended.returncode, 0, ended.stderr)
    with open(os.path.join(folder, "orography.png"), "rb") as file:
        equal(file.read(8), b"\x89PNG\r\n\x1a\n", "the picture")
    shutil.rmtree(folder)


harness.main(globals())
