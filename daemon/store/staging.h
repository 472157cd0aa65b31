/* SPDX-License-Identifier: Apache-2.0 */
/* What a member saves before it has ended, beside the places of its chunks: store_stage and its
 * like (store.h). A staged file is a chunk file that holds this member's row only; where the chunk
 * has no other rows, it is renamed into its place. Internal.
 *
 * Invariant: only files that are in this store's list are ever published. */
#ifndef STORE_STAGING_H
#define STORE_STAGING_H

#include "store/group.h"

/* A chunk of which something is staged. */
struct staged {
    struct store_array *array; /* borrowed from the store */
    int64_t index[SIMLAB_MAX_DIMS];
    int64_t row; /* 0 where the array has none */
    bool has_rows;
};

void staging_add(struct store *s, const struct staged *g);

/* Forgets all, and frees the list. */
void staging_clear(struct store *s);

#endif
