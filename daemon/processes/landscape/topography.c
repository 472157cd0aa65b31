/* SPDX-License-Identifier: Apache-2.0 */
/* The surface, and the balance of its mass. */
#include "landscape.h"
#include "raster.h"

enum {
    UPWARD = RASTER_ROWS,
    EROSIONS,
    ELEVATION,
    UPLIFT,
    EROSION,
    UPLIFTED_VOLUME,
    ERODED_VOLUME,
    VOLUME
};

static int volume_compute(simlab_context *c, int32_t var)
{
    struct raster r = raster_read(c);
    simlab_f8_put(c, var, raster_sum(c, &r, simlab_f8(c, ELEVATION, r.n)) * r.cell_area);
    return 0;
}

/* Volumes change with the elevation, in finalize_step, so that whenever they are saved
 * volume = volume at the start + uplifted_volume - eroded_volume. */
static const struct simlab_variable topography_variables[] = {
    RASTER_VARIABLES,
    [UPWARD] = {.name = "upward",
                .kind = SIMLAB_GROUP,
                .group = "upward",
                .reads = SIMLAB_AT_RUN_STEP},
    [EROSIONS] = {.name = "erosions",
                  .kind = SIMLAB_GROUP,
                  .group = "erosions",
                  .reads = SIMLAB_AT_RUN_STEP},
    [ELEVATION] = {.name = "elevation",
                   .intent = SIMLAB_INOUT,
                   .dims = "y,x",
                   .units = "m",
                   .description = "elevation of the surface",
                   .attrs = "{\"standard_name\": \"surface_altitude\"}",
                   .reads = SIMLAB_AT_RUN_STEP | SIMLAB_AT_FINALIZE_STEP,
                   .writes = SIMLAB_AT_FINALIZE_STEP},
    [UPLIFT] = {.name = "uplift",
                .intent = SIMLAB_OUT,
                .dims = "y,x",
                .units = "m",
                .description = "all upward motion in the step"},
    [EROSION] = {.name = "erosion",
                 .intent = SIMLAB_OUT,
                 .dims = "y,x",
                 .units = "m",
                 .description = "all erosion in the step; negative: deposition"},
    [UPLIFTED_VOLUME] = {.name = "uplifted_volume",
                         .intent = SIMLAB_OUT,
                         .units = "m3",
                         .description = "uplifted since the start"},
    [ERODED_VOLUME] = {.name = "eroded_volume",
                       .intent = SIMLAB_OUT,
                       .units = "m3",
                       .description = "eroded since the start, less what was deposited"},
    [VOLUME] = {.name = "volume",
                .kind = SIMLAB_ON_DEMAND,
                .compute = volume_compute,
                .units = "m3",
                .description = "between the surface and elevation 0"},
};

static int topography_initialize(simlab_context *c)
{
    simlab_f8_put(c, UPLIFTED_VOLUME, 0);
    simlab_f8_put(c, ERODED_VOLUME, 0);
    return 0;
}

static int topography_run_step(simlab_context *c)
{
    int64_t n = simlab_size(c, ELEVATION);
    int r = raster_sum_group(c, UPWARD, n, simlab_f8_like(c, UPLIFT, ELEVATION));
    return r ? r : raster_sum_group(c, EROSIONS, n, simlab_f8_like(c, EROSION, ELEVATION));
}

struct motion {
    const double *uplift, *erosion;
    double *elevation;
};

static int move(simlab_context *c, int64_t begin, int64_t end, void *motion)
{
    const struct motion m = *(const struct motion *)motion;
    (void)c;
    for (int64_t i = begin; i < end; i++)
        m.elevation[i] = m.elevation[i] + m.uplift[i] - m.erosion[i];
    return 0;
}

static int topography_finalize_step(simlab_context *c)
{
    struct raster r = raster_read(c);
    struct motion m = {.uplift = simlab_f8(c, UPLIFT, r.n),
                       .erosion = simlab_f8(c, EROSION, r.n),
                       .elevation = simlab_f8_mut(c, ELEVATION, r.n)};
    *simlab_f8_mut(c, UPLIFTED_VOLUME, 1) += raster_sum(c, &r, m.uplift) * r.cell_area;
    *simlab_f8_mut(c, ERODED_VOLUME, 1) += raster_sum(c, &r, m.erosion) * r.cell_area;
    return simlab_parallel_for(c, r.n, RASTER_BLOCK, move, &m);
}

const struct simlab_process Topography = {
    .name = "Topography",
    .description = "the surface, and the balance of its mass",
    SIMLAB_VARIABLES(topography_variables),
    .initialize = topography_initialize,
    .run_step = topography_run_step,
    .finalize_step = topography_finalize_step,
};

enum { TO_ERODE_UPWARD, TO_ERODE_TOPOGRAPHY, TO_ERODE_ELEVATION };

static const struct simlab_variable to_erode_variables[] = {
    [TO_ERODE_UPWARD] = {.name = "upward", .kind = SIMLAB_GROUP, .group = "upward"},
    [TO_ERODE_TOPOGRAPHY] = {.name = "topography",
                             .kind = SIMLAB_FOREIGN,
                             .type = "Topography",
                             .var = "elevation"},
    [TO_ERODE_ELEVATION] = {.name = "elevation",
                            .intent = SIMLAB_OUT,
                            .dims = "y,x",
                            .units = "m",
                            .description = "elevation after the step's upward motion"},
};

struct raising {
    const double *topography;
    double *elevation;
    int64_t n;
};

static int raise(simlab_context *c, int64_t begin, int64_t end, void *raising)
{
    const struct raising r = *(const struct raising *)raising;
    simlab_f8_sum_range(c, TO_ERODE_UPWARD, r.n, begin, end, r.elevation);
    for (int64_t i = begin; i < end; i++)
        r.elevation[i] = r.topography[i] + r.elevation[i];
    return 0;
}

static int to_erode_run_step(simlab_context *c)
{
    int64_t n = simlab_size(c, TO_ERODE_TOPOGRAPHY);
    struct raising r = {.topography = simlab_f8(c, TO_ERODE_TOPOGRAPHY, n),
                        .elevation = simlab_f8_like(c, TO_ERODE_ELEVATION, TO_ERODE_TOPOGRAPHY),
                        .n = n};
    return simlab_parallel_for(c, n, RASTER_BLOCK, raise, &r);
}

const struct simlab_process SurfaceToErode = {
    .name = "SurfaceToErode",
    .description = "the surface that erosion finds in a step",
    SIMLAB_VARIABLES(to_erode_variables),
    .run_step = to_erode_run_step,
};
