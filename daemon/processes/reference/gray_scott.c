/* SPDX-License-Identifier: Apache-2.0 */
/* Two substances that diffuse and react: Pearson (1993), Science 261, 189. */
#include "reference.h"

#include <string.h>

enum { BLOCK = 4096 }; /* cells that one thread takes at once: some microseconds' work */

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

struct advance {
    const double *value;
    double *next, dt;
    int64_t n;
    int32_t rates;
};

static int advance(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    const struct advance a = *(const struct advance *)userdata;
    simlab_f8_sum_range(c, a.rates, a.n, begin, end, a.next);
    for (int64_t i = begin; i < end; i++)
        a.next[i] = a.value[i] + a.dt * a.next[i];
    return 0;
}

static int substance_advance(simlab_context *c, int32_t var, int32_t rates, int32_t next_var)
{
    int64_t n = simlab_size(c, var);
    struct advance a = {.value = simlab_f8(c, var, n),
                        .next = simlab_f8_like(c, next_var, var),
                        .dt = simlab_now(c)->step_delta,
                        .n = n,
                        .rates = rates};
    return simlab_parallel_for(c, n, BLOCK, advance, &a);
}

static int substance_run_step(simlab_context *c)
{
    int r = substance_advance(c, U, DU, U_NEXT);
    return r ? r : substance_advance(c, V, DV, V_NEXT);
}

struct set {
    const double *from;
    double *to;
};

static int set(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    const struct set *s = userdata;
    (void)c;
    memcpy(s->to + begin, s->from + begin, (size_t)(end - begin) * sizeof(double));
    return 0;
}

static int substance_set(simlab_context *c, int32_t var, int32_t next_var)
{
    int64_t n = simlab_size(c, var);
    struct set s = {.from = simlab_f8(c, next_var, n), .to = simlab_f8_mut(c, var, n)};
    return simlab_parallel_for(c, n, BLOCK, set, &s);
}

static int substance_finalize_step(simlab_context *c)
{
    int r = substance_set(c, U, U_NEXT);
    return r ? r : substance_set(c, V, V_NEXT);
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

struct diffusion {
    int64_t ny, nx, stride; /* of diffusivity */
    const double *value, *diffusivity;
    double *rate, spacing;
};

static void diffuse_row(const struct diffusion *d, int64_t y)
{
    int64_t nx = d->nx, stride = d->stride;
    const double *diffusivity = d->diffusivity + y * nx * stride, spacing = d->spacing;
    double *rate = d->rate + y * nx;
    const double *here = d->value + y * nx;
    const double *above = d->value + (y == 0 ? d->ny - 1 : y - 1) * nx;
    const double *below = d->value + (y == d->ny - 1 ? 0 : y + 1) * nx;
    for (int64_t x = 0; x < nx; x++) {
        double sum = above[x] + below[x] + here[x == 0 ? nx - 1 : x - 1] +
                     here[x == nx - 1 ? 0 : x + 1] - 4 * here[x];
        rate[x] = diffusivity[x * stride] * sum / (spacing * spacing);
    }
}

static int diffuse_rows(simlab_context *c, int64_t begin, int64_t end, void *diffusion)
{
    (void)c;
    for (int64_t y = begin; y < end; y++)
        diffuse_row(diffusion, y);
    return 0;
}

static int diffuse_run_step(simlab_context *c)
{
    struct diffusion d = {.ny = simlab_shape(c, VALUE, 0), .nx = simlab_shape(c, VALUE, 1)};
    int64_t n = d.ny * d.nx, rows = d.nx > 0 && d.nx < BLOCK ? BLOCK / d.nx : 1;
    d.value = simlab_f8(c, VALUE, n);
    d.diffusivity = simlab_f8_broadcast(c, DIFFUSIVITY, n, &d.stride);
    d.rate = simlab_f8_2d(c, RATE, d.ny, d.nx);
    d.spacing = simlab_f8_get(c, SPACING);
    return simlab_parallel_for(c, d.ny, rows, diffuse_rows, &d);
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

struct reaction {
    const double *u, *v;
    double *u_rate, *v_rate, feed, kill;
};

static int react(simlab_context *c, int64_t begin, int64_t end, void *reaction)
{
    const struct reaction r = *(const struct reaction *)reaction;
    (void)c;
    for (int64_t i = begin; i < end; i++) {
        double uvv = r.u[i] * r.v[i] * r.v[i];
        r.u_rate[i] = r.feed * (1 - r.u[i]) - uvv;
        r.v_rate[i] = uvv - (r.feed + r.kill) * r.v[i];
    }
    return 0;
}

static int react_run_step(simlab_context *c)
{
    int64_t n = simlab_size(c, REACT_U);
    struct reaction r = {.u = simlab_f8(c, REACT_U, n),
                         .v = simlab_f8(c, REACT_V, n),
                         .u_rate = simlab_f8_like(c, U_RATE, REACT_U),
                         .v_rate = simlab_f8_like(c, V_RATE, REACT_U),
                         .feed = simlab_f8_get(c, FEED),
                         .kill = simlab_f8_get(c, KILL)};
    return simlab_parallel_for(c, n, BLOCK, react, &r);
}

const struct simlab_process React = {
    .name = "React",
    .description = "the reaction of Gray and Scott",
    SIMLAB_VARIABLES(react_variables),
    .run_step = react_run_step,
};
