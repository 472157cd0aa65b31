# SPDX-License-Identifier: Apache-2.0
"""What a model in Python is written with: the words of xarray-simlab.

    import simlab.processes as xs

    @xs.process
    class Growth:
        rate = xs.variable(description="per year")
        size = xs.variable(dims="x", intent="inout")

        @xs.runtime(args="step_delta")
        def run_step(self, dt):
            self.size = self.size * (1 + self.rate * dt)

The classes are used in two ways. In a worker of simlabd their variables are those of the running
model. Elsewhere (a notebook, a test) an instance is a plain object: `Growth(rate=0.1, size=[1.0])`.
"""

from . import validators
from .declaration import (
    MAIN_CLOCK,
    any_object,
    empty,
    foreign,
    global_ref,
    group,
    group_dict,
    index,
    on_demand,
    variable,
)
from .model import Model
from .process import (
    RuntimeSignal,
    filter_variables,
    is_process,
    process,
    process_info,
    runtime,
    variable_info,
)

__all__ = [
    "MAIN_CLOCK",
    "Model",
    "RuntimeSignal",
    "any_object",
    "empty",
    "filter_variables",
    "foreign",
    "global_ref",
    "group",
    "group_dict",
    "index",
    "is_process",
    "on_demand",
    "process",
    "process_info",
    "runtime",
    "validators",
    "variable",
    "variable_info",
]
