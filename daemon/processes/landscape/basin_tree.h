/* SPDX-License-Identifier: Apache-2.0 */
/* The basins of local minima, and the minimum spanning tree of the passes between them: grown as by
 * Boruvka (1926). Each component of basins looks for its lowest pass, all bands side by side; then
 * components are joined along these. Passes of one height are told apart by their nodes' numbers,
 * so that there is one tree, whoever finds it. Components are at least halved each time, and passes
 * within one are forgotten.
 *
 * A basin has the number of its minimum's root; all that drains to base level is basin n. */
#ifndef LANDSCAPE_BASIN_TREE_H
#define LANDSCAPE_BASIN_TREE_H

#include "flow.h"

#include <math.h>

enum { BASIN_NOWHERE = -1 };

/* Lists of a band begin at the place of its first node. Arrays of flow_order.c that are not needed
 * meanwhile hold the rest. */
struct basin_tree {
    struct flow *flow;
    int32_t n_minima[FLOW_MOST_BANDS], *minima; /* basins */
    int32_t n_live[FLOW_MOST_BANDS];            /* live[]: roots at which there are passes */
    int32_t n_passes[FLOW_MOST_BANDS];   /* passes_from[], passes_to[], from first_pass() on */
    int32_t *first_member, *next_member; /* by root, and by node: its nodes, ascending */
    int32_t *components;
    int32_t n_edges, *edge_from, *edge_to; /* of the tree: nodes */
};

static inline double basin_greater(double a, double b)
{
    return a > b ? a : b;
}

/* Of the pass between two nodes. */
static inline double basin_height(const struct flow *f, int32_t i, int32_t j)
{
    return basin_greater(f->elevation[i], f->elevation[j]);
}

/* Fills f->basins, the lists of minima and the tree's edges. Expects roots; `t` has the flow and
 * room for all that it points to. f->outlets[] of all basins is BASIN_NOWHERE. */
int basin_tree_grow(simlab_context *c, struct basin_tree *t);

#endif
