/* SPDX-License-Identifier: Apache-2.0 */
#include "raster.h"

struct raster raster_read(simlab_context *c)
{
    struct raster r;
    r.ny = (int32_t)simlab_shape(c, RASTER_FIXED, 0);
    r.nx = (int32_t)simlab_shape(c, RASTER_FIXED, 1);
    r.n = r.ny * r.nx;
    r.dx = simlab_f8_get(c, RASTER_DX);
    r.dy = simlab_f8_get(c, RASTER_DY);
    r.cell_area = r.dx * r.dy;
    r.looped_x = simlab_bool_get(c, RASTER_LOOPED_X);
    r.looped_y = simlab_bool_get(c, RASTER_LOOPED_Y);
    r.fixed = simlab_bool(c, RASTER_FIXED, r.n);
    return r;
}

int64_t raster_rows_of_block(const struct raster *r)
{
    enum { CELLS = 4096 };
    return r->nx > 0 && r->nx < CELLS ? CELLS / r->nx : 1;
}

/* -1 where index + step is beyond a side that is not looped. */
static int32_t step_along(int32_t index, int step, int32_t n, int looped)
{
    int32_t next = index + step;
    if (next >= 0 && next < n)
        return next;
    return looped ? (next + n) % n : -1;
}

int32_t raster_neighbour(const struct raster *r, int32_t row, int32_t column, int dy, int dx)
{
    int32_t y = step_along(row, dy, r->ny, r->looped_y);
    int32_t x = step_along(column, dx, r->nx, r->looped_x);
    return y < 0 || x < 0 ? -1 : y * r->nx + x;
}

int raster_neighbours_at_side(const struct raster *r, int32_t row, int32_t column, int32_t ret[8])
{
    int n = 0;
    for (int dy = -1; dy <= 1; dy++)
        for (int dx = -1; dx <= 1; dx++) {
            int32_t j = raster_neighbour(r, row, column, dy, dx);
            if (j >= 0 && (dy != 0 || dx != 0))
                ret[n++] = j;
        }
    return n;
}

double raster_sum(const double *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += 256) {
        int64_t end = n - i < 256 ? n : i + 256;
        double block = 0;
        for (int64_t k = i; k < end; k++)
            block += values[k];
        sum += block;
    }
    return sum;
}

int32_t raster_row_before(const struct raster *r, int32_t row)
{
    return row > 0 ? row - 1 : r->looped_y ? r->ny - 1 : row;
}

int32_t raster_row_after(const struct raster *r, int32_t row)
{
    return row < r->ny - 1 ? row + 1 : r->looped_y ? 0 : row;
}
