/* SPDX-License-Identifier: Apache-2.0 */
/* A plane of equidistant nodes. */
#include "reference.h"

enum { NX, NY, SPACING, X, Y };

static const struct simlab_variable variables[] = {
    [NX] = {.name = "nx", .dtype = SIMLAB_I8, .flags = SIMLAB_STATIC, .description = "columns"},
    [NY] = {.name = "ny", .dtype = SIMLAB_I8, .flags = SIMLAB_STATIC, .description = "rows"},
    [SPACING] = {.name = "spacing", .flags = SIMLAB_STATIC, .default_value = "1"},
    [X] = {.name = "x", .kind = SIMLAB_INDEX, .dims = "x"},
    [Y] = {.name = "y", .kind = SIMLAB_INDEX, .dims = "y"},
};

static void fill(double *coordinates, int64_t n, double spacing)
{
    for (int64_t i = 0; i < n; i++)
        coordinates[i] = spacing * (double)i;
}

static int initialize(simlab_context *c)
{
    int64_t nx = simlab_i8_get(c, NX), ny = simlab_i8_get(c, NY);
    double spacing = simlab_f8_get(c, SPACING);
    if (nx < 1 || ny < 1 || nx > 1000000000 / ny)
        return simlab_fail(c, "a plane of %lld x %lld nodes is empty or too large", (long long)ny,
                           (long long)nx);
    fill(simlab_f8_1d(c, X, nx), nx, spacing);
    fill(simlab_f8_1d(c, Y, ny), ny, spacing);
    return 0;
}

const struct simlab_process UniformGrid2D = {
    .name = "UniformGrid2D",
    .description = "equidistant nodes in a plane",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
};
