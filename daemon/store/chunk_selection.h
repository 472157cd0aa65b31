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

struct chunk_copy {
    const struct store_array *a;
    const struct chunk_selection *part;
    const int64_t *box; /* its extents */
    int dtype;          /* of the box's elements */
    size_t itemsize;
    void *row; /* for a cast into a strided row */
};

/* Dims [*ret_dim, ndim) of the part are one run of elements without a gap in the box, and, in C
 * order, in the chunk too. Returns the run's length. */
int64_t chunk_selection_run(const struct chunk_copy *c, int *ret_dim);

/* Where the part begins in the box, in elements. */
size_t chunk_selection_offset_in_box(const struct chunk_copy *c);

/* Copies the part between a chunk (the array's dtype, this machine's byte order) and a box. Out of
 * a chunk, the box's dtype must be the array's. */
void chunk_selection_copy(const struct chunk_copy *c, void *chunk, void *box, bool into_chunk);

#endif
