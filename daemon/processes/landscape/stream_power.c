/* SPDX-License-Identifier: Apache-2.0 */
/* Incision of rivers into bedrock by the stream power law, dz/dt = -K A^m S^n, implicitly, from
 * base level upstream, in O(n): Braun & Willett (2013), Geomorphology 180-181, 170-179. Any length
 * of step is stable. What is eroded leaves the raster. */
#include "flow.h"
#include "landscape.h"

#include <math.h>

enum {
    ERODIBILITY = RASTER_ROWS,
    AREA_EXPONENT,
    SLOPE_EXPONENT,
    ELEVATION,
    RECEIVERS,
    DISTANCES,
    STACK,
    PARTS,
    DRAINAGE_AREA,
    LAKE_DEPTH,
    EROSION,
    INCISED_VOLUME
};

#define ROUTER(name_)                                                                              \
    {                                                                                              \
        .name = name_, .kind = SIMLAB_FOREIGN, .type = "FlowRouter", .reads = SIMLAB_AT_RUN_STEP   \
    }

static const struct simlab_variable variables[] = {
    RASTER_VARIABLES,
    [ERODIBILITY] = {.name = "erodibility",
                     .dims = "()|y,x",
                     .bounds = "[0, inf)",
                     .units = "m^(1-2m)/yr",
                     .description = "erodibility, K in dz/dt = -K A^m S^n",
                     .reads = SIMLAB_AT_RUN_STEP},
    [AREA_EXPONENT] = {.name = "area_exponent",
                       .default_value = "0.5",
                       .bounds = "[0, inf)",
                       .description = "area exponent, m in dz/dt = -K A^m S^n",
                       .reads = SIMLAB_AT_RUN_STEP},
    [SLOPE_EXPONENT] = {.name = "slope_exponent",
                        .default_value = "1",
                        .bounds = "(0, inf)",
                        .description = "slope exponent, n in dz/dt = -K A^m S^n",
                        .reads = SIMLAB_AT_RUN_STEP},
    [ELEVATION] = {.name = "elevation",
                   .kind = SIMLAB_FOREIGN,
                   .type = "SurfaceToErode",
                   .reads = SIMLAB_AT_RUN_STEP},
    [RECEIVERS] = ROUTER("receivers"),
    [DISTANCES] = ROUTER("distances"),
    [STACK] = ROUTER("stack"),
    [PARTS] = ROUTER("parts"),
    [DRAINAGE_AREA] = ROUTER("drainage_area"),
    [LAKE_DEPTH] = ROUTER("lake_depth"),
    [EROSION] = {.name = "erosion",
                 .intent = SIMLAB_OUT,
                 .dims = "y,x",
                 .groups = "erosions,incision",
                 .units = "m",
                 .description = "incision in the step"},
    [INCISED_VOLUME] = {.name = "incised_volume",
                        .intent = SIMLAB_OUT,
                        .units = "m3",
                        .description = "eroded by rivers since the start"},
};

static int initialize(simlab_context *c)
{
    simlab_f8_put(c, INCISED_VOLUME, 0);
    return 0;
}

/* The root in [0, 1] of x + f x^n = 1, f >= 0. With y = x^n where n < 1, both forms are convex and
 * increasing, so that Newton's method falls from any point above the root to it. */
static double solve(double f, double n)
{
    double p = n >= 1 ? n : 1 / n, a = n >= 1 ? 1 : f, b = n >= 1 ? f : 1;
    double x = fmin(a > 1 ? 1 / a : 1, b > 1 ? pow(b, -1 / p) : 1);
    for (int i = 0; i < 100; i++) { /* a x + b x^p = 1 */
        double power = b * pow(x, p - 1), next = x - (a * x + power * x - 1) / (a + p * power);
        int done = !(next < x * (1 - 1e-15));
        x = next < x ? next : x;
        if (done)
            break;
    }
    return n >= 1 ? x : pow(x, p);
}

static double area_power(double area, double m)
{
    return m == 0.5 ? sqrt(area) : m == 1 ? area : pow(area, m);
}

struct law {
    const double *elevation, *erodibility, *area, *distance, *lake_depth;
    int64_t stride; /* of erodibility */
    double m, n, dt;
    double *erosion; /* K A^m dt, until the node's turn has come */
    const int32_t *stack, *receivers, *parts;
    int32_t n_bands, turn;
};

/* K A^m dt of nodes, which needs no order. */
static int weigh(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    const struct law *law = userdata;
    (void)c;
    for (int64_t i = begin; i < end; i++)
        law->erosion[i] =
            law->erodibility[i * law->stride] * law->dt * area_power(law->area[i], law->m);
    return 0;
}

/* What is left of the drop from node i to the new elevation that its water falls to. */
static double new_drop(const struct law *law, int32_t i, double drop)
{
    double f = law->erosion[i];
    if (law->n == 1)
        return drop * law->distance[i] / (law->distance[i] + f);
    return drop * solve(f / law->distance[i] * pow(drop / law->distance[i], law->n - 1), law->n);
}

/* Lakes: their beds are not incised, and what falls into one falls to its water level. */
static void incise(const struct law *law, int32_t i)
{
    int32_t r = law->receivers[i];
    double *erosion = law->erosion;
    double base = law->elevation[r] + (law->lake_depth[r] > 0 ? law->lake_depth[r] : -erosion[r]);
    double drop = law->elevation[i] - base;
    if (r == i || law->lake_depth[i] > 0 || !(drop > 0))
        erosion[i] = 0;
    else
        erosion[i] = drop - new_drop(law, i, drop);
}

static int incise_parts(simlab_context *c, int64_t first, int64_t last, void *userdata)
{
    const struct law *law = userdata;
    const int32_t *parts = law->parts + law->turn * (law->n_bands + 1);
    (void)c;
    for (int64_t band = first; band < last; band++)
        for (int32_t k = parts[band]; k < parts[band + 1]; k++)
            incise(law, law->stack[k]);
    return 0;
}

static int run_step(simlab_context *c)
{
    struct raster r = raster_read(c);
    struct law law = {.elevation = simlab_f8(c, ELEVATION, r.n),
                      .area = simlab_f8(c, DRAINAGE_AREA, r.n),
                      .distance = simlab_f8(c, DISTANCES, r.n),
                      .lake_depth = simlab_f8(c, LAKE_DEPTH, r.n),
                      .m = simlab_f8_get(c, AREA_EXPONENT),
                      .n = simlab_f8_get(c, SLOPE_EXPONENT),
                      .dt = simlab_now(c)->step_delta};
    law.erodibility = simlab_f8_broadcast(c, ERODIBILITY, r.n, &law.stride);
    law.erosion = simlab_f8_2d(c, EROSION, r.ny, r.nx);
    if (simlab_parallel_for(c, r.n, RASTER_BLOCK, weigh, &law))
        return SIMLAB_ERROR;
    law.stack = simlab_i4(c, STACK, r.n);
    law.receivers = simlab_i4(c, RECEIVERS, r.n);
    law.n_bands = (int32_t)simlab_shape(c, PARTS, 1) - 1;
    int32_t n_turns = (int32_t)simlab_shape(c, PARTS, 0);
    law.parts = simlab_i4(c, PARTS, (int64_t)n_turns * (law.n_bands + 1));
    for (law.turn = 0; law.turn < n_turns; law.turn++)
        if (flow_for_turn(c, law.parts, law.n_bands, law.turn, incise_parts, &law))
            return SIMLAB_ERROR;
    return 0;
}

static int finalize_step(simlab_context *c)
{
    struct raster r = raster_read(c);
    *simlab_f8_mut(c, INCISED_VOLUME, 1) +=
        raster_sum(c, &r, simlab_f8(c, EROSION, r.n)) * r.cell_area;
    return 0;
}

const struct simlab_process StreamPower = {
    .name = "StreamPower",
    .description = "incision of rivers by the stream power law (Braun & Willett 2013)",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
    .finalize_step = finalize_step,
};
