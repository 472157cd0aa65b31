/* SPDX-License-Identifier: Apache-2.0 */
/* A quantity along the line, which the processes of a group change, and its first values. */
#include "reference.h"

#include <math.h>
#include <string.h>

enum { U_VARS, U, U_CHANGE };

static const struct simlab_variable profile_variables[] = {
    [U_VARS] = {.name = "u_vars",
                .kind = SIMLAB_GROUP,
                .group = "u_vars",
                .reads = SIMLAB_AT_RUN_STEP},
    [U] = {.name = "u",
           .intent = SIMLAB_INOUT,
           .dims = "x",
           .units = "m",
           .description = "quantity u",
           .reads = SIMLAB_AT_RUN_STEP | SIMLAB_AT_FINALIZE_STEP,
           .writes = SIMLAB_AT_FINALIZE_STEP},
    [U_CHANGE] = {.name = "u_change",
                  .intent = SIMLAB_OUT,
                  .flags = SIMLAB_PRIVATE,
                  .dims = "x",
                  .units = "m",
                  .description = "what the step adds to u"},
};

WIDE static int profile_run_step(simlab_context *c)
{
    int64_t n = simlab_size(c, U);
    simlab_f8_sum(c, U_VARS, n, simlab_f8_1d(c, U_CHANGE, n));
    return 0;
}

WIDE static int profile_finalize_step(simlab_context *c)
{
    int64_t n = simlab_size(c, U);
    double *restrict u = simlab_f8_mut(c, U, n);
    const double *restrict change = simlab_f8(c, U_CHANGE, n);
    for (int64_t i = 0; i < n; i++)
        u[i] += change[i];
    return 0;
}

const struct simlab_process ProfileU = {
    .name = "ProfileU",
    .description = "a quantity along the line, changed by the variables of a group",
    SIMLAB_VARIABLES(profile_variables),
    .run_step = profile_run_step,
    .finalize_step = profile_finalize_step,
};

enum { GAUSS_LOC, GAUSS_SCALE, GAUSS_X, GAUSS_U };

static const struct simlab_variable gauss_variables[] = {
    [GAUSS_LOC] = {.name = "loc", .flags = SIMLAB_STATIC},
    [GAUSS_SCALE] = {.name = "scale", .flags = SIMLAB_STATIC, .bounds = "(0, inf]"},
    [GAUSS_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "UniformGrid1D"},
    [GAUSS_U] = {.name = "u", .kind = SIMLAB_FOREIGN, .intent = SIMLAB_OUT, .type = "ProfileU"},
};

static int gauss_initialize(simlab_context *c)
{
    int64_t n = simlab_size(c, GAUSS_X);
    const double *x = simlab_f8(c, GAUSS_X, n);
    double *u = simlab_f8_1d(c, GAUSS_U, n);
    double loc = simlab_f8_get(c, GAUSS_LOC), scale = simlab_f8_get(c, GAUSS_SCALE);
    for (int64_t i = 0; i < n; i++)
        u[i] = exp(-1.0 / (scale * scale) * ((x[i] - loc) * (x[i] - loc)));
    return 0;
}

const struct simlab_process InitUGauss = {
    .name = "InitUGauss",
    .description = "a Gaussian pulse",
    SIMLAB_VARIABLES(gauss_variables),
    .initialize = gauss_initialize,
};

enum { INIT_X, INIT_U };

static const struct simlab_variable init_variables[] = {
    [INIT_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "UniformGrid1D"},
    [INIT_U] = {.name = "u", .kind = SIMLAB_FOREIGN, .intent = SIMLAB_OUT, .type = "ProfileU"},
};

static int flat_initialize(simlab_context *c)
{
    int64_t n = simlab_size(c, INIT_X);
    memset(simlab_f8_1d(c, INIT_U, n), 0, (size_t)n * sizeof(double));
    return 0;
}

const struct simlab_process InitUFlat = {
    .name = "InitUFlat",
    .description = "zero everywhere",
    SIMLAB_VARIABLES(init_variables),
    .initialize = flat_initialize,
};

static int ramp_initialize(simlab_context *c)
{
    int64_t n = simlab_size(c, INIT_X);
    const double *x = simlab_f8(c, INIT_X, n);
    double *u = simlab_f8_1d(c, INIT_U, n);
    for (int64_t i = 0; i < n; i++)
        u[i] = x[i] / x[n - 1];
    return 0;
}

const struct simlab_process InitURamp = {
    .name = "InitURamp",
    .description = "from 0 at the first node to 1 at the last",
    SIMLAB_VARIABLES(init_variables),
    .initialize = ramp_initialize,
};
