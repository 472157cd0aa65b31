/* SPDX-License-Identifier: Apache-2.0 */
/* Blosc only through its _ctx functions with one thread: the others obey the environment and are
 * not safe with threads, and more threads do not give the same bytes each time. */
#include "store/codec.h"

#include "base/dtype.h"
#include "base/mem.h"

#include <blosc.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { AREA_FILTER_WORK, AREA_FILTERED, AREA_COMPRESSED };

int codec_space_need(struct codec_space *s, int i, size_t size)
{
    if (size <= s->size[i])
        return 0;
    free(s->area[i]);
    s->size[i] = 0;
    s->area[i] = malloc(size);
    if (!s->area[i])
        return -ENOMEM;
    s->size[i] = size;
    return 0;
}

void codec_space_clear(struct codec_space *s)
{
    for (size_t i = 0; i < sizeof s->area / sizeof *s->area; i++)
        free(s->area[i]);
    *s = (struct codec_space){0};
}

int codec_check(const struct store_codec *c, struct error *e)
{
    int low = c->compressor == STORE_ZSTD ? -7 : c->compressor == STORE_ZLIB ? -1 : 0;
    int high = c->compressor == STORE_ZSTD ? 22 : 9;
    if (c->compressor == STORE_RAW)
        return 0;
    if (c->clevel < low || c->clevel > high)
        return error_set(e, STORE_INVALID,
                         c->compressor == STORE_BLOSC ? "/compressor/clevel" : "/compressor/level",
                         "compression level %d is not in %d…%d", c->clevel, low, high);
    if (c->compressor != STORE_BLOSC)
        return 0;
    if (blosc_compname_to_compcode(c->cname) < 0)
        return error_set(e, STORE_INVALID, "/compressor/cname",
                         "Blosc has no compressor \"%s\": it has %s", c->cname,
                         blosc_list_compressors());
    if (c->shuffle < -1 || c->shuffle > 2)
        return error_set(e, STORE_INVALID, "/compressor/shuffle",
                         "shuffle %d is none of 0 (none), 1 (byte), 2 (bit), -1 (automatic)",
                         c->shuffle);
    if (c->blocksize < 0)
        return error_set(e, STORE_INVALID, "/compressor/blocksize", "blocksize %d is negative",
                         c->blocksize);
    return 0;
}

int codec_init(struct codec *c, const struct store_meta *m, size_t n, struct error *e)
{
    struct codec made = {.compressor = m->codec, .n = n, .itemsize = m->itemsize};
    if (m->filters) {
        int r = filter_parse(m->filters, m->dtype, m->big_endian, made.filters, &made.n_filters,
                             NULL, e);
        if (r != 0)
            return r;
    }
    made.encoded_item = filter_itemsize(made.filters, made.n_filters, m->itemsize);
    if (!mem_mul(n, made.encoded_item, &made.encoded_bytes) || made.encoded_bytes > CODEC_MAX_BYTES)
        return error_set(e, STORE_INVALID, "/chunks", "a chunk would exceed 2 GiB");
    *c = made;
    return 0;
}

static int filter_areas(const struct codec *c, struct codec_space *space)
{
    int r = codec_space_need(space, AREA_FILTER_WORK, c->n * 16);
    return r < 0 ? r : codec_space_need(space, AREA_FILTERED, c->n * 16);
}

/* ---- compressors ------------------------------------------------------------------------- */

static size_t compressed_bound(const struct codec *c)
{
    switch (c->compressor.compressor) {
    case STORE_BLOSC:
        return c->encoded_bytes + BLOSC_MAX_OVERHEAD;
    case STORE_ZLIB:
        return compressBound(c->encoded_bytes);
    case STORE_ZSTD:
        return ZSTD_compressBound(c->encoded_bytes);
    default:
        return c->encoded_bytes;
    }
}

int codec_shuffle(const struct store_codec *c, size_t itemsize)
{
    if (c->shuffle != -1)
        return c->shuffle;
    return itemsize == 1 ? BLOSC_BITSHUFFLE : BLOSC_SHUFFLE;
}

static int compress_bytes(const struct codec *c, const void *data, void *ret, size_t *ret_size)
{
    size_t bound = compressed_bound(c);
    if (c->compressor.compressor == STORE_BLOSC) {
        int size =
            blosc_compress_ctx(c->compressor.clevel, codec_shuffle(&c->compressor, c->encoded_item),
                               c->encoded_item, c->encoded_bytes, data, ret, bound,
                               c->compressor.cname, (size_t)c->compressor.blocksize, 1);
        *ret_size = (size_t)size;
        return size > 0 ? 0 : -EIO;
    }
    if (c->compressor.compressor == STORE_ZLIB) {
        uLongf size = bound;
        int r = compress2(ret, &size, data, c->encoded_bytes, c->compressor.clevel);
        *ret_size = size;
        return r == Z_OK ? 0 : -ENOMEM;
    }
    size_t size = ZSTD_compress(ret, bound, data, c->encoded_bytes, c->compressor.clevel);
    *ret_size = size;
    return ZSTD_isError(size) ? -ENOMEM : 0;
}

int codec_encode(const struct codec *c, const void *raw, struct codec_space *space,
                 const void **ret, size_t *ret_size)
{
    int r = 0;
    if (c->n_filters > 0) {
        r = filter_areas(c, space);
        if (r < 0)
            return r;
        raw = filter_encode(c->filters, c->n_filters, raw, c->n, space->area);
    }
    if (c->compressor.compressor == STORE_RAW) {
        *ret = raw;
        *ret_size = c->encoded_bytes;
        return 0;
    }
    r = codec_space_need(space, AREA_COMPRESSED, compressed_bound(c));
    if (r == 0)
        r = compress_bytes(c, raw, space->area[AREA_COMPRESSED], ret_size);
    if (r == 0)
        *ret = space->area[AREA_COMPRESSED];
    return r;
}

static bool decompress_bytes(const struct codec *c, const void *bytes, size_t size, void *ret)
{
    size_t n = 0;
    uLongf length = c->encoded_bytes;
    switch (c->compressor.compressor) {
    case STORE_BLOSC:
        return size >= BLOSC_MIN_HEADER_LENGTH && blosc_cbuffer_validate(bytes, size, &n) == 0 &&
               n == c->encoded_bytes && blosc_decompress_ctx(bytes, ret, n, 1) == (int)n;
    case STORE_ZLIB:
        return uncompress(ret, &length, bytes, size) == Z_OK && length == c->encoded_bytes;
    case STORE_ZSTD:
        return ZSTD_decompress(ret, c->encoded_bytes, bytes, size) == c->encoded_bytes;
    default:
        if (size != c->encoded_bytes)
            return false;
        memcpy(ret, bytes, size);
        return true;
    }
}

int codec_decode(const struct codec *c, const void *bytes, size_t size, struct codec_space *space,
                 void *ret_raw)
{
    if (c->n_filters == 0)
        return decompress_bytes(c, bytes, size, ret_raw) ? 0 : STORE_BROKEN;
    int r = filter_areas(c, space);
    if (r == 0)
        r = codec_space_need(space, AREA_COMPRESSED, c->encoded_bytes);
    if (r < 0)
        return r;
    if (!decompress_bytes(c, bytes, size, space->area[AREA_COMPRESSED]))
        return STORE_BROKEN;
    filter_decode(c->filters, c->n_filters, space->area[AREA_COMPRESSED], c->n, space->area,
                  ret_raw);
    return 0;
}

size_t codec_file_limit(const struct codec *c)
{
    return 2 * compressed_bound(c) + 4096;
}
