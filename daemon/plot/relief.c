/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/relief.h"

#include "base/mem.h"
#include "plot/palette.h"

#include <math.h>
#include <stdlib.h>

static double value_at(const struct relief_grid *g, int x, int y, double otherwise)
{
    x = x < 0 ? 0 : x >= g->nx ? g->nx - 1 : x;
    y = y < 0 ? 0 : y >= g->ny ? g->ny - 1 : y;
    double value = (double)g->values[(size_t)y * (size_t)g->nx + (size_t)x];
    return isfinite(value) ? value : otherwise;
}

void relief_slope(const struct relief_grid *g, int x, int y, double *ret_x, double *ret_y)
{
    double centre = value_at(g, x, y, 0);
    double v[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            v[i][j] = value_at(g, x + j - 1, y + i - 1, centre);
    *ret_x = (v[0][2] + 2 * v[1][2] + v[2][2] - v[0][0] - 2 * v[1][0] - v[2][0]) / 8;
    *ret_y = (v[2][0] + 2 * v[2][1] + v[2][2] - v[0][0] - 2 * v[0][1] - v[0][2]) / 8;
}

/* Towards the light. */
static const double light_x = -0.5, light_y = -0.5, light_z = 0.70710678118654752;

double relief_shade(const struct relief_grid *g, int x, int y, double z)
{
    double p, q;
    relief_slope(g, x, y, &p, &q);
    p *= z;
    q *= z;
    double cosine = (light_z - p * light_x - q * light_y) / sqrt(1 + p * p + q * q);
    return cosine < 0 ? 0 : cosine;
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

double relief_exaggeration(const struct relief_grid *grids, int n)
{
    enum { SAMPLES = 100000 };
    size_t cells = 0, taken = 0, seen = 0;
    for (int i = 0; i < n; i++)
        cells += (size_t)grids[i].nx * (size_t)grids[i].ny;
    size_t every = cells / SAMPLES + 1;
    float *slopes = mem_array(cells / every + 1, sizeof *slopes);
    for (int i = 0; i < n; i++)
        for (int y = 0; y < grids[i].ny; y++)
            for (int x = 0; x < grids[i].nx; x++) {
                if (seen++ % every)
                    continue;
                double p, q;
                relief_slope(&grids[i], x, y, &p, &q);
                if (hypot(p, q) > 0)
                    slopes[taken++] = (float)hypot(p, q);
            }
    double steep = 1;
    if (taken > 0) {
        qsort(slopes, taken, sizeof *slopes, compare_floats);
        steep = (double)slopes[taken * 19 / 20];
    }
    free(slopes);
    return 1 / steep;
}

/* ---- colours ----------------------------------------------------------------------------- */

struct colour relief_shaded(struct colour c, double shade)
{
    const struct colour black = {0, 0, 0}, white = {255, 255, 255};
    double relative = shade / light_z;
    if (relative <= 1)
        return palette_mix(c, black, 0.65 * (1 - relative));
    return palette_mix(c, white, 0.35 * (relative - 1) / (1 / light_z - 1));
}
