/* SPDX-License-Identifier: Apache-2.0 */
/* Closed depressions fill to their lowest way out and spill there: Cordonnier, Bovy & Braun (2019),
 * Earth Surf. Dynam. 7, 549-562. The basins of local minima are the nodes of a graph, whose edges
 * are the passes between them; its minimum spanning tree from base level tells where each spills.
 * Within a basin the path from the pass to the minimum is reversed ("carved"), so that the water of
 * all its nodes leaves over the pass. No elevation is changed.
 *
 * Of a basin that water can leave: it does at node outlets[], to targets[], at the level spill[].
 */
#include "basin_tree.h"

/* ---- from base level outwards ---- */

/* Edges at each basin: lists of twice an edge's number, plus 1 at the end that it leads to. */
struct reaching {
    struct basin_tree *tree;
    int32_t *first, *next_at_from, *next_at_to;
    int32_t n, *queue; /* basins that were reached */
};

static void reach(struct reaching *r, int32_t outlet, int32_t target, double level)
{
    struct flow *f = r->tree->flow;
    int32_t basin = f->basins[outlet];
    if (basin == f->raster->n || f->outlets[basin] != BASIN_NOWHERE)
        return;
    f->outlets[basin] = outlet;
    f->targets[basin] = target;
    f->spill[basin] = basin_greater(basin_height(f, outlet, target), level);
    r->queue[r->n++] = basin;
}

static void list_edge(struct reaching *r, int32_t basin, int32_t half)
{
    if (basin == r->tree->flow->raster->n)
        return;
    *(half % 2 ? &r->next_at_to[half / 2] : &r->next_at_from[half / 2]) = r->first[basin];
    r->first[basin] = half;
}

static void list_edges(struct reaching *r)
{
    const struct basin_tree *s = r->tree;
    const struct flow *f = s->flow;
    int32_t n = f->raster->n;
    for (int32_t band = 0; band < f->n_bands; band++)
        for (int32_t k = 0; k < s->n_minima[band]; k++)
            r->first[s->minima[flow_band_begin(f, band) + k]] = BASIN_NOWHERE;
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
    const struct basin_tree *s = r->tree;
    const struct flow *f = s->flow;
    list_edges(r);
    for (int32_t k = 0; k < r->n; k++) {
        int32_t half = r->first[r->queue[k]];
        while (half != BASIN_NOWHERE) {
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
        carve(r->tree->flow, r->queue[k]);
    return 0;
}

static int fill_lakes(simlab_context *c, int64_t begin, int64_t end, void *flow)
{
    const struct flow *f = flow;
    (void)c;
    for (int64_t i = begin; i < end; i++) {
        int32_t basin = f->basins[i];
        int is_reached = basin != f->raster->n && f->outlets[basin] != BASIN_NOWHERE;
        f->lake_depth[i] = is_reached ? basin_greater(f->spill[basin] - f->elevation[i], 0) : 0;
    }
    return 0;
}

int depression_route(simlab_context *c, struct flow *f)
{
    enum { BASINS = 256 }; /* carved at once */
    struct basin_tree s = {.flow = f,
                           .minima = f->stack,
                           .first_member = f->targets,
                           .next_member = f->order,
                           .components = f->order,
                           .edge_from = f->turns,
                           .edge_to = f->ends};
    if (basin_tree_grow(c, &s))
        return SIMLAB_ERROR;
    struct reaching r = {.tree = &s,
                         .first = f->joined,
                         .next_at_from = f->from,
                         .next_at_to = f->to,
                         .queue = f->order};
    reach_all(&r);
    if (simlab_parallel_for(c, r.n, BASINS, carve_basins, &r))
        return SIMLAB_ERROR;
    return simlab_parallel_for(c, f->raster->n, RASTER_BLOCK, fill_lakes, f);
}
