/* SPDX-License-Identifier: Apache-2.0 */
/* Routing of water on a raster: each node gives all its water to one of its eight neighbours.
 *
 * Invariants, after flow_route
 *  1. Following receivers leads from every node to a fixed one, which is its own receiver (as long
 *     as there is a fixed node and elevations are numbers).
 *  2. The stack holds every node once, each after its receiver.
 *  3. lake_depth is 0 but where a node lies below the lowest way out to base level. */
#ifndef LANDSCAPE_FLOW_H
#define LANDSCAPE_FLOW_H

#include "raster.h"

/* Arrays of one element per node, of the caller. The last ones are for the work only. */
struct flow {
    const struct raster *raster;
    const double *elevation;
    int32_t *receivers; /* node number */
    double *distances;  /* to the receiver; 0 to itself */
    int32_t *stack;     /* node numbers, from base level upstream */
    double *lake_depth;
    int32_t n_depressions;
    uint8_t *n_donors; /* by node, not yet in the stack */
    int32_t *basins;   /* node → basin; 0 is all that drains to base level */
    /* By basin, from 1; see depression.c. `begins` has two elements more than nodes. */
    double *spill;
    int32_t *members, *begins, *outlets, *targets, *heap, *places;
};

/* Fills receivers, distances, stack, lake_depth, n_depressions. */
void flow_route(simlab_context *c, struct flow *f);

/* Sums the cells upstream of each node, itself included. */
void flow_accumulate(const struct flow *f, double *ret_drainage_area);

/* Internal to flow.c and depression.c: puts the nodes in order by their receivers. */
void flow_order(struct flow *f);

/* Leads the water of closed depressions out of them. Expects receivers, distances and the stack. */
void depression_route(struct flow *f);

#endif
