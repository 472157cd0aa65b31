/* SPDX-License-Identifier: Apache-2.0 */
/* What changes the profile: it is carried along, added to, and fades. */
#include "reference.h"

#include <math.h>
#include <string.h>

enum { V, SPACING, U, U_ADVECTED };

static const struct simlab_variable advection_variables[] = {
    [V] = {.name = "v", .dims = "()|x", .units = "m/s", .description = "velocity"},
    [SPACING] = {.name = "spacing", .kind = SIMLAB_FOREIGN, .type = "UniformGrid1D"},
    [U] = {.name = "u", .kind = SIMLAB_FOREIGN, .type = "ProfileU"},
    [U_ADVECTED] = {.name = "u_advected", .intent = SIMLAB_OUT, .dims = "x", .groups = "u_vars"},
};

struct advection { /* of a step */
    int64_t n;
    const double *u, *v; /* v: n elements, or one where the stride is 0 */
    double *advected, dt, spacing;
};

static inline double lax(double left, double centre, double right, double factor)
{
    return 0.5 * (right + left) - factor * (right - left) - centre;
}

/* Lax's method: Lax (1954), Comm. Pure Appl. Math. 7, 159. Periodic. The stride of v is a constant
 * to the compiler, which divides once where v is one number, and takes several nodes at a time. */
static inline __attribute__((always_inline)) void advect(const struct advection *a, int64_t stride)
{
    const double *restrict u = a->u, *restrict v = a->v;
    double *restrict advected = a->advected;
    double dt = a->dt, spacing = a->spacing;
    int64_t last = a->n - 1;
    for (int64_t i = 1; i < last; i++)
        advected[i] = lax(u[i - 1], u[i], u[i + 1], v[i * stride] * dt / (2 * spacing));
    advected[0] = lax(u[last], u[0], u[last > 0], v[0] * dt / (2 * spacing));
    advected[last] =
        lax(u[last > 0 ? last - 1 : 0], u[last], u[0], v[last * stride] * dt / (2 * spacing));
}

WIDE static int advection_run_step(simlab_context *c)
{
    int64_t stride, n = simlab_size(c, U);
    struct advection a = {.n = n,
                          .u = simlab_f8(c, U, n),
                          .v = simlab_f8_broadcast(c, V, n, &stride),
                          .advected = simlab_f8_1d(c, U_ADVECTED, n),
                          .dt = simlab_now(c)->step_delta,
                          .spacing = simlab_f8_get(c, SPACING)};
    if (n > 0 && stride == 0)
        advect(&a, 0);
    else if (n > 0)
        advect(&a, 1);
    return 0;
}

const struct simlab_process AdvectionLax = {
    .name = "AdvectionLax",
    .description = "advection by Lax's method, periodic",
    SIMLAB_VARIABLES(advection_variables),
    .run_step = advection_run_step,
};

enum { LOC, FLUX, SOURCE_X, U_SOURCE };

static const struct simlab_variable source_variables[] = {
    [LOC] = {.name = "loc", .default_value = "0", .description = "source location"},
    [FLUX] = {.name = "flux", .description = "source flux"},
    [SOURCE_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "UniformGrid1D"},
    [U_SOURCE] = {.name = "u_source", .intent = SIMLAB_OUT, .dims = "x", .groups = "u_vars"},
};

static int source_run_step(simlab_context *c)
{
    int64_t nearest = 0, n = simlab_size(c, SOURCE_X);
    const double *x = simlab_f8(c, SOURCE_X, n);
    double *source = simlab_f8_1d(c, U_SOURCE, n), loc = simlab_f8_get(c, LOC);
    for (int64_t i = 1; i < n; i++)
        if (fabs(x[i] - loc) < fabs(x[nearest] - loc))
            nearest = i;
    memset(source, 0, (size_t)n * sizeof *source);
    source[nearest] = simlab_f8_get(c, FLUX) * simlab_now(c)->step_delta;
    return 0;
}

const struct simlab_process SourcePoint = {
    .name = "SourcePoint",
    .description = "a source at the node nearest to a place",
    SIMLAB_VARIABLES(source_variables),
    .run_step = source_run_step,
};

enum { RATE, DECAY_U, U_DECAYED };

static const struct simlab_variable decay_variables[] = {
    [RATE] = {.name = "rate", .default_value = "0.1", .description = "decay rate"},
    [DECAY_U] = {.name = "u", .kind = SIMLAB_FOREIGN, .type = "ProfileU"},
    [U_DECAYED] = {.name = "u_decayed", .intent = SIMLAB_OUT, .dims = "x", .groups = "u_vars"},
};

WIDE static int decay_run_step(simlab_context *c)
{
    int64_t n = simlab_size(c, DECAY_U);
    const double *u = simlab_f8(c, DECAY_U, n);
    double *decayed = simlab_f8_1d(c, U_DECAYED, n);
    double factor = -simlab_f8_get(c, RATE) * simlab_now(c)->step_delta;
    for (int64_t i = 0; i < n; i++)
        decayed[i] = factor * u[i];
    return 0;
}

const struct simlab_process Decay = {
    .name = "Decay",
    .description = "decay at a rate, proportional to what is there",
    SIMLAB_VARIABLES(decay_variables),
    .run_step = decay_run_step,
};
