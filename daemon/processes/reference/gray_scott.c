/* SPDX-License-Identifier: Apache-2.0 */
/* Two substances that diffuse and react: Pearson (1993), Science 261, 189. */
#include "reference.h"

#include <string.h>

enum { U, V, DU, DV, U_NEXT, V_NEXT };

#define SUBSTANCE(name_)                                                                           \
    {                                                                                              \
        .name = name_, .intent = SIMLAB_INOUT, .dims = "y,x", .reads = SIMLAB_AT_RUN_STEP,         \
        .writes = SIMLAB_AT_FINALIZE_STEP                                                          \
    }
#define NEXT(name_)                                                                                \
    {                                                                                              \
        .name = name_, .intent = SIMLAB_OUT, .flags = SIMLAB_PRIVATE, .dims = "y,x"                \
    }

static const struct simlab_variable substance_variables[] = {
    [U] = SUBSTANCE("u"),
    [V] = SUBSTANCE("v"),
    [DU] = {.name = "du", .kind = SIMLAB_GROUP, .group = "u_rates", .reads = SIMLAB_AT_RUN_STEP},
    [DV] = {.name = "dv", .kind = SIMLAB_GROUP, .group = "v_rates", .reads = SIMLAB_AT_RUN_STEP},
    [U_NEXT] = NEXT("u_next"),
    [V_NEXT] = NEXT("v_next"),
};

static void substance_advance(simlab_context *c, int32_t var, int32_t rates, int32_t next_var)
{
    int64_t n = simlab_size(c, var);
    const double *value = simlab_f8(c, var, n);
    double *next = simlab_f8_like(c, next_var, var), dt = simlab_runtime(c)->step_delta;
    simlab_f8_sum(c, rates, n, next);
    for (int64_t i = 0; i < n; i++)
        next[i] = value[i] + dt * next[i];
}

static int substance_run_step(simlab_context *c)
{
    substance_advance(c, U, DU, U_NEXT);
    substance_advance(c, V, DV, V_NEXT);
    return 0;
}

static void substance_set(simlab_context *c, int32_t var, int32_t next_var)
{
    int64_t n = simlab_size(c, var);
    memcpy(simlab_f8_mut(c, var, n), simlab_f8(c, next_var, n), (size_t)n * sizeof(double));
}

static int substance_finalize_step(simlab_context *c)
{
    substance_set(c, U, U_NEXT);
    substance_set(c, V, V_NEXT);
    return 0;
}

const struct simlab_process Substance = {
    .name = "Substance",
    .description = "two concentrations, changed by the rates of two groups",
    SIMLAB_VARIABLES(substance_variables),
    .run_step = substance_run_step,
    .finalize_step = substance_finalize_step,
};

enum { SIDE, INIT_X, INIT_Y, INIT_U, INIT_V };

static const struct simlab_variable square_variables[] = {
    [SIDE] = {.name = "side", .dtype = SIMLAB_I8, .flags = SIMLAB_STATIC, .default_value = "4"},
    [INIT_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "UniformGrid2D"},
    [INIT_Y] = {.name = "y", .kind = SIMLAB_FOREIGN, .type = "UniformGrid2D"},
    [INIT_U] = {.name = "u", .kind = SIMLAB_FOREIGN, .intent = SIMLAB_OUT, .type = "Substance"},
    [INIT_V] = {.name = "v", .kind = SIMLAB_FOREIGN, .intent = SIMLAB_OUT, .type = "Substance"},
};

static int square_initialize(simlab_context *c)
{
    int64_t ny = simlab_size(c, INIT_Y), nx = simlab_size(c, INIT_X);
    int64_t side = simlab_i8_get(c, SIDE);
    if (side < 0 || side > ny || side > nx)
        return simlab_fail(c, "a square of side %lld does not fit into %lld x %lld nodes",
                           (long long)side, (long long)ny, (long long)nx);
    int64_t row = (ny - side) / 2, col = (nx - side) / 2;
    double *u = simlab_f8_2d(c, INIT_U, ny, nx), *v = simlab_f8_2d(c, INIT_V, ny, nx);
    for (int64_t y = 0; y < ny; y++)
        for (int64_t x = 0; x < nx; x++) {
            int inside = y >= row && y < row + side && x >= col && x < col + side;
            u[y * nx + x] = inside ? 0.5 : 1;
            v[y * nx + x] = inside ? 0.25 : 0;
        }
    return 0;
}

const struct simlab_process InitSquare = {
    .name = "InitSquare",
    .description = "a square of v in the middle of u",
    SIMLAB_VARIABLES(square_variables),
    .initialize = square_initialize,
};

enum { DIFFUSIVITY, SPACING, VALUE, RATE };

#define DIFFUSE_VARIABLES(value_, default_, group_)                                                \
    {                                                                                              \
        [DIFFUSIVITY] = {.name = "diffusivity", .dims = "()|y,x", .default_value = default_},      \
        [SPACING] = {.name = "spacing", .kind = SIMLAB_FOREIGN, .type = "UniformGrid2D"},          \
        [VALUE] = {.name = value_, .kind = SIMLAB_FOREIGN, .type = "Substance"},                   \
        [RATE] = {.name = "rate", .intent = SIMLAB_OUT, .dims = "y,x", .groups = group_},          \
    }

static const struct simlab_variable diffuse_u_variables[] =
    DIFFUSE_VARIABLES("u", "0.16", "u_rates");
static const struct simlab_variable diffuse_v_variables[] =
    DIFFUSE_VARIABLES("v", "0.08", "v_rates");

static int diffuse_run_step(simlab_context *c)
{
    int64_t ny = simlab_shape(c, VALUE, 0), nx = simlab_shape(c, VALUE, 1), stride;
    const double *value = simlab_f8(c, VALUE, ny * nx);
    const double *diffusivity = simlab_f8_broadcast(c, DIFFUSIVITY, ny * nx, &stride);
    double *rate = simlab_f8_2d(c, RATE, ny, nx), spacing = simlab_f8_get(c, SPACING);
    for (int64_t y = 0; y < ny; y++) {
        const double *here = value + y * nx;
        const double *above = value + (y == 0 ? ny - 1 : y - 1) * nx;
        const double *below = value + (y == ny - 1 ? 0 : y + 1) * nx;
        for (int64_t x = 0; x < nx; x++) {
            double sum = above[x] + below[x] + here[x == 0 ? nx - 1 : x - 1] +
                         here[x == nx - 1 ? 0 : x + 1] - 4 * here[x];
            int64_t i = y * nx + x;
            rate[i] = diffusivity[i * stride] * sum / (spacing * spacing);
        }
    }
    return 0;
}

const struct simlab_process DiffuseU = {
    .name = "DiffuseU",
    .description = "diffusion of u, periodic",
    SIMLAB_VARIABLES(diffuse_u_variables),
    .run_step = diffuse_run_step,
};

const struct simlab_process DiffuseV = {
    .name = "DiffuseV",
    .description = "diffusion of v, periodic",
    SIMLAB_VARIABLES(diffuse_v_variables),
    .run_step = diffuse_run_step,
};

enum { FEED, KILL, REACT_U, REACT_V, U_RATE, V_RATE };

static const struct simlab_variable react_variables[] = {
    [FEED] = {.name = "feed", .default_value = "0.035"},
    [KILL] = {.name = "kill", .default_value = "0.065"},
    [REACT_U] = {.name = "u", .kind = SIMLAB_FOREIGN, .type = "Substance"},
    [REACT_V] = {.name = "v", .kind = SIMLAB_FOREIGN, .type = "Substance"},
    [U_RATE] = {.name = "u_rate", .intent = SIMLAB_OUT, .dims = "y,x", .groups = "u_rates"},
    [V_RATE] = {.name = "v_rate", .intent = SIMLAB_OUT, .dims = "y,x", .groups = "v_rates"},
};

static int react_run_step(simlab_context *c)
{
    int64_t n = simlab_size(c, REACT_U);
    const double *u = simlab_f8(c, REACT_U, n), *v = simlab_f8(c, REACT_V, n);
    double *u_rate = simlab_f8_like(c, U_RATE, REACT_U);
    double *v_rate = simlab_f8_like(c, V_RATE, REACT_U);
    double feed = simlab_f8_get(c, FEED), kill = simlab_f8_get(c, KILL);
    for (int64_t i = 0; i < n; i++) {
        double uvv = u[i] * v[i] * v[i];
        u_rate[i] = feed * (1 - u[i]) - uvv;
        v_rate[i] = uvv - (feed + kill) * v[i];
    }
    return 0;
}

const struct simlab_process React = {
    .name = "React",
    .description = "the reaction of Gray and Scott",
    SIMLAB_VARIABLES(react_variables),
    .run_step = react_run_step,
};
