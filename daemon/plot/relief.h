/* SPDX-License-Identifier: Apache-2.0 */
/* Shades of a grid of values. */
#ifndef PLOT_RELIEF_H
#define PLOT_RELIEF_H

#include "plot/canvas.h"

#include <stdbool.h>

/* `nx` × `ny` values, rows from the top; NaN where there is none. Borrowed. */
struct relief_grid {
    const float *values;
    int nx, ny;
};

/* Slopes along x (to the right) and y (down) per cell at one cell: the 3 × 3 differences of Horn,
 * Hill shading and the reflectance map, Proc. IEEE 69 (1981) 14-47. Missing neighbours count as
 * level. */
void relief_slope(const struct relief_grid *g, int x, int y, double *ret_x, double *ret_y);

/* Brightness in [0, 1] under light from the upper left at 45° height, slopes times `z`. */
double relief_shade(const struct relief_grid *g, int x, int y, double z);

/* The z that gives steep places (19 in 20 are less steep) a slope of 45°, over several grids. */
double relief_exaggeration(const struct relief_grid *grids, int n);

/* A colour under that brightness; what is level keeps its colour. */
struct colour relief_shaded(struct colour c, double shade);

#endif
