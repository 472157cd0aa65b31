/* SPDX-License-Identifier: Apache-2.0 */
/* Two-dimensional data as the cells of a picture. */
#ifndef PLOT_RASTER_H
#define PLOT_RASTER_H

#include <stdint.h>

/* from_y rows of from_x values averaged over ny rows of nx cells: each has the mean of what it
 * covers. NaN has no weight; a cell of nothing else is NaN. NULL where there is no memory. free()
 */
float *raster_grid(const double *values, int64_t from_x, int64_t from_y, int nx, int ny);

#endif
