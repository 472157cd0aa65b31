/* SPDX-License-Identifier: Apache-2.0 */
/* By basin: joined[], the component it is in, which is known by one of its basins (base level's by
 * n); of a component's basin, outlets[], targets[] and spill[] are its lowest way out; by a band's
 * root, from[], to[] and pass[]: the same, of its nodes in the band, and owners[]: the component.
 */
#include "basin_tree.h"

static int label(simlab_context *c, int64_t first, int64_t last, void *tree)
{
    struct basin_tree *s = tree;
    struct flow *f = s->flow;
    int32_t n = f->raster->n;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1);
        s->n_minima[band] = 0;
        for (int32_t k = 0; k < f->n_roots[band]; k++)
            s->first_member[begin + k] = BASIN_NOWHERE;
        for (int32_t i = end; i-- > begin;) {
            int32_t root = f->root[i], basin = f->ends[root];
            f->basins[i] = basin = f->raster->fixed[f->roots[basin]] ? n : basin;
            if (basin == n)
                continue;
            s->next_member[i] = s->first_member[root];
            s->first_member[root] = i;
            if (basin != root || f->roots[root] != i)
                continue;
            s->minima[begin + s->n_minima[band]++] = basin;
            f->joined[basin] = basin;
            f->outlets[basin] = BASIN_NOWHERE;
        }
    }
    return 0;
}

/* Of two passes: heights, and nodes in any order. */
static int is_lower(double height_a, int32_t a, int32_t b, double height_c, int32_t c, int32_t d)
{
    if (height_a != height_c)
        return height_a < height_c;
    int32_t low_a = a < b ? a : b, low_c = c < d ? c : d;
    return low_a != low_c ? low_a < low_c : a + b - low_a < c + d - low_c;
}

static void offer(const struct flow *f, int32_t at, int32_t owner, int32_t from, int32_t to,
                  double pass)
{
    if (f->from[at] != BASIN_NOWHERE &&
        !is_lower(pass, from, to, f->pass[at], f->from[at], f->to[at]))
        return;
    f->owners[at] = owner;
    f->from[at] = from;
    f->to[at] = to;
    f->pass[at] = pass;
}

/* ---- passes: of each two neighbours the lowest, or few ---- */

static int64_t first_pass(const struct flow *f, int32_t band)
{
    return 4 * (int64_t)flow_band_begin(f, band) + 6 * (int64_t)f->raster->nx * band;
}

/* Of one root's nodes: base level's is the first. */
enum { KNOWN = 16 };
struct passes {
    int n, oldest;
    int32_t basins[KNOWN], from[KNOWN], to[KNOWN];
    double heights[KNOWN];
};

static void put_pass(struct basin_tree *s, int32_t band, int32_t from, int32_t to)
{
    const struct flow *f = s->flow;
    int64_t at = first_pass(f, band) + s->n_passes[band]++;
    f->passes_from[at] = from;
    f->passes_to[at] = to;
}

/* The lowest to each basin; where there are too many, one is put away, and may come again. */
static void note_pass(struct basin_tree *s, int32_t band, struct passes *p, int32_t from,
                      int32_t to)
{
    int32_t basin = s->flow->basins[to];
    double pass = basin_height(s->flow, from, to);
    int k = 0;
    if (!(pass < INFINITY))
        return;
    while (k < p->n && p->basins[k] != basin)
        k++;
    if (k < p->n && !is_lower(pass, from, to, p->heights[k], p->from[k], p->to[k]))
        return;
    if (k == KNOWN) {
        k = p->oldest;
        p->oldest = k + 1 < KNOWN ? k + 1 : 0;
        put_pass(s, band, p->from[k], p->to[k]);
    } else if (k == p->n) {
        p->n++;
    }
    p->basins[k] = basin;
    p->from[k] = from;
    p->to[k] = to;
    p->heights[k] = pass;
}

/* Each pass within a band is noted from one side only, the upper, or left, node's; those to base
 * level and to other bands from here. */
static void find_passes(struct basin_tree *s, int32_t band, int32_t root)
{
    const struct flow *f = s->flow;
    int32_t n = f->raster->n, neighbours[8], own = f->basins[f->roots[root]];
    int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1);
    struct passes p = {.n = 0};
    for (int32_t i = s->first_member[root]; i != BASIN_NOWHERE; i = s->next_member[i])
        for (int k = raster_neighbours(f->raster, i, neighbours); k-- > 0;) {
            int32_t j = neighbours[k], basin = f->basins[j];
            if (basin != own && (j > i || basin == n || !flow_is_within(j, begin, end)))
                note_pass(s, band, &p, i, j);
        }
    for (int k = 0; k < p.n; k++)
        put_pass(s, band, p.from[k], p.to[k]);
}

static int find_passes_of_bands(simlab_context *c, int64_t first, int64_t last, void *tree)
{
    struct basin_tree *s = tree;
    const struct flow *f = s->flow;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        s->n_passes[band] = 0;
        int32_t begin = flow_band_begin(f, band);
        s->n_live[band] = 0;
        for (int32_t root = begin; root < begin + f->n_roots[band]; root++) {
            if (s->first_member[root] == BASIN_NOWHERE)
                continue;
            f->live[begin + s->n_live[band]++] = root;
            find_passes(s, band, root);
        }
    }
    return 0;
}

/* Roots that were offered none are forgotten. */
static void forget_roots(struct basin_tree *s, int32_t band)
{
    const struct flow *f = s->flow;
    int32_t *live = f->live + flow_band_begin(f, band), left = 0;
    for (int32_t k = 0; k < s->n_live[band]; k++)
        if (f->from[live[k]] != BASIN_NOWHERE)
            live[left++] = live[k];
    s->n_live[band] = left;
}

/* Passes between components are offered to the roots of the band that they are at; others are
 * forgotten. */
static int offer_passes(simlab_context *c, int64_t first, int64_t last, void *tree)
{
    struct basin_tree *s = tree;
    const struct flow *f = s->flow;
    int32_t n = f->raster->n;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1), left = 0;
        int32_t *passes_from = f->passes_from + first_pass(f, band);
        int32_t *passes_to = f->passes_to + first_pass(f, band);
        for (int32_t k = 0; k < s->n_live[band]; k++)
            f->from[f->live[begin + k]] = BASIN_NOWHERE;
        for (int32_t k = 0; k < s->n_passes[band]; k++) {
            int32_t from = passes_from[k], to = passes_to[k];
            int32_t a = f->joined[f->basins[from]], b = f->joined[f->basins[to]];
            if (a == b)
                continue;
            double pass = basin_height(f, from, to);
            if (a != n)
                offer(f, f->root[from], a, from, to, pass);
            if (b != n && flow_is_within(to, begin, end))
                offer(f, f->root[to], b, to, from, pass);
            passes_from[left] = from;
            passes_to[left++] = to;
        }
        s->n_passes[band] = left;
        forget_roots(s, band);
    }
    return 0;
}

/* ---- components ---- */

static int32_t component_of(struct flow *f, int32_t basin)
{
    while (f->joined[basin] != basin)
        basin = f->joined[basin] = f->joined[f->joined[basin]];
    return basin;
}

/* Of the passes of a component's roots the lowest. By component in outlets[], targets[], spill[],
 * which are not needed yet. */
static int32_t gather(struct basin_tree *s)
{
    struct flow *f = s->flow;
    int32_t n_components = 0;
    for (int32_t band = 0; band < f->n_bands; band++) {
        const int32_t *live = f->live + flow_band_begin(f, band);
        for (int32_t k = 0; k < s->n_live[band]; k++) {
            int32_t root = live[k], own = f->owners[root];
            if (f->outlets[own] == BASIN_NOWHERE)
                s->components[n_components++] = own;
            else if (!is_lower(f->pass[root], f->from[root], f->to[root], f->spill[own],
                               f->outlets[own], f->targets[own]))
                continue;
            f->outlets[own] = f->from[root];
            f->targets[own] = f->to[root];
            f->spill[own] = f->pass[root];
        }
    }
    return n_components;
}

/* Joins each along its lowest pass. Whether there was one to be joined. */
static int join(struct basin_tree *s, int32_t n_components)
{
    struct flow *f = s->flow;
    int32_t before = s->n_edges;
    for (int32_t k = 0; k < n_components; k++) {
        int32_t own = s->components[k], from = f->outlets[own], to = f->targets[own];
        int32_t a = component_of(f, own), b = component_of(f, f->basins[to]);
        f->outlets[own] = BASIN_NOWHERE;
        if (a == b)
            continue;
        s->edge_from[s->n_edges] = from;
        s->edge_to[s->n_edges++] = to;
        f->joined[a < b ? a : b] = a < b ? b : a; /* base level has the highest number */
    }
    for (int32_t k = 0; k < n_components; k++)
        f->joined[s->components[k]] = component_of(f, s->components[k]);
    return s->n_edges > before;
}

/* Basins that were not their component's own have the old one's. */
static int rejoin(simlab_context *c, int64_t first, int64_t last, void *tree)
{
    const struct basin_tree *s = tree;
    const struct flow *f = s->flow;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        const int32_t *minima = s->minima + flow_band_begin(f, band);
        for (int32_t k = 0; k < s->n_minima[band]; k++) {
            int32_t old = f->joined[minima[k]];
            if (f->joined[old] != old)
                f->joined[minima[k]] = f->joined[old];
        }
    }
    return 0;
}

int basin_tree_grow(simlab_context *c, struct basin_tree *s)
{
    struct flow *f = s->flow;
    f->joined[f->raster->n] = f->raster->n;
    if (simlab_parallel_for(c, f->n_bands, 1, label, s) ||
        simlab_parallel_for(c, f->n_bands, 1, find_passes_of_bands, s))
        return SIMLAB_ERROR;
    for (;;) {
        if (simlab_parallel_for(c, f->n_bands, 1, offer_passes, s))
            return SIMLAB_ERROR;
        if (!join(s, gather(s)))
            return 0;
        if (simlab_parallel_for(c, f->n_bands, 1, rejoin, s))
            return SIMLAB_ERROR;
    }
}
