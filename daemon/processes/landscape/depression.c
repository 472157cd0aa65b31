/* SPDX-License-Identifier: Apache-2.0 */
/* Closed depressions fill to their lowest way out and spill there: Cordonnier, Bovy & Braun (2019),
 * Earth Surf. Dynam. 7, 549-562. The basins of local minima are the nodes of a graph, whose edges
 * are the passes between them; its minimum spanning tree from base level tells where each spills.
 * Within a basin the path from the pass to the minimum is reversed ("carved"), so that the water of
 * all its nodes leaves over the pass. No elevation is changed.
 *
 * The tree is grown as by Boruvka (1926): each component of basins looks for its lowest pass, all
 * bands side by side; then components are joined along these. Passes of one height are told apart
 * by their nodes' numbers, so that there is one tree, whoever finds it. Components are at least
 * halved each time, and nodes that have none but their own component around them are not looked at
 * again. */
#include "flow.h"

#include <math.h>

/* A basin is known by its minimum's number; all that drains to base level is basin n. By basin:
 * joined[], the component it is in, which is known by one of its basins (base level's by n); of a
 * component's basin, from[], to[] and pass[]: its lowest way out. By a band's root: the same, of
 * its nodes in the band. Of a basin that water can leave: it does at node outlets[], to targets[],
 * at the level spill[]. */
enum { NOWHERE = -1 };

static double greater(double a, double b)
{
    return a > b ? a : b;
}

static double height(const struct flow *f, int32_t i, int32_t j)
{
    return greater(f->elevation[i], f->elevation[j]);
}

/* ---- what each band knows ---- */

/* Lists of a band begin at the place of its first node. Arrays of flow_order.c that are not needed
 * meanwhile hold the rest. */
struct search {
    struct flow *flow;
    int32_t n_minima[FLOW_MOST_BANDS], *minima;
    int32_t n_passes[FLOW_MOST_BANDS];   /* passes_from[], passes_to[], from first_pass() on */
    int32_t *first_member, *next_member; /* by root, and by node: its nodes, ascending */
    int32_t *components;
    int32_t n_edges, *edge_from, *edge_to; /* of the tree: nodes */
};

static int label(simlab_context *c, int64_t first, int64_t last, void *search)
{
    struct search *s = search;
    struct flow *f = s->flow;
    int32_t n = f->raster->n;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1);
        s->n_minima[band] = 0;
        for (int32_t k = 0; k < f->n_roots[band]; k++)
            s->first_member[f->roots[begin + k]] = NOWHERE;
        for (int32_t i = end; i-- > begin;) {
            int32_t basin = f->ends[f->root[i]];
            f->basins[i] = basin = f->raster->fixed[basin] ? n : basin;
            if (basin == n)
                continue;
            s->next_member[i] = s->first_member[f->root[i]];
            s->first_member[f->root[i]] = i;
            if (basin != i)
                continue;
            s->minima[begin + s->n_minima[band]++] = i;
            f->joined[i] = i;
            f->outlets[i] = NOWHERE;
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

static void offer(const struct flow *f, int32_t at, int32_t from, int32_t to, double pass)
{
    if (f->from[at] != NOWHERE && !is_lower(pass, from, to, f->pass[at], f->from[at], f->to[at]))
        return;
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

static void put_pass(struct search *s, int32_t band, int32_t from, int32_t to)
{
    const struct flow *f = s->flow;
    int64_t at = first_pass(f, band) + s->n_passes[band]++;
    f->passes_from[at] = from;
    f->passes_to[at] = to;
}

/* The lowest to each basin; where there are too many, one is put away, and may come again. */
static void note_pass(struct search *s, int32_t band, struct passes *p, int32_t from, int32_t to)
{
    int32_t basin = s->flow->basins[to];
    double pass = height(s->flow, from, to);
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
static void find_passes(struct search *s, int32_t band, int32_t root)
{
    const struct flow *f = s->flow;
    int32_t n = f->raster->n, neighbours[8], own = f->basins[root];
    int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1);
    struct passes p = {.n = 0};
    for (int32_t i = s->first_member[root]; i != NOWHERE; i = s->next_member[i])
        for (int k = raster_neighbours(f->raster, i, neighbours); k-- > 0;) {
            int32_t j = neighbours[k], basin = f->basins[j];
            if (basin != own && (j > i || basin == n || !flow_is_within(j, begin, end)))
                note_pass(s, band, &p, i, j);
        }
    for (int k = 0; k < p.n; k++)
        put_pass(s, band, p.from[k], p.to[k]);
}

static int find_passes_of_bands(simlab_context *c, int64_t first, int64_t last, void *search)
{
    struct search *s = search;
    const struct flow *f = s->flow;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        s->n_passes[band] = 0;
        for (int32_t k = 0; k < f->n_roots[band]; k++)
            find_passes(s, band, f->roots[flow_band_begin(f, band) + k]);
    }
    return 0;
}

/* Passes between components are offered to the roots of the band that they are at; others are
 * forgotten. */
static int offer_passes(simlab_context *c, int64_t first, int64_t last, void *search)
{
    struct search *s = search;
    const struct flow *f = s->flow;
    int32_t n = f->raster->n;
    (void)c;
    for (int32_t band = (int32_t)first; band < last; band++) {
        int32_t begin = flow_band_begin(f, band), end = flow_band_begin(f, band + 1), left = 0;
        int32_t *passes_from = f->passes_from + first_pass(f, band);
        int32_t *passes_to = f->passes_to + first_pass(f, band);
        for (int32_t k = 0; k < f->n_roots[band]; k++)
            f->from[f->roots[begin + k]] = NOWHERE;
        for (int32_t k = 0; k < s->n_passes[band]; k++) {
            int32_t from = passes_from[k], to = passes_to[k];
            int32_t a = f->joined[f->basins[from]], b = f->joined[f->basins[to]];
            if (a == b)
                continue;
            double pass = height(f, from, to);
            if (a != n)
                offer(f, f->root[from], from, to, pass);
            if (b != n && flow_is_within(to, begin, end))
                offer(f, f->root[to], to, from, pass);
            passes_from[left] = from;
            passes_to[left++] = to;
        }
        s->n_passes[band] = left;
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

/* The lowest pass of a band's root is one of its component; roots that have none are forgotten. By
 * component in outlets[], targets[], spill[], which are not needed yet. */
static int32_t gather(struct search *s)
{
    struct flow *f = s->flow;
    int32_t n_components = 0;
    for (int32_t band = 0; band < f->n_bands; band++) {
        int32_t begin = flow_band_begin(f, band), left = 0;
        for (int32_t k = 0; k < f->n_roots[band]; k++) {
            int32_t root = f->roots[begin + k];
            if (f->from[root] == NOWHERE)
                continue;
            f->roots[begin + left++] = root;
            int32_t own = f->joined[f->basins[root]];
            if (f->outlets[own] == NOWHERE)
                s->components[n_components++] = own;
            else if (!is_lower(f->pass[root], f->from[root], f->to[root], f->spill[own],
                               f->outlets[own], f->targets[own]))
                continue;
            f->outlets[own] = f->from[root];
            f->targets[own] = f->to[root];
            f->spill[own] = f->pass[root];
        }
        f->n_roots[band] = left;
    }
    return n_components;
}

/* Joins each along its lowest pass. Whether there was one to be joined. */
static int join(struct search *s, int32_t n_components)
{
    struct flow *f = s->flow;
    int32_t before = s->n_edges;
    for (int32_t k = 0; k < n_components; k++) {
        int32_t own = s->components[k], from = f->outlets[own], to = f->targets[own];
        int32_t a = component_of(f, own), b = component_of(f, f->basins[to]);
        f->outlets[own] = NOWHERE;
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
static int rejoin(simlab_context *c, int64_t first, int64_t last, void *search)
{
    const struct search *s = search;
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

static int grow_tree(simlab_context *c, struct search *s)
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

/* ---- from base level outwards ---- */

/* Edges at each basin: lists of twice an edge's number, plus 1 at the end that it leads to. */
struct reaching {
    struct search *search;
    int32_t *first, *next_at_from, *next_at_to;
    int32_t n, *queue; /* basins that were reached */
};

static void reach(struct reaching *r, int32_t outlet, int32_t target, double level)
{
    struct flow *f = r->search->flow;
    int32_t basin = f->basins[outlet];
    if (basin == f->raster->n || f->outlets[basin] != NOWHERE)
        return;
    f->outlets[basin] = outlet;
    f->targets[basin] = target;
    f->spill[basin] = greater(height(f, outlet, target), level);
    r->queue[r->n++] = basin;
}

static void list_edge(struct reaching *r, int32_t basin, int32_t half)
{
    if (basin == r->search->flow->raster->n)
        return;
    *(half % 2 ? &r->next_at_to[half / 2] : &r->next_at_from[half / 2]) = r->first[basin];
    r->first[basin] = half;
}

static void list_edges(struct reaching *r)
{
    const struct search *s = r->search;
    const struct flow *f = s->flow;
    int32_t n = f->raster->n;
    for (int32_t band = 0; band < f->n_bands; band++)
        for (int32_t k = 0; k < s->n_minima[band]; k++)
            r->first[s->minima[flow_band_begin(f, band) + k]] = NOWHERE;
    for (int32_t e = 0; e < s->n_edges; e++) {
        int32_t from = s->edge_from[e], to = s->edge_to[e];
        list_edge(r, f->basins[from], 2 * e);
        list_edge(r, f->basins[to], 2 * e + 1);
        if (f->basins[from] == n)
            reach(r, to, from, -INFINITY);
        if (f->basins[to] == n)
            reach(r, from, to, -INFINITY);
    }
}

/* Each spills at its way out, or, where the basin beyond stands higher, at that one's level. */
static void reach_all(struct reaching *r)
{
    const struct search *s = r->search;
    const struct flow *f = s->flow;
    list_edges(r);
    for (int32_t k = 0; k < r->n; k++) {
        int32_t half = r->first[r->queue[k]];
        while (half != NOWHERE) {
            int32_t e = half / 2, is_to = half % 2;
            int32_t own = is_to ? s->edge_to[e] : s->edge_from[e];
            int32_t other = is_to ? s->edge_from[e] : s->edge_to[e];
            reach(r, other, own, f->spill[r->queue[k]]);
            half = is_to ? r->next_at_to[e] : r->next_at_from[e];
        }
    }
}

/* ---- in each basin ---- */

static double distance(const struct raster *r, int32_t i, int32_t j)
{
    int32_t dy = i / r->nx - j / r->nx, dx = i % r->nx - j % r->nx;
    return hypot(dy != 0 ? r->dy : 0, dx != 0 ? r->dx : 0);
}

/* Turns round the receivers from the outlet of a basin down to its minimum. */
static void carve(const struct flow *f, int32_t basin)
{
    int32_t node = f->outlets[basin], receiver = f->targets[basin];
    double length = distance(f->raster, node, receiver);
    for (;;) {
        int32_t next = f->receivers[node];
        double next_length = f->distances[node];
        f->receivers[node] = receiver;
        f->distances[node] = length;
        if (next == node)
            return;
        receiver = node;
        length = next_length;
        node = next;
    }
}

static int carve_basins(simlab_context *c, int64_t begin, int64_t end, void *reaching)
{
    const struct reaching *r = reaching;
    (void)c;
    for (int64_t k = begin; k < end; k++)
        carve(r->search->flow, r->queue[k]);
    return 0;
}

static int fill_lakes(simlab_context *c, int64_t begin, int64_t end, void *flow)
{
    const struct flow *f = flow;
    (void)c;
    for (int64_t i = begin; i < end; i++) {
        int32_t basin = f->basins[i];
        int is_reached = basin != f->raster->n && f->outlets[basin] != NOWHERE;
        f->lake_depth[i] = is_reached ? greater(f->spill[basin] - f->elevation[i], 0) : 0;
    }
    return 0;
}

int depression_route(simlab_context *c, struct flow *f)
{
    enum { BASINS = 256 }; /* carved at once */
    struct search s = {.flow = f,
                       .minima = f->stack,
                       .first_member = f->targets,
                       .next_member = f->order,
                       .components = f->order,
                       .edge_from = f->turns,
                       .edge_to = f->ends};
    if (grow_tree(c, &s))
        return SIMLAB_ERROR;
    struct reaching r = {.search = &s,
                         .first = f->joined,
                         .next_at_from = f->from,
                         .next_at_to = f->to,
                         .queue = f->order};
    reach_all(&r);
    if (simlab_parallel_for(c, r.n, BASINS, carve_basins, &r))
        return SIMLAB_ERROR;
    return simlab_parallel_for(c, f->raster->n, RASTER_BLOCK, fill_lakes, f);
}
