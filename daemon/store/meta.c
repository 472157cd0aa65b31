/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta.h"

#include "base/buffer.h"
#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/meta_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_meta_default(struct store_meta *m, int dtype, size_t itemsize, int ndim,
                        const int64_t *shape)
{
    *m = (struct store_meta){.dtype = dtype,
                             .itemsize = itemsize ? itemsize : dtype_size(dtype),
                             .ndim = ndim,
                             .codec = {STORE_BLOSC, "lz4", 5, 1, 0}};
    for (int d = 0; d < ndim; d++) {
        m->shape[d] = shape[d];
        m->chunks[d] = shape[d] > 0 ? shape[d] : 1;
    }
    meta_value_default_fill(m);
}

void store_meta_clear(struct store_meta *m)
{
    json_decref(m->filters);
    m->filters = NULL;
}

/* ---- checks ------------------------------------------------------------------------------ */

static int check_extents(const struct store_meta *m, size_t *ret_chunk_elements, struct error *e)
{
    size_t elements = 1, bytes = 0;
    for (int d = 0; d < m->ndim; d++) {
        char where[32];
        snprintf(where, sizeof where, "/shape/%d", d);
        if (m->shape[d] < 0 || m->shape[d] > INT64_MAX / 4)
            return error_set(e, STORE_INVALID, where, "%lld is no extent of an array",
                             (long long)m->shape[d]);
        snprintf(where, sizeof where, "/chunks/%d", d);
        if (m->chunks[d] < 1)
            return error_set(e, STORE_INVALID, where, "a chunk must have at least 1 element");
        if (!mem_mul(elements, (size_t)m->chunks[d], &elements))
            elements = SIZE_MAX;
    }
    if (!mem_mul(elements, m->itemsize, &bytes) || bytes > CODEC_MAX_BYTES)
        return error_set(e, STORE_INVALID, "/chunks",
                         "a chunk (elements of %zu bytes) would exceed 2 GiB: make chunks smaller",
                         m->itemsize);
    *ret_chunk_elements = elements;
    return 0;
}

int meta_check(const struct store_meta *m, struct codec *ret_codec, struct error *e)
{
    if (m->ndim < 0 || m->ndim > SIMLAB_MAX_DIMS)
        return error_set(e, STORE_INVALID, "/shape", "an array has at most %d dims",
                         SIMLAB_MAX_DIMS);
    if (m->itemsize == 0)
        return error_set(e, STORE_INVALID, "/dtype", "a string type needs a length: \"|S12\"");
    size_t elements = 0;
    struct codec codec;
    int r = check_extents(m, &elements, e);
    if (r == 0)
        r = codec_check(&m->codec, e);
    if (r == 0)
        r = codec_init(&codec, m, elements, e);
    if (r == 0 && ret_codec)
        *ret_codec = codec;
    return r;
}

/* Automatic shuffle is the one that it comes to. */
static bool same_compressor(const struct store_meta *a, const struct store_meta *b)
{
    struct store_codec p = a->codec, q = b->codec;
    p.shuffle = codec_shuffle(&p, a->itemsize);
    q.shuffle = codec_shuffle(&q, b->itemsize);
    json_t *ours = meta_value_compressor(&p), *theirs = meta_value_compressor(&q);
    bool is_same = json_equal(ours, theirs);
    json_decref(ours);
    json_decref(theirs);
    return is_same;
}

const char *meta_difference(const struct store_meta *a, const struct store_meta *b)
{
    bool same_order = a->ndim < 2 || a->fortran_order == b->fortran_order;
    if (a->dtype != b->dtype || a->itemsize != b->itemsize ||
        (a->big_endian != b->big_endian && dtype_size(a->dtype) > 1))
        return "dtype";
    if (a->ndim != b->ndim)
        return "number of dims";
    if (memcmp(a->chunks, b->chunks, (size_t)a->ndim * sizeof *a->chunks) != 0)
        return "chunks";
    if (!same_order)
        return "order";
    if (!same_compressor(a, b))
        return "compressor";
    if (a->filters != b->filters && !json_equal(a->filters, b->filters))
        return "filters";
    json_t *ours = meta_value_fill(a), *theirs = meta_value_fill(b);
    bool same_fill = json_equal(ours, theirs);
    json_decref(ours);
    json_decref(theirs);
    return same_fill ? NULL : "fill_value";
}

const char *meta_shape_text(int ndim, const int64_t *shape, char *ret, size_t size)
{
    size_t at = 0;
    at += (size_t)snprintf(ret, size, "(");
    for (int d = 0; d < ndim && at < size; d++)
        at += (size_t)snprintf(ret + at, size - at, d ? ", %lld" : "%lld", (long long)shape[d]);
    if (at < size)
        snprintf(ret + at, size - at, ")");
    return ret;
}

/* ---- writing ----------------------------------------------------------------------------- */

json_t *meta_list(int n, const int64_t *values)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

char *meta_write(const struct store_meta *m)
{
    char dtype[16];
    dtype_to_numpy(m->dtype, m->itemsize, m->big_endian, dtype);
    json_t *object = json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:s, s:o, s:i}", "chunks", meta_list(m->ndim, m->chunks),
        "compressor", meta_value_compressor(&m->codec), "dtype", dtype, "fill_value",
        meta_value_fill(m), "filters", m->filters ? json_incref(m->filters) : json_null(), "order",
        m->fortran_order ? "F" : "C", "shape", meta_list(m->ndim, m->shape), "zarr_format", 2);
    mem_assert(object);
    char *text = json_pretty(object);
    json_decref(object);
    return text;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static bool must_be_quoted(const char *token, size_t n)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (n == strlen(words[i]) && !memcmp(token, words[i], n))
            return true;
    return false;
}

/* The end of the token, string or other character at `i`. */
static size_t end_of(const char *text, size_t size, size_t i)
{
    size_t end = i + 1;
    if (text[i] == '"') {
        while (end < size && text[end] != '"')
            end += text[end] == '\\' && end + 1 < size ? 2 : 1;
        return end < size ? end + 1 : size;
    }
    while (is_token(text[i]) && end < size && is_token(text[end]))
        end++;
    return end;
}

/* Most texts have none: they are parsed as they stand. */
json_t *meta_json(const char *text, size_t size, struct error *e)
{
    struct buffer b = {0};
    size_t upto = 0; /* in `text`: what stands before it is in `b` */
    for (size_t i = 0, end; i < size; i = end) {
        end = end_of(text, size, i);
        if (!must_be_quoted(text + i, end - i))
            continue;
        buffer_append(&b, text + upto, i - upto);
        buffer_printf(&b, "\"%.*s\"", (int)(end - i), text + i);
        upto = end;
    }
    if (upto > 0)
        buffer_append(&b, text + upto, size - upto);
    json_t *value = json_read(upto > 0 ? b.data : text, upto > 0 ? b.size : size, e);
    buffer_free(&b);
    return value;
}

int meta_read_list(const json_t *list, const char *where, int *ret_n, int64_t *ret, struct error *e)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > SIMLAB_MAX_DIMS)
        return error_set(e, STORE_INVALID, where, "%s must be a list of at most %d integers",
                         where + 1, SIMLAB_MAX_DIMS);
    for (size_t d = 0; d < n; d++) {
        const json_t *value = json_array_get(list, d);
        if (!json_is_integer(value))
            return error_set(e, STORE_INVALID, where, "%s must hold integers", where + 1);
        ret[d] = json_integer_value(value);
    }
    *ret_n = (int)n;
    return 0;
}

static int read_layout(const json_t *object, struct store_meta *m, struct error *e)
{
    int n_chunks = 0;
    int r = meta_read_list(json_object_get(object, "shape"), "/shape", &m->ndim, m->shape, e);
    if (r == 0)
        r = meta_read_list(json_object_get(object, "chunks"), "/chunks", &n_chunks, m->chunks, e);
    if (r == 0 && n_chunks != m->ndim)
        r = error_set(e, STORE_INVALID, "/chunks", "%d chunk extents for %d dims", n_chunks,
                      m->ndim);
    if (r != 0)
        return r;
    const char *order = json_member_string(object, "order");
    if (!order || (strcmp(order, "C") != 0 && strcmp(order, "F") != 0))
        return error_set(e, STORE_INVALID, "/order", "order must be \"C\" or \"F\"");
    m->fortran_order = *order == 'F';
    const char *separator = json_member_string(object, "dimension_separator");
    if (separator && strcmp(separator, ".") != 0)
        return error_set(e, STORE_INVALID, "/dimension_separator",
                         "only \".\" between the parts of a chunk's key is supported");
    return 0;
}

static int read_object(const json_t *object, struct store_meta *m, struct error *e)
{
    if (json_member_integer(object, "zarr_format", 0) != 2)
        return error_set(e, STORE_INVALID, "/zarr_format", "this is not Zarr format 2");
    const char *dtype = json_member_string(object, "dtype");
    if (!dtype || !dtype_from_numpy(dtype, &m->dtype, &m->itemsize, &m->big_endian))
        return error_set(e, STORE_INVALID, "/dtype", "dtype \"%.40s\" is not supported",
                         dtype ? dtype : "");
    int r = read_layout(object, m, e);
    if (r == 0)
        r = meta_value_read_compressor(json_object_get(object, "compressor"), &m->codec, e);
    if (r == 0)
        r = meta_value_read_fill(m, json_object_get(object, "fill_value"), e);
    const json_t *filters = json_object_get(object, "filters");
    if (r == 0 && filters && !json_is_null(filters)) {
        struct filter parsed[FILTER_MAX];
        int n;
        r = filter_parse(filters, m->dtype, m->big_endian, parsed, &n, &m->filters, e);
    }
    return r == 0 ? meta_check(m, NULL, e) : r;
}

int meta_read(const char *text, size_t size, struct store_meta *ret, struct error *e)
{
    json_t *object = meta_json(text, size, e);
    if (!object)
        return STORE_INVALID;
    struct store_meta m = {0};
    int r = read_object(object, &m, e);
    json_decref(object);
    if (r == 0)
        *ret = m;
    else
        store_meta_clear(&m);
    return r;
}
