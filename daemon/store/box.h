/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes of elements in and out of the chunks that they touch: store_write and its like (store.h).
 * Internal. */
#ifndef STORE_BOX_H
#define STORE_BOX_H

#include "store/chunk_selection.h"

/* What is written where, and what is known of those who share its chunks. */
struct box_write {
    const int64_t *start, *count;
    const void *data;        /* of the array's dtype */
    bool has_rows, is_alone; /* store_write_rows */
};

/* `a` may not have grown yet: the box is not compared with its shape. */
int box_write(struct store *s, struct store_array *a, const struct box_write *w, struct error *e);

/* The part of the box that falls into the chunk, from the chunk file at `path` (fill values where
 * that is absent) into `ret_box`, of the array's dtype. */
int box_read_chunk(struct store *s, const struct store_array *a, const struct chunk_selection *p,
                   const char *path, const int64_t *box, void *ret_data, struct error *e);

/* Elements of a chunk in its own order: those in `box` laid over those in CHUNK_ELEMENTS, or, where
 * the box gives them all in this order, the box's own. */
const void *box_lay(struct store *s, const struct store_array *a, const struct chunk_selection *p,
                    const int64_t *box, const void *data);

#endif
