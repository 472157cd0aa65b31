/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/raster.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

/* Means over the areas of the target's cells along one axis: `outer` lines of n cells, `inner`
 * values each, become lines of m cells. NaN has no weight. */
static void resample(const double *from, int64_t outer, int64_t n, int64_t inner, double *to,
                     int64_t m)
{
    double ratio = (double)n / (double)m;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t j = 0; j < m; j++)
            for (int64_t k = 0; k < inner; k++) {
                double low = (double)j * ratio, high = (double)(j + 1) * ratio;
                double sum = 0, weight = 0;
                for (int64_t i = (int64_t)low; i < n && (double)i < high; i++) {
                    double part = fmin(high, (double)i + 1) - fmax(low, (double)i);
                    double value = from[(o * n + i) * inner + k];
                    if (part > 1e-9 && isfinite(value)) {
                        sum += part * value;
                        weight += part;
                    }
                }
                to[(o * m + j) * inner + k] = weight > 0 ? sum / weight : (double)NAN;
            }
}

float *raster_grid(const double *values, int64_t from_x, int64_t from_y, int nx, int ny)
{
    size_t cells = (size_t)nx * (size_t)ny;
    double *rows = mem_try_array((size_t)from_y * (size_t)nx, sizeof *rows);
    double *grid = mem_try_array(cells, sizeof *grid);
    float *result = mem_try_array(cells, sizeof *result);
    if (rows && grid && result) {
        resample(values, from_y, from_x, 1, rows, nx);
        resample(rows, 1, from_y, nx, grid, ny);
        for (size_t i = 0; i < cells; i++)
            result[i] = (float)grid[i];
    } else {
        free(result);
        result = NULL;
    }
    free(rows);
    free(grid);
    return result;
}
