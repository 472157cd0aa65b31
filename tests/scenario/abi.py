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
    for compiler in compilers("g++", "clang++"):
        command = [compiler, "-std=c++11", *WARNINGS, "-fvisibility=hidden", "-shared", "-fPIC"]
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


def run(context, library, **more):
    folder = os.path.dirname(library)
    path, store = os.path.join(folder, "job.json"), os.path.join(folder, "out.zarr")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({**job(), **more}, file)
    return store, context.run("simlab-worker", "run", path, "--store", store, "--processes", folder,
                              "--processes", context.program("processes"))


def diffuses_rightly(context, library):
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
    return ended


def same_by_the_daemon(context, folder):
    """As diffuses_rightly has left it there."""
    daemon = context.daemon(options=["--processes", folder, "--processes", context.program("processes")])
    harness.same_store(os.path.join(folder, "out.zarr"), daemon.finish(job())["store"])
    daemon.stop()


def test_the_pages_process_is_right(context):
    library = compile_text(context, block("c"), ".c", as_the_page_says())
    equal(exported(library), ["simlab_library_table"], "symbols")
    diffuses_rightly(context, library)


def cpp20(compiler):
    return [compiler, "-std=c++20", *WARNINGS, "-ffp-contract=off", "-fvisibility=hidden", "-shared", "-fPIC"]


def test_the_pages_process_is_cpp20(context):
    for compiler in compilers("g++", "clang++"):
        library = compile_text(context, block("c"), ".cc", cpp20(compiler))
        equal(exported(library), ["simlab_library_table"], f"symbols by {compiler}")
        diffuses_rightly(context, library)
        same_by_the_daemon(context, os.path.dirname(library))


# What run_step throws, and how that is told.
THROWN = {
    'throw std::runtime_error("u is odd");': "threw an exception: u is odd",
    "throw 3;": "threw an exception",
    "return simlab_f8_get(c, ODD) > 0;": "threw an exception: computing",
    "return simlab_parallel_for(c, n, 8, throws, nullptr);": "threw an exception: a block at 0",
    "return (int)simlab_parallel_sum(c, n, 8, adds, nullptr);": "threw an exception: a part at 0",
    "double sum; if (simlab_parallel_reduce(c, n, 8, none, joins, nullptr, sizeof sum, &sum)) return SIMLAB_ERROR;":
        "threw an exception: two parts",
}
BLOCKS = """
#include <stdexcept>
#include <string>
static int throws(simlab_context *, int64_t begin, int64_t, void *)
{ throw std::runtime_error("a block at " + std::to_string(begin)); }
static int adds(simlab_context *, int64_t begin, int64_t, void *, void *)
{ throw std::runtime_error("a part at " + std::to_string(begin)); }
static int computes(simlab_context *, int32_t)
{ throw std::runtime_error("computing"); }
static int none(simlab_context *, int64_t, int64_t, void *, void *)
{ return 0; }
static void joins(void *, void *, const void *)
{ throw std::runtime_error("two parts"); }
static int (*const used[])(simlab_context *, int64_t, int64_t, void *, void *) = {adds, none};
static simlab_block_fn const used_too = throws;
static void (*const used_as_well)(void *, void *, const void *) = joins;
"""


def that_throws(code):
    """The page's process, whose run_step does this."""
    text = block("c").replace("static int run_step", BLOCKS + "static int run_step", 1)
    text = text.replace("U_DIFFUSED };", "U_DIFFUSED, ODD };").replace('groups = "u_vars"},\n', 'groups = "u_vars"},\n'
                        '    {.name = "odd", .kind = SIMLAB_ON_DEMAND, .compute = computes},\n')
    # The tables come before it.
    text = text.replace("static const struct simlab_variable", "static int computes(simlab_context *, int32_t);\n"
                        "static const struct simlab_variable", 1)
    return text.replace("    for (int64_t", f"    {code}\n    for (int64_t", 1)


SCHEDULERS = [{"scheduler": "serial"}] + [{"parallel": True, "scheduler": name, "threads": 2} for name in ("threads", "processes")]


def test_what_cpp_throws_is_told(context):
    """Under each scheduler, in a local run and by the daemon, whose worker lives on."""
    quiet = ["-Wno-unused", "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-const-variable"]
    folder, jobs = context.directory("thrown"), []
    for number, (code, message) in enumerate(THROWN.items()):
        library = compile_text(context, that_throws(code), ".cc", cpp20("g++") + quiet)
        os.rename(library, os.path.join(folder, f"thrown{number}.so"))
        told = f"process 'diffuse' (thrown{number}.Diffusion), run_step of step 0: {message}"
        for how in SCHEDULERS:
            thrown = {**job(), **how, "max_attempts": 1}
            thrown["model"]["processes"]["diffuse"] = f"thrown{number}.Diffusion"
            jobs.append((thrown, told))
    options = ["--processes", folder, "--processes", context.program("processes")]
    daemon = context.daemon(options=[*options, "--sandbox", "off"])  # a file that comes may renew a worker (sandbox_files.h)
    workers = {w["pid"] for w in daemon.workers()}
    numbers = [daemon.submit(thrown)["id"] for thrown, _ in jobs]
    for number, (thrown, told) in zip(numbers, jobs):
        _, ended = context.run_local(thrown, 1, options)
        check(told + "\n" in ended.stderr, f"by {thrown['scheduler']}, {told}: {ended.stderr!r}")
        there = daemon.await_end(number)
        equal((there["state"], there["reason"]), ("failed", told), f"end by {thrown['scheduler']} in the daemon")
    equal({w["pid"] for w in daemon.workers()}, workers, "workers")


def test_a_jump_over_the_host_is_told(context):
    """Out of a block, into the stage that runs the loop: in order, where that is found."""
    text = "#include <setjmp.h>\n" + block("c").replace("static int run_step", """static jmp_buf out;
static int jumps(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)c, (void)begin, (void)end, (void)userdata;
    longjmp(out, 1);
}
static int run_step""", 1)
    text = text.replace("{\n    int64_t stride", "{\n    if (setjmp(out) == 0) return simlab_parallel_for(c, 3, 1, jumps, NULL);\n"
                        "    int64_t stride", 1)
    folder = os.path.dirname(compile_text(context, text, ".c", ["gcc", "-shared", "-fPIC", "-fvisibility=hidden"]))
    options = ["--processes", folder, "--processes", context.program("processes")]
    told = ("process 'diffuse' (line.Diffusion), run_step of step 0: left a block of a parallel loop, or a compute "
            "function, by longjmp")
    jump = {**job(), "max_attempts": 1, "scheduler": "serial"}
    _, ended = context.run_local(jump, 1, options)
    check(told + "\n" in ended.stderr, ended.stderr)
    daemon = context.daemon(options=options)
    there = daemon.await_end(daemon.submit(jump)["id"])
    equal((there["state"], there["reason"]), ("failed", told), "end in the daemon")


def test_what_a_hook_throws_is_told(context):
    text = "#include <stdexcept>\n" + block("c").replace('SIMLAB_LIBRARY("1.0", "diffusion along a line", &Diffusion)', """
static int watch(simlab_hook_context *h)
{
    static int32_t number = -1;
    if (number < 0)
        number = simlab_hook_find(h, "profile__u");
    if (h->runtime->step == 2)
        throw std::runtime_error("elements: " + std::to_string(simlab_hook_view_at(h, number)->size));
    return 0;
}
static const simlab_hook hooks[] = {{.name = "watch", .stage = SIMLAB_RUN_STEP, .when = SIMLAB_AFTER, .call = watch}};
SIMLAB_LIBRARY_WITH_HOOKS("1.0", "with a hook", hooks, &Diffusion)
""")
    text = "#include <string>\n" + text
    library = compile_text(context, text, ".cc", cpp20("g++"))
    _, ended = run(context, library, hooks=["line.watch"])
    equal(ended.returncode, 1, "exit status")
    check("hook line.watch, after run_step of step 2: threw an exception: elements: " in ended.stderr, ended.stderr)


def test_the_process_in_fortran(context):
    """As tests/lib/fortran has it: simlab.f90 and fortran.c beside it, as the page says."""
    if not shutil.which("gfortran"):
        raise harness.Skip("there is no gfortran")
    folder = context.directory("fortran")
    shutil.copy(os.path.join(REPOSITORY, "tests/lib/fortran/line.f90"), folder)
    for line in re.findall(r"^(?:gcc|gfortran) .*", page(), re.M):
        command = line.replace("/usr/local/include", INCLUDE).split()
        more = ["-Wall", "-Wextra", "-Werror", "-std=f2018"] if command[0] == "gfortran" else WARNINGS
        done = subprocess.run(command + more, cwd=folder, capture_output=True, text=True, check=False)
        equal((done.returncode, done.stderr), (0, ""), line)
    ended = diffuses_rightly(context, os.path.join(folder, "line.so"))
    check("diffuse: diffuses" in ended.stdout + ended.stderr, f"{ended}")
    same_by_the_daemon(context, folder)


WAITS = r"""
#include <simlab/process.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
enum { OUT };
static int run_step(simlab_context *c)
{
    close(open(getenv("SIMLAB_TEST_GATE"), O_WRONLY)); /* here it is */
    while (!simlab_cancelled(c))
        sched_yield();
    return simlab_fail(c, "nobody hears this");
}
static int finalize(simlab_context *c)
{
    close(open(getenv("SIMLAB_TEST_GATE"), O_WRONLY));
    return 0;
}
static const struct simlab_variable variables[] = {{.name = "out", .intent = SIMLAB_OUT}};
static const struct simlab_process Waits = {
    .name = "Waits", SIMLAB_VARIABLES(variables), .run_step = run_step, .finalize = finalize};
SIMLAB_LIBRARY("1.0", "computes until nobody wants it any more", &Waits)
"""


def meet(path):
    """Waits for whoever opens the pipe and closes it."""
    with open(path, "rb") as gate:
        equal(gate.read(), b"", "what came")


def test_a_long_call_is_told_that_it_is_cancelled(context):
    """It ends by itself, as cancelled: no worker is killed for it, and nobody is blamed."""
    folder = os.path.dirname(compile_text(context, WAITS, ".c", ["gcc", "-shared", "-fPIC", "-fvisibility=hidden"]))
    gate = context.path("gate")
    os.mkfifo(gate)
    daemon = context.daemon(options=["--processes", folder, "--writable", os.path.dirname(gate)], workers=1,
                            env={"SIMLAB_TEST_GATE": gate})
    number = daemon.submit({"model": {"processes": {"p": "line.Waits"}}, "clocks": {"time": [0, 1]},
                            "outputs": {"p__out": None}})["id"]
    meet(gate)
    worker, = daemon.workers()
    daemon.request("POST", f"/v1/jobs/{number}/cancel", status=200)
    meet(gate)
    equal(daemon.await_end(number)["state"], "cancelled", "state")
    equal([w["pid"] for w in daemon.workers()], [worker["pid"]], f"workers\n{daemon.log()}")
    check("nobody hears this" not in daemon.log(), daemon.log())


def needs(revision):
    return f"#define SIMLAB_REVISION {revision}\n" + block("c")


def test_a_library_says_which_revision_it_needs(context):
    """Only that counts: a header of a later revision makes libraries that load here, but those that ask for it."""
    with open(os.path.join(INCLUDE, "simlab/process.h"), encoding="utf-8") as file:
        header = file.read()
    now = int(re.search(r"#define SIMLAB_ABI_REVISION (\d+)", header).group(1))
    later = context.directory("later")
    os.makedirs(os.path.join(later, "simlab"), exist_ok=True)
    shutil.copy(os.path.join(INCLUDE, "simlab/types.h"), os.path.join(later, "simlab"))
    grown = re.sub(r"(#define SIMLAB_ABI_REVISION )\d+", rf"\g<1>{now + 1}", header)
    grown = grown.replace("    const char *models;\n};",
                          "    const char *models;\n"
                          f"#if SIMLAB_REVISION >= {now + 1}\n    const char *later;\n#endif\n}};")
    grown = re.sub("(            SIMLAB_GUARDS_, NULL, NULL) ", r"\1 SIMLAB_LATER_ ", grown)
    grown = grown.replace("typedef struct simlab_context simlab_context;",
                          f"#if SIMLAB_REVISION >= {now + 1}\n#define SIMLAB_LATER_ , \"later\"\n#else\n"
                          "#define SIMLAB_LATER_\n#endif\ntypedef struct simlab_context simlab_context;")
    check(grown.count("SIMLAB_LATER_") == 3, "the header has another form")
    with open(os.path.join(later, "simlab/process.h"), "w", encoding="utf-8") as file:
        file.write(grown)
    newer = [*as_the_page_says(), "-I" + later]
    diffuses_rightly(context, compile_text(context, block("c"), ".c", newer))
    diffuses_rightly(context, compile_text(context, needs(now), ".c", newer))
    done = context.run("simlab-worker", "describe", compile_text(context, needs(now + 1), ".c", newer))
    check(f"needs revision {now + 1} of simlab/process.h; this simlabd has revision {now}" in done.stderr, done.stderr)
    done = subprocess.run(["gcc", "-fsyntax-only", "-I" + INCLUDE, "-xc", "-"], input=needs(now + 1), capture_output=True,
                          text=True, check=False)
    check("asks for more than this simlab/process.h has" in done.stderr, done.stderr)


def test_c_is_at_most_twice_as_long(_context):
    def lines(language):
        return sum(1 for line in block(language).splitlines() if line.strip())
    check(lines("c") <= 2 * lines("python"), f"C has {lines('c')} lines, Python {lines('python')}")
    check(lines("c") <= 36, f"{lines('c')} lines are not about 30")


if __name__ == "__main__":
    harness.main(globals())
