#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The plugin ABI as a scientist meets it: the header compiles alone as C99 and C++11 without a
warning, the process of include/simlab/README.md builds, exports one symbol, runs and is right. (What
the page says of mistakes: mistakes.py.)"""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, REPOSITORY

INCLUDE = os.path.join(REPOSITORY, "include")
WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


def page():
    with open(os.path.join(INCLUDE, "simlab/README.md"), encoding="utf-8") as file:
        return file.read()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", page(), re.S).group(1)


def compile_text(context, text, suffix, command):
    """The path of the shared object, named line.so, in a directory of its own."""
    folder = context.directory("abi")
    source, library = os.path.join(folder, "line" + suffix), os.path.join(folder, "line.so")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run([*command, "-I" + INCLUDE, "-o", library, source], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"{' '.join(command)}: {done.stderr}")
    return library


def as_the_page_says():
    """The page's command, without its file names."""
    return re.search(r"^(cc .*) -o line\.so line\.c$", block("sh"), re.M).group(1).split()


def exported(library):
    done = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True)
    return [line.split()[-1] for line in done.stdout.splitlines()]


def compilers(*names):
    found = [n for n in names if shutil.which(n)]
    check(found, f"none of {names} is installed")
    return found


def test_header_is_c99(context):
    text = "#include <simlab/process.h>\n" + block("c").partition("\n")[2]
    for compiler in compilers("gcc", "clang"):
        library = compile_text(context, text, ".c", [compiler, "-std=c99", *WARNINGS, "-shared", "-fPIC"])
        equal(exported(library), ["simlab_library_table"], f"symbols by {compiler}")


def test_header_is_cpp11(context):
    text = ("#include <simlab/process.h>\n"
            "static int run_step(simlab_context *c)\n"
            "{ simlab_f8_put(c, 0, simlab_random_f8(c)); return simlab_bool_get(c, 0); }\n"
            "static simlab_process process()\n"
            "{ simlab_process p = simlab_process(); p.name = \"P\"; p.run_step = run_step; return p; }\n"
            "static const simlab_process P = process();\n"
            "SIMLAB_LIBRARY(\"1.0\", \"C++\", &P)\n")
    # A struct and a function may share a name in C and C++, but g++ counts that as shadowing.
    warnings = [w for w in WARNINGS if w != "-Wshadow"]
    for compiler in compilers("g++", "clang++"):
        command = [compiler, "-std=c++11", *warnings, "-fvisibility=hidden", "-shared", "-fPIC"]
        library = compile_text(context, text, ".cc", command)
        equal(exported(library), ["simlab_library_table"], f"symbols by {compiler}")
        equal([t["name"] for t in describe(context, library)["types"]], ["P"], f"types by {compiler}")


def describe(context, library):
    done = context.run("simlab-worker", "describe", library)
    check(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def test_own_libraries_export_one_symbol(context):
    for name in ("reference", "landscape"):
        equal(exported(context.program(f"processes/{name}.so")), ["simlab_library_table"], name)
        document = describe(context, context.program(f"processes/{name}.so"))
        check(all(t["description"] for t in document["types"]), f"{name}: a type has no description")


def job():
    golden = harness.load(harness.GOLDEN, "advect", "job.json")
    golden["model"]["processes"]["diffuse"] = "line.Diffusion"
    del golden["model"]["processes"]["advect"], golden["inputs"]["advect__v"]
    golden["inputs"]["diffuse__diffusivity"] = 0.002
    golden["outputs"] = {"profile__u": "time"}
    return golden


def run(context, library):
    folder = os.path.dirname(library)
    path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(job(), file)
    return store, context.run("simlab-worker", "run", path, "--store", store, "--processes", folder,
                              "--processes", context.program("processes"))


def test_the_pages_process_is_right(context):
    library = compile_text(context, block("c"), ".c", as_the_page_says())
    equal(exported(library), ["simlab_library_table"], "symbols")
    store, ended = run(context, library)
    check(ended.returncode == 0, ended.stderr)
    u = harness.open_store(store)["profile__u"][...].tolist()
    equal(len(u), 101, "labels")
    for before, after in zip(u, u[1:]):
        n = len(before)
        for i, value in enumerate(before):
            left, right = before[i - 1], before[(i + 1) % n]
            want = value + 0.002 * 0.01 / 0.01 ** 2 * (left - 2 * value + right)
            check(abs(after[i] - want) < 1e-12, f"node {i}: {after[i]}, expected {want}")
    check(max(u[-1]) < 0.9 * max(u[0]), "nothing was diffused")


def test_c_is_at_most_twice_as_long(_context):
    def lines(language):
        return sum(1 for line in block(language).splitlines() if line.strip())
    check(lines("c") <= 2 * lines("python"), f"C has {lines('c')} lines, Python {lines('python')}")
    check(lines("c") <= 36, f"{lines('c')} lines are not about 30")


if __name__ == "__main__":
    harness.main(globals())
