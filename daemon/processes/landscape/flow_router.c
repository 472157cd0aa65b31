/* SPDX-License-Identifier: Apache-2.0 */
/* The process around flow.c, flow_order.c and depression.c. */
#include "flow.h"
#include "landscape.h"

enum {
    ELEVATION = RASTER_ROWS,
    RECEIVERS,
    DISTANCES,
    STACK,
    DRAINAGE_AREA,
    LAKE_DEPTH,
    N_DEPRESSIONS,
    PARTS,
    N_DONORS,
    ROOT,
    ROOTS,
    TURNS,
    ENDS,
    ORDER,
    PLACES,
    BASINS,
    LIVE,
    OWNERS,
    FROM,
    TO,
    OUTLETS,
    TARGETS,
    JOINED,
    PASS,
    SPILL,
    PASSES_FROM,
    PASSES_TO
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
    [PARTS] = {.name = "parts",
               .intent = SIMLAB_OUT,
               .dtype = SIMLAB_I4,
               .dims = "turn,part",
               .description = "where the parts of the stack begin that can be worked side by side"},
    [N_DONORS] = WORK("n_donors", SIMLAB_U1),
    [ROOT] = WORK("root", SIMLAB_I4),
    [ROOTS] = WORK("roots", SIMLAB_I4),
    [TURNS] = WORK("turns", SIMLAB_I4),
    [ENDS] = WORK("ends", SIMLAB_I4),
    [ORDER] = WORK("order", SIMLAB_I4),
    [PLACES] = WORK("places", SIMLAB_I4),
    [BASINS] = WORK("basins", SIMLAB_I4),
    [LIVE] = WORK("live", SIMLAB_I4),
    [OWNERS] = WORK("owners", SIMLAB_I4),
    [FROM] = WORK("from", SIMLAB_I4),
    [TO] = WORK("to", SIMLAB_I4),
    [OUTLETS] = WORK("outlets", SIMLAB_I4),
    [TARGETS] = WORK("targets", SIMLAB_I4),
    [JOINED] = WORK("joined", SIMLAB_I4),
    [PASS] = WORK("pass", SIMLAB_F8),
    [SPILL] = WORK("spill", SIMLAB_F8),
    [PASSES_FROM] = WORK("passes_from", SIMLAB_I4),
    [PASSES_TO] = WORK("passes_to", SIMLAB_I4),
};

static int initialize(simlab_context *c)
{
    struct raster r = raster_read(c);
    for (int32_t i = 0; i < r.n; i++)
        if (r.fixed[i] && raster_has(&r, i))
            return 0;
    return simlab_fail(c, r.outside
                              ? "water has nowhere to go: no side of the domain has the status "
                                "fixed_value, nor is 'edge' of the boundary fixed_value or outlet"
                              : "water has nowhere to go: no side has the status fixed_value");
}

void flow_new_parts(simlab_context *c, struct flow *f, int32_t **ret_places)
{
    f->parts = simlab_i4_2d(c, PARTS, f->n_turns, f->n_bands + 1);
    *ret_places = simlab_i4_1d(c, PLACES, (int64_t)f->n_turns * (f->n_bands + 1));
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
                     .root = simlab_i4_1d(c, ROOT, r.n),
                     .roots = simlab_i4_1d(c, ROOTS, r.n),
                     .turns = simlab_i4_1d(c, TURNS, r.n),
                     .ends = simlab_i4_1d(c, ENDS, r.n),
                     .order = simlab_i4_1d(c, ORDER, r.n),
                     .basins = simlab_i4_1d(c, BASINS, r.n),
                     .live = simlab_i4_1d(c, LIVE, r.n),
                     .owners = simlab_i4_1d(c, OWNERS, r.n),
                     .from = simlab_i4_1d(c, FROM, r.n),
                     .to = simlab_i4_1d(c, TO, r.n),
                     .outlets = simlab_i4_1d(c, OUTLETS, r.n),
                     .targets = simlab_i4_1d(c, TARGETS, r.n),
                     .joined = simlab_i4_1d(c, JOINED, r.n + 1),
                     .pass = simlab_f8_1d(c, PASS, r.n),
                     .spill = simlab_f8_1d(c, SPILL, r.n)};
    flow_cut(&f);
    f.passes_from = simlab_i4_1d(c, PASSES_FROM, flow_most_passes(&f));
    f.passes_to = simlab_i4_1d(c, PASSES_TO, flow_most_passes(&f));
    double *area = simlab_f8_2d(c, DRAINAGE_AREA, r.ny, r.nx);
    if (flow_route(c, &f) || flow_accumulate(c, &f, area))
        return SIMLAB_ERROR;
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
