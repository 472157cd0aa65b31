/* SPDX-License-Identifier: Apache-2.0 */
/* The surface that a simulation starts from. */
#include "landscape.h"
#include "raster.h"

#include <math.h>

enum { ELEVATION, NODATA, NOISES, X, Y, SURFACE, OUTSIDE, OUTLET };

static const struct simlab_variable elevation_variables[] = {
    [ELEVATION] = {.name = "elevation",
                   .dims = "()|y,x",
                   .flags = SIMLAB_STATIC,
                   .units = "m",
                   .description = "elevation at the start"},
    [NODATA] = {.name = "nodata",
                .flags = SIMLAB_STATIC,
                .default_value = "\"Infinity\"",
                .units = "m",
                .description = "elevation that means: outside the domain, such as -9999 or NaN; "
                               "an infinite one: none does"},
    [NOISES] = {.name = "noises", .kind = SIMLAB_GROUP, .group = "initial_noise"},
    [X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [Y] = {.name = "y", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [SURFACE] = {.name = "surface",
                 .kind = SIMLAB_FOREIGN,
                 .intent = SIMLAB_OUT,
                 .type = "Topography",
                 .var = "elevation"},
    [OUTSIDE] = {.name = "outside",
                 .intent = SIMLAB_OUT,
                 .dtype = SIMLAB_BOOL,
                 .dims = "y,x",
                 .groups = "outside",
                 .description = "the elevation says that the node is not of the domain"},
    [OUTLET] = {.name = "outlet",
                .intent = SIMLAB_OUT,
                .dtype = SIMLAB_I8,
                .groups = "outlet",
                .description = "number (row · nx + column) of the lowest node beside one that is "
                               "not of the domain; -1: there is none"},
};

/* Of the first of the lowest. */
static int64_t find_outlet(const struct raster *r, const double *surface)
{
    int64_t outlet = -1;
    for (int32_t i = 0; i < r->n; i++)
        if ((outlet < 0 || surface[i] < surface[outlet]) && raster_is_at_edge(r, i))
            outlet = i;
    return outlet;
}

static int elevation_initialize(simlab_context *c)
{
    int64_t ny = simlab_size(c, Y), nx = simlab_size(c, X), n = ny * nx, stride;
    const double *elevation = simlab_f8_broadcast(c, ELEVATION, n, &stride);
    if (stride && (simlab_shape(c, ELEVATION, 0) != ny || simlab_shape(c, ELEVATION, 1) != nx))
        return simlab_fail(c,
                           "variable 'elevation' has %lld rows and %lld columns, but the grid has "
                           "%lld and %lld",
                           (long long)simlab_shape(c, ELEVATION, 0),
                           (long long)simlab_shape(c, ELEVATION, 1), (long long)ny, (long long)nx);
    double *surface = simlab_f8_2d(c, SURFACE, ny, nx), nodata = simlab_f8_get(c, NODATA);
    uint8_t *outside = simlab_bool_2d(c, OUTSIDE, ny, nx);
    simlab_f8_sum(c, NOISES, n, surface);
    for (int64_t i = 0; i < n; i++) {
        double own = elevation[i * stride];
        outside[i] = !isinf(nodata) && (own == nodata || (isnan(nodata) && isnan(own)));
        surface[i] = outside[i] ? NAN : surface[i] + own;
        if (!isfinite(surface[i]) && !outside[i])
            return simlab_fail(c,
                               "variable 'elevation' is not a finite number in row %lld, column "
                               "%lld",
                               (long long)(i / nx), (long long)(i % nx));
    }
    struct raster r = {.ny = (int32_t)ny, .nx = (int32_t)nx, .n = (int32_t)n, .outside = outside};
    simlab_i8_put(c, OUTLET, find_outlet(&r, surface));
    return 0;
}

const struct simlab_process InitialElevation = {
    .name = "InitialElevation",
    .description = "elevation at the start: one value or an elevation model, and any noise",
    SIMLAB_VARIABLES(elevation_variables),
    .initialize = elevation_initialize,
};

enum { AMPLITUDE, NOISE_X, NOISE_Y, NOISE };

static const struct simlab_variable noise_variables[] = {
    [AMPLITUDE] = {.name = "amplitude",
                   .flags = SIMLAB_STATIC,
                   .default_value = "1",
                   .bounds = "[0, inf)",
                   .units = "m",
                   .description = "noise is uniform from 0 to this"},
    [NOISE_X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [NOISE_Y] = {.name = "y", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [NOISE] = {.name = "noise",
               .intent = SIMLAB_OUT,
               .dims = "y,x",
               .groups = "initial_noise",
               .units = "m",
               .description = "added to the elevation at the start"},
};

static int noise_initialize(simlab_context *c)
{
    int64_t ny = simlab_size(c, NOISE_Y), nx = simlab_size(c, NOISE_X);
    double *noise = simlab_f8_2d(c, NOISE, ny, nx), amplitude = simlab_f8_get(c, AMPLITUDE);
    simlab_random_fill(c, noise, ny * nx);
    for (int64_t i = 0; i < ny * nx; i++)
        noise[i] *= amplitude;
    return 0;
}

const struct simlab_process InitialNoise = {
    .name = "InitialNoise",
    .description = "random roughness of the surface at the start, from the job's seed",
    SIMLAB_VARIABLES(noise_variables),
    .initialize = noise_initialize,
};
