/* SPDX-License-Identifier: Apache-2.0 */
/* The process around flow.c and depression.c. */
#include "flow.h"
#include "landscape.h"

#include <string.h>

enum {
    ELEVATION = RASTER_ROWS,
    RECEIVERS,
    DISTANCES,
    STACK,
    DRAINAGE_AREA,
    LAKE_DEPTH,
    N_DEPRESSIONS,
    N_DONORS,
    BASINS,
    SPILL,
    MEMBERS,
    BEGINS,
    OUTLETS,
    TARGETS,
    HEAP,
    PLACES
};

#define WORK(name_, dtype_)                                                                        \
    {                                                                                              \
        .name = name_, .intent = SIMLAB_OUT, .dtype = dtype_, .flags = SIMLAB_PRIVATE,             \
        .dims = "node"                                                                             \
    }

static const struct simlab_variable variables[] = {
    RASTER_VARIABLES,
    [ELEVATION] = {.name = "elevation", .kind = SIMLAB_FOREIGN, .type = "SurfaceToErode"},
    [RECEIVERS] = {.name = "receivers",
                   .intent = SIMLAB_OUT,
                   .dtype = SIMLAB_I4,
                   .dims = "y,x",
                   .description = "number (row · nx + column) of the node that takes the water"},
    [DISTANCES] = {.name = "distances",
                   .intent = SIMLAB_OUT,
                   .dims = "y,x",
                   .units = "m",
                   .description = "distance to the receiver"},
    [STACK] = {.name = "stack",
               .intent = SIMLAB_OUT,
               .dtype = SIMLAB_I4,
               .dims = "node",
               .description = "numbers of all nodes, each after its receiver"},
    [DRAINAGE_AREA] = {.name = "drainage_area",
                       .intent = SIMLAB_OUT,
                       .dims = "y,x",
                       .units = "m2",
                       .description = "area upstream of the node, its own cell included"},
    [LAKE_DEPTH] = {.name = "lake_depth",
                    .intent = SIMLAB_OUT,
                    .dims = "y,x",
                    .units = "m",
                    .description = "depth below the level at which the depression spills"},
    [N_DEPRESSIONS] = {.name = "n_depressions",
                       .intent = SIMLAB_OUT,
                       .dtype = SIMLAB_I8,
                       .description = "nodes without a lower neighbour, base level aside"},
    [N_DONORS] = WORK("n_donors", SIMLAB_U1),
    [BASINS] = WORK("basins", SIMLAB_I4),
    [SPILL] = WORK("spill", SIMLAB_F8),
    [MEMBERS] = WORK("members", SIMLAB_I4),
    [BEGINS] = WORK("begins", SIMLAB_I4),
    [OUTLETS] = WORK("outlets", SIMLAB_I4),
    [TARGETS] = WORK("targets", SIMLAB_I4),
    [HEAP] = WORK("heap", SIMLAB_I4),
    [PLACES] = WORK("places", SIMLAB_I4),
};

static int initialize(simlab_context *c)
{
    struct raster r = raster_read(c);
    if (!memchr(r.fixed, 1, (size_t)r.n))
        return simlab_fail(c, "water has nowhere to go: no side has the status fixed_value");
    return 0;
}

static int run_step(simlab_context *c)
{
    struct raster r = raster_read(c);
    struct flow f = {.raster = &r,
                     .elevation = simlab_f8(c, ELEVATION, r.n),
                     .receivers = simlab_i4_2d(c, RECEIVERS, r.ny, r.nx),
                     .distances = simlab_f8_2d(c, DISTANCES, r.ny, r.nx),
                     .stack = simlab_i4_1d(c, STACK, r.n),
                     .lake_depth = simlab_f8_2d(c, LAKE_DEPTH, r.ny, r.nx),
                     .n_donors = simlab_u1_1d(c, N_DONORS, r.n),
                     .basins = simlab_i4_1d(c, BASINS, r.n),
                     .spill = simlab_f8_1d(c, SPILL, r.n),
                     .members = simlab_i4_1d(c, MEMBERS, r.n),
                     .begins = simlab_i4_1d(c, BEGINS, r.n + 2),
                     .outlets = simlab_i4_1d(c, OUTLETS, r.n),
                     .targets = simlab_i4_1d(c, TARGETS, r.n),
                     .heap = simlab_i4_1d(c, HEAP, r.n),
                     .places = simlab_i4_1d(c, PLACES, r.n)};
    flow_route(c, &f);
    flow_accumulate(&f, simlab_f8_2d(c, DRAINAGE_AREA, r.ny, r.nx));
    simlab_i8_put(c, N_DEPRESSIONS, f.n_depressions);
    return 0;
}

const struct simlab_process FlowRouter = {
    .name = "FlowRouter",
    .description = "flow of water to the steepest of eight neighbours, through lakes where it must "
                   "(Braun & Willett 2013; Cordonnier et al. 2019)",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
};
