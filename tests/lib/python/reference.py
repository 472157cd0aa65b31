# SPDX-License-Identifier: Apache-2.0
"""The process types of the golden cases, as classes written for xarray-simlab.

The equations stand in tests/golden/README.md; but for the imports this is the file by which the
expected values there were computed, with xarray-simlab.
"""
import numpy as np
import simlab.processes as xs
import simlab.processes.validators


@xs.process
class UniformGrid1D:
    length = xs.variable(static=True, description="total length", attrs={"units": "m"})
    spacing = xs.variable(static=True, description="node spacing", attrs={"units": "m"})
    x = xs.index(dims="x", description="node coordinates")

    def initialize(self):
        self.x = np.arange(0, self.length, self.spacing)


@xs.process
class FixedGrid1D(UniformGrid1D):
    length = xs.variable(intent="out")
    spacing = xs.variable(intent="out")

    def initialize(self):
        self.length = 1.0
        self.spacing = 0.05
        super(FixedGrid1D, self).initialize()


@xs.process
class GridParams:
    length = xs.foreign(UniformGrid1D, "length", intent="out")
    spacing = xs.foreign(UniformGrid1D, "spacing", intent="out")

    def initialize(self):
        self.length = 2.0
        self.spacing = 0.1


@xs.process
class ProfileU:
    u_vars = xs.group("u_vars")
    u = xs.variable(dims="x", intent="inout", description="quantity u", attrs={"units": "m"})

    def run_step(self):
        self._delta = sum(v for v in self.u_vars)

    def finalize_step(self):
        self.u = self.u + self._delta


@xs.process
class InitUGauss:
    loc = xs.variable(static=True)
    scale = xs.variable(static=True, validator=xs.validators.in_bounds((0, None), closed=(False, True)))
    x = xs.foreign(UniformGrid1D, "x")
    u = xs.foreign(ProfileU, "u", intent="out")

    def initialize(self):
        self.u = np.exp(-1 / self.scale ** 2 * (self.x - self.loc) ** 2)


@xs.process
class InitUFlat:
    x = xs.foreign(UniformGrid1D, "x")
    u = xs.foreign(ProfileU, "u", intent="out")

    def initialize(self):
        self.u = np.zeros_like(self.x)


@xs.process
class AdvectionLax:
    v = xs.variable(dims=[(), "x"], description="velocity", attrs={"units": "m/s"})
    spacing = xs.foreign(UniformGrid1D, "spacing")
    u = xs.foreign(ProfileU, "u")
    u_advected = xs.variable(dims="x", intent="out", groups="u_vars")

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        factor = self.v * dt / (2 * self.spacing)
        left, right = np.roll(self.u, 1), np.roll(self.u, -1)
        self.u_advected = 0.5 * (right + left) - factor * (right - left) - self.u


@xs.process
class SourcePoint:
    loc = xs.variable(default=0.0, description="source location")
    flux = xs.variable(description="source flux")
    x = xs.foreign(UniformGrid1D, "x")
    u_source = xs.variable(dims="x", intent="out", groups="u_vars")

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        s = np.zeros_like(self.x)
        s[np.abs(self.x - self.loc).argmin()] = self.flux * dt
        self.u_source = s


@xs.process
class Decay:
    rate = xs.variable(default=0.1, description="decay rate")
    u = xs.foreign(ProfileU, "u")
    u_decayed = xs.variable(dims="x", intent="out", groups="u_vars")

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        self.u_decayed = -self.rate * dt * self.u


@xs.process
class ProfileStats:
    """Diagnostics computed on demand, and a group read by name."""

    u = xs.foreign(ProfileU, "u")
    parts = xs.group_dict("u_vars")
    mean = xs.on_demand(description="mean of u")
    total = xs.on_demand(dims=(), description="sum of u")
    doubled = xs.on_demand(dims="x")
    n_parts = xs.variable(intent="out", description="number of variables in the group")
    parts_total = xs.variable(intent="out", description="sum over every variable of the group")

    def run_step(self):
        self.n_parts = len(self.parts)
        self.parts_total = float(sum(np.sum(v) for v in self.parts.values()))

    @mean.compute
    def _mean(self):
        return np.mean(self.u)

    @total.compute(cache=True)
    def _total(self):
        return np.sum(self.u)

    @doubled.compute
    def _doubled(self):
        return 2 * self.u


@xs.process
class ClimateForcing:
    temperature = xs.variable(global_name="air_temperature", default=10.0)


@xs.process
class Melt:
    temperature = xs.global_ref("air_temperature")
    degree_factor = xs.variable(default=2.0)
    melted = xs.variable(intent="out", description="melted since the start")

    def initialize(self):
        self.melted = 0.0

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        self.melted = self.melted + max(self.temperature, 0.0) * self.degree_factor * dt


@xs.process
class Logistic:
    """Explicit Euler on dn/dt = r n (1 - n / k)."""

    r = xs.variable(description="growth rate")
    k = xs.variable(default=100.0, description="carrying capacity",
                    validator=xs.validators.in_bounds((0, None), closed=(False, True)))
    n0 = xs.variable(default=1.0, static=True, description="initial population")
    n = xs.variable(intent="out", description="population")

    def initialize(self):
        self.n = self.n0

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        self._dn = self.r * self.n * (1 - self.n / self.k) * dt

    def finalize_step(self):
        self.n = self.n + self._dn


@xs.process
class StopAbove:
    """Skip `finalize_step`'s later processes: returns BREAK from run_step."""

    n = xs.foreign(Logistic, "n")
    limit = xs.variable(default=np.inf)
    seen = xs.variable(intent="out", description="run_step calls that saw n <= limit")

    def initialize(self):
        self.seen = 0

    def run_step(self):
        if self.n > self.limit:
            return xs.RuntimeSignal.BREAK
        self.seen = self.seen + 1


@xs.process
class AfterStop:
    seen = xs.foreign(StopAbove, "seen")
    calls = xs.variable(intent="out", description="run_step calls of this process")

    def initialize(self):
        self.calls = 0

    def run_step(self):
        self.calls = self.calls + 1


@xs.process
class Particles:
    """An array whose length changes at every step: 1 + (step mod 4)."""

    position = xs.variable(dims="pt", intent="out")

    def initialize(self):
        self.position = np.array([0.0])

    @xs.runtime(args="step")
    def run_step(self, step):
        n = 1 + int(step) % 4
        self.position = 10.0 * int(step) + np.arange(n, dtype="f8")


@xs.process
class Dtypes:
    """One output of each number type, advanced by one at every step."""

    b = xs.variable(intent="out")
    i1 = xs.variable(intent="out")
    i2 = xs.variable(intent="out")
    i4 = xs.variable(intent="out")
    i8 = xs.variable(intent="out")
    u1 = xs.variable(intent="out")
    u2 = xs.variable(intent="out")
    u4 = xs.variable(intent="out")
    u8 = xs.variable(intent="out")
    f4 = xs.variable(intent="out")
    f8 = xs.variable(intent="out")
    vec_f4 = xs.variable(dims="k", intent="out")
    mat_i4 = xs.variable(dims=("j", "k"), intent="out")

    NUM = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")

    def _set(self, step):
        self.b = np.bool_(step % 2)
        for t in self.NUM:
            setattr(self, t, np.dtype(t).type(step))
        self.vec_f4 = np.full(3, step, dtype="f4") + np.arange(3, dtype="f4")
        self.mat_i4 = (np.arange(6, dtype="i4").reshape(2, 3) + np.int32(step)).astype("i4")

    def initialize(self):
        self._set(0)

    @xs.runtime(args="step")
    def run_step(self, step):
        self._set(int(step) + 1)


@xs.process
class RuntimeInfo:
    """What the runtime context says, as variables."""

    sim_start = xs.variable(intent="out")
    sim_end = xs.variable(intent="out")
    nsteps = xs.variable(intent="out")
    step = xs.variable(intent="out")
    step_start = xs.variable(intent="out")
    step_delta = xs.variable(intent="out")
    elapsed = xs.variable(dims=xs.MAIN_CLOCK, intent="out", description="a value per main clock label")

    @xs.runtime(args="sim_start,sim_end,nsteps,main_clock_values")
    def initialize(self, sim_start, sim_end, nsteps, clock):
        self.sim_start = float(sim_start)
        self.sim_end = float(sim_end)
        self.nsteps = int(nsteps)
        self.elapsed = np.asarray(clock, dtype="f8") - float(sim_start)
        self.step = -1
        self.step_start = np.nan
        self.step_delta = np.nan

    @xs.runtime(args="step,step_start,step_delta")
    def run_step(self, step, start, delta):
        self.step = int(step)
        self.step_start = float(start)
        self.step_delta = float(delta)


@xs.process
class UniformGrid2D:
    nx = xs.variable(static=True, description="columns")
    ny = xs.variable(static=True, description="rows")
    spacing = xs.variable(static=True, default=1.0)
    x = xs.index(dims="x")
    y = xs.index(dims="y")

    def initialize(self):
        self.x = np.arange(int(self.nx)) * float(self.spacing)
        self.y = np.arange(int(self.ny)) * float(self.spacing)


@xs.process
class GameOfLife:
    world = xs.variable(dims=("y", "x"), intent="inout", description="1 = alive")
    alive = xs.on_demand(description="living cells")

    def run_step(self):
        w = self.world
        n = sum(np.roll(np.roll(w, i, 0), j, 1) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
        self._next = ((n == 3) | ((w == 1) & (n == 2))).astype("i1")

    def finalize_step(self):
        self.world = self._next

    @alive.compute
    def _alive(self):
        return np.sum(self.world, dtype="i8")


@xs.process
class InitGlider:
    row = xs.variable(default=0, static=True)
    col = xs.variable(default=0, static=True)
    x = xs.foreign(UniformGrid2D, "x")
    y = xs.foreign(UniformGrid2D, "y")
    world = xs.foreign(GameOfLife, "world", intent="out")

    def initialize(self):
        w = np.zeros((self.y.size, self.x.size), dtype="i1")
        for r, c in ((0, 1), (1, 2), (2, 0), (2, 1), (2, 2)):
            w[int(self.row) + r, int(self.col) + c] = 1
        self.world = w


def _laplacian(a, h):
    return (np.roll(a, 1, 0) + np.roll(a, -1, 0) + np.roll(a, 1, 1) + np.roll(a, -1, 1) - 4 * a) / (h * h)


@xs.process
class Substance:
    """Two concentrations of the Gray-Scott system."""

    u = xs.variable(dims=("y", "x"), intent="inout")
    v = xs.variable(dims=("y", "x"), intent="inout")
    du = xs.group("u_rates")
    dv = xs.group("v_rates")

    @xs.runtime(args="step_delta")
    def run_step(self, dt):
        self._u = self.u + float(dt) * sum(d for d in self.du)
        self._v = self.v + float(dt) * sum(d for d in self.dv)

    def finalize_step(self):
        self.u = self._u
        self.v = self._v


@xs.process
class InitSquare:
    """u = 1, v = 0 but for a centred square of side `side` where u = 0.5, v = 0.25."""

    side = xs.variable(default=4, static=True)
    x = xs.foreign(UniformGrid2D, "x")
    y = xs.foreign(UniformGrid2D, "y")
    u = xs.foreign(Substance, "u", intent="out")
    v = xs.foreign(Substance, "v", intent="out")

    def initialize(self):
        ny, nx, s = self.y.size, self.x.size, int(self.side)
        u, v = np.ones((ny, nx)), np.zeros((ny, nx))
        r, c = (ny - s) // 2, (nx - s) // 2
        u[r:r + s, c:c + s] = 0.5
        v[r:r + s, c:c + s] = 0.25
        self.u, self.v = u, v


@xs.process
class DiffuseU:
    diffusivity = xs.variable(dims=[(), ("y", "x")], default=0.16)
    spacing = xs.foreign(UniformGrid2D, "spacing")
    u = xs.foreign(Substance, "u")
    rate = xs.variable(dims=("y", "x"), intent="out", groups="u_rates")

    def run_step(self):
        self.rate = self.diffusivity * _laplacian(self.u, self.spacing)


@xs.process
class DiffuseV:
    diffusivity = xs.variable(dims=[(), ("y", "x")], default=0.08)
    spacing = xs.foreign(UniformGrid2D, "spacing")
    v = xs.foreign(Substance, "v")
    rate = xs.variable(dims=("y", "x"), intent="out", groups="v_rates")

    def run_step(self):
        self.rate = self.diffusivity * _laplacian(self.v, self.spacing)


@xs.process
class React:
    feed = xs.variable(default=0.035)
    kill = xs.variable(default=0.065)
    u = xs.foreign(Substance, "u")
    v = xs.foreign(Substance, "v")
    u_rate = xs.variable(dims=("y", "x"), intent="out", groups="u_rates")
    v_rate = xs.variable(dims=("y", "x"), intent="out", groups="v_rates")

    def run_step(self):
        uvv = self.u * self.v * self.v
        self.u_rate = self.feed * (1 - self.u) - uvv
        self.v_rate = uvv - (self.feed + self.kill) * self.v


@xs.process
class CycleA:
    a = xs.variable(intent="out")
    b = xs.global_ref("cycle_b")


@xs.process
class CycleB:
    a = xs.foreign(CycleA, "a")
    b = xs.variable(intent="out", global_name="cycle_b")


@xs.process
class InitURamp:
    """A second process that sets ProfileU.u: conflicts with the other initial profiles."""

    x = xs.foreign(UniformGrid1D, "x")
    u = xs.foreign(ProfileU, "u", intent="out")

    def initialize(self):
        self.u = self.x / self.x[-1]


TYPES = {k: v for k, v in list(globals().items()) if getattr(v, "__xsimlab_cls__", None) is not None}
