#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Parts take turns until SOAK_SECONDS are over; each turn is drawn by SOAK_SEED, its part and its
number. A turn that fails leaves its folder: stores, jobs, the daemon's log.

SOAK_SECONDS (3600), SOAK_SEED (the time), SOAK_PARTS ("kills disks …", all), SOAK_TURN (a number:
this turn only, of each part)."""
import argparse
import importlib
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../lib")]
os.environ.setdefault("SIMLAB_TEST_WAIT", "300")
import disks  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position

PARTS = ("kills", "retried", "appended", "python", "calls", "each_call", "disks_full", "power", "moves", "libraries", "locks", "growth", "models", "steps", "lending")
SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))
SEED = os.environ.get("SOAK_SEED") or str(int(time.time()))
TURN = os.environ.get("SOAK_TURN")
ENOUGH = 10  # turns of a part that fail
VERBOSE = os.environ.get("SIMLAB_TEST_VERBOSE")


class Part:
    def __init__(self, name):
        module = importlib.import_module(name)
        self.name, self.turn, self.once = name, module.turn, getattr(module, "ONCE", False)
        self.is_numbered = getattr(module, "NUMBERED", False)  # a turn wants to know which it is
        self.number = int(TURN) if TURN else 0
        self.seconds, self.passed, self.failed, self.skipped, self.count = 0.0, 0, 0, None, 0

    def what(self):
        return "" if self.skipped is None else f" (skipped: {self.skipped})"

    def __str__(self):
        return f"{self.name} {self.passed}" + (f" ({self.failed} failed)" if self.failed else "")


def sanitizers(root):
    """What the programs' sanitizers find goes to files of the turn's folder."""
    log = os.path.join(root, "sanitizer")
    os.environ["ASAN_OPTIONS"] = f"log_path={log}"
    os.environ["UBSAN_OPTIONS"] = f"log_path={log}:print_stacktrace=1"


def found_by_sanitizers(root):
    return [name for name in os.listdir(root) if name.startswith("sanitizer.")]


def take(part, context):
    """None, or what went wrong."""
    drawn = random.Random(f"{SEED} {part.name} {part.number}")
    try:
        part.count += part.turn(context, drawn, *([part.number] if part.is_numbered else []))
        found = found_by_sanitizers(context.root)
        return f"sanitizers: {found}" if found else None
    except harness.Skip as skip:
        part.skipped = skip
        return None
    except harness.Failure as failure:
        return str(failure)
    except Exception:  # pylint: disable=broad-except
        return traceback.format_exc()


def leave(part, context, fault):
    """What is needed to look into it."""
    for i, daemon in enumerate(context.daemons):
        with open(os.path.join(context.root, f"daemon-{i}.log"), "w", encoding="utf-8") as file:
            file.write("\n".join(daemon.whole_log()))
    with open(os.path.join(context.root, "fault"), "w", encoding="utf-8") as file:
        file.write(fault)
    print(f"FAILED {part.name} {part.number}: see {context.root}\n    " + fault[:4000].replace("\n", "\n    ")
          + f"\n  again: make soak SOAK_SEED={SEED} SOAK_PARTS={part.name} SOAK_TURN={part.number}", flush=True)


def one_turn(build, part):
    root = tempfile.mkdtemp(prefix=f"simlab-soak-{part.name}-{part.number}.")
    sanitizers(root)
    context, began = harness.Context(build, root), time.monotonic()
    fault = take(part, context)
    context.close()
    if fault:
        leave(part, context, fault)
        part.failed += 1
    else:
        part.passed += part.skipped is None
        shutil.rmtree(root, ignore_errors=True)
    if VERBOSE:
        print(f"{part.name} {part.number}: {time.monotonic() - began:.1f} s", flush=True)
    part.seconds += time.monotonic() - began
    part.number += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(harness.REPOSITORY, "build"))
    build = os.path.abspath(parser.parse_args().build)
    parts = [Part(name) for name in os.environ.get("SOAK_PARTS", " ".join(PARTS)).split()]
    began = minute = time.monotonic()
    print(f"SOAK_SEED={SEED} for {SECONDS:g} s: {' '.join(p.name for p in parts)}", flush=True)
    left = list(parts)
    while left and (TURN or time.monotonic() - began < SECONDS):
        part = min(left, key=lambda p: p.seconds)
        one_turn(build, part)
        if TURN or part.once or part.skipped is not None or part.failed >= ENOUGH:
            left.remove(part)
        if time.monotonic() - minute > 60:
            minute = time.monotonic()
            print(f"{minute - began:.0f} s: " + ", ".join(map(str, parts)), flush=True)
    for part in parts:
        print(f"{part.name}: {part.passed} turns, {part.failed} failed, {part.count} disturbances, "
              f"{part.seconds:.0f} s{part.what()}")
    failed = sum(p.failed for p in parts)
    print(f"{sum(p.passed for p in parts)} passed, {failed} failed")
    sys.exit(1 if failed else 0)


disks.enter_namespace()
main()
