# SPDX-License-Identifier: Apache-2.0
"""One small job, again and again: each time one call of one program fails or kills it. The calls
are drawn; tests/lib/countdown.py tells what must come of it."""
import countdown

ATTEMPTS = 20  # in a turn
WHO = (countdown.LOCAL, countdown.DAEMON, countdown.WORKER, countdown.DESCRIBER)
CALLS = {}  # (who, operation): how many there are, as long as the soak lasts


def turn(context, drawn):
    down, came = countdown.Countdown(context), 0
    for _ in range(ATTEMPTS):
        who, operation = drawn.choice(WHO), drawn.choice(("malloc", *countdown.OPERATIONS))
        if (who, operation) not in CALLS:
            CALLS[who, operation] = down.calls(who, operation)
        nth = drawn.randint(1, max(1, CALLS[who, operation]))
        ways = countdown.errors_of(operation)
        came += down.attempt(who, operation, nth, drawn.choice(ways if operation == "malloc" else (*ways, "KILL")))
    return came
