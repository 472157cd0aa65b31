/* SPDX-License-Identifier: Apache-2.0 */
/* Conway's Game of Life: Gardner (1970), Scientific American 223(4), 120. */
#include "reference.h"

#include <string.h>

enum { WORLD, ALIVE, NEXT };

static int alive_compute(simlab_context *c, int32_t var)
{
    int64_t alive = 0, n = simlab_size(c, WORLD);
    const int8_t *world = simlab_i1(c, WORLD, n);
    for (int64_t i = 0; i < n; i++)
        alive += world[i];
    simlab_i8_put(c, var, alive);
    return 0;
}

static const struct simlab_variable life_variables[] = {
    [WORLD] = {.name = "world",
               .intent = SIMLAB_INOUT,
               .dtype = SIMLAB_I1,
               .dims = "y,x",
               .description = "1 = alive",
               .reads = SIMLAB_AT_RUN_STEP,
               .writes = SIMLAB_AT_FINALIZE_STEP},
    [ALIVE] = {.name = "alive",
               .kind = SIMLAB_ON_DEMAND,
               .dtype = SIMLAB_I8,
               .compute = alive_compute,
               .description = "living cells"},
    [NEXT] = {.name = "next_world",
              .intent = SIMLAB_OUT,
              .flags = SIMLAB_PRIVATE,
              .dtype = SIMLAB_I1,
              .dims = "y,x"},
};

static int life_run_step(simlab_context *c)
{
    int64_t ny = simlab_shape(c, WORLD, 0), nx = simlab_shape(c, WORLD, 1);
    const int8_t *world = simlab_i1(c, WORLD, ny * nx);
    int8_t *next = simlab_i1_2d(c, NEXT, ny, nx);
    for (int64_t y = 0; y < ny; y++) {
        const int8_t *here = world + y * nx;
        const int8_t *above = world + (y == 0 ? ny - 1 : y - 1) * nx;
        const int8_t *below = world + (y == ny - 1 ? 0 : y + 1) * nx;
        for (int64_t x = 0; x < nx; x++) {
            int64_t w = x == 0 ? nx - 1 : x - 1, e = x == nx - 1 ? 0 : x + 1;
            int neighbours =
                above[w] + above[x] + above[e] + here[w] + here[e] + below[w] + below[x] + below[e];
            next[y * nx + x] = neighbours == 3 || (here[x] == 1 && neighbours == 2);
        }
    }
    return 0;
}

static int life_finalize_step(simlab_context *c)
{
    int64_t n = simlab_size(c, WORLD);
    memcpy(simlab_i1_mut(c, WORLD, n), simlab_i1(c, NEXT, n), (size_t)n);
    return 0;
}

const struct simlab_process GameOfLife = {
    .name = "GameOfLife",
    .description = "Conway's Game of Life on a torus",
    SIMLAB_VARIABLES(life_variables),
    .run_step = life_run_step,
    .finalize_step = life_finalize_step,
};

enum { ROW, COL, GLIDER_X, GLIDER_Y, GLIDER_WORLD };

static const struct simlab_variable glider_variables[] = {
    [ROW] = {.name = "row", .dtype = SIMLAB_I8, .flags = SIMLAB_STATIC, .default_value = "0"},
    [COL] = {.name = "col", .dtype = SIMLAB_I8, .flags = SIMLAB_STATIC, .default_value = "0"},
    [GLIDER_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "UniformGrid2D"},
    [GLIDER_Y] = {.name = "y", .kind = SIMLAB_FOREIGN, .type = "UniformGrid2D"},
    [GLIDER_WORLD] = {.name = "world",
                      .kind = SIMLAB_FOREIGN,
                      .intent = SIMLAB_OUT,
                      .type = "GameOfLife"},
};

/* Python's indexing: -1 is the last; false where there is no such row or column. */
static int wrap(int64_t i, int64_t n, int64_t *ret_index)
{
    *ret_index = i < 0 ? i + n : i;
    return *ret_index >= 0 && *ret_index < n;
}

static int glider_initialize(simlab_context *c)
{
    static const int cells[5][2] = {{0, 1}, {1, 2}, {2, 0}, {2, 1}, {2, 2}};
    int64_t ny = simlab_size(c, GLIDER_Y), nx = simlab_size(c, GLIDER_X);
    int64_t row = simlab_i8_get(c, ROW), col = simlab_i8_get(c, COL);
    int8_t *world = simlab_i1_2d(c, GLIDER_WORLD, ny, nx);
    memset(world, 0, (size_t)(ny * nx));
    for (int i = 0; i < 5; i++) {
        int64_t y, x;
        if (!wrap(row + cells[i][0], ny, &y) || !wrap(col + cells[i][1], nx, &x))
            return simlab_fail(c, "a glider at row %lld, col %lld is not within %lld x %lld cells",
                               (long long)row, (long long)col, (long long)ny, (long long)nx);
        world[y * nx + x] = 1;
    }
    return 0;
}

const struct simlab_process InitGlider = {
    .name = "InitGlider",
    .description = "a glider in an empty world",
    SIMLAB_VARIABLES(glider_variables),
    .initialize = glider_initialize,
};
