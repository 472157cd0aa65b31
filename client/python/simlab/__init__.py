# SPDX-License-Identifier: Apache-2.0
"""simlab: models in Python for simlabd."""


def __getattr__(name):
    """`run` and `RunError`, when they are asked for: a worker does not need them."""
    if name in ("run", "RunError"):
        from . import running

        return getattr(running, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
