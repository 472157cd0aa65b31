/* SPDX-License-Identifier: Apache-2.0 */
/* Order of nodes from base level upstream, in O(n): the stack of Braun & Willett (2013),
 * Geomorphology 180-181, 170-179. In each band it is filled from its end, by going down from each
 * source as far as all donors have been (Kahn 1962), which needs no lists of donors; then nodes are
 * put in the order of turns, by counting. */
#include "flow.h"

#include <string.h>

/* In n_donors, of a node that is in the order: more than any node has. */
#define DONE 255

enum { BAND_NODES = 16384, UNKNOWN = -1, WORTH_NODES = 2048 };

void flow_cut(struct flow *f)
{
    int32_t ny = f->raster->ny, nx = f->raster->nx > 0 ? f->raster->nx : 1;
    int32_t rows = (BAND_NODES + nx - 1) / nx, least = (ny + FLOW_MOST_BANDS - 1) / FLOW_MOST_BANDS;
    f->band_rows = rows > least ? rows : least;
    f->n_bands = (ny + f->band_rows - 1) / f->band_rows;
}

/* ---- each band by itself ---- */

static void count_donors(const struct flow *f, int32_t begin, int32_t end)
{
    memset(f->n_donors + begin, 0, (size_t)(end - begin));
    for (int32_t i = begin; i < end; i++) {
        int32_t r = f->receivers[i];
        if (r != i && flow_is_within(r, begin, end))
            f->n_donors[r]++;
    }
}

static void order_band(const struct flow *f, int32_t begin, int32_t end)
{
    int32_t free_places = end;
    for (int32_t source = begin; source < end; source++) {
        if (f->n_donors[source] != 0)
            continue;
        for (int32_t i = source, r;; i = r) {
            f->order[--free_places] = i;
            f->n_donors[i] = DONE;
            r = f->receivers[i];
            if (r == i || !flow_is_within(r, begin, end) || --f->n_donors[r] != 0)
                break;
        }
    }
}

static int32_t find_roots_of_band(const struct flow *f, int32_t begin, int32_t end)
{
    int32_t n = 0;
    for (int32_t k = begin; k < end; k++) {
        int32_t i = f->order[k], r = f->receivers[i];
        if (r != i && flow_is_within(r, begin, end)) {
            f->root[i] = f->root[r];
            continue;
        }
        int32_t root = f->root[i] = begin + n++;
        f->roots[root] = i;
        f->turns[root] = r == i ? 0 : UNKNOWN;
        f->ends[root] = root;
    }
    return n;
}

static int work_bands(simlab_context *c, int64_t first, int64_t last, void *flow)
{
    struct flow *f = flow;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1);
        count_donors(f, begin, end);
        order_band(f, begin, end);
        f->n_roots[band] = find_roots_of_band(f, begin, end);
    }
    return 0;
}

/* ---- roots, from band to band ---- */

/* The root that this one's water meets next. */
static int32_t next_root(const struct flow *f, int32_t root)
{
    return f->root[f->receivers[f->roots[root]]];
}

/* Down to the first that is known, and back up; `stack` is not needed yet. */
static void follow(const struct flow *f, int32_t root)
{
    int32_t n = 0;
    while (f->turns[root] == UNKNOWN) {
        f->stack[n++] = root;
        root = next_root(f, root);
    }
    while (n-- > 0) {
        int32_t above = f->stack[n];
        f->turns[above] = f->turns[root] + 1;
        f->ends[above] = f->ends[root];
        root = above;
    }
}

int flow_find_roots(simlab_context *c, struct flow *f)
{
    if (simlab_parallel_for(c, f->n_bands, 1, work_bands, f))
        return SIMLAB_ERROR;
    f->n_turns = 1;
    for (int32_t band = 0; band < f->n_bands; band++) {
        int32_t begin = flow_band_begin(f, band);
        for (int32_t root = begin; root < begin + f->n_roots[band]; root++) {
            follow(f, root);
            if (f->turns[root] >= f->n_turns)
                f->n_turns = f->turns[root] + 1;
        }
    }
    return 0;
}

/* ---- the stack ---- */

struct filling {
    struct flow *flow;
    int32_t *places; /* like parts: where the next node goes */
};

static int32_t *part_of(const struct filling *s, int32_t *parts, int32_t node, int32_t band)
{
    const struct flow *f = s->flow;
    return &parts[f->turns[f->root[node]] * (f->n_bands + 1) + band];
}

static int count_nodes(simlab_context *c, int64_t first, int64_t last, void *filling)
{
    const struct filling *s = filling;
    const struct flow *f = s->flow;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        for (int32_t t = 0; t < f->n_turns; t++)
            s->places[t * (f->n_bands + 1) + band] = 0;
        for (int32_t i = flow_band_begin(f, band); i < flow_band_begin(f, band + 1); i++)
            ++*part_of(s, s->places, i, band);
    }
    return 0;
}

static int put_nodes(simlab_context *c, int64_t first, int64_t last, void *filling)
{
    const struct filling *s = filling;
    const struct flow *f = s->flow;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++)
        for (int32_t k = flow_band_begin(f, band); k < flow_band_begin(f, band + 1); k++)
            f->stack[(*part_of(s, s->places, f->order[k], band))++] = f->order[k];
    return 0;
}

static void set_parts(const struct filling *s)
{
    const struct flow *f = s->flow;
    int32_t total = 0;
    for (int32_t t = 0; t < f->n_turns; t++)
        for (int32_t band = 0; band <= f->n_bands; band++) {
            int32_t at = t * (f->n_bands + 1) + band, n = band < f->n_bands ? s->places[at] : 0;
            f->parts[at] = s->places[at] = total;
            total += n;
        }
}

int flow_fill_stack(simlab_context *c, struct flow *f)
{
    struct filling s = {.flow = f};
    flow_new_parts(c, f, &s.places);
    if (simlab_parallel_for(c, f->n_bands, 1, count_nodes, &s))
        return SIMLAB_ERROR;
    set_parts(&s);
    return simlab_parallel_for(c, f->n_bands, 1, put_nodes, &s);
}

int flow_for_turn(simlab_context *c, const int32_t *parts, int32_t n_bands, int32_t turn,
                  simlab_block_fn fn, void *userdata)
{
    const int32_t *own = parts + turn * (n_bands + 1);
    if (own[n_bands] - own[0] < WORTH_NODES)
        return fn(c, 0, n_bands, userdata);
    return simlab_parallel_for(c, n_bands, 1, fn, userdata);
}
