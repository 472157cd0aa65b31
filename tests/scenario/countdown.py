#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One small job, and the Nth call of each kind fails or kills, in a local run, the daemon, a worker:
the end is the right store, or a clear error and nothing that is wrong (daemon/README.md, section 6).
Here are some of the Ns, drawn by SIMLAB_TEST_SEED; `make soak SOAK_PARTS=each_call` goes on and on."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import countdown  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
from harness import check

SEED = int(os.environ.get("SIMLAB_TEST_SEED", "1"))


def some_fail(context, who, kinds, most, least):
    """At most `most` Ns of each of some kinds of call, each failing in one of its ways or killing."""
    drawn, down = random.Random(SEED), countdown.Countdown(context)
    came = 0
    for operation in drawn.sample(countdown.OPERATIONS, kinds):
        calls = down.calls(who, operation)
        ways = [*countdown.errors_of(operation), "KILL"]
        if who == countdown.WORKER and "ENOSPC" in ways:
            ways.remove("ENOSPC")  # it waits for room for seconds: disk.py
        for nth in sorted(drawn.sample(range(1, calls + 1), min(most, calls))):
            came += down.attempt(who, operation, nth, drawn.choice(ways))
    check(came >= least, f"only {came} faults came")


def test_local_run(context):
    some_fail(context, countdown.LOCAL, len(countdown.OPERATIONS), 4, 30)


def test_daemon(context):
    some_fail(context, countdown.DAEMON, 6, 2, 6)


def test_worker(context):
    some_fail(context, countdown.WORKER, 6, 2, 6)


harness.main(globals())
