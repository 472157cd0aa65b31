/* SPDX-License-Identifier: Apache-2.0 */
/* Routing of water on a raster: each node gives all its water to one of its eight neighbours.
 *
 * The raster is cut into bands of rows, which depend on its shape only, so that all that is done by
 * bands gives the same bits on any number of threads. Water that flows down leaves its band, and
 * comes back, again and again; what it meets of one band in between is a turn. Nodes of one turn
 * depend on nodes of lower turns, and of their own band, only: bands of one turn can be worked side
 * by side.
 *
 * Invariants, after flow_route
 *  1. Following receivers leads from every node to a fixed one, which is its own receiver (as long
 *     as there is one that can be reached, and elevations are numbers). Nodes that are not of the
 *     domain have NaN as their elevation, are their own receivers and nobody else's.
 *  2. The stack holds every node once, each after its receiver: first those of turn 0, by bands,
 *     and so on. Those of turn t in band b are stack[parts[t * (n_bands + 1) + b]] up to the next
 *     element of `parts`.
 *  3. lake_depth is 0 but where a node lies below the lowest way out to base level. */
#ifndef LANDSCAPE_FLOW_H
#define LANDSCAPE_FLOW_H

#include "raster.h"

enum { FLOW_MOST_BANDS = 64 };

/* Arrays of one element per node, of the caller. The last ones are for the work only. */
struct flow {
    const struct raster *raster;
    const double *elevation;
    int32_t *receivers; /* node number */
    double *distances;  /* to the receiver; 0 to itself */
    int32_t *stack;     /* node numbers, from base level upstream */
    double *lake_depth;
    int32_t n_depressions;

    int32_t n_bands, band_rows;
    int32_t n_turns;
    int32_t *parts; /* n_turns × (n_bands + 1) */

    /* Within its band a node's water flows to a root: a node that is its own receiver, or whose
     * receiver lies in another band. Roots are numbered by bands, each from its first node's number
     * on, so that what is kept of them lies close together. */
    int32_t *root;                    /* by node */
    int32_t *roots;                   /* by root: its node */
    int32_t n_roots[FLOW_MOST_BANDS]; /* of each band */
    int32_t *turns;                   /* by root */
    int32_t *ends;  /* by root: the one where its water ends, whose node is its own receiver */
    int32_t *order; /* of each band by itself, each node after its receiver there */
    uint8_t *n_donors;

    /* For basin_tree.c and depression.c, which say what they are. */
    int32_t *basins, *live, *owners, *from, *to, *outlets, *targets;
    int32_t *joined; /* of one element more */
    double *pass, *spill;
    int32_t *passes_from, *passes_to; /* of flow_most_passes() elements */
};

/* Fills receivers, distances, stack, parts, lake_depth, n_depressions. 0, or SIMLAB_ERROR where the
 * stage has failed. */
int flow_route(simlab_context *c, struct flow *f);

/* Sums the cells upstream of each node, itself included. Likewise. */
int flow_accumulate(simlab_context *c, const struct flow *f, double *ret_drainage_area);

/* ---- bands ---- */

/* Fills n_bands and band_rows. */
void flow_cut(struct flow *f);

/* Four of a node; and six of one in a band's first or last row. */
static inline int64_t flow_most_passes(const struct flow *f)
{
    return 4 * (int64_t)f->raster->n + 6 * (int64_t)f->raster->nx * f->n_bands;
}

static inline int32_t flow_band_begin(const struct flow *f, int32_t band)
{
    int32_t row = band * f->band_rows;
    return (row < f->raster->ny ? row : f->raster->ny) * f->raster->nx;
}

/* Whether node i lies in the band of nodes [begin, end). */
static inline int flow_is_within(int32_t i, int32_t begin, int32_t end)
{
    return i >= begin && i < end;
}

/* Calls fn(context, first part, last part + 1, userdata) for the parts of a turn, side by side
 * where they are worth it. */
int flow_for_turn(simlab_context *c, const int32_t *parts, int32_t n_bands, int32_t turn,
                  simlab_block_fn fn, void *userdata);

/* ---- internal to flow.c, flow_order.c and depression.c ---- */

/* By receivers: root, roots, order, turns, ends, n_turns. */
int flow_find_roots(simlab_context *c, struct flow *f);
/* After it: stack and parts, which flow_new_parts makes. */
int flow_fill_stack(simlab_context *c, struct flow *f);

/* Room for n_turns × (n_bands + 1) numbers, and as much for the work. */
void flow_new_parts(simlab_context *c, struct flow *f, int32_t **ret_places);

/* Leads the water of closed depressions out of them. Expects receivers, distances and roots; these
 * are out of date then. */
int depression_route(simlab_context *c, struct flow *f);

#endif
