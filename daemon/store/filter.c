/* SPDX-License-Identifier: Apache-2.0 */
#include "store/filter.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_native(bool big_endian)
{
    return big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

/* ---- configurations ---------------------------------------------------------------------- */

static int parse_dtype(const json_t *object, const char *key, const char *pointer, int *ret_dtype,
                       bool *ret_big, struct error *e)
{
    char where[96];
    snprintf(where, sizeof where, "%s/%s", pointer, key);
    const char *text = json_member_string(object, key);
    size_t itemsize;
    int dtype;
    bool big;
    if (!text || !dtype_from_numpy(text, &dtype, &itemsize, &big) ||
        !(dtype_is_float(dtype) || dtype_is_integer(dtype)))
        return error_set(e, STORE_INVALID, where,
                         "a filter's %s must be a number type such as \"<f8\" or \"<i4\"", key);
    *ret_dtype = dtype;
    *ret_big = big;
    return 0;
}

static int parse_number(const json_t *object, const char *key, const char *pointer, double *ret,
                        struct error *e)
{
    char where[96];
    snprintf(where, sizeof where, "%s/%s", pointer, key);
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);
    if (!json_is_number(value) || (!strcmp(key, "scale") && number == 0))
        return error_set(e, STORE_INVALID, where, "fixedscaleoffset needs \"%s\", a number%s", key,
                         !strcmp(key, "scale") ? " other than 0" : "");
    *ret = number;
    return 0;
}

static int parse_kind(const json_t *object, const char *pointer, enum filter_kind *ret,
                      struct error *e)
{
    static const char *const delta_keys[] = {"id", "dtype", "astype", NULL};
    static const char *const scale_keys[] = {"id", "dtype", "astype", "scale", "offset", NULL};
    char where[96];
    snprintf(where, sizeof where, "%s/id", pointer);
    const char *id = json_member_string(object, "id");
    if (!json_is_object(object))
        return error_set(e, STORE_INVALID, pointer,
                         "a filter is an object such as {\"id\": \"delta\", \"dtype\": \"<f8\"}");
    bool is_delta = id && !strcmp(id, "delta");
    if (!is_delta && (!id || strcmp(id, "fixedscaleoffset") != 0))
        return error_set(e, STORE_INVALID, where,
                         "no filter \"%.40s\": there are \"delta\" and \"fixedscaleoffset\"",
                         id ? id : "");
    *ret = is_delta ? FILTER_DELTA : FILTER_FIXEDSCALEOFFSET;
    return store_result_of_base(
        json_check_keys(object, is_delta ? delta_keys : scale_keys, pointer, e));
}

static int parse_one(const json_t *object, const char *pointer, struct filter *ret, struct error *e)
{
    struct filter f = {.scale = 1};
    int r = parse_kind(object, pointer, &f.kind, e);
    if (r == 0)
        r = parse_dtype(object, "dtype", pointer, &f.dtype, &f.dtype_big, e);
    f.astype = f.dtype;
    f.astype_big = f.dtype_big;
    const json_t *astype = json_object_get(object, "astype");
    if (r == 0 && astype && !json_is_null(astype))
        r = parse_dtype(object, "astype", pointer, &f.astype, &f.astype_big, e);
    if (r == 0 && f.kind == FILTER_FIXEDSCALEOFFSET)
        r = parse_number(object, "scale", pointer, &f.scale, e);
    if (r == 0 && f.kind == FILTER_FIXEDSCALEOFFSET)
        r = parse_number(object, "offset", pointer, &f.offset, e);
    if (r == 0)
        *ret = f;
    return r;
}

static json_t *normalized(const struct filter *f, const json_t *object)
{
    char dtype[16], astype[16];
    dtype_to_numpy(f->dtype, 0, f->dtype_big, dtype);
    dtype_to_numpy(f->astype, 0, f->astype_big, astype);
    json_t *result = json_pack("{s:s, s:s, s:s}", "id", json_member_string(object, "id"), "dtype",
                               dtype, "astype", astype);
    mem_assert(result);
    if (f->kind == FILTER_FIXEDSCALEOFFSET) {
        json_object_set(result, "scale", json_object_get(object, "scale"));
        json_object_set(result, "offset", json_object_get(object, "offset"));
    }
    return result;
}

int filter_parse(const json_t *list, int dtype, bool big_endian, struct filter *ret, int *ret_count,
                 json_t **ret_normalized, struct error *e)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > FILTER_MAX)
        return error_set(e, STORE_INVALID, "/filters",
                         "filters must be null or a list of at most %d filters", FILTER_MAX);
    struct filter filters[FILTER_MAX] = {0};
    json_t *all = count > 0 ? json_array() : NULL;
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        char pointer[32];
        snprintf(pointer, sizeof pointer, "/filters/%zu", i);
        const json_t *object = json_array_get(list, i);
        r = parse_one(object, pointer, &filters[i], e);
        if (r == 0 && (filters[i].dtype != dtype ||
                       (filters[i].dtype_big != big_endian && dtype_size(dtype) > 1)))
            r = error_set(e, STORE_INVALID, pointer,
                          "this filter takes other elements than it is given: its dtype must be "
                          "that of the %s",
                          i == 0 ? "array" : "filter before it (its astype)");
        if (r != 0)
            break;
        dtype = filters[i].astype;
        big_endian = filters[i].astype_big;
        json_array_append_new(all, normalized(&filters[i], object));
    }
    if (r == 0) {
        memcpy(ret, filters, count * sizeof *filters);
        *ret_count = (int)count;
        if (ret_normalized)
            *ret_normalized = json_incref(all);
    }
    json_decref(all);
    return r;
}

/* ---- arithmetic -------------------------------------------------------------------------- */

size_t filter_itemsize(const struct filter *f, int count, size_t itemsize)
{
    return count > 0 ? dtype_size(f[count - 1].astype) : itemsize;
}

/* Differences and sums in the element's own type; unsigned arithmetic wraps as NumPy's does. */
#define DELTA_LOOPS(type)                                                                          \
    {                                                                                              \
        type *v = data;                                                                            \
        if (encode)                                                                                \
            for (size_t i = n; i-- > 1;)                                                           \
                v[i] = (type)(v[i] - v[i - 1]);                                                    \
        else                                                                                       \
            for (size_t i = 1; i < n; i++)                                                         \
                v[i] = (type)(v[i] + v[i - 1]);                                                    \
    }                                                                                              \
    break

static void delta(int dtype, bool encode, void *data, size_t n)
{
    switch (dtype) {
    case SIMLAB_F8:
        DELTA_LOOPS(double);
    case SIMLAB_F4:
        DELTA_LOOPS(float);
    default:
        switch (dtype_size(dtype)) {
        case 1:
            DELTA_LOOPS(uint8_t);
        case 2:
            DELTA_LOOPS(uint16_t);
        case 4:
            DELTA_LOOPS(uint32_t);
        default:
            DELTA_LOOPS(uint64_t);
        }
    }
}

/* NumPy computes in the array's own precision where it is a float, else in double. */
static void scale(const struct filter *f, bool encode, bool single, double *v, size_t n)
{
    if (single) {
        float factor = (float)f->scale, offset = (float)f->offset;
        for (size_t i = 0; i < n; i++) {
            float x = (float)v[i];
            v[i] = encode ? rintf((x - offset) * factor) : x / factor + offset;
        }
    } else {
        for (size_t i = 0; i < n; i++)
            v[i] = encode ? rint((v[i] - f->offset) * f->scale) : v[i] / f->scale + f->offset;
    }
}

/* One filter, from `data` through scratch[0] (its input's type) to `ret`. */
static void apply(const struct filter *f, bool encode, const void *data, size_t n,
                  void *const scratch[2], void *ret)
{
    int from = encode ? f->dtype : f->astype, to = encode ? f->astype : f->dtype;
    bool from_big = encode ? f->dtype_big : f->astype_big;
    bool to_big = encode ? f->astype_big : f->dtype_big;
    int work = f->kind == FILTER_FIXEDSCALEOFFSET ? SIMLAB_F8 : f->dtype;
    const void *in = data;
    if (!is_native(from_big)) {
        memcpy(scratch[1], data, n * dtype_size(from));
        dtype_swap(from, scratch[1], n);
        in = scratch[1];
    }
    dtype_cast(from, dtype_size(from), in, work, dtype_size(work), scratch[0], n);
    if (f->kind == FILTER_DELTA)
        delta(work, encode, scratch[0], n);
    else
        scale(f, encode, from == SIMLAB_F4, scratch[0], n);
    dtype_cast(work, dtype_size(work), scratch[0], to, dtype_size(to), ret, n);
    if (!is_native(to_big))
        dtype_swap(to, ret, n);
}

const void *filter_encode(const struct filter *f, int count, const void *data, size_t n,
                          void *const scratch[2])
{
    /* The halves of scratch[1]: the result of one filter is the next one's input. */
    char *const halves[2] = {scratch[1], (char *)scratch[1] + n * 8};
    void *const work[2] = {scratch[0], (char *)scratch[0] + n * 8};
    for (int i = 0; i < count; i++) {
        apply(&f[i], true, data, n, work, halves[i & 1]);
        data = halves[i & 1];
    }
    return data;
}

void filter_decode(const struct filter *f, int count, const void *encoded, size_t n,
                   void *const scratch[2], void *ret_data)
{
    char *const halves[2] = {scratch[1], (char *)scratch[1] + n * 8};
    void *const work[2] = {scratch[0], (char *)scratch[0] + n * 8};
    for (int i = count; i-- > 0;) {
        void *ret = i == 0 ? ret_data : halves[i & 1];
        apply(&f[i], false, encoded, n, work, ret);
        encoded = ret;
    }
}
