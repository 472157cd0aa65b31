#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Libraries that make their types from a configuration (tests/lib/made.c): one file under several
names, known by the content of all that belongs to it, in local runs and by the daemon."""
import json
import os
import shutil
import subprocess
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
    return {name: (group[name].dtype.str, group[name][...].item()) for name in group if name.endswith("__value")}


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
    hashes = {of["sha256"] for of in harness.provenance(store)["libraries"].values()}
    equal(len(hashes), 2, "contents")


def echo(context, folder, **more):
    """What comes of an input without a dtype: the store, or why not."""
    path, store = context.path("echo.json"), os.path.join(context.directory("echo"), "out.zarr")
    write(path, json.dumps({**job(a="mine.A"), "outputs": {"a__echo": None}, **more}))
    done = context.run("simlab-worker", "run", path, "--store", store, "--processes", folder)
    return store if done.returncode == 0 else done.stderr


def test_an_input_of_any_dtype(context):
    folder = context.directory("lib")
    configure(context, folder, "mine", "A 3\n")
    rows = ((None, "<i8", 7), (2.5, "<f8", 2.5), (True, "|b1", True), ([1, 2], "<i8", [1, 2]),
            (["a", "bcd"], "|S3", [b"a", b"bcd"]), ({"dims": ["x"], "data": [1, 2.5]}, "<f8", [1, 2.5]))
    for given, dtype, value in rows:
        more = {} if given is None else {"inputs": {"a__given": given}}
        array = harness.open_store(echo(context, folder, **more))["a__echo"]
        equal((array.dtype.str, array[...].tolist()), (dtype, value), f"{given}")
    swept = harness.open_store(echo(context, folder, sweep={"product": {"a__given": [1, 2, 4]}}))["a__echo"]
    equal((swept.dtype.str, swept[...].tolist()), ("<i8", [1, 2, 4]), "swept")
    said = echo(context, folder, inputs={"a__given": [[1]]})
    check("a__given" in said and "dimension" in said, said)


def kinds_of_members(c_code):
    return """
#include <simlab/process.h>
enum { V };
static int initialize(simlab_context *c)
{
    int64_t shape = 2, odd = simlab_now(c)->batch % 2;
    """ + c_code + """
    return 0;
}
static const struct simlab_variable variables[] = {
    {.name = "n", .default_value = "1"},
    {.name = "value", .intent = SIMLAB_OUT, .dtype = SIMLAB_ANY, .dims = "()|x"}};
static const struct simlab_process Odd = {.name = "Odd", SIMLAB_VARIABLES(variables), .initialize = initialize};
SIMLAB_LIBRARY("1", "members of two kinds", &Odd)
"""


def test_a_member_of_another_kind_fails(context):
    """An output's array is of one kind: that of the first member."""
    rows = (("simlab_create(c, 1, odd ? SIMLAB_F8 : SIMLAB_I8, 0, 0, &shape);", "is f8 in 0 dimensions here, but i8 in 0"),
            ("simlab_create(c, 1, SIMLAB_I8, 0, (int32_t)odd, &shape);", "is i8 in 1 dimension here, but i8 in 0"),
            ("simlab_create(c, 1, SIMLAB_STR, 3 + (int32_t)odd, 0, &shape);",
             "is texts of 4 bytes in 0 dimensions here, but texts of 3"))
    for code, words in rows:
        folder = context.directory("odd")
        done = subprocess.run(["gcc", "-shared", "-fPIC", "-fvisibility=hidden", "-xc", "-", "-I",
                               os.path.join(harness.REPOSITORY, "include"), "-o", os.path.join(folder, "odd.so")],
                              input=kinds_of_members(code), capture_output=True, text=True, check=False)
        equal(done.returncode, 0, done.stderr)
        path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
        write(path, json.dumps({**job(a="odd.Odd"), "sweep": {"product": {"a__n": [1, 2, 3]}}}))
        done = context.run("simlab-worker", "run", path, "--store", store, "--processes", folder)
        equal(done.returncode, 1, done.stderr)
        check(f"output a__value {words}" in done.stderr and "in member 0, which decided its array" in done.stderr,
              done.stderr)
        check("1 of 3" in done.stderr or "member 1" in done.stderr, done.stderr)


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
