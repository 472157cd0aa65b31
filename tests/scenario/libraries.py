#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Libraries by content: what is replaced, overwritten, removed, broken or half-written while jobs
wait and run, and what one library may do to another."""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
from harness import check, equal, load, GOLDEN, REPOSITORY

# Tells which build it is; a member that is to wait does so until nobody holds the pipe $SIMLAB_TEST_GATE open.
VER = r"""
#include <simlab/process.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
enum { WAITS, OUT };
static const struct simlab_variable variables[] = {
    [WAITS] = {.name = "waits", .dtype = SIMLAB_I8, .default_value = "0"},
    [OUT] = {.name = "build", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4},
};
static int step(simlab_context *c)
{
    char byte;
    const char *path = getenv("SIMLAB_TEST_GATE");
    int gate = simlab_i8_get(c, WAITS) && path ? open(path, O_RDONLY) : -1;
    while (gate >= 0 && read(gate, &byte, 1) > 0)
        continue;
    close(gate);
    simlab_i4_put(c, OUT, BUILD);
    return 0;
}
static const struct simlab_process Ver = {.name = "Ver", SIMLAB_VARIABLES(variables), .run_step = step};
SIMLAB_LIBRARY("1.0", "tells its build", &Ver)
"""

# Two builds that are loaded into one process share this static, whatever dlopen is told.
SHARED = r"""
#include <simlab/process.h>
template <class T> struct First { static int build; };
template <class T> int First<T>::build = 0;
static simlab_variable variable()
{
    simlab_variable v = {};
    v.name = "build";
    v.intent = SIMLAB_OUT;
    v.dtype = SIMLAB_I4;
    return v;
}
static const simlab_variable variables[] = {variable()};
static int step(simlab_context *c)
{
    if (!First<int>::build)
        First<int>::build = BUILD;
    simlab_i4_put(c, 0, First<int>::build);
    return 0;
}
static simlab_process process()
{
    simlab_process p = {};
    p.name = "Ver";
    p.variables = variables;
    p.n_variables = 1;
    p.run_step = step;
    return p;
}
static const simlab_process Ver = process();
SIMLAB_LIBRARY("1.0", "tells the build that was first", &Ver)
"""

# %s: the rest of a type's description.
ONE_TYPE = r"""
#include <simlab/process.h>
#ifndef BUILD
#define BUILD 1
#endif
static const struct simlab_variable variables[] = {{.name = "build", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4}};
static int set(simlab_context *c)
{
    simlab_i4_put(c, 0, BUILD);
    return 0;
}
static const struct simlab_process One = {.name = "One", %s};
SIMLAB_LIBRARY("1.0", "one type", &One)
"""
PLAIN = ONE_TYPE % "SIMLAB_VARIABLES(variables), .run_step = set"

GOOD_AND_BAD = r"""
#include <simlab/process.h>
static const struct simlab_variable good[] = {{.name = "a", .intent = SIMLAB_OUT}};
static const struct simlab_variable bad[] = {{.name = "a__b", .intent = SIMLAB_OUT}};
static int set(simlab_context *c)
{
    simlab_f8_put(c, 0, 1);
    return 0;
}
static const struct simlab_process Good = {.name = "Good", SIMLAB_VARIABLES(good), .initialize = set};
static const struct simlab_process Bad = {.name = "Bad", SIMLAB_VARIABLES(bad), .initialize = set};
static const struct simlab_process Child = {.name = "Child", .extends = "Bad"};
SIMLAB_LIBRARY("1.0", "one good, one bad, and its child", &Good, &Bad, &Child)
"""

HANGS = r"""
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
__attribute__((constructor)) static void wait(void)
{
    char byte;
    int gate = open(getenv("SIMLAB_TEST_GATE"), O_RDONLY);
    while (read(gate, &byte, 1) > 0)
        continue;
    close(gate);
}
""" + PLAIN

CRASHES = "__attribute__((constructor)) static void crash(void) { __builtin_trap(); }\n" + PLAIN


# ---- fixtures ------------------------------------------------------------------------------------


def build(folder, name, text, *options, compiler="gcc"):
    """The path of NAME.so, made aside and moved there whole."""
    target = os.path.join(folder, name + ".so")
    source = os.path.join(folder, name + (".cc" if compiler == "g++" else ".c"))
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-fvisibility=hidden", "-I" + os.path.join(REPOSITORY, "include"),
         "-o", target + ".part", source, *options], capture_output=True, text=True, check=False)
    check(done.returncode == 0, done.stderr)
    os.unlink(source)
    os.rename(target + ".part", target)
    return target


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def job_of(name, waits=(0,)):
    """Of the type, whose output is `build`; a member for each element."""
    job = {"model": {"processes": {"p": name}}, "clocks": {"time": [0, 1]}, "outputs": {"p__build": None}}
    if len(waits) > 1:
        job.update(batch_dim="batch", inputs={"p__waits": {"dims": ["batch"], "data": list(waits)}})
    elif waits[0]:
        job["inputs"] = {"p__waits": waits[0]}
    return job


def builds_of(job):
    """The build that computed each member, and what the store says of its libraries."""
    group = harness.open_store(job["store"])
    hashes = {name: of["sha256"] for name, of in harness.provenance(job["store"])["libraries"].items()}
    return group["p__build"][...].ravel().tolist(), hashes


class Gate:
    """Where members wait that are to."""

    def __init__(self, context):
        self.path, self.fd = context.path("gate"), -1
        os.mkfifo(self.path)
        self.environment = {"SIMLAB_TEST_GATE": self.path}

    def meet(self):
        """Waits for a member, which stays until open()."""
        def come():
            self.fd = os.open(self.path, os.O_WRONLY)
        thread = threading.Thread(target=come)
        thread.start()
        thread.join(harness.WAIT)
        if thread.is_alive():
            os.close(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))
            raise harness.Failure("no member came to the gate")

    def meet_again(self, worker):
        """Kills the worker that waits, and waits for the next one."""
        os.kill(worker, signal.SIGKILL)
        check(harness.await_exit(worker), "a worker outlives its death")
        self.open()
        self.meet()

    def open(self):
        os.close(self.fd)


def daemon_of(context, folder, **options):
    return context.daemon(options=["--processes", folder], **options)


def serves(daemon, name, path):
    """Waits until new jobs get this file's content."""
    daemon.await_line(f"library {name}: (new )?content {sha256(path)[:12]}")


def left_out(daemon):
    return daemon.request("GET", "/v1/processes", status=200).json["left_out"]


# ---- replaced ------------------------------------------------------------------------------------


def replaced_while_running(context, replace):
    folder, gate = context.directory("lib"), Gate(context)
    first = sha256(build(folder, "ver", VER, "-DBUILD=1"))
    second = build(context.directory("new"), "ver", VER, "-DBUILD=2")
    daemon = daemon_of(context, folder, env=gate.environment)
    number = daemon.submit(job_of("ver.Ver", [0, 0, 0, 1, 0, 0, 0, 0]))["id"]
    gate.meet()
    replace(daemon, second, os.path.join(folder, "ver.so"), gate)
    serves(daemon, "ver", second)
    gate.open()
    ended = daemon.await_end(number)
    equal((ended["state"], ended["done"]), ("succeeded", 8), f"the end\n{daemon.log()}")
    equal(builds_of(ended), ([1] * 8, {"ver": first}), "builds")
    equal(builds_of(daemon.finish(job_of("ver.Ver"))), ([2], {"ver": sha256(second)}), "builds of a new job")


def test_replaced_while_running(context):
    """A new build is moved into place, and a worker dies."""
    def replace(daemon, new, path, gate):
        os.rename(new, path + ".new")
        os.rename(path + ".new", path)
        shutil.copy(path, new)
        worker = next(w for w in daemon.workers() if w["lease"] and w["lease"][0] <= 3 < w["lease"][1])
        gate.meet_again(worker["pid"])
    replaced_while_running(context, replace)


def test_overwritten_while_running(context):
    """`cp` over a library that is loaded."""
    replaced_while_running(context, lambda daemon, new, path, gate: shutil.copyfile(new, path))


def test_replaced_while_queued(context):
    """Jobs that wait keep what they were submitted with, in whatever order they run."""
    folder, gate = context.directory("lib"), Gate(context)
    build(folder, "ver", VER, "-DBUILD=1")
    daemon = daemon_of(context, folder, workers=1, env=gate.environment)
    held = daemon.submit(job_of("ver.Ver", [1]))["id"]
    gate.meet()
    submitted = []
    for number in (2, 3, 4):
        serves(daemon, "ver", build(folder, "ver", VER, f"-DBUILD={number}"))
        submitted += [(daemon.submit(job_of("ver.Ver"))["id"], number) for _ in range(2)]
    gate.open()
    equal(builds_of(daemon.await_end(held))[0], [1], "the build of the first")
    for job, number in submitted:
        equal(builds_of(daemon.await_end(job))[0], [number], f"the build of job {job}\n{daemon.log()}")


def test_two_builds_never_meet(context):
    """In one worker they would share what a C++ library's templates hold."""
    folder = context.directory("lib")
    build(folder, "ver", SHARED, "-DBUILD=1", "-fvisibility=default", compiler="g++")
    daemon = daemon_of(context, folder, workers=1)
    equal(builds_of(daemon.finish(job_of("ver.Ver")))[0], [1], "the build")
    for number in (2, 3):
        made = build(folder, "ver", SHARED, f"-DBUILD={number}", "-fvisibility=default", compiler="g++")
        serves(daemon, "ver", made)
        equal(builds_of(daemon.finish(job_of("ver.Ver")))[0], [number], "the build")


def started(daemon):
    return [line for line in daemon.lines if re.search(r"worker local-\S+ .*: ready", line)]


def test_no_worker_goes_back_and_forth(context):
    """Two kinds of jobs that one worker cannot both run, in turns, and one worker for both."""
    folder, gate = context.directory("lib"), Gate(context)
    build(folder, "ver", VER, "-DBUILD=1")
    daemon = daemon_of(context, folder, workers=2, env=gate.environment)
    held = daemon.submit({**job_of("ver.Ver", [1]), "threads": 2})["id"]
    gate.meet()
    jobs = [daemon.submit({**job_of("ver.Ver"), "threads": threads})["id"] for threads in (3, 2) * 20]
    for job in jobs:
        equal(daemon.await_end(job)["state"], "succeeded", "the end")
    gate.open()
    daemon.await_end(held)
    check(len(started(daemon)) <= 10, f"{len(started(daemon))} workers for 41 jobs\n{daemon.log()}")


# ---- bad, removed, half-written ------------------------------------------------------------------


def test_a_bad_build(context):
    """The one before goes on serving, and it is said; the next good one serves."""
    folder = context.directory("lib")
    first = build(folder, "ver", PLAIN, "-DBUILD=1")
    daemon, kept = daemon_of(context, folder), sha256(first)
    equal(left_out(daemon), [], "left out at first")
    with open(first + ".new", "wb") as file:
        file.write(b"no library")
    os.rename(first + ".new", first)
    daemon.await_line("library ver .*is left out")
    entry, = left_out(daemon)
    equal((entry["library"], entry["path"]), ("ver", first), "left out")
    check("new jobs get the content before it, " + kept[:12] in entry["reason"], entry["reason"])
    check("file too short" in entry["reason"], entry["reason"])
    told = context.run("simlab", "--server", daemon.server, "processes")
    check("ver.One" in told.stdout and "content before it" in told.stdout + told.stderr, f"{told}")
    equal(builds_of(daemon.finish(job_of("ver.One"))), ([1], {"ver": kept}), "builds")
    daemon.stop()
    daemon.start()  # what it served, it serves again
    equal(builds_of(daemon.finish(job_of("ver.One"))), ([1], {"ver": kept}), "builds after a restart")
    build(folder, "ver", CRASHES)
    daemon.await_line("library ver .*killed by signal")
    serves(daemon, "ver", build(folder, "ver", PLAIN, "-DBUILD=3"))
    equal(left_out(daemon), [], "left out at last")
    equal(builds_of(daemon.finish(job_of("ver.One")))[0], [3], "builds")


def test_one_that_is_being_written(context):
    """What is half there is no verdict on what will be."""
    folder = context.directory("lib")
    whole = build(context.directory("new"), "ver", PLAIN)
    daemon = daemon_of(context, folder)
    with open(whole, "rb") as source, open(os.path.join(folder, "ver.so"), "wb") as target:
        data = source.read()
        target.write(data[:len(data) // 2])
        target.flush()
        daemon.submit(load(GOLDEN, "advect", "job.json"))
        daemon.request("GET", "/v1/processes/ver.One", status=404)
        target.write(data[len(data) // 2:])
    serves(daemon, "ver", whole)
    equal(left_out(daemon), [], "left out")
    daemon.finish(job_of("ver.One"))


def test_originals_that_are_gone(context):
    """Jobs go on without the file that they were submitted with, also over a restart and a new build."""
    folder = context.directory("lib")
    first = build(folder, "ver", PLAIN, "-DBUILD=1")
    kept = sha256(first)
    daemon = daemon_of(context, folder, workers=0)
    numbers = [daemon.submit(job_of("ver.One"))["id"] for _ in range(2)]
    os.unlink(first)
    daemon.await_line("library ver is gone")
    refused = daemon.submit(job_of("ver.One"), status=422)
    check('there is no process type "ver.One"' in refused["detail"], f"{refused}")
    daemon.stop()
    second = build(folder, "ver", PLAIN, "-DBUILD=2")
    daemon.workers_wanted = 1
    daemon.start()
    for number in numbers:
        equal(builds_of(daemon.await_end(number)), ([1], {"ver": kept}), f"builds of job {number}")
    equal(builds_of(daemon.finish(job_of("ver.One"))), ([2], {"ver": sha256(second)}), "builds of a new job")


def test_a_directory_that_comes_later(context):
    folder = context.path("lib")
    daemon = daemon_of(context, folder)
    check("No such file" in daemon.await_line("no process libraries in " + folder), "why")
    os.mkdir(folder)
    made = build(folder, "ver", PLAIN)
    daemon.process.send_signal(signal.SIGHUP)
    serves(daemon, "ver", made)
    daemon.finish(job_of("ver.One"))


# ---- one harms no other --------------------------------------------------------------------------


def test_a_bad_type_alone(context):
    folder = context.directory("lib")
    path = build(folder, "two", GOOD_AND_BAD)
    daemon = daemon_of(context, folder)
    good = {"model": {"processes": {"p": "two.Good"}}, "clocks": {"time": [0, 1]}, "outputs": {"p__a": None}}
    daemon.finish(good)
    why = {entry["type"]: entry["reason"] for entry in left_out(daemon)}
    equal(sorted(why), ["two.Bad", "two.Child"], "left out")
    check("a__b" in why["two.Bad"], why["two.Bad"])
    for name in ("Bad", "Child"):
        wrong = {**good, "model": {"processes": {"p": "two." + name}}}
        refused = daemon.submit(wrong, status=422)
        said = f'there is no process type "two.{name}": '
        check(said in refused["detail"] and "a__b" in refused["detail"], f"{refused}")
        found = daemon.request("GET", "/v1/processes/two." + name, status=404).json
        check(said in found["detail"], f"{found}")
        _, ended = context.run_local(wrong, code=2, options=["--processes", folder])
        check(said in ended.stderr and "a__b" in ended.stderr, ended.stderr)
    context.run_local(good, options=["--processes", folder])
    told = context.run("simlab", "--server", daemon.server, "processes")
    check("two.Good" in told.stdout and "two.Bad" in told.stdout + told.stderr, f"{told}")
    checked = context.run("simlabd", "--check", "--state", context.path("state"), "--processes", folder)
    equal(checked.returncode, 3, f"exit of --check: {checked.stderr}")
    check("two.Good" in checked.stdout.split() and "two.Bad" in checked.stderr, f"{checked}")
    check(os.path.exists(path), "the original")


def test_one_that_takes_long_to_load(context):
    """The others serve meanwhile; who asks for what it may have is to ask again."""
    folder, gate = context.directory("lib"), Gate(context)
    path = build(folder, "ver", PLAIN)
    daemon = daemon_of(context, folder, workers=1, env=gate.environment)
    daemon.stop()
    build(folder, "slow", HANGS)
    start = threading.Thread(target=daemon.start)  # it says that it is ready when it knows them all
    start.start()
    gate.meet()
    serves(daemon, "ver", path)
    daemon.finish(job_of("ver.One"))
    for answer in (daemon.request("GET", "/v1/processes/slow.One", status=503),
                   daemon.request("POST", "/v1/jobs", job_of("slow.One"), status=503)):
        check("still being described" in answer.json["detail"] and answer.headers["Retry-After"], f"{answer}")
    check("being described" in str(daemon.request("GET", "/readyz", status=503).body), "why it is not ready")
    check(start.is_alive(), "it says that it is ready")
    gate.open()
    start.join()
    serves(daemon, "slow", os.path.join(folder, "slow.so"))
    daemon.request("GET", "/v1/processes/slow.One", status=200)
    daemon.request("GET", "/v1/processes/slow.Two", status=404)
    daemon.await_line("process types")
    daemon.request("GET", "/readyz", status=200)


def test_one_that_extends_nothing(context):
    """It keeps neither the service nor a worker nor a local run from starting, at start and later."""
    folder, gate = context.directory("lib"), Gate(context)
    build(folder, "ver", VER, "-DBUILD=1")
    build(folder, "m", ONE_TYPE % '.extends = "Nothing"')
    daemon = daemon_of(context, folder, workers=1, env=gate.environment)
    build(folder, "n", ONE_TYPE % '.extends = "m.One"')
    daemon.await_line("library n: n.One is left out: .*m.One")
    why = {entry["type"]: entry["reason"] for entry in left_out(daemon)}
    equal(sorted(why), ["m.One", "n.One"], "left out")
    number = daemon.submit(job_of("ver.Ver", [1]))["id"]
    gate.meet()
    gate.meet_again(daemon.workers()[0]["pid"])
    gate.open()
    equal(builds_of(daemon.await_end(number))[0], [1], "builds")
    context.run_local(job_of("ver.Ver"), options=["--processes", folder])
    daemon.stop()
    daemon.start()
    daemon.finish(job_of("ver.Ver"))


def test_extends_across_libraries(context):
    """A job keeps the content of the parent that it was submitted with; new ones get the newest."""
    folder = context.directory("lib")
    parents = [sha256(build(folder, "base", PLAIN, "-DBUILD=1"))]
    child = sha256(build(folder, "kid", ONE_TYPE % '.extends = "base.One"'))
    daemon = daemon_of(context, folder, workers=0)
    queued = daemon.submit(job_of("kid.One"))["id"]
    second = build(folder, "base", PLAIN, "-DBUILD=2")
    parents.append(sha256(second))
    serves(daemon, "base", second)
    new = daemon.submit(job_of("kid.One"))["id"]
    os.unlink(second)  # a parent that is gone takes its children along
    daemon.await_line("library kid: kid.One is left out: .*base.One")
    refused = daemon.submit(job_of("kid.One"), status=422)
    check("base.One" in refused["detail"], f"{refused}")
    daemon.stop()
    daemon.workers_wanted = 1
    daemon.start()
    for number, i in ((queued, 0), (new, 1)):
        equal(builds_of(daemon.await_end(number)), ([i + 1], {"base": parents[i], "kid": child}), f"builds of job {number}")


# ---- what lies beside a library ------------------------------------------------------------------

READS_A_FILE = r"""
#define _GNU_SOURCE
#include <simlab/process.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
static const struct simlab_variable variables[] = {{.name = "build", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4}};
static int set(simlab_context *c)
{
    Dl_info info;
    char path[PATH_MAX];
    int number = 0;
    dladdr((void *)set, &info);
    snprintf(path, sizeof path, "%s", info.dli_fname);
    strcpy(strrchr(path, '/') + 1, "tables/number.txt");
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%d", &number) != 1)
        return simlab_fail(c, "cannot read %s", path);
    fclose(file);
    simlab_i4_put(c, 0, number);
    return 0;
}
static const struct simlab_process One = {.name = "One", SIMLAB_VARIABLES(variables), .initialize = set};
SIMLAB_LIBRARY("1.0", "reads a file that lies beside it", &One)
"""

CALLS_A_HELPER = ONE_TYPE.replace("(c, 0, BUILD)", "(c, 0, helper())").replace(
    "static int set", "int helper(void);\nstatic int set") % "SIMLAB_VARIABLES(variables), .run_step = set"
HELPER = '__attribute__((visibility("default"))) int helper(void);\nint helper(void) { return NUMBER; }\n'


def put(folder, name, text):
    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def test_data_beside_a_library(context):
    """NAME.files: what it lists is copied with the library, and is part of its content."""
    folder = context.directory("lib")
    put(folder, "tables/number.txt", "1\n")
    put(folder, "ver.files", "tables/number.txt\n")
    path = build(folder, "ver", READS_A_FILE)
    lines = sha256(path) + "\n" + hashlib.sha256(b"1\n").hexdigest() + "  tables/number.txt\n"
    content = hashlib.sha256(lines.encode()).hexdigest()
    daemon = daemon_of(context, folder, workers=0)
    daemon.await_line(f"library ver: content {content[:12]}")
    first = daemon.submit(job_of("ver.One"))["id"]
    put(folder, "tables/number.txt", "2\n")
    daemon.process.send_signal(signal.SIGHUP)  # a directory below is looked at now and then only
    daemon.await_line("library ver: new content")
    second = daemon.submit(job_of("ver.One"))["id"]
    shutil.rmtree(os.path.join(folder, "tables"))
    daemon.stop()
    daemon.workers_wanted = 1
    daemon.start()
    equal(builds_of(daemon.await_end(first)), ([1], {"ver": content}), "what the first read")
    equal(builds_of(daemon.await_end(second))[0], [2], "what the second read")


def test_objects_beside_a_library(context):
    """One that is not listed is refused, with how to list it."""
    folder = context.directory("lib")
    build(folder, "libhelper", HELPER, "-DNUMBER=1")
    linked = ["-L" + folder, "-lhelper", "-Wl,-rpath,$ORIGIN"]
    build(folder, "ver", CALLS_A_HELPER, *linked)
    daemon = daemon_of(context, folder)
    reason = next(entry["reason"] for entry in left_out(daemon) if entry["library"] == "ver")
    check("libhelper.so" in reason and "ver.files" in reason, reason)
    _, ended = context.run_local(job_of("ver.One"), code=2, options=["--processes", folder])
    check("libhelper.so" in ended.stderr and "ver.files" in ended.stderr, ended.stderr)
    put(folder, "ver.files", "libhelper.so\n")
    daemon.await_line("library ver: content")
    equal(left_out(daemon), [], "left out")
    equal(builds_of(daemon.finish(job_of("ver.One")))[0], [1], "what the helper said")
    build(folder, "libhelper", HELPER, "-DNUMBER=2")
    daemon.await_line("library ver: new content")
    equal(builds_of(daemon.finish(job_of("ver.One")))[0], [2], "what the new helper said")
    context.run_local(job_of("ver.One"), options=["--processes", folder])


harness.main(globals())
