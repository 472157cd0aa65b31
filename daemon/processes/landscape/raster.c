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
    r.outside = simlab_i8_get(c, RASTER_N_OUTSIDE) ? simlab_bool(c, RASTER_OUTSIDE, r.n) : NULL;
    return r;
}

int64_t raster_rows_of_block(const struct raster *r)
{
    return r->nx > 0 && r->nx < RASTER_BLOCK ? RASTER_BLOCK / r->nx : 1;
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

int raster_is_at_edge(const struct raster *r, int32_t i)
{
    int32_t neighbours[8];
    int is_edge = 0;
    if (!raster_has(r, i))
        return 0;
    for (int k = raster_neighbours(r, i, neighbours); k-- > 0;)
        is_edge |= !raster_has(r, neighbours[k]);
    return is_edge;
}

struct sum {
    const struct raster *raster;
    const double *values;
};

static double sum_near(const struct sum *s, int64_t begin, int64_t end)
{
    double sum = 0;
    if (!s->raster->outside)
        for (int64_t i = begin; i < end; i++)
            sum += s->values[i];
    else
        for (int64_t i = begin; i < end; i++)
            sum += s->raster->outside[i] ? 0 : s->values[i];
    return sum;
}

static int sum_block(simlab_context *c, int64_t begin, int64_t end, void *userdata, void *ret_sum)
{
    enum { NEAR = 256 };
    double sum = 0;
    (void)c;
    for (int64_t i = begin; i < end; i += NEAR)
        sum += sum_near(userdata, i, end - i < NEAR ? end : i + NEAR);
    *(double *)ret_sum = sum;
    return 0;
}

double raster_sum(simlab_context *c, const struct raster *r, const double *values)
{
    struct sum s = {r, values};
    return simlab_parallel_sum(c, r->n, RASTER_BLOCK, sum_block, &s);
}

struct group_sum {
    int32_t group;
    int64_t n;
    double *sum;
};

static int sum_group_block(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    const struct group_sum *g = userdata;
    simlab_f8_sum_range(c, g->group, g->n, begin, end, g->sum);
    return 0;
}

int raster_sum_group(simlab_context *c, int32_t group, int64_t n, double *ret_sum)
{
    struct group_sum g = {group, n, ret_sum};
    return simlab_parallel_for(c, n, RASTER_BLOCK, sum_group_block, &g);
}

int32_t raster_row_before(const struct raster *r, int32_t row)
{
    return row > 0 ? row - 1 : r->looped_y ? r->ny - 1 : row;
}

int32_t raster_row_after(const struct raster *r, int32_t row)
{
    return row < r->ny - 1 ? row + 1 : r->looped_y ? 0 : row;
}
