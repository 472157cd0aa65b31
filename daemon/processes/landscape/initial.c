/* SPDX-License-Identifier: Apache-2.0 */
/* The surface that a simulation starts from. */
#include "landscape.h"

#include <math.h>

enum { ELEVATION, NOISES, X, Y, SURFACE };

static const struct simlab_variable elevation_variables[] = {
    [ELEVATION] = {.name = "elevation",
                   .dims = "()|y,x",
                   .flags = SIMLAB_STATIC,
                   .units = "m",
                   .description = "elevation at the start"},
    [NOISES] = {.name = "noises", .kind = SIMLAB_GROUP, .group = "initial_noise"},
    [X] = {.name = "x", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [Y] = {.name = "y", .kind = SIMLAB_FOREIGN, .type = "RasterGrid"},
    [SURFACE] = {.name = "surface",
                 .kind = SIMLAB_FOREIGN,
                 .intent = SIMLAB_OUT,
                 .type = "Topography",
                 .var = "elevation"},
};

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
    double *surface = simlab_f8_2d(c, SURFACE, ny, nx);
    simlab_f8_sum(c, NOISES, n, surface);
    for (int64_t i = 0; i < n; i++) {
        surface[i] += elevation[i * stride];
        if (!isfinite(surface[i]))
            return simlab_fail(c,
                               "variable 'elevation' is not a finite number in row %lld, column "
                               "%lld",
                               (long long)(i / nx), (long long)(i % nx));
    }
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
