/* SPDX-License-Identifier: Apache-2.0 */
/* .zarray texts: read from anyone, written the same each time; and what holds of any array. */
#ifndef STORE_META_H
#define STORE_META_H

#include "store/codec.h"

/* JSON as Python writes it: a bare NaN or Infinity becomes a string. A new reference, or
 * NULL with `e` set. */
json_t *meta_json(const char *text, size_t size, struct error *e);

/* A list of extents, and one read from a text's member `where` ("/shape"): STORE_INVALID. */
json_t *meta_list(int n, const int64_t *values);
int meta_read_list(const json_t *list, const char *where, int *ret_n, int64_t *ret,
                   struct error *e);

/* A text (free()) with a newline at the end. */
char *meta_write(const struct store_meta *m);

/* STORE_INVALID with a pointer into the text. Hostile texts are welcome. */
int meta_read(const char *text, size_t size, struct store_meta *ret, struct error *e);

/* Extents, chunk size, codec, filters: what is refused of a job's or a caller's metadata. Fills
 * *ret_codec (NULL: not wanted). STORE_INVALID with a pointer. */
int meta_check(const struct store_meta *m, struct codec *ret_codec, struct error *e);

/* NULL where the two agree but for the shape, else what differs: "dtype", "chunks" … */
const char *meta_difference(const struct store_meta *a, const struct store_meta *b);

/* "{…}", "null": a value as text, cut to fit; for messages. Returns ret. */
const char *meta_shape_text(int ndim, const int64_t *shape, char *ret, size_t size);

#endif
