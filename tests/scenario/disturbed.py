#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Some turns of `make soak SOAK_PARTS=kills`, drawn by SIMLAB_TEST_SEED: random jobs while daemon,
workers and guards are killed and stopped at random moments; the stores equal those of an undisturbed
run, byte for byte, with the same members dead (daemon/README.md, invariants 1, 2 and 7)."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), os.path.join(HERE, "../soak")]
import appended  # pylint: disable=wrong-import-position
import harness  # pylint: disable=wrong-import-position
import kills  # pylint: disable=wrong-import-position
import python  # pylint: disable=wrong-import-position
import retried  # pylint: disable=wrong-import-position

SEED = os.environ.get("SIMLAB_TEST_SEED", "1")


def disturbed(context, number, **how):
    kills.turn(context, random.Random(f"{SEED} {number}"), most=8, longest=0.5, seconds=(0.1, 0.3), **how)


def test_batches(context):
    disturbed(context, 1, may_crash=False)


def test_batches_with_members_that_crash(context):
    disturbed(context, 2)


def test_batches_that_are_retried(context):
    """What was dead, and what was damaged."""
    for number in range(2):
        retried.turn(context, random.Random(f"{SEED} 4 {number}"), most=13, longest=0.5, seconds=(0.1, 0.3))


def test_batches_that_get_more_members(context):
    appended.turn(context, random.Random(f"{SEED} 5"), most=10, longest=0.5, jobs=2, seconds=(0.1, 0.3))


def test_members_in_python(context):
    python.turn(context, random.Random(f"{SEED} 3"), most=8, longest=0.5, seconds=(0.1, 0.3))


harness.main(globals())
