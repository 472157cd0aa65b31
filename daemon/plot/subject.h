/* SPDX-License-Identifier: Apache-2.0 */
/* What of a variable is shown: its dims, what each of them is, and which labels are selected. */
#ifndef PLOT_SUBJECT_H
#define PLOT_SUBJECT_H

#include "store/store.h"

enum {
    SUBJECT_MAX_ELEMENTS = 1 << 27, /* of one box that is read */
    SUBJECT_MAX_LABELS = 1 << 24    /* of one coordinate */
};

enum subject_role {
    SUBJECT_BATCH, /* each index is one simulation */
    SUBJECT_CLOCK,
    SUBJECT_SPACE, /* a dim of the variable's own */
};

struct subject {
    struct store *store; /* borrowed, like the name */
    const char *variable;
    struct store_meta meta;
    json_t *dims, *attrs;
    enum subject_role role[SIMLAB_MAX_DIMS];
    int64_t index[SIMLAB_MAX_DIMS]; /* of the dims that are not drawn: at first those selected, else
                                     * the last label, of a dim of space the middle */
    bool given[SIMLAB_MAX_DIMS];    /* index was selected */
};

/* `select` is {"dim": index, …}, negative from the end, or NULL. STORE_NO_SUCH, or STORE_INVALID
 * with words: texts, an empty dim, a selection that there is not. */
int subject_open(struct store *s, const char *variable, const json_t *select, struct subject *ret,
                 struct error *e);
void subject_clear(struct subject *s);

const char *subject_dim(const struct subject *s, int d);            /* its name; borrowed */
int subject_find(const struct subject *s, const char *dim);         /* -1: none */
int subject_first(const struct subject *s, enum subject_role role); /* not selected; -1: none */
char *subject_dims_text(const struct subject *s);                   /* "batch: 4, x: 150" */

/* Whether a store's one-dimensional array of the dim's name has labels for it. */
bool subject_has_coordinate(const struct subject *s, int d);

/* The box as doubles in C order; missing values are NaN. STORE_INVALID where it is too large. */
int subject_read(const struct subject *s, const int64_t *start, const int64_t *count,
                 double **ret_values, struct error *e);
/* Any array's box, of which `m` tells. */
int subject_read_array(struct store *s, const char *name, const struct store_meta *m,
                       const int64_t *start, const int64_t *count, double **ret_values,
                       struct error *e);

/* "long name" of an array's attributes: long_name or description; NULL: neither. Borrowed. */
const char *subject_description(const json_t *attrs);

/* Also those that no standard has, which simlabd keeps as units_text; NULL: none. */
const char *subject_units(const json_t *attrs);
/* "velocity [m/s]": the description up to a semicolon (or where that is missing or long, the name),
 * with units. */
char *subject_label(const char *name, const json_t *attrs);

#endif
