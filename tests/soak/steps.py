# SPDX-License-Identifier: Apache-2.0
"""Workers that are killed in the midst of a step (tests/lib/killed_steps.py): in the first turns every golden case and
MODELS random models, under each scheduler, here and there in a daemon; then further models."""
import harness
import killed_steps

NUMBERED = True
MODELS, A_TURN = 300, 12
CASES = harness.golden_cases()
SCHEDULERS = killed_steps.SCHEDULERS


def subject(context, number, drawn):
    """Of all that there is to do."""
    which = number // len(SCHEDULERS)
    if which < len(CASES):
        return killed_steps.golden(context, CASES[which], drawn)
    model = which - len(CASES) + 1
    return killed_steps.random_model(context, model if model <= MODELS else drawn.randrange(MODELS, 10 ** 8), drawn)


def turn(context, drawn, turn_number):
    n_killed = 0
    for number in range(turn_number * A_TURN, (turn_number + 1) * A_TURN):
        one = subject(context, number, drawn)
        was_killed, _ = one.at_random(SCHEDULERS[number % len(SCHEDULERS)], drawn.randrange(5) == 0)
        n_killed += was_killed
    return n_killed
