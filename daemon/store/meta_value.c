/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta_value.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"

#include <limits.h>
#include <sodium.h>
#include <string.h>

/* ---- fill_value -------------------------------------------------------------------------- */

void meta_value_default_fill(struct store_meta *m)
{
    memset(m->fill, 0, sizeof m->fill);
    m->has_fill = m->dtype != SIMLAB_BOOL && m->dtype != SIMLAB_STR;
    if (m->has_fill)
        dtype_fill_value(m->dtype, m->itemsize, m->fill);
}

json_t *meta_value_fill(const struct store_meta *m)
{
    if (!m->has_fill)
        return json_null();
    if (m->dtype != SIMLAB_STR)
        return dtype_to_json(m->dtype, m->itemsize, m->fill);
    size_t n = m->itemsize;
    while (n > 0 && m->fill[n - 1] == '\0')
        n--;
    char text[4 * sizeof m->fill];
    sodium_bin2base64(text, sizeof text, m->fill, n, sodium_base64_VARIANT_ORIGINAL);
    return json_string(text);
}

static int read_string_fill(struct store_meta *m, const json_t *value, struct error *e)
{
    unsigned char bytes[sizeof m->fill] = {0};
    size_t n = 0;
    bool zero = json_is_integer(value) && json_integer_value(value) == 0;
    if (!zero &&
        (!json_is_string(value) ||
         sodium_base642bin(bytes, sizeof bytes, json_string_value(value), json_string_length(value),
                           NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
         n > m->itemsize))
        return error_set(e, STORE_INVALID, "/fill_value",
                         "a string's fill value must be base64 of at most %zu bytes (and 64)",
                         m->itemsize);
    m->has_fill = m->itemsize <= sizeof m->fill;
    if (!m->has_fill && n > 0)
        return error_set(e, STORE_INVALID, "/fill_value",
                         "strings of more than %zu bytes can have no fill value", sizeof m->fill);
    memcpy(m->fill, bytes, sizeof bytes);
    return 0;
}

int meta_value_read_fill(struct store_meta *m, const json_t *value, struct error *e)
{
    m->has_fill = false;
    memset(m->fill, 0, sizeof m->fill);
    if (!value || json_is_null(value))
        return 0;
    if (m->dtype == SIMLAB_STR)
        return read_string_fill(m, value, e);
    if (m->dtype == SIMLAB_BOOL && json_is_number(value)) {
        m->fill[0] = json_number_value(value) != 0;
    } else {
        int r = store_result_of_base(dtype_from_json(m->dtype, m->itemsize, value, m->fill, e));
        if (r != 0) {
            error_prefix_pointer(e, "/fill_value");
            return r;
        }
    }
    m->has_fill = true;
    return 0;
}

/* ---- compressor -------------------------------------------------------------------------- */

json_t *meta_value_compressor(const struct store_codec *c)
{
    json_t *value;
    switch (c->compressor) {
    case STORE_BLOSC:
        value = json_pack("{s:s, s:s, s:i, s:i, s:i}", "id", "blosc", "cname", c->cname, "clevel",
                          c->clevel, "shuffle", c->shuffle, "blocksize", c->blocksize);
        break;
    case STORE_ZLIB:
        value = json_pack("{s:s, s:i}", "id", "zlib", "level", c->clevel);
        break;
    case STORE_ZSTD:
        value = json_pack("{s:s, s:i}", "id", "zstd", "level", c->clevel);
        break;
    default:
        return json_null();
    }
    mem_assert(value);
    return value;
}

static int read_int(const json_t *object, const char *key, int otherwise, int *ret, struct error *e)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = value ? json_integer_value(value) : otherwise;
    if ((value && !json_is_integer(value)) || number < INT_MIN || number > INT_MAX) {
        char where[64];
        snprintf(where, sizeof where, "/compressor/%s", key);
        return error_set(e, STORE_INVALID, where, "%s must be an integer", key);
    }
    *ret = (int)number;
    return 0;
}

static int read_blosc(const json_t *object, struct store_codec *c, struct error *e)
{
    static const char *const keys[] = {"id", "cname", "clevel", "shuffle", "blocksize", NULL};
    int r = store_result_of_base(json_check_keys(object, keys, "/compressor", e));
    const json_t *cname = json_object_get(object, "cname");
    const char *text = cname ? json_string_value(cname) : "lz4";
    if (r == 0 && (!text || strlen(text) >= sizeof c->cname))
        r = error_set(e, STORE_INVALID, "/compressor/cname",
                      "cname must name a compressor of Blosc, such as \"lz4\"");
    if (r != 0)
        return r;
    c->compressor = STORE_BLOSC;
    strcpy(c->cname, text);
    r = read_int(object, "clevel", 5, &c->clevel, e);
    if (r == 0)
        r = read_int(object, "shuffle", 1, &c->shuffle, e);
    return r == 0 ? read_int(object, "blocksize", 0, &c->blocksize, e) : r;
}

int meta_value_read_compressor(const json_t *value, struct store_codec *ret, struct error *e)
{
    static const char *const keys[] = {"id", "level", NULL};
    struct store_codec c = {.compressor = STORE_RAW};
    const char *id = json_member_string(value, "id");
    int r = 0;
    if (!value || json_is_null(value)) {
        *ret = c;
        return 0;
    }
    if (!id || (strcmp(id, "blosc") && strcmp(id, "zlib") && strcmp(id, "zstd")))
        return error_set(e, STORE_INVALID, "/compressor",
                         "compressor %s%.40s%s is not supported: write null or an object with the "
                         "id \"blosc\", \"zlib\" or \"zstd\"",
                         id ? "\"" : "", id ? id : "of this form", id ? "\"" : "");
    if (!strcmp(id, "blosc")) {
        r = read_blosc(value, &c, e);
    } else {
        c.compressor = !strcmp(id, "zlib") ? STORE_ZLIB : STORE_ZSTD;
        r = store_result_of_base(json_check_keys(value, keys, "/compressor", e));
        if (r == 0)
            r = read_int(value, "level", 1, &c.clevel, e);
    }
    if (r == 0)
        *ret = c;
    return r;
}
