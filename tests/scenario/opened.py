#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Libraries that make their types from a configuration (tests/lib/made.c): one file under several
names, known by the content of all that belongs to it, in local runs and by the daemon."""
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal


def write(path, text):
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".part", path)


def configure(context, folder, name, text, link=True):
    """NAME.so, a link to the library or a copy of it, with its configuration beside it."""
    library, path = context.program("made/made.so"), os.path.join(folder, name)
    write(path + ".configuration", text)
    if link:
        os.symlink(library, path + ".so")
    else:
        shutil.copyfile(library, path + ".part")
        os.rename(path + ".part", path + ".so")


def job(**processes):
    """Of these types; each one's value is saved, and that of the main clock's first label."""
    return {"model": {"processes": processes}, "clocks": {"time": [0, 1]},
            "outputs": {f"{p}__value": None for p in processes}}


def values(store):
    group = harness.open_store(store)
    return {name: (group[name].dtype.str, group[name][...].item()) for name in group if name != "time"}


def test_one_file_under_two_names(context):
    folder = context.directory("lib")
    write(os.path.join(folder, "number.txt"), "2.5\n")
    configure(context, folder, "first", "A 3\nB 0.5\n")
    configure(context, folder, "second", "A @number.txt\n")
    write(os.path.join(folder, "second.files"), "number.txt\n")
    path, store = context.path("job.json"), context.path("out.zarr")
    write(path, json.dumps(job(a="first.A", b="first.B", c="second.A")))
    done = context.run("simlab-worker", "run", path, "--store", store, "--processes", folder)
    equal(done.returncode, 0, done.stderr)
    equal(values(store), {"a__value": ("<i8", 3), "b__value": ("<f8", .5), "c__value": ("<f8", 2.5)}, "values")
    check("c: c is second.A with 2.5" in done.stderr + done.stdout, f"log: {done.stdout}{done.stderr}")
    hashes = {of["sha256"] for of in harness.open_store(store).attrs["simlabd"]["libraries"].values()}
    equal(len(hashes), 2, "contents")


def test_described_before_it_is_installed(context):
    folder = context.directory("lib")
    path = os.path.join(folder, "mine.configuration")
    write(path, "A 3\n")
    alone = context.run("simlab-worker", "describe", context.program("made/made.so"), "--configuration", path)
    equal(alone.returncode, 0, alone.stderr)
    configure(context, folder, "mine", "A 3\n")
    installed = context.run("simlab-worker", "describe", os.path.join(folder, "mine.so"))
    one, other = json.loads(alone.stdout), json.loads(installed.stdout)
    equal((one["library"], one["hash"], [t["name"] for t in one["types"]]), ("mine", other["hash"], ["A"]), "described")


def refusal(context, text):
    path = context.path("bad.configuration")
    write(path, text)
    done = context.run("simlab-worker", "describe", context.program("made/made.so"), "--configuration", path)
    equal(done.returncode, 2, "exit status")
    return done.stderr


def test_what_it_refuses_is_told(context):
    check('should be a name and a number' in refusal(context, "A three\n"), refusal(context, "A three\n"))
    check("is no text of at most" in refusal(context, "A 3\0\n"), "a NUL")
    done = context.run("simlab-worker", "describe", context.program("made/made.so"))
    check("it needs made.configuration beside it" in done.stderr, done.stderr)


def finished(daemon, **processes):
    return values(daemon.finish(job(**processes))["store"])


def test_a_configuration_is_content(context):
    """Of the daemon's jobs: one keeps the configuration that it was submitted with."""
    folder = context.directory("lib")
    configure(context, folder, "mine", "A 1\n", link=False)
    daemon = context.daemon(options=["--processes", folder])
    daemon.await_line("library mine: ")
    equal(finished(daemon, a="mine.A"), {"a__value": ("<i8", 1)}, "values")
    daemon.stop()
    daemon.start()
    equal(finished(daemon, a="mine.A"), {"a__value": ("<i8", 1)}, "values after a restart")
    write(os.path.join(folder, "mine.configuration"), "A 2.5\nNew 7\n")
    daemon.await_line("library mine: new content")
    equal(finished(daemon, a="mine.A", b="mine.New"),
          {"a__value": ("<f8", 2.5), "b__value": ("<i8", 7)}, "values of another configuration")
    write(os.path.join(folder, "mine.configuration"), "A what\n")
    daemon.await_line("library mine .*is left out: .*should be a name and a number")
    equal(finished(daemon, a="mine.A"), {"a__value": ("<f8", 2.5)}, "the one before goes on serving")


if __name__ == "__main__":
    harness.main(globals())
