# SPDX-License-Identifier: Apache-2.0
"""Other random models than those of `make test` (tests/threads/random_models), under each scheduler:
the same outputs, lines and errors."""
from harness import check

MODELS = 30


def turn(context, drawn):
    ended = context.run("threads/random_models", str(MODELS), str(drawn.randrange(1000, 100_000_000)))
    check(ended.returncode == 0, f"exit {ended.returncode}: {ended.stdout}{ended.stderr}")
    return MODELS
