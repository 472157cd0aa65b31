/* SPDX-License-Identifier: Apache-2.0 */
/* Which arrays of a store are exported, and how long their dims are. Internal. */
#ifndef EXPORT_SELECTION_H
#define EXPORT_SELECTION_H

#include "export/export.h"

struct selected_array {
    const char *name; /* borrowed from the selection's names */
    struct store_meta meta;
    json_t *dims, *attrs;
    int axes[SIMLAB_MAX_DIMS]; /* which of the selection's dims each one is */
    bool is_wanted;
};

struct selected_dim {
    const char *name;
    int64_t n; /* in the file */
};

/* Zeroed is empty. */
struct selection {
    json_t *names, *attrs, *provenance;
    struct selected_array *arrays; /* those that are wanted first */
    size_t n_arrays, n_wanted;
    struct selected_dim *dims; /* of all arrays of the store */
    size_t n_dims, dims_capacity;
    int members; /* which of the dims the batch is; -1: there is none */
};

/* Results as those of export.h. Cleared by the caller, whatever it returns. */
int selection_read(struct store *s, const struct export_options *o, struct selection *ret,
                   struct error *e);
void selection_clear(struct selection *x);

/* What a result of the store's means here. */
int selection_result_of_store(int r);

#endif
