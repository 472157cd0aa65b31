/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch varied: the one-dimensional arrays along its dimension, and whether its members are
 * the product of two of them. */
#ifndef PLOT_SWEEP_H
#define PLOT_SWEEP_H

#include "store/store.h"

enum { SWEEP_MAX_INDEXED = 1024 };

struct sweep_axis {
    char *name;        /* of the array */
    char *description; /* with units, or the name where there is none */
    char **texts;      /* of each member's value */
    double *values;    /* the same as numbers; NULL where they are texts */
    /* Of at most SWEEP_MAX_INDEXED members, else NULL: each one's value among the distinct ones, in
     * order of appearance, and these, borrowed from texts. */
    int *index;
    char **distinct;
    int n_distinct; /* 2 where nobody counted, and not all are the same */
};

struct sweep {
    int64_t n; /* members */
    int n_axes;
    struct sweep_axis *axes; /* those that vary */
};

/* Along `dim` with n members, of the store's other arrays than `variable`. */
int sweep_read(struct store *s, const char *dim, int64_t n, const char *variable, struct sweep *ret,
               struct error *e);
void sweep_clear(struct sweep *s);

/* Exactly two vary, and each pair of their values comes once: the slower one is that of the rows.
 */
bool sweep_is_product(const struct sweep *s, const struct sweep_axis **ret_rows,
                      const struct sweep_axis **ret_columns);

/* "v=0.5, loc=0.3": a member's values under the shortest names; the caller frees. NULL: none vary.
 */
char *sweep_label(const struct sweep *s, int64_t member);

#endif
