/* SPDX-License-Identifier: Apache-2.0 */
/* Random boxes written and read against an array in memory: every dtype, order, codec, byte order,
 * with growth, after closing and opening again. */
#include "store_fixture.h"

#include "base/dtype.h"
#include "base/mem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An array in memory that can hold the largest shape; what lies beyond `meta.shape` is fill. */
struct oracle {
    struct store_meta meta;
    int64_t most[SIMLAB_MAX_DIMS];
    char *data;
};

static size_t box_size(int ndim, const int64_t *count)
{
    size_t n = 1;
    for (int d = 0; d < ndim; d++)
        n *= (size_t)count[d];
    return n;
}

static void oracle_box(struct oracle *o, const int64_t *start, const int64_t *count, char *box,
                       bool into_oracle)
{
    size_t n = box_size(o->meta.ndim, count), itemsize = o->meta.itemsize;
    for (size_t i = 0; i < n; i++) {
        size_t rest = i, at = 0, scale = 1;
        for (int d = o->meta.ndim; d-- > 0;) {
            at += scale * (size_t)(start[d] + (int64_t)(rest % (size_t)count[d]));
            rest /= (size_t)count[d];
            scale *= (size_t)o->most[d];
        }
        if (into_oracle)
            memcpy(o->data + at * itemsize, box + i * itemsize, itemsize);
        else
            memcpy(box + i * itemsize, o->data + at * itemsize, itemsize);
    }
}

static void random_bytes(uint64_t *random, int dtype, void *data, size_t size)
{
    unsigned char *p = data;
    for (size_t i = 0; i < size; i++)
        p[i] = (unsigned char)(fixture_random(random) >> 8) & (dtype == SIMLAB_BOOL ? 1 : 0x3f);
}

static void random_box(uint64_t *random, const struct oracle *o, int64_t *start, int64_t *count)
{
    for (int d = 0; d < o->meta.ndim; d++) {
        start[d] = fixture_below(random, o->meta.shape[d] + 1);
        count[d] = fixture_below(random, o->meta.shape[d] - start[d] + 1);
        if (fixture_below(random, 3) == 0) {
            start[d] = 0;
            count[d] = o->meta.shape[d];
        }
    }
}

static void random_meta(uint64_t *random, struct store_meta *m, int dtype)
{
    static const char *const names[] = {"lz4", "lz4hc", "blosclz", "zlib", "zstd", "snappy"};
    int64_t shape[SIMLAB_MAX_DIMS] = {0};
    int ndim = (int)fixture_below(random, 5);
    for (int d = 0; d < ndim; d++)
        shape[d] = fixture_below(random, 8);
    store_meta_default(m, dtype, dtype == SIMLAB_STR ? 7 : 0, ndim, shape);
    for (int d = 0; d < ndim; d++)
        m->chunks[d] = 1 + fixture_below(random, 6);
    m->fortran_order = fixture_below(random, 2);
    m->big_endian = dtype_size(dtype) > 1 && fixture_below(random, 2);
    m->codec.compressor = (enum store_compressor)fixture_below(random, 4);
    m->codec.shuffle = (int)fixture_below(random, 4) - 1;
    m->codec.clevel = 1 + (int)fixture_below(random, 9);
    strcpy(m->codec.cname, names[fixture_below(random, 6)]);
    if (fixture_below(random, 3) == 0)
        m->has_fill = false;
}

static void oracle_init(struct oracle *o)
{
    size_t n = 1;
    for (int d = 0; d < o->meta.ndim; d++) {
        o->most[d] = o->meta.shape[d] + 6;
        n *= (size_t)o->most[d];
    }
    o->data = mem_array(n, o->meta.itemsize);
    for (size_t i = 0; o->meta.has_fill && i < n; i++)
        memcpy(o->data + i * o->meta.itemsize, o->meta.fill, o->meta.itemsize);
}

static void check_all(struct store *s, struct oracle *o, const char *name)
{
    const int64_t start[SIMLAB_MAX_DIMS] = {0};
    size_t bytes = box_size(o->meta.ndim, o->meta.shape) * o->meta.itemsize;
    char *expected = mem_new(bytes + 1), *got = mem_new(bytes + 1);
    struct error e = {0};
    oracle_box(o, start, o->meta.shape, expected, false);
    int r = store_read(s, name, start, o->meta.shape, got, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    cr_assert_arr_eq(got, expected, bytes, "%s differs", name);
    free(expected);
    free(got);
}

static void check_box(struct store *s, struct oracle *o, const char *name, uint64_t *random)
{
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS];
    struct error e = {0};
    random_box(random, o, start, count);
    size_t bytes = box_size(o->meta.ndim, count) * o->meta.itemsize;
    char *box = mem_new(bytes + 1), *got = mem_new(bytes + 1);
    random_bytes(random, o->meta.dtype, box, bytes);
    int r = store_write(s, name, start, count, box, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    oracle_box(o, start, count, box, true);
    random_box(random, o, start, count);
    bytes = box_size(o->meta.ndim, count) * o->meta.itemsize;
    box = mem_resize(box, bytes + 1, 1);
    got = mem_resize(got, bytes + 1, 1);
    oracle_box(o, start, count, box, false);
    r = store_read(s, name, start, count, got, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    cr_assert_arr_eq(got, box, bytes);
    free(box);
    free(got);
}

static void check_growth(struct store *s, struct oracle *o, const char *name, uint64_t *random)
{
    struct error e = {0};
    for (int d = 0; d < o->meta.ndim; d++)
        o->meta.shape[d] =
            fixture_below(random, o->most[d] - o->meta.shape[d] + 1) + o->meta.shape[d];
    int r = store_grow(s, name, o->meta.shape, &e);
    cr_assert_eq(r, 0, "%s", e.message);
}

static void run_array(const char *path, const char *name, int dtype, uint64_t *random)
{
    static const char *const dims[] = {"a", "b", "c", "d"};
    struct oracle o = {0};
    struct error e = {0};
    struct store *s = fixture_open(path);
    random_meta(random, &o.meta, dtype);
    oracle_init(&o);
    int r = store_create_array(s, name, &o.meta, dims, NULL, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    check_all(s, &o, name);
    for (int i = 0; i < 6; i++) {
        if (fixture_below(random, 3) == 0)
            check_growth(s, &o, name, random);
        check_box(s, &o, name, random);
        if (fixture_below(random, 3) == 0) {
            store_close(s);
            s = fixture_open(path);
        }
    }
    check_all(s, &o, name);
    free(o.data);
    store_close(s);
}

Test(boxes, equal_an_array_in_memory)
{
    char *path = fixture_store_path();
    uint64_t random = 20240229;
    for (int i = 0; i < 20 * SIMLAB_N_DTYPES; i++) {
        char name[32];
        snprintf(name, sizeof name, "array%d", i);
        run_array(path, name, i % SIMLAB_N_DTYPES, &random);
    }
    fixture_remove(path);
}

static void write_filtered(struct store *s, const char *name, int dtype, const char *encoding,
                           const double *values, double tolerance)
{
    const int64_t start[1] = {0}, shape[1] = {40};
    const char *const dims[] = {"x"};
    struct store_meta m;
    struct error e = {0};
    json_t *json = json_loads(encoding, 0, NULL);
    double got[40];
    cr_assert(json);
    store_meta_default(&m, dtype, 0, 1, shape);
    int r = store_meta_encode(&m, json, &e);
    json_decref(json);
    cr_assert_eq(r, 0, "%s: %s at %s", name, e.message, e.pointer);
    r = store_create_array(s, name, &m, dims, NULL, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    char raw[40 * 8];
    dtype_cast(SIMLAB_F8, 8, values, m.dtype, m.itemsize, raw, 40);
    cr_assert_eq(store_write(s, name, start, shape, raw, &e), 0);
    r = store_read(s, name, start, shape, raw, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    dtype_cast(m.dtype, m.itemsize, raw, SIMLAB_F8, 8, got, 40);
    for (int i = 0; i < 40; i++)
        cr_assert_float_eq(got[i], values[i], tolerance, "%s[%d]: %g, not %g", name, i, got[i],
                           values[i]);
    store_meta_clear(&m);
}

Test(boxes, pass_filters)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    double values[40];
    for (int i = 0; i < 40; i++)
        values[i] = 100 + (i * 7) % 23;
    write_filtered(s, "delta_i4", SIMLAB_I4,
                   "{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<i4\", \"astype\": \"<i2\"}],"
                   " \"chunks\": [16]}",
                   values, 0);
    write_filtered(s, "delta_big", SIMLAB_I2,
                   "{\"dtype\": \">i2\", \"filters\": [{\"id\": \"delta\", \"dtype\": \">i2\"}],"
                   " \"chunks\": [7], \"compressor\": {\"id\": \"zlib\"}}",
                   values, 0);
    for (int i = 0; i < 40; i++)
        values[i] = 100 + i * 0.625;
    write_filtered(s, "delta_f8", SIMLAB_F8,
                   "{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<f8\"}], \"chunks\": 9}",
                   values, 0);
    write_filtered(s, "scale", SIMLAB_F8,
                   "{\"filters\": [{\"id\": \"fixedscaleoffset\", \"dtype\": \"<f8\", \"astype\":"
                   " \"<u2\", \"scale\": 100, \"offset\": 90}, {\"id\": \"delta\", \"dtype\":"
                   " \"<u2\"}], \"compressor\": {\"id\": \"zstd\", \"level\": 3},"
                   " \"fill_value\": 95}",
                   values, 0.0051);
    write_filtered(s, "scale_f4", SIMLAB_F4,
                   "{\"filters\": [{\"id\": \"fixedscaleoffset\", \"dtype\": \"<f4\", \"astype\":"
                   " \">i4\", \"scale\": 1000.5, \"offset\": 0.25}], \"compressor\": null}",
                   values, 0.001);
    store_close(s);
    fixture_remove(path);
}
