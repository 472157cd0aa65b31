/* SPDX-License-Identifier: Apache-2.0 */
/* Steepest descent to one of eight neighbours: O'Callaghan & Mark (1984), Computer Vision, Graphics
 * and Image Processing 28, 323-344. */
#include "flow.h"

#include <math.h>
#include <string.h>

static const int8_t steps[8][2] = {{-1, 0},  {0, -1}, {0, 1},  {1, 0},
                                   {-1, -1}, {-1, 1}, {1, -1}, {1, 1}};

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
    int is_fixed = f->raster->fixed[i];
    int k = is_fixed ? -1 : steepest_inside(f->elevation + i, s->offsets, s->inverse);
    f->receivers[i] = k < 0 ? i : i + (int32_t)s->offsets[k];
    f->distances[i] = k < 0 ? 0 : s->lengths[k];
    return k < 0 && !is_fixed;
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

static int find_receivers(simlab_context *c, struct flow *f)
{
    const struct raster *r = f->raster;
    struct reach s = {.flow = f};
    int64_t n = 0;
    step_lengths(r, s.lengths);
    for (int k = 0; k < 8; k++) {
        s.inverse[k] = 1 / s.lengths[k];
        s.offsets[k] = steps[k][0] * r->nx + steps[k][1];
    }
    int failed = simlab_parallel_reduce(c, r->ny, raster_rows_of_block(r), find_in_rows, add_counts,
                                        &s, sizeof n, &n);
    f->n_depressions = (int32_t)n;
    return failed;
}

static int clear_lakes(simlab_context *c, int64_t begin, int64_t end, void *flow)
{
    const struct flow *f = flow;
    (void)c;
    memset(f->lake_depth + begin, 0, (size_t)(end - begin) * sizeof *f->lake_depth);
    return 0;
}

int flow_route(simlab_context *c, struct flow *f)
{
    if (find_receivers(c, f) || flow_find_roots(c, f))
        return SIMLAB_ERROR;
    if (f->n_depressions == 0) {
        if (simlab_parallel_for(c, f->raster->n, RASTER_BLOCK, clear_lakes, f))
            return SIMLAB_ERROR;
    } else if (depression_route(c, f) || flow_find_roots(c, f)) {
        return SIMLAB_ERROR;
    }
    return flow_fill_stack(c, f);
}

/* ---- drainage area ---- */

struct accumulation {
    const struct flow *flow;
    double *area;
    int32_t turn;
};

static int begin_with_cells(simlab_context *c, int64_t begin, int64_t end, void *accumulation)
{
    const struct accumulation *a = accumulation;
    (void)c;
    for (int64_t i = begin; i < end; i++)
        a->area[i] = raster_has(a->flow->raster, i) ? a->flow->raster->cell_area : 0;
    return 0;
}

/* What leaves the band is handed over when all bands of the turn are through. */
static int accumulate_parts(simlab_context *c, int64_t first, int64_t last, void *accumulation)
{
    const struct accumulation *a = accumulation;
    const struct flow *f = a->flow;
    const int32_t *parts = f->parts + a->turn * (f->n_bands + 1);
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1);
        for (int32_t k = parts[band + 1]; k-- > parts[band];) {
            int32_t i = f->stack[k], r = f->receivers[i];
            if (r != i && flow_is_within(r, begin, end))
                a->area[r] += a->area[i];
        }
    }
    return 0;
}

/* By turn: those that leave their band. */
static void sort_roots(const struct flow *f, int32_t *begins)
{
    for (int32_t t = 0; t <= f->n_turns; t++)
        begins[t] = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t band = 0; band < f->n_bands; band++) {
            int32_t begin = flow_band_begin(f, band);
            for (int32_t root = begin; root < begin + f->n_roots[band]; root++) {
                if (f->turns[root] == 0)
                    continue;
                if (pass == 0)
                    begins[f->turns[root]]++;
                else
                    f->from[begins[f->turns[root]]++] = f->roots[root];
            }
        }
        int32_t total = 0;
        for (int32_t t = 0; t < f->n_turns && pass == 0; t++) {
            int32_t n = begins[t];
            begins[t] = total;
            total += n;
        }
    }
}

int flow_accumulate(simlab_context *c, const struct flow *f, double *ret_drainage_area)
{
    struct accumulation a = {.flow = f, .area = ret_drainage_area};
    int32_t *ends = f->joined; /* of the roots of each turn, when they are sorted */
    if (simlab_parallel_for(c, f->raster->n, RASTER_BLOCK, begin_with_cells, &a))
        return SIMLAB_ERROR;
    sort_roots(f, ends);
    for (a.turn = f->n_turns; a.turn-- > 0;) {
        if (flow_for_turn(c, f->parts, f->n_bands, a.turn, accumulate_parts, &a))
            return SIMLAB_ERROR;
        for (int32_t k = a.turn > 0 ? ends[a.turn - 1] : ends[0]; k < ends[a.turn]; k++)
            a.area[f->receivers[f->from[k]]] += a.area[f->from[k]];
    }
    return 0;
}
