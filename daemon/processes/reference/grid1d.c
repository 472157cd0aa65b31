/* SPDX-License-Identifier: Apache-2.0 */
/* A line of equidistant nodes, and two ways to set it by other processes. */
#include "reference.h"

#include <math.h>

enum { LENGTH, SPACING, X };

static const struct simlab_variable uniform_variables[] = {
    [LENGTH] = {.name = "length",
                .flags = SIMLAB_STATIC,
                .units = "m",
                .description = "total length"},
    [SPACING] = {.name = "spacing",
                 .flags = SIMLAB_STATIC,
                 .units = "m",
                 .description = "node spacing"},
    [X] = {.name = "x", .kind = SIMLAB_INDEX, .dims = "x", .description = "node coordinates"},
};

static int uniform_initialize(simlab_context *c)
{
    double length = simlab_f8_get(c, LENGTH), spacing = simlab_f8_get(c, SPACING);
    double n = ceil(length / spacing);
    if (!(spacing > 0) || !(n >= 1) || n > 1e9)
        return simlab_fail(c, "a line of length %g with nodes every %g has no nodes, or too many",
                           length, spacing);
    double *x = simlab_f8_1d(c, X, (int64_t)n);
    for (int64_t i = 0; i < (int64_t)n; i++)
        x[i] = (double)i * spacing;
    return 0;
}

const struct simlab_process UniformGrid1D = {
    .name = "UniformGrid1D",
    .description = "equidistant nodes along a line",
    SIMLAB_VARIABLES(uniform_variables),
    .initialize = uniform_initialize,
};

static const struct simlab_variable fixed_variables[] = {
    [LENGTH] = {.name = "length",
                .intent = SIMLAB_OUT,
                .units = "m",
                .description = "total length"},
    [SPACING] = {.name = "spacing",
                 .intent = SIMLAB_OUT,
                 .units = "m",
                 .description = "node spacing"},
};

static int fixed_initialize(simlab_context *c)
{
    simlab_f8_put(c, LENGTH, 1.0);
    simlab_f8_put(c, SPACING, 0.05);
    return simlab_parent(c, SIMLAB_INITIALIZE);
}

const struct simlab_process FixedGrid1D = {
    .name = "FixedGrid1D",
    .description = "20 nodes along 1 m",
    .extends = "UniformGrid1D",
    SIMLAB_VARIABLES(fixed_variables),
    .initialize = fixed_initialize,
};

static const struct simlab_variable params_variables[] = {
    [LENGTH] = {.name = "length",
                .kind = SIMLAB_FOREIGN,
                .intent = SIMLAB_OUT,
                .type = "UniformGrid1D"},
    [SPACING] = {.name = "spacing",
                 .kind = SIMLAB_FOREIGN,
                 .intent = SIMLAB_OUT,
                 .type = "UniformGrid1D"},
};

static int params_initialize(simlab_context *c)
{
    simlab_f8_put(c, LENGTH, 2.0);
    simlab_f8_put(c, SPACING, 0.1);
    return 0;
}

const struct simlab_process GridParams = {
    .name = "GridParams",
    .description = "sets the length and spacing of the grid",
    SIMLAB_VARIABLES(params_variables),
    .initialize = params_initialize,
};
