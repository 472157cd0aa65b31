/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a box of elements: which chunks it touches, and the copying between the two. */
#ifndef STORE_CHUNK_SELECTION_H
#define STORE_CHUNK_SELECTION_H

#include "store/group.h"

enum { CHUNK_KEY_SIZE = SIMLAB_MAX_DIMS * 21 };

/* The part of a box that falls into one chunk. */
struct chunk_selection {
    int64_t index[SIMLAB_MAX_DIMS];    /* of the chunk */
    int64_t count[SIMLAB_MAX_DIMS];    /* of the part */
    int64_t in_chunk[SIMLAB_MAX_DIMS]; /* its first element there, and in the box */
    int64_t in_box[SIMLAB_MAX_DIMS];
    bool full;                /* the chunk's whole extent */
    char key[CHUNK_KEY_SIZE]; /* the chunk's file */
};

/* Calls fn for each chunk that the box touches, in row-major order, until one returns other than 0;
 * that, or 0. */
typedef int (*chunk_selection_fn)(void *userdata, const struct chunk_selection *p);
int chunk_selection_each(const struct store_array *a, const int64_t *start, const int64_t *count,
                         chunk_selection_fn fn, void *userdata);

/* The part within a box of extents `box`, whose elements are of the array's dtype and in C order:
 * the part's first element, and true where the part is the whole chunk as its elements lie there
 * (in the chunk's own order). */
void *chunk_selection_in_box(const struct chunk_selection *p, const struct store_array *a,
                             const int64_t *box, const void *data, bool *ret_is_chunk);

/* Copy the part between a chunk's elements and such a box. */
void chunk_selection_put(const struct chunk_selection *p, const struct store_array *a, void *chunk,
                         const int64_t *box, const void *data);
void chunk_selection_get(const struct chunk_selection *p, const struct store_array *a,
                         const void *chunk, const int64_t *box, void *ret_data);

/* The part's row `i` (an index of its first dim) has nothing but the fill value in such a box. */
bool chunk_selection_row_is_fill(const struct chunk_selection *p, const struct store_array *a,
                                 const int64_t *box, const void *data, int64_t i);

#endif
