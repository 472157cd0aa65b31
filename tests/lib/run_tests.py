#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every suite: Criterion's programs of build/tests, those of build/threads, then the scenarios of tests/scenario. One
line per suite, the whole output of one that fails, and at the end `N passed, N failed`.

A suite that runs no test fails; so does one in whose programs a sanitizer found anything, even
where the suite itself did not notice (Criterion does not: the sanitizers log to files here).
"""
import argparse
import concurrent.futures
import contextlib
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
LIMIT = float(os.environ.get("SIMLAB_SUITE_LIMIT", "300"))  # seconds: a suite beyond it hangs

CRITERION = re.compile(rb"Synthesis: Tested: (\d+) \| Passing: (\d+) \| Failing: (\d+) \| Crashing: (\d+)")
# Of a program that is killed while it looks for leaks at its end, or (with Python in it, and several workers) of
# what looks for them and crashes itself: it says nothing of the program.
NO_FINDING = re.compile(rb"(?:(?:==\d+==)?(?:Unable to get registers from thread \d+\.?|Tracer caught signal 11: .*|"
                        rb"LeakSanitizer has encountered a fatal error\.|HINT: .*)\s*)*")
SKIPPED = re.compile(rb"^skipped .*", re.MULTILINE)
OURS = re.compile(rb"^(?:.*: )?(\d+) passed, (\d+) failed$", re.MULTILINE)
LIB = os.path.join(ROOT, "tests/lib")
LIBRARIES = ("readers",)  # of tests/scenario: what scenarios import
PYTHON = ["/usr/bin/python3", "-B"]


def suites(build, wanted):
    """(name, command, pattern of the closing line), in the order in which they are started."""
    units = sorted(glob.glob(os.path.join(ROOT, "tests/unit/*/")))
    for folder in units:
        name = os.path.basename(folder.rstrip("/"))
        program = os.path.join(build, "tests", name)
        if glob.glob(folder + "*.c") and chosen(name, wanted):
            yield "unit " + name, [program, "--jobs=1", "--verbose"], CRITERION
    for source in sorted(glob.glob(os.path.join(ROOT, "tests/threads/*.c"))):
        name = os.path.basename(source)[:-len(".c")]
        if chosen(name, wanted):
            yield "threads " + name, [os.path.join(build, "threads", name)], OURS
    if chosen("layers", wanted):
        yield "layers", [os.path.join(LIB, "layers"), "--self-test", "--build", build], OURS
    if chosen("harness", wanted):
        yield "harness", [*PYTHON, os.path.join(LIB, "test_harness.py")], OURS
    for script in sorted(glob.glob(os.path.join(ROOT, "tests/scenario/*.py"))):
        name = os.path.basename(script)[:-len(".py")]
        if name not in LIBRARIES and chosen(name, wanted):
            yield "scenario " + name, [*PYTHON, script, "--build", build], OURS


def chosen(name, wanted):
    return not wanted or name in wanted


def counts(pattern, output):
    """(passed, failed) of the closing line; None without one."""
    found = pattern.findall(output)
    if not found:
        return None
    numbers = [int(n) for n in found[-1]]
    if pattern is CRITERION:
        tested, passed, failed, crashed = numbers
        return passed, max(failed + crashed, tested - passed)
    return numbers[0], numbers[1]


def sanitizer_options(folder):
    """Findings go to files of `folder`, so that none is lost."""
    log = os.path.join(folder, "sanitizer")
    return {
        "ASAN_OPTIONS": f"log_path={log}:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": f"log_path={log}:print_stacktrace=1",
        "TSAN_OPTIONS": f"log_path={log}:second_deadlock_stack=1"
                        f":suppressions={os.path.join(LIB, 'tsan.supp')}",
        "LSAN_OPTIONS": f"print_suppressions=0:suppressions={os.path.join(LIB, 'lsan.supp')}",
    }


def execute(command, folder):
    """(output, exit status) of a command in a session of its own, whose leftovers are killed. The
    output goes to a file: a pipe would stay open in what is left over."""
    with open(os.path.join(folder, "output"), "w+b") as output:
        try:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT,
                                       stdin=subprocess.DEVNULL, start_new_session=True,
                                       env={**os.environ, **sanitizer_options(folder)})
        except OSError as error:
            return f"{command[0]}: {error}\n".encode(), -1
        late = b""
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            late = f"\nno end after {LIMIT:g} s\n".encode()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        output.seek(0)
        return output.read() + late, code


def run(suite):
    """(name, passed, failed, output, seconds)"""
    name, command, pattern = suite
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="simlab-suite-") as folder:
        output, code = execute(command, folder)
        for log in sorted(glob.glob(os.path.join(folder, "sanitizer*"))):
            with open(log, "rb") as file:
                said = file.read()
            if said and NO_FINDING.fullmatch(said):
                continue
            output += b"\n" + said
            code = code or 1
    passed, failed = counts(pattern, output) or (0, 0)
    ran = passed + failed > 0 or SKIPPED.search(output)
    if not ran:
        output += b"\nno test ran\n"
    if failed == 0 and (code != 0 or not ran):
        output += f"\nexit status {code}\n".encode()
        failed = 1
    return name, passed, failed, output.decode(errors="replace"), time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("suites", nargs="*", help="names: base, store, golden, kill, …; none: all")
    options = parser.parse_args()
    chosen_suites = list(suites(os.path.abspath(options.build), options.suites))
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, s) for s in chosen_suites]):
            name, good, bad, output, seconds = done.result()
            passed, failed = passed + good, failed + bad
            print(f"{name:<20} {good:4} passed {bad:4} failed {seconds:7.1f} s")
            for skipped in sorted(set(SKIPPED.findall(output.encode()))):
                print("    " + skipped.decode())
            if bad:
                print("    " + output.rstrip().replace("\n", "\n    "))
            sys.stdout.flush()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
