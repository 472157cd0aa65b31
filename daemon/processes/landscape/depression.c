/* SPDX-License-Identifier: Apache-2.0 */
/* Closed depressions fill to their lowest way out and spill there: Cordonnier, Bovy & Braun (2019),
 * Earth Surf. Dynam. 7, 549-562. The basins of local minima are the nodes of a graph, whose edges
 * are the lowest passes between them; its minimum spanning tree from base level (grown as by Prim
 * 1957) tells where each spills. Within a basin the path from the pass to the minimum is reversed
 * ("carved"), so that the water of all its nodes leaves over the pass. No elevation is changed.
 *
 * Only nodes of depressions are visited, and the heap holds basins, not nodes: on a surface without
 * depressions nothing of this is called. */
#include "flow.h"

#include <math.h>

/* Basins are numbered from 1, and basin b has index b - 1 in the arrays by basin. Of one that
 * waits, the lowest pass found so far leads from node outlets[] in it to targets[] beyond, at
 * height spill[], and places[] is its place in the heap. Of one that is joined to base level,
 * spill[] is the level of its water. */
enum { NOT_REACHED = -1, JOINED = -2 };

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* Numbers the basins as the stack goes, and counts their nodes into begins[]. */
static int32_t label(struct flow *f)
{
    int32_t n_basins = 0;
    for (int32_t k = 0; k < f->raster->n; k++) {
        int32_t i = f->stack[k], r = f->receivers[i];
        if (r != i) {
            f->basins[i] = f->basins[r];
        } else if (f->raster->fixed[i]) {
            f->basins[i] = 0;
        } else {
            f->basins[i] = ++n_basins;
            f->begins[n_basins] = 0;
            f->spill[n_basins - 1] = INFINITY;
            f->places[n_basins - 1] = NOT_REACHED;
        }
        if (f->basins[i] > 0)
            f->begins[f->basins[i]]++;
    }
    return n_basins;
}

/* Lists the nodes of each basin: those of b are members[begins[b]] … members[begins[b + 1] - 1]. */
static void gather(struct flow *f, int32_t n_basins)
{
    int32_t total = 0;
    for (int32_t b = 1; b <= n_basins; b++)
        f->begins[b] = total += f->begins[b]; /* its end, until it is filled, from there */
    f->begins[n_basins + 1] = total;
    for (int32_t i = f->raster->n; i-- > 0;)
        if (f->basins[i] > 0)
            f->members[--f->begins[f->basins[i]]] = i;
}

static int is_lower(const struct flow *f, int32_t a, int32_t b)
{
    double x = f->spill[a - 1], y = f->spill[b - 1];
    return x < y || (x == y && a < b);
}

static void put(struct flow *f, int32_t place, int32_t b)
{
    f->heap[place] = b;
    f->places[b - 1] = place;
}

static void rise(struct flow *f, int32_t place, int32_t b)
{
    while (place > 0 && is_lower(f, b, f->heap[(place - 1) / 2])) {
        put(f, place, f->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(f, place, b);
}

/* Takes the lowest of *n basins. */
static int32_t take(struct flow *f, int32_t *n)
{
    int32_t lowest = f->heap[0], b = f->heap[--*n], place = 0;
    for (int32_t child = 1; child < *n; child = 2 * place + 1) {
        if (child + 1 < *n && is_lower(f, f->heap[child + 1], f->heap[child]))
            child++;
        if (!is_lower(f, f->heap[child], b))
            break;
        put(f, place, f->heap[child]);
        place = child;
    }
    if (*n > 0)
        put(f, place, b);
    return lowest;
}

/* A pass from basin b at node `outlet` to node `target` of a joined basin. */
static void offer(struct flow *f, int32_t b, int32_t outlet, int32_t target, int32_t *n)
{
    if (f->places[b - 1] == JOINED)
        return;
    double pass = greater(f->elevation[outlet], f->elevation[target]);
    if (!(pass < f->spill[b - 1]))
        return;
    f->spill[b - 1] = pass;
    f->outlets[b - 1] = outlet;
    f->targets[b - 1] = target;
    rise(f, f->places[b - 1] == NOT_REACHED ? (*n)++ : f->places[b - 1], b);
}

/* Passes from the basins that wait to base level, by rows, which is the order of memory. */
static void offer_base_level(struct flow *f, int32_t *n)
{
    int32_t neighbours[8];
    for (int32_t i = 0; i < f->raster->n; i++) {
        if (f->basins[i] == 0)
            continue;
        for (int k = raster_neighbours(f->raster, i, neighbours); k-- > 0;)
            if (f->basins[neighbours[k]] == 0)
                offer(f, f->basins[i], i, neighbours[k], n);
    }
}

/* Passes from the basins that wait to basin b, which is joined. */
static void offer_basin(struct flow *f, int32_t b, int32_t *n)
{
    int32_t neighbours[8];
    for (int32_t k = f->begins[b]; k < f->begins[b + 1]; k++) {
        int32_t i = f->members[k];
        for (int m = raster_neighbours(f->raster, i, neighbours); m-- > 0;) {
            int32_t other = f->basins[neighbours[m]];
            if (other != b && other != 0)
                offer(f, other, neighbours[m], i, n);
        }
    }
}

static double distance(const struct raster *r, int32_t i, int32_t j)
{
    int32_t dy = i / r->nx - j / r->nx, dx = i % r->nx - j % r->nx;
    return hypot(dy != 0 ? r->dy : 0, dx != 0 ? r->dx : 0);
}

/* Turns round the receivers from the outlet of basin b down to its minimum. */
static void carve(struct flow *f, int32_t b)
{
    int32_t node = f->outlets[b - 1], receiver = f->targets[b - 1];
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

/* Basin b spills at its lowest pass, or, where the basin beyond stands higher, at its level. */
static void join(struct flow *f, int32_t b)
{
    int32_t beyond = f->basins[f->targets[b - 1]];
    f->places[b - 1] = JOINED;
    if (beyond > 0)
        f->spill[b - 1] = greater(f->spill[b - 1], f->spill[beyond - 1]);
    carve(f, b);
    for (int32_t k = f->begins[b]; k < f->begins[b + 1]; k++) {
        int32_t i = f->members[k];
        f->lake_depth[i] = greater(f->spill[b - 1] - f->elevation[i], 0);
    }
}

void depression_route(struct flow *f)
{
    int32_t n = 0;
    gather(f, label(f));
    offer_base_level(f, &n);
    while (n > 0) {
        int32_t b = take(f, &n);
        join(f, b);
        offer_basin(f, b, &n);
    }
}
