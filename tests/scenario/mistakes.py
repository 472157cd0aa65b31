#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mistakes in a process's code (the wrong dtype, an undeclared write, dims that do not match …) give
an error that names process, variable and stage, and never a crash; those that end the worker are
told by process, stage and step, too. The library is tests/lib/faulty.c, and the process of
include/simlab/README.md with each of the mistakes that the page lists."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import abi  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
from harness import check, equal

# A fault is what it is in a plain build: no finding of the address sanitizer.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_sigfpe=0"

# In the order of enum mistake: what must stand in the message.
MISTAKES = [
    None,
    ["'given'", "f8", "f4"],
    ["'given'", "cannot be written", "intent in"],
    ["'vector'", "2 dimensions", "(x)"],
    ["'never_set'", "no value"],
    ["77", "11"],
    ["'late'", "stage"],
    ["'vector'"],
    ["'vector'"],
    ["'members'", "0"],
    ["'members'", "group"],
    ["'thing'", "not set"],
    ["'lazy'", "on_demand"],
    ["lazy", "did not set"],
    ["17", "signal"],
    ["without saying why"],
    ["'counted'", "i4", "f4"],
]


def test_each_mistake_is_told(context):
    for number, words in enumerate(MISTAKES):
        job = {"model": {"processes": {"clumsy": "faulty.Mistaken"}},
               "clocks": {"time": {"data": [0.0, 1.0, 2.0]}}, "main_clock": "time",
               "inputs": {"clumsy__mistake": number}, "outputs": {"clumsy__scalar": None}}
        store = context.path(f"mistake-{number}.zarr")
        ran = context.run("simlab-worker", "run", "-", "--store", store,
                          "--processes", context.program("faulty"),
                          stdin=json.dumps(job))
        said = ran.stderr
        wanted = 1 if words else 0
        check(ran.returncode == wanted, f"mistake {number} exits {ran.returncode}: {said}")
        if words:
            for word in [*words, "process 'clumsy' (faulty.Mistaken)", "run_step of step 0"]:
                check(word in said, f"mistake {number}: {word!r} is not in {said!r}")


def rows_of_the_page():
    """[(code, what else the first column says, message)]"""
    section = abi.page().split("## What goes wrong")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^|]*?)`((?: [^|]*)?) \| (\S[^|]*) \|$", section, re.M)


def with_mistake(code, more):
    """The page's process: statements that leave it come before it makes its output, others after."""
    statement = code if code[-1] in ";}" else f"(void){code};"
    before = "    double *diffused" if code.startswith("return") else "    for (int64_t i"
    text = "#define _GNU_SOURCE\n#include <fenv.h>\n#include <stdlib.h>\n" + abi.block("c")
    if "in a block" in more:
        block = ("static int block(simlab_context *c, int64_t begin, int64_t end, void *userdata)\n"
                 f"{{ (void)begin, (void)end, (void)userdata; {statement} return 0; }}\n")
        text = text.replace("static int run_step", block + "static int run_step", 1)
        statement = "simlab_parallel_for(c, 4, 1, block, NULL);"
    return text.replace(before, f"    {statement}\n{before}", 1)


def expected(message, library):
    """A pattern. The page has u[0] of no certain value, and another machine's memory; a sanitizer
    ends a worker in its own way."""
    plain = re.escape(message.replace("line.", library + "."))
    killed, touched = re.escape("was killed by signal 11 (Segmentation fault)"), re.escape(": it touched")
    for shown, any_such in ((re.escape("became 0"), r"became \S+"), (re.escape("23.5 GiB"), r"[0-9.]+ \S+")):
        plain = plain.replace(shown, any_such)
    if killed not in plain:
        return plain
    return plain + "|" + plain.partition(touched)[0].replace(killed, r"exited with status \d+")


def test_the_pages_mistakes_are_told(context):
    rows = rows_of_the_page()
    check(len(rows) >= 10, f"mistakes on the page: {rows}")
    folder, jobs = context.directory("mistakes"), {}
    for number, (code, more, _) in enumerate(rows):
        name = f"mistake_{number}"
        built = abi.compile_text(context, with_mistake(code, more), ".c", abi.as_the_page_says())
        os.rename(built, os.path.join(folder, name + ".so"))
        timeout = re.search(r'"member_timeout": (\d+)', more)
        jobs[name] = {**abi.job(), "max_attempts": 1, **({"member_timeout": int(timeout.group(1))} if timeout else {}),
                      **({"debug": True} if '"debug": true' in more else {})}
        jobs[name]["model"]["processes"]["diffuse"] = name + ".Diffusion"
    options = ["--processes", folder, "--processes", context.program("processes")]
    daemon = context.daemon(options=options)
    submitted = {name: daemon.submit(job)["id"] for name, job in jobs.items()}
    for (name, job), (code, _, message) in zip(jobs.items(), rows):
        _, ended = context.run_local(job, 1, options)
        there = daemon.await_end(submitted[name])
        equal(there["state"], "failed", f"state with {code}")
        for said in (ended.stderr, there["reason"]):
            check(re.search(expected(message, name), said), f"with {code}: {said!r}, the page says {message!r}")


def lines_of(context, document, options):
    """What a debug run of it says: a local one, and one of the daemon, in its log."""
    _, ended = context.run_local(document, 0, ["--debug", *options])
    daemon = context.daemon(options=options)
    logged = daemon.events(daemon.finish({**document, "debug": True})["id"], 0)
    return ended.stderr, "".join(data["line"] + "\n" for _, kind, data in logged if kind == "log")


def test_a_debug_run_names_what_was_not_written(context):
    line = "debug: process 'diffuse' (line.Diffusion): "
    library = abi.compile_text(context, with_mistake("n--;", ""), ".c", abi.as_the_page_says())
    options = ["--processes", os.path.dirname(library), "--processes", context.program("processes")]
    told = line + "1 of the 150 elements of 'u_diffused' were not written, the first is number 149\n"
    for said in lines_of(context, abi.job(), options):
        equal(said.count(told), 1, f"times that it is told in {said}")
    mistaken = {"model": {"processes": {"clumsy": "faulty.Mistaken"}}, "clocks": {"time": {"data": [0.0, 1.0]}},
                "main_clock": "time", "inputs": {}, "outputs": {"clumsy__scalar": None}}
    for said in lines_of(context, mistaken, ["--processes", context.program("faulty")]):
        check("debug: process 'clumsy' (faulty.Mistaken): 'never_set' was never set\n" in said, said)
        check("'scalar'" not in said, said)


def test_a_debug_run_shows_the_address_sanitizer_what_lies_beside(context):
    """In a library that was built with it: a read, which leaves no trace, is told by file and line."""
    command = abi.as_the_page_says()
    sanitizer = subprocess.run([command[0], "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    environment = {**os.environ, "LD_PRELOAD": sanitizer.stdout.strip(), "ASAN_OPTIONS": "detect_leaks=0:handle_segv=0"}
    text = abi.block("c").replace("    for (int64_t i", "    diffused[0] = diffused[n];\n    for (int64_t i", 1)
    library = abi.compile_text(context, text, ".c", [*command, "-g", "-fsanitize=address"])
    options = ["--processes", os.path.dirname(library), "--processes", context.program("processes")]
    for debug, code in (([], 0), (["--debug"], 1)):
        ended = context.run("simlab-worker", "run", "-", "--store", context.path(f"beside{code}.zarr"), *debug, *options,
                            stdin=json.dumps({**abi.job(), "max_attempts": 1}), env=environment)
        equal(ended.returncode, code, f"exit status with {debug}: {ended.stderr}")
        equal(bool(re.search(r"use-after-poison(.|\n)*line\.c:\d+", ended.stderr)), bool(debug), ended.stderr)


def test_a_debug_run_names_static_variables_that_were_changed(context):
    """Each once, in the member that changes it first; what is only read, and automatic ones, are no mistake."""
    statics = ("static int n_calls;\nstatic double table[4] = {1, 2, 3, 4};\nstatic volatile double last;\n"
               "static int run_step(simlab_context *c)")
    text = abi.block("c").replace("static int run_step(simlab_context *c)", statics, 1)
    text = text.replace("    double *diffused", "    n_calls++;\n    if (simlab_now(c)->batch == 1) last = table[n_calls & 3];\n"
                        "    double *diffused", 1)
    library = abi.compile_text(context, text, ".c", abi.as_the_page_says())
    document = abi.job()
    document["inputs"]["diffuse__diffusivity"] = {"dims": ["batch"], "data": [0.001, 0.002, 0.003]}
    document["batch_dim"] = "batch"
    options = ["--processes", os.path.dirname(library), "--processes", context.program("processes")]
    here, there = lines_of(context, document, options)
    told = re.findall(r"member (\d+): debug: static variable '(\w+)' of line.so was changed", here)
    equal(told, [("0", "n_calls"), ("1", "last")], f"static variables that are told in {here}")
    told = re.findall(r"debug: static variable '(\w+)' of line.so was changed", there)
    equal(set(told), {"n_calls", "last"}, f"static variables that the daemon tells in {there}")
    check("(without a name)" not in here + there, here + there)
    _, ended = context.run_local(document, 0, options)
    check("static variable" not in ended.stderr, ended.stderr)


harness.main(globals())
