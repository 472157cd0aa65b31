/* SPDX-License-Identifier: Apache-2.0 */
#include "store/zarr3_meta.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/meta.h"
#include "store/meta_value.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int dtype;
    const char *name;
} data_types[] = {{SIMLAB_BOOL, "bool"},     {SIMLAB_I1, "int8"},    {SIMLAB_I2, "int16"},
                  {SIMLAB_I4, "int32"},      {SIMLAB_I8, "int64"},   {SIMLAB_U1, "uint8"},
                  {SIMLAB_U2, "uint16"},     {SIMLAB_U4, "uint32"},  {SIMLAB_U8, "uint64"},
                  {SIMLAB_F4, "float32"},    {SIMLAB_F8, "float64"}, {SIMLAB_C8, "complex64"},
                  {SIMLAB_C16, "complex128"}};

enum { N_DATA_TYPES = sizeof data_types / sizeof *data_types };

static const char *const shuffles[] = {"noshuffle", "shuffle", "bitshuffle"};

/* ---- what it can say ------------------------------------------------------------------------- */

int zarr3_meta_check(const struct store_meta *m, struct error *e)
{
    if (m->dtype == SIMLAB_STR)
        return error_set(e, STORE_INVALID, "/dtype",
                         "version 3 of Zarr has no texts of fixed length: they can be stored with "
                         "\"zarr_format\": 2");
    if (m->filters)
        return error_set(e, STORE_INVALID, "/filters",
                         "version 3 of Zarr has no \"delta\" and no \"fixedscaleoffset\": leave it "
                         "to the compressor, or take \"zarr_format\": 2");
    if (m->codec.compressor == STORE_ZLIB)
        return error_set(e, STORE_INVALID, "/compressor",
                         "version 3 of Zarr has no zlib: take {\"id\": \"zstd\"} or {\"id\": "
                         "\"blosc\"}, or \"zarr_format\": 2");
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *configured(const char *name, json_t *configuration)
{
    json_t *object = json_pack("{s:s, s:o}", "name", name, "configuration", configuration);
    mem_assert(object);
    return object;
}

static json_t *compressor(const struct store_meta *m)
{
    const struct store_codec *c = &m->codec;
    if (c->compressor == STORE_ZSTD)
        return configured("zstd",
                          json_pack("{s:i, s:b}", "level", c->clevel, "checksum", (int)false));
    return configured("blosc",
                      json_pack("{s:s, s:i, s:s, s:i, s:i}", "cname", c->cname, "clevel", c->clevel,
                                "shuffle", shuffles[codec_shuffle(c, m->itemsize)], "blocksize",
                                c->blocksize, "typesize", (int)m->itemsize));
}

static json_t *codecs(const struct store_meta *m)
{
    json_t *list = json_array();
    if (m->fortran_order && m->ndim > 1) {
        json_t *order = json_array();
        for (int d = m->ndim; d-- > 0;)
            json_array_append_new(order, json_integer(d));
        json_array_append_new(list, configured("transpose", json_pack("{s:o}", "order", order)));
    }
    if (dtype_size(m->dtype) == 1)
        json_array_append_new(list, json_pack("{s:s}", "name", "bytes"));
    else
        json_array_append_new(
            list,
            configured("bytes", json_pack("{s:s}", "endian", m->big_endian ? "big" : "little")));
    if (m->codec.compressor != STORE_RAW)
        json_array_append_new(list, compressor(m));
    return list;
}

/* There is always a fill value: what no chunk holds reads as zeros where there is none. */
static json_t *fill_value(const struct store_meta *m)
{
    static const unsigned char zeros[sizeof m->fill];
    return dtype_to_json(m->dtype, m->itemsize, m->has_fill ? m->fill : zeros);
}

json_t *zarr3_meta_write(const struct store_meta *m)
{
    const char *data_type = NULL;
    for (int i = 0; i < N_DATA_TYPES; i++)
        if (data_types[i].dtype == m->dtype)
            data_type = data_types[i].name;
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:s, s:o, s:i}", "chunk_grid",
        configured("regular", json_pack("{s:o}", "chunk_shape", meta_list(m->ndim, m->chunks))),
        "chunk_key_encoding", configured("v2", json_pack("{s:s}", "separator", ".")), "codecs",
        codecs(m), "data_type", data_type, "fill_value", fill_value(m), "node_type", "array",
        "shape", meta_list(m->ndim, m->shape), "zarr_format", 3);
    mem_assert(object);
    return object;
}

static bool is_nan(const struct store_meta *m)
{
    bool is_complex = m->dtype == SIMLAB_C8 || m->dtype == SIMLAB_C16;
    return (is_complex || dtype_is_float(m->dtype)) && isnan(dtype_to_double(m->dtype, m->fill, 0));
}

json_t *zarr3_meta_mask(const struct store_meta *m)
{
    if (!m->has_fill || is_nan(m))
        return NULL;
    if (!dtype_is_float(m->dtype))
        return fill_value(m);
    union {
        double value;
        unsigned char bytes[sizeof(double)];
    } number = {.value = dtype_to_double(m->dtype, m->fill, 0)};
    char text[4 * sizeof number];
    if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        dtype_swap(SIMLAB_F8, &number, 1);
    sodium_bin2base64(text, sizeof text, number.bytes, sizeof number.bytes,
                      sodium_base64_VARIANT_ORIGINAL);
    return json_string(text);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int refuse(const char *where, const char *what, struct error *e)
{
    return error_set(e, STORE_INVALID, where, "%s is not supported", what);
}

static int read_data_type(const json_t *object, struct store_meta *m, struct error *e)
{
    const char *name = json_member_string(object, "data_type");
    for (int i = 0; name && i < N_DATA_TYPES; i++)
        if (!strcmp(data_types[i].name, name)) {
            m->dtype = data_types[i].dtype;
            m->itemsize = dtype_size(m->dtype);
            return 0;
        }
    return error_set(e, STORE_INVALID, "/data_type", "data type \"%.40s\" is not supported",
                     name ? name : "");
}

/* {"name": NAME, "configuration": {…}}: its configuration, or NULL. */
static const json_t *named(const json_t *object, const char *name)
{
    const char *own = json_member_string(object, "name");
    return own && !strcmp(own, name) ? json_object_get(object, "configuration") : NULL;
}

static int read_grid(const json_t *object, struct store_meta *m, struct error *e)
{
    int n_chunks = 0;
    const json_t *grid = named(json_object_get(object, "chunk_grid"), "regular");
    const json_t *keys = named(json_object_get(object, "chunk_key_encoding"), "v2");
    const char *separator = keys ? json_member_string(keys, "separator") : "";
    const json_t *transformers = json_object_get(object, "storage_transformers");
    int r = meta_read_list(json_object_get(object, "shape"), "/shape", &m->ndim, m->shape, e);
    if (r == 0)
        r = meta_read_list(json_object_get(grid, "chunk_shape"), "/chunk_grid", &n_chunks,
                           m->chunks, e);
    if (r == 0 && n_chunks != m->ndim)
        r = error_set(e, STORE_INVALID, "/chunk_grid", "%d chunk extents for %d dims", n_chunks,
                      m->ndim);
    if (r == 0 && separator && strcmp(separator, ".") != 0)
        r = refuse("/chunk_key_encoding", "any but \"v2\" with the separator \".\"", e);
    if (r == 0 && transformers && json_array_size(transformers) > 0)
        r = refuse("/storage_transformers", "a storage transformer", e);
    return r;
}

static int read_transpose(const json_t *configuration, struct store_meta *m, struct error *e)
{
    int64_t order[SIMLAB_MAX_DIMS];
    int n = 0;
    int r = meta_read_list(json_object_get(configuration, "order"), "/codecs", &n, order, e);
    bool is_same = n == m->ndim, is_reverse = n == m->ndim;
    for (int d = 0; r == 0 && d < n; d++) {
        is_same = is_same && order[d] == d;
        is_reverse = is_reverse && order[d] == n - 1 - d;
    }
    if (r == 0 && !is_same && !is_reverse)
        r = refuse("/codecs", "an order of axes that is neither C's nor Fortran's", e);
    m->fortran_order = !is_same;
    return r;
}

static int read_bytes(const json_t *object, struct store_meta *m, struct error *e)
{
    const char *name = json_member_string(object, "name");
    if (!name || strcmp(name, "bytes") != 0)
        return refuse("/codecs", "any but \"bytes\" after \"transpose\"", e);
    const char *endian = json_member_string(json_object_get(object, "configuration"), "endian");
    bool is_big = endian && !strcmp(endian, "big");
    if (endian && !is_big && strcmp(endian, "little") != 0)
        return refuse("/codecs", "any byte order but \"little\" and \"big\"", e);
    m->big_endian = is_big && m->itemsize > 1;
    return 0;
}

static int read_number(const json_t *configuration, const char *key, int otherwise, int *ret,
                       struct error *e)
{
    json_int_t number = json_member_integer(configuration, key, otherwise);
    if (number < -1000000 || number > INT32_MAX)
        return error_set(e, STORE_INVALID, "/codecs", "%s of a codec is out of range", key);
    *ret = (int)number;
    return 0;
}

static int read_blosc(const json_t *configuration, struct store_codec *c, struct error *e)
{
    const char *cname = json_member_string(configuration, "cname");
    const char *shuffle = json_member_string(configuration, "shuffle");
    c->compressor = STORE_BLOSC;
    c->shuffle = -2;
    for (int i = 0; shuffle && i < 3; i++)
        if (!strcmp(shuffles[i], shuffle))
            c->shuffle = i;
    if (!cname || strlen(cname) >= sizeof c->cname || c->shuffle == -2)
        return refuse("/codecs", "blosc without \"cname\" and \"shuffle\"", e);
    strcpy(c->cname, cname);
    int r = read_number(configuration, "clevel", 5, &c->clevel, e);
    return r == 0 ? read_number(configuration, "blocksize", 0, &c->blocksize, e) : r;
}

static int read_compressor(const json_t *object, struct store_codec *c, struct error *e)
{
    const json_t *blosc = named(object, "blosc"), *zstd = named(object, "zstd");
    if (blosc)
        return read_blosc(blosc, c, e);
    if (!zstd)
        return refuse("/codecs", "any compressor but \"blosc\" and \"zstd\"", e);
    c->compressor = STORE_ZSTD;
    return read_number(zstd, "level", 0, &c->clevel, e);
}

static int read_codecs(const json_t *object, struct store_meta *m, struct error *e)
{
    const json_t *list = json_object_get(object, "codecs");
    size_t i = 0, n = json_array_size(list);
    const json_t *transpose = named(json_array_get(list, 0), "transpose");
    int r = transpose ? read_transpose(transpose, m, e) : 0;
    i += transpose != NULL;
    if (r == 0)
        r = read_bytes(json_array_get(list, i++), m, e);
    if (r == 0 && i < n)
        r = read_compressor(json_array_get(list, i++), &m->codec, e);
    return r == 0 && i < n ? refuse("/codecs", "more than one compressor", e) : r;
}

/* Zeros are no fill value, unless the attributes say so: zarr3_meta_mask. */
static int read_fill(const json_t *object, struct store_meta *m, struct error *e)
{
    const json_t *mask = json_object_get(json_object_get(object, "attributes"), ZARR3_MASK);
    int r = meta_value_read_fill(m, json_object_get(object, "fill_value"), e);
    if (r == 0 && !mask && sodium_is_zero(m->fill, sizeof m->fill))
        m->has_fill = false;
    return r;
}

int zarr3_meta_read(const json_t *object, struct store_meta *ret, struct error *e)
{
    struct store_meta m = {.codec = {.compressor = STORE_RAW}};
    const char *node = json_member_string(object, "node_type");
    if (json_member_integer(object, "zarr_format", 0) != 3 || !node || strcmp(node, "array") != 0)
        return error_set(e, STORE_INVALID, "/zarr_format", "this is no array of Zarr format 3");
    int r = read_data_type(object, &m, e);
    if (r == 0)
        r = read_grid(object, &m, e);
    if (r == 0)
        r = read_codecs(object, &m, e);
    if (r == 0)
        r = read_fill(object, &m, e);
    if (r == 0)
        r = meta_check(&m, NULL, e);
    if (r == 0)
        *ret = m;
    return r;
}
