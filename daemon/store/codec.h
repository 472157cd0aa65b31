/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of one chunk file: filters, then a compressor, as numcodecs lays them out. */
#ifndef STORE_CODEC_H
#define STORE_CODEC_H

#include "store/filter.h"
#include "store/store.h"

/* A chunk may not be larger: Blosc's own limit, and a bound on what foreign metadata can ask. */
#define CODEC_MAX_BYTES ((size_t)2147483631)

struct codec {
    struct store_codec compressor;
    struct filter filters[FILTER_MAX];
    int n_filters;
    size_t n;             /* elements of a chunk */
    size_t itemsize;      /* decoded */
    size_t encoded_bytes; /* after the filters, before compression */
    size_t encoded_item;
};

/* Areas that grow as needed and are used again; zeroed is empty. */
struct codec_space {
    void *area[4];
    size_t size[4];
};

/* Grows area `i`; its old contents are lost. 0 or -ENOMEM. */
int codec_space_need(struct codec_space *s, int i, size_t size);
void codec_space_clear(struct codec_space *s);

/* Whether this compressor can be used here: STORE_INVALID with a pointer below "/compressor". */
int codec_check(const struct store_codec *c, struct error *e);

/* Blosc's, of elements of so many bytes, where -1 asks for the automatic one. */
int codec_shuffle(const struct store_codec *c, size_t itemsize);

/* `m` has been checked; n: elements of a chunk. 0 or STORE_INVALID. */
int codec_init(struct codec *c, const struct store_meta *m, size_t n, struct error *e);

/* *ret points into `raw` or `space`. 0 or -errno. */
int codec_encode(const struct codec *c, const void *raw, struct codec_space *space,
                 const void **ret, size_t *ret_size);

/* Writes the n elements. STORE_BROKEN where the bytes are not such a chunk; -ENOMEM. */
int codec_decode(const struct codec *c, const void *bytes, size_t size, struct codec_space *space,
                 void *ret_raw);

/* No chunk file of ours or of numcodecs is larger. */
size_t codec_file_limit(const struct codec *c);

#endif
