/* SPDX-License-Identifier: Apache-2.0 */
/* What on-demand variables and groups by name can tell. */
#include "reference.h"

enum { U, PARTS, MEAN, TOTAL, DOUBLED, N_PARTS, PARTS_TOTAL };

static double sum(const double *values, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += values[i];
    return s;
}

static int mean_compute(simlab_context *c, int32_t var)
{
    int64_t n = simlab_size(c, U);
    simlab_f8_put(c, var, sum(simlab_f8(c, U, n), n) / (double)n);
    return 0;
}

static int total_compute(simlab_context *c, int32_t var)
{
    int64_t n = simlab_size(c, U);
    simlab_f8_put(c, var, sum(simlab_f8(c, U, n), n));
    return 0;
}

static int doubled_compute(simlab_context *c, int32_t var)
{
    int64_t n = simlab_size(c, U);
    const double *u = simlab_f8(c, U, n);
    double *doubled = simlab_f8_1d(c, var, n);
    for (int64_t i = 0; i < n; i++)
        doubled[i] = 2 * u[i];
    return 0;
}

static const struct simlab_variable variables[] = {
    [U] = {.name = "u", .kind = SIMLAB_FOREIGN, .type = "ProfileU"},
    [PARTS] = {.name = "parts", .kind = SIMLAB_GROUP_DICT, .group = "u_vars"},
    [MEAN] = {.name = "mean",
              .kind = SIMLAB_ON_DEMAND,
              .compute = mean_compute,
              .description = "mean of u"},
    [TOTAL] = {.name = "total",
               .kind = SIMLAB_ON_DEMAND,
               .flags = SIMLAB_CACHED,
               .compute = total_compute,
               .description = "sum of u"},
    [DOUBLED] = {.name = "doubled",
                 .kind = SIMLAB_ON_DEMAND,
                 .dims = "x",
                 .compute = doubled_compute},
    [N_PARTS] = {.name = "n_parts",
                 .intent = SIMLAB_OUT,
                 .dtype = SIMLAB_I8,
                 .description = "number of variables in the group"},
    [PARTS_TOTAL] = {.name = "parts_total",
                     .intent = SIMLAB_OUT,
                     .description = "sum over every variable of the group"},
};

static int run_step(simlab_context *c)
{
    int64_t n_parts = simlab_group_size(c, PARTS);
    double total = 0;
    for (int64_t k = 0; k < n_parts; k++) {
        int64_t n = simlab_group_view(c, PARTS, k)->size;
        total += sum(simlab_f8_member(c, PARTS, k, n), n);
    }
    simlab_i8_put(c, N_PARTS, n_parts);
    simlab_f8_put(c, PARTS_TOTAL, total);
    return 0;
}

const struct simlab_process ProfileStats = {
    .name = "ProfileStats",
    .description = "statistics of the profile, and of what changes it",
    SIMLAB_VARIABLES(variables),
    .run_step = run_step,
};
