/* SPDX-License-Identifier: Apache-2.0 */
/* One chunk at the end of its job: store_end_array (store.h). It is verified, and whatever nobody
 * who is done has written there becomes the fill value: dead rows, rows that never reached it, what
 * lies beyond the array. A power cut may leave zeros, or anything, in a chunk that is not done and
 * that still decodes; those who write their rows of it again do not know. Internal. */
#ifndef STORE_CHUNK_END_H
#define STORE_CHUNK_END_H

#include "store/group.h"

struct chunk_end {
    struct store *s;
    struct store_array *a;
    const struct store_end *how;
    bool may_write;          /* false: it is verified only */
    struct chunk_sums *sums; /* of chunks as they stood, and stay; NULL: they are not wanted */
    struct error *e;
};

/* `index` in chunks. must_be: it was written, but where all of its rows are dead. is_full: by each
 * of its rows. STORE_BROKEN names what is missing, broken or lost; a negative errno. */
int chunk_end(const struct chunk_end *x, const char *key, const int64_t *index, bool must_be,
              bool is_full);

/* All of [begin, end) are dead; none is. */
bool chunk_end_all_dead(const struct store_end *how, int64_t begin, int64_t end);
bool chunk_end_none_dead(const struct store_end *how, int64_t begin, int64_t end);

#endif
