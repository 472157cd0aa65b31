/* SPDX-License-Identifier: Apache-2.0 */
/* numcodecs' Delta and FixedScaleOffset: what is done to a chunk's elements before compression. */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "store/result.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { FILTER_MAX = 8 };

enum filter_kind { FILTER_DELTA, FILTER_FIXEDSCALEOFFSET };

struct filter {
    enum filter_kind kind;
    int dtype;  /* decoded */
    int astype; /* encoded */
    bool dtype_big, astype_big;
    double scale, offset;
};

/* Reads a list of configurations for elements of `dtype`; each filter takes what the one before
 * gives. `*ret_normalized` (NULL: not wanted) is a new reference to the list as numcodecs writes
 * it, or NULL for an empty one. STORE_INVALID with a pointer below "/filters". */
int filter_parse(const json_t *list, int dtype, bool big_endian, struct filter *ret, int *ret_count,
                 json_t **ret_normalized, struct error *e);

/* Bytes of one encoded element; `itemsize` where there are no filters. */
size_t filter_itemsize(const struct filter *f, int count, size_t itemsize);

/* Both work on n elements in the byte order of the file, through `scratch`: two areas of at least
 * n * 16 bytes, of which one holds the result. */
const void *filter_encode(const struct filter *f, int count, const void *data, size_t n,
                          void *const scratch[2]);
void filter_decode(const struct filter *f, int count, const void *encoded, size_t n,
                   void *const scratch[2], void *ret_data);

#endif
