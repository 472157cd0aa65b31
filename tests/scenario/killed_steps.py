#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden cases and random models whose workers are killed in the midst of a step, and go on from a checkpoint. `make
soak` has the rest (tests/soak/steps.py)."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # pylint: disable=wrong-import-position
import killed_steps
from harness import check

MODELS = 30


def each_killed(subjects, first):
    """How many were killed; most of them went on from a checkpoint."""
    n, n_killed, n_resumed = first, 0, 0
    for subject in subjects:
        was_killed, went_on = subject.at_random(killed_steps.SCHEDULERS[n % len(killed_steps.SCHEDULERS)])
        n, n_killed, n_resumed = n + 1, n_killed + was_killed, n_resumed + went_on
    check(n_resumed > n_killed * 0.8, f"{n_resumed} of {n_killed} went on from a checkpoint")
    return n_killed


def test_golden_cases(context):
    drawn, cases = random.Random(8), harness.golden_cases()
    n = each_killed((killed_steps.golden(context, case, drawn) for case in cases), 1)
    check(n >= len(cases) - 3, f"{n} of {len(cases)} were killed")


def test_random_models(context):
    drawn = random.Random(9)
    n = each_killed((killed_steps.random_model(context, 1 + number, drawn) for number in range(MODELS)), 0)
    check(n > MODELS / 2, f"{n} of {MODELS} were killed")


def test_in_a_daemon(context):
    drawn = random.Random(10)
    subjects = [killed_steps.golden(context, case, drawn) for case in drawn.sample(harness.golden_cases(), 2)]
    subjects += [killed_steps.random_model(context, 100 + number, drawn) for number in range(4)]
    ended = [subject.at_random(killed_steps.SCHEDULERS[i % 4], True) for i, subject in enumerate(subjects)]
    check(sum(went_on for _, went_on in ended) > 2, f"{ended}: killed, and gone on with")


harness.main(globals())
