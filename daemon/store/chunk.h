/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes of elements in and out of chunk files. Boxes have been checked against the shape. */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include "store/group.h"

/* See store_write and store_read. */
int chunk_write_box(struct store *s, struct store_array *a, const int64_t *start,
                    const int64_t *count, int dtype, size_t itemsize, const void *data,
                    struct error *e);
int chunk_read_box(struct store *s, struct store_array *a, const int64_t *start,
                   const int64_t *count, void *ret_data, struct error *e);

/* Every chunk of the shape is there and decodes. */
int chunk_verify(struct store *s, struct store_array *a, struct error *e);

/* See store_fill_missing. */
int chunk_fill_missing(struct store *s, struct store_array *a, struct error *e);

#endif
