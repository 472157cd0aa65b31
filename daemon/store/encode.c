/* SPDX-License-Identifier: Apache-2.0 */
/* A job's encoding of one array, laid over its metadata. */
#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/meta.h"
#include "store/meta_value.h"
#include "store/missing.h"

#include <stdio.h>
#include <string.h>

static int lay_dtype(struct store_meta *m, const json_t *value, struct error *e)
{
    const char *text = json_string_value(value);
    int dtype;
    size_t itemsize = 0;
    bool big = false;
    if (!text ||
        !(dtype_from_name(text, &dtype) || dtype_from_numpy(text, &dtype, &itemsize, &big)))
        return error_set(e, STORE_INVALID, "/dtype",
                         "dtype must be a type such as \"<f4\", \">i2\" or \"u1\", not \"%.40s\"",
                         text ? text : "(no string)");
    if ((dtype == SIMLAB_STR) != (m->dtype == SIMLAB_STR))
        return error_set(e, STORE_INVALID, "/dtype", "%s values cannot be stored as \"%.40s\"",
                         dtype_name(m->dtype), text);
    if (itemsize == 0)
        itemsize = dtype == SIMLAB_STR ? m->itemsize : dtype_size(dtype);
    bool changed = dtype != m->dtype || itemsize != m->itemsize;
    m->dtype = dtype;
    m->itemsize = itemsize;
    m->big_endian = big;
    if (changed && m->has_fill)
        meta_value_default_fill(m);
    return 0;
}

static int lay_chunk(struct store_meta *m, int d, const json_t *value, struct error *e)
{
    char where[32];
    snprintf(where, sizeof where, "/chunks/%d", d);
    json_int_t extent = json_integer_value(value);
    bool whole = json_is_null(value) || (json_is_integer(value) && extent == -1);
    if (!whole && (!json_is_integer(value) || extent < 1))
        return error_set(e, STORE_INVALID, where,
                         "a chunk's extent must be a positive integer, or null or -1 for the whole "
                         "dimension");
    m->chunks[d] = !whole ? extent : m->shape[d] > 0 ? m->shape[d] : 1;
    return 0;
}

/* As zarr takes them: one number for all dims, true for automatic, false for one chunk, a list that
 * may be short (the rest whole). */
static int lay_chunks(struct store_meta *m, const json_t *value, struct error *e)
{
    if (json_is_null(value) || json_is_true(value))
        return 0;
    if (!json_is_array(value) && !json_is_integer(value) && !json_is_false(value))
        return error_set(e, STORE_INVALID, "/chunks",
                         "chunks must be a list of %d integers, one for each dim", m->ndim);
    if (json_array_size(value) > (size_t)m->ndim)
        return error_set(e, STORE_INVALID, "/chunks", "%zu chunk extents for %d dims",
                         json_array_size(value), m->ndim);
    json_t *whole = json_null();
    int r = 0;
    for (int d = 0; r == 0 && d < m->ndim; d++) {
        const json_t *extent = json_is_integer(value) ? value : json_array_get(value, (size_t)d);
        r = lay_chunk(m, d, extent ? extent : whole, e);
    }
    return r;
}

static int lay_order(struct store_meta *m, const json_t *value, struct error *e)
{
    const char *text = json_string_value(value);
    if (!text || (strcmp(text, "C") != 0 && strcmp(text, "F") != 0))
        return error_set(e, STORE_INVALID, "/order", "order must be \"C\" or \"F\"");
    m->fortran_order = *text == 'F';
    return 0;
}

static int lay_fill(struct store_meta *m, const json_t *value, struct error *e)
{
    if (m->dtype != SIMLAB_STR || json_is_null(value))
        return meta_value_read_fill(m, value, e);
    if (m->itemsize > sizeof m->fill)
        return error_set(e, STORE_INVALID, "/fill_value",
                         "strings of more than %zu bytes can have no fill value", sizeof m->fill);
    int r = store_result_of_base(dtype_from_json(m->dtype, m->itemsize, value, m->fill, e));
    if (r != 0)
        error_prefix_pointer(e, "/fill_value");
    else
        m->has_fill = true;
    return r;
}

static int lay_filters(struct store_meta *m, const json_t *value, struct error *e)
{
    json_t *normalized = NULL;
    int r = 0;
    if (!json_is_null(value)) {
        struct filter filters[FILTER_MAX];
        int n;
        r = filter_parse(value, m->dtype, m->big_endian, filters, &n, &normalized, e);
    }
    if (r == 0) {
        json_decref(m->filters);
        m->filters = normalized;
    }
    return r;
}

int store_meta_encode(struct store_meta *m, const json_t *encoding, struct error *e)
{
    /* In this order: a fill value and filters are of the dtype. */
    static const struct {
        const char *key;
        int (*lay)(struct store_meta *m, const json_t *value, struct error *e);
    } rows[] = {{"dtype", lay_dtype},
                {"chunks", lay_chunks},
                {"order", lay_order},
                {"fill_value", lay_fill},
                {"filters", lay_filters}};
    static const char *const keys[] = {"chunks",     "dtype",   "order", "compressor",
                                       "fill_value", "filters", NULL};
    if (!json_is_object(encoding))
        return error_set(e, STORE_INVALID, "", "an encoding must be an object");
    int r = store_result_of_base(json_check_keys(encoding, keys, "", e));
    const json_t *compressor = json_object_get(encoding, "compressor");
    if (r == 0 && compressor)
        r = meta_value_read_compressor(compressor, &m->codec, e);
    for (size_t i = 0; r == 0 && i < sizeof rows / sizeof *rows; i++) {
        const json_t *value = json_object_get(encoding, rows[i].key);
        if (value)
            r = rows[i].lay(m, value, e);
    }
    return r == 0 ? meta_check(m, NULL, e) : r;
}

int store_check_encoding(const char *format, const json_t *encoding, int dtype, size_t itemsize,
                         int ndim, struct error *e)
{
    struct store_meta m;
    int64_t shape[SIMLAB_MAX_DIMS];
    for (int i = 0; i < ndim; i++)
        shape[i] = 1;
    store_meta_default(&m, dtype, itemsize, ndim, shape);
    int r = store_meta_encode(&m, encoding, e);
    if (r == 0)
        r = missing_encode(&m, dtype, e);
    if (r == 0)
        r = store_format_check(store_format(format), &m, e);
    store_meta_clear(&m);
    return r;
}
