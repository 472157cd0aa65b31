# SPDX-License-Identifier: Apache-2.0
"""For tests/bench/python_models.py: what a call costs, and what reading a view does."""

import numpy as np

import simlab.processes as xs


@xs.process
class Empty:
    a = xs.variable(default=0.0)

    def run_step(self):
        pass


@xs.process
class Reads:
    u = xs.variable(dims="x", intent="out")

    def initialize(self):
        self.u = np.zeros(100)

    def run_step(self):
        self.u; self.u; self.u; self.u; self.u; self.u; self.u; self.u; self.u; self.u
