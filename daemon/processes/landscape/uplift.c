/* SPDX-License-Identifier: Apache-2.0 */
/* What moves the surface up or down as a whole. */
#include "landscape.h"
#include "raster.h"

enum { RATE = RASTER_ROWS, MOTION };

static const struct simlab_variable uplift_variables[] = {
    RASTER_VARIABLES,
    [RATE] = {.name = "rate",
              .dims = "()|y,x",
              .units = "m/yr",
              .description = "rate of uplift relative to base level"},
    [MOTION] = {.name = "uplift",
                .intent = SIMLAB_OUT,
                .dims = "y,x",
                .groups = "upward",
                .units = "m",
                .description = "uplift in the step"},
};

struct motion {
    const struct raster *raster;
    const double *rate;
    int64_t stride; /* of rate */
    double *motion, dt;
    int of_fixed;
};

static int move_block(simlab_context *c, int64_t begin, int64_t end, void *motion)
{
    const struct motion m = *(const struct motion *)motion;
    (void)c;
    for (int64_t i = begin; i < end; i++)
        m.motion[i] = m.raster->fixed[i] == m.of_fixed && raster_has(m.raster, i)
                          ? m.rate[i * m.stride] * m.dt
                          : 0;
    return 0;
}

/* rate · dt at the nodes that are (or are not) fixed, 0 at the others. */
static int move_nodes(simlab_context *c, int of_fixed)
{
    struct raster r = raster_read(c);
    struct motion m = {.raster = &r, .of_fixed = of_fixed, .dt = simlab_now(c)->step_delta};
    m.rate = simlab_f8_broadcast(c, RATE, r.n, &m.stride);
    m.motion = simlab_f8_2d(c, MOTION, r.ny, r.nx);
    return simlab_parallel_for(c, r.n, RASTER_BLOCK, move_block, &m);
}

static int uplift_run_step(simlab_context *c)
{
    return move_nodes(c, 0);
}

const struct simlab_process Uplift = {
    .name = "Uplift",
    .description = "uplift of all nodes that are not base level",
    SIMLAB_VARIABLES(uplift_variables),
    .run_step = uplift_run_step,
};

static const struct simlab_variable base_level_variables[] = {
    RASTER_VARIABLES,
    [RATE] = {.name = "rate",
              .dims = "()|y,x",
              .units = "m/yr",
              .description = "rate at which base level rises; it falls where negative"},
    [MOTION] = {.name = "motion",
                .intent = SIMLAB_OUT,
                .dims = "y,x",
                .groups = "upward",
                .units = "m",
                .description = "motion of base level in the step"},
};

static int base_level_run_step(simlab_context *c)
{
    return move_nodes(c, 1);
}

const struct simlab_process BaseLevel = {
    .name = "BaseLevel",
    .description = "base level that rises or falls, on the sides of fixed value",
    SIMLAB_VARIABLES(base_level_variables),
    .run_step = base_level_run_step,
};
