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

/* A basin that waits: its lowest pass found so far, outlets[b] within it and targets[b] beyond, at
 * height spill[b]. places[b] is its place in the heap, -1 where it is not there: not reached yet,
 * or (basins joined to base level) done. joined ones have spill set to the level of their water. */
enum { NOT_REACHED = -1, JOINED = -2 };

/* Numbers the basins in the order of the stack, in which each is contiguous, and notes where in the
 * stack each begins; begins[n_basins] is the end. Basin 0, base level, is not contiguous. */
static void label(struct flow *f)
{
    int32_t n_basins = 0, n = f->raster->n;
    for (int32_t k = 0; k < n; k++) {
        int32_t i = f->stack[k], r = f->receivers[i];
        if (r != i) {
            f->basins[i] = f->basins[r];
        } else if (f->raster->fixed[i]) {
            f->basins[i] = 0;
        } else {
            f->basins[i] = ++n_basins;
            f->begins[n_basins - 1] = k;
            f->spill[n_basins - 1] = INFINITY;
            f->places[n_basins - 1] = NOT_REACHED;
        }
    }
}

/* Arrays by basin are for basins 1 … n and have n elements at most n nodes: index b - 1. */
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
    double pass = fmax(f->elevation[outlet], f->elevation[target]);
    if (f->places[b - 1] == JOINED || !(pass < f->spill[b - 1]))
        return;
    f->spill[b - 1] = pass;
    f->outlets[b - 1] = outlet;
    f->targets[b - 1] = target;
    rise(f, f->places[b - 1] == NOT_REACHED ? (*n)++ : f->places[b - 1], b);
}

/* Calls for each of a basin's nodes and each neighbour j of it: in basin 0, offers a way out of
 * `b` (outwards), or in a basin that waits, a way of that one into `b`. */
static void scan(struct flow *f, int32_t b, int outwards, int32_t *n)
{
    const struct raster *r = f->raster;
    for (int32_t k = f->begins[b - 1]; k < r->n && f->basins[f->stack[k]] == b; k++) {
        int32_t i = f->stack[k], row = i / r->nx, column = i % r->nx;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                int32_t j = raster_neighbour(r, row, column, dy, dx);
                int32_t other = j < 0 ? b : f->basins[j];
                if (other == b)
                    continue;
                if (outwards && other == 0)
                    offer(f, b, i, j, n);
                else if (!outwards && other != 0)
                    offer(f, other, j, i, n);
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
        f->spill[b - 1] = fmax(f->spill[b - 1], f->spill[beyond - 1]);
    carve(f, b);
    for (int32_t k = f->begins[b - 1]; k < f->raster->n && f->basins[f->stack[k]] == b; k++) {
        int32_t i = f->stack[k];
        f->lake_depth[i] = fmax(f->spill[b - 1] - f->elevation[i], 0);
    }
}

void depression_route(struct flow *f)
{
    int32_t n = 0;
    label(f);
    for (int32_t b = 1; b <= f->n_depressions; b++)
        scan(f, b, 1, &n);
    while (n > 0) {
        int32_t b = take(f, &n);
        join(f, b);
        scan(f, b, 0, &n);
    }
}
