/* SPDX-License-Identifier: Apache-2.0 */
/* Steepest descent to one of eight neighbours: O'Callaghan & Mark (1984), Computer Vision, Graphics
 * and Image Processing 28, 323-344. Order of nodes from base level upstream, in O(n): the stack of
 * Braun & Willett (2013), Geomorphology 180-181, 170-179; here it is filled from its end, by going
 * down from each source as far as all donors have been (Kahn 1962), which needs no lists of
 * donors. */
#include "flow.h"

#include <math.h>
#include <string.h>

static const int8_t steps[8][2] = {{-1, 0},  {0, -1}, {0, 1},  {1, 0},
                                   {-1, -1}, {-1, 1}, {1, -1}, {1, 1}};

/* In n_donors, of a node that is in the stack: more than any node has. */
#define DONE 255

static void step_lengths(const struct raster *r, double ret_lengths[8])
{
    for (int k = 0; k < 8; k++)
        ret_lengths[k] = hypot(steps[k][0] * r->dy, steps[k][1] * r->dx);
}

/* Of equally steep neighbours the first counts. -1: none is lower. */
static int steepest_inside(const double *z, const ptrdiff_t offsets[8], const double inverse[8])
{
    int best = -1;
    double steepest = 0;
    for (int k = 0; k < 8; k++) {
        double slope = (z[0] - z[offsets[k]]) * inverse[k];
        best = slope > steepest ? k : best;
        steepest = slope > steepest ? slope : steepest;
    }
    return best;
}

static int steepest_at_side(const struct flow *f, int32_t row, int32_t column,
                            const double inverse[8])
{
    const double *z = f->elevation;
    int32_t i = row * f->raster->nx + column;
    int best = -1;
    double steepest = 0;
    for (int k = 0; k < 8; k++) {
        int32_t j = raster_neighbour(f->raster, row, column, steps[k][0], steps[k][1]);
        double slope = j >= 0 ? (z[i] - z[j]) * inverse[k] : 0;
        if (slope > steepest) {
            best = k;
            steepest = slope;
        }
    }
    return best;
}

/* Steps to the neighbours. */
struct reach {
    const struct flow *flow;
    double lengths[8], inverse[8];
    ptrdiff_t offsets[8];
};

/* Returns whether the node is a depression; so does what follows. */
static int find_at_side(const struct reach *s, int32_t row, int32_t column)
{
    const struct flow *f = s->flow;
    int32_t i = row * f->raster->nx + column;
    int k = f->raster->fixed[i] ? -1 : steepest_at_side(f, row, column, s->inverse);
    f->receivers[i] =
        k < 0 ? i : raster_neighbour(f->raster, row, column, steps[k][0], steps[k][1]);
    f->distances[i] = k < 0 ? 0 : s->lengths[k];
    return k < 0 && !f->raster->fixed[i];
}

static int find_inside(const struct reach *s, int32_t i)
{
    const struct flow *f = s->flow;
    int k = steepest_inside(f->elevation + i, s->offsets, s->inverse);
    f->receivers[i] = k < 0 ? i : i + (int32_t)s->offsets[k];
    f->distances[i] = k < 0 ? 0 : s->lengths[k];
    return k < 0;
}

static int64_t find_in_row(const struct reach *s, int32_t row)
{
    const struct raster *r = s->flow->raster;
    int inside = row > 0 && row < r->ny - 1 && r->nx > 2;
    int64_t n = find_at_side(s, row, 0);
    for (int32_t column = 1; column < r->nx - 1; column++)
        n += inside ? find_inside(s, row * r->nx + column) : find_at_side(s, row, column);
    return r->nx > 1 ? n + find_at_side(s, row, r->nx - 1) : n;
}

static int find_in_rows(simlab_context *c, int64_t begin, int64_t end, void *reach, void *ret_n)
{
    int64_t n = 0;
    (void)c;
    for (int64_t row = begin; row < end; row++)
        n += find_in_row(reach, (int32_t)row);
    *(int64_t *)ret_n = n;
    return 0;
}

static void add_counts(void *reach, void *left, const void *right)
{
    (void)reach;
    *(int64_t *)left += *(const int64_t *)right;
}

static void find_receivers(simlab_context *c, struct flow *f)
{
    const struct raster *r = f->raster;
    struct reach s = {.flow = f};
    int64_t n = 0;
    step_lengths(r, s.lengths);
    for (int k = 0; k < 8; k++) {
        s.inverse[k] = 1 / s.lengths[k];
        s.offsets[k] = steps[k][0] * r->nx + steps[k][1];
    }
    simlab_parallel_reduce(c, r->ny, raster_rows_of_block(r), find_in_rows, add_counts, &s,
                           sizeof n, &n);
    f->n_depressions = (int32_t)n;
}

void flow_order(struct flow *f)
{
    int32_t n = f->raster->n, free_places = n;
    memset(f->n_donors, 0, (size_t)n);
    for (int32_t i = 0; i < n; i++)
        f->n_donors[f->receivers[i]] += f->receivers[i] != i;
    for (int32_t source = 0; source < n; source++) {
        if (f->n_donors[source] != 0)
            continue;
        for (int32_t i = source, r;; i = r) {
            f->stack[--free_places] = i;
            f->n_donors[i] = DONE;
            r = f->receivers[i];
            if (r == i || --f->n_donors[r] != 0)
                break;
        }
    }
}

void flow_route(simlab_context *c, struct flow *f)
{
    find_receivers(c, f);
    flow_order(f);
    memset(f->lake_depth, 0, (size_t)f->raster->n * sizeof *f->lake_depth);
    if (f->n_depressions > 0) {
        depression_route(f);
        flow_order(f);
    }
}

void flow_accumulate(const struct flow *f, double *ret_drainage_area)
{
    int32_t n = f->raster->n;
    for (int32_t i = 0; i < n; i++)
        ret_drainage_area[i] = f->raster->cell_area;
    for (int32_t k = n; k-- > 0;) {
        int32_t i = f->stack[k], r = f->receivers[i];
        if (r != i)
            ret_drainage_area[r] += ret_drainage_area[i];
    }
}
