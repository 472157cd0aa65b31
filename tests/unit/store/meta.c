/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata: texts as zarr-python writes them, encodings, hostile .zarray files, chunk plans. */
#include "store_fixture.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/meta.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *written(const char *encoding, int dtype, int ndim, const int64_t *shape)
{
    struct store_meta m;
    struct error e = {0};
    json_t *json = json_read(encoding, strlen(encoding), &e);
    cr_assert(json, "%s", e.message);
    store_meta_default(&m, dtype, dtype == SIMLAB_STR ? 5 : 0, ndim, shape);
    int r = store_meta_encode(&m, json, &e);
    cr_assert_eq(r, 0, "%s at %s", e.message, e.pointer);
    json_decref(json);
    char *text = meta_write(&m);
    store_meta_clear(&m);
    return text;
}

Test(meta, is_written_as_zarr_writes_it)
{
    const int64_t shape[2] = {3, 0};
    char *text = written("{}", SIMLAB_C8, 2, shape);
    cr_assert_str_eq(text, "{\n    \"chunks\": [\n        3,\n        1\n    ],\n"
                           "    \"compressor\": {\n        \"blocksize\": 0,\n"
                           "        \"clevel\": 5,\n        \"cname\": \"lz4\",\n"
                           "        \"id\": \"blosc\",\n        \"shuffle\": 1\n    },\n"
                           "    \"dtype\": \"<c8\",\n    \"fill_value\": [\n        \"NaN\",\n"
                           "        \"NaN\"\n    ],\n    \"filters\": null,\n"
                           "    \"order\": \"C\",\n    \"shape\": [\n        3,\n        0\n"
                           "    ],\n    \"zarr_format\": 2\n}\n");
    free(text);
    text = written("{\"compressor\": null, \"fill_value\": \"ab\", \"order\": \"F\"}", SIMLAB_STR,
                   0, NULL);
    cr_assert_str_eq(text, "{\n    \"chunks\": [],\n    \"compressor\": null,\n"
                           "    \"dtype\": \"|S5\",\n    \"fill_value\": \"YWI=\",\n"
                           "    \"filters\": null,\n    \"order\": \"F\",\n    \"shape\": [],\n"
                           "    \"zarr_format\": 2\n}\n");
    free(text);
}

/* What stands after "fill_value": in the text. */
static void check_fill(int dtype, const char *encoding, const char *expected)
{
    const int64_t shape[1] = {4};
    char *text = written(encoding, dtype, 1, shape);
    char *line = mem_printf("\"fill_value\": %s,", expected);
    cr_assert(strstr(text, line), "%s: %s not in %s", dtype_name(dtype), line, text);
    struct store_meta m;
    struct error e = {0};
    cr_assert_eq(meta_read(text, strlen(text), &m, &e), 0, "%s", e.message);
    char *again = meta_write(&m);
    cr_assert_str_eq(again, text);
    store_meta_clear(&m);
    free(again);
    free(line);
    free(text);
}

Test(meta, has_a_fill_value_of_its_dtype)
{
    check_fill(SIMLAB_F8, "{}", "\"NaN\"");
    check_fill(SIMLAB_F8, "{\"fill_value\": \"-Infinity\"}", "\"-Infinity\"");
    check_fill(SIMLAB_F4, "{\"fill_value\": -1}", "-1.0");
    check_fill(SIMLAB_I1, "{}", "127");
    check_fill(SIMLAB_I8, "{}", "9223372036854775807");
    check_fill(SIMLAB_U8, "{}", "18446744073709551615");
    check_fill(SIMLAB_U8, "{\"fill_value\": 7}", "7");
    check_fill(SIMLAB_I4, "{\"fill_value\": null}", "null");
    check_fill(SIMLAB_BOOL, "{}", "null");
    check_fill(SIMLAB_BOOL, "{\"fill_value\": true}", "true");
    check_fill(SIMLAB_STR, "{}", "null");
    check_fill(SIMLAB_STR, "{\"fill_value\": \"\"}", "\"\"");
    check_fill(SIMLAB_F8, "{\"dtype\": \">i2\"}", "32767");
}

static const struct {
    const char *encoding, *pointer;
} refused[] = {
    {"{\"chunk\": [1, 1]}", "/chunk"},
    {"{\"chunks\": [0, 1]}", "/chunks/0"},
    {"{\"chunks\": [1, 2.5]}", "/chunks/1"},
    {"{\"chunks\": [1, 1, 1]}", "/chunks"},
    {"{\"chunks\": \"auto\"}", "/chunks"},
    {"{\"chunks\": [4611686018427387904, 4611686018427387904]}", "/chunks"},
    {"{\"chunks\": [70000, 70000]}", "/chunks"},
    {"{\"dtype\": \"<f3\"}", "/dtype"},
    {"{\"dtype\": 4}", "/dtype"},
    {"{\"dtype\": \"|S4\"}", "/dtype"},
    {"{\"order\": \"A\"}", "/order"},
    {"{\"fill_value\": \"high\"}", "/fill_value"},
    {"{\"dtype\": \"<i2\", \"fill_value\": 40000}", "/fill_value"},
    {"{\"compressor\": \"blosc\"}", "/compressor"},
    {"{\"compressor\": {\"id\": \"lzma\"}}", "/compressor"},
    {"{\"compressor\": {\"id\": \"blosc\", \"cname\": \"lz5\"}}", "/compressor/cname"},
    {"{\"compressor\": {\"id\": \"blosc\", \"clevel\": 10}}", "/compressor/clevel"},
    {"{\"compressor\": {\"id\": \"blosc\", \"shuffle\": 3}}", "/compressor/shuffle"},
    {"{\"compressor\": {\"id\": \"blosc\", \"blocksize\": -1}}", "/compressor/blocksize"},
    {"{\"compressor\": {\"id\": \"zlib\", \"level\": 99999999999}}", "/compressor/level"},
    {"{\"compressor\": {\"id\": \"zstd\", \"lvl\": 1}}", "/compressor/lvl"},
    {"{\"filters\": {}}", "/filters"},
    {"{\"filters\": [{\"id\": \"gzip\"}]}", "/filters/0/id"},
    {"{\"filters\": [{\"id\": \"delta\"}]}", "/filters/0/dtype"},
    {"{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<i4\"}]}", "/filters/0"},
    {"{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<f8\", \"astype\": \"|S8\"}]}",
     "/filters/0/astype"},
    {"{\"filters\": [{\"id\": \"fixedscaleoffset\", \"dtype\": \"<f8\", \"scale\": 0,"
     " \"offset\": 0}]}",
     "/filters/0/scale"},
    {"{\"filters\": [{\"id\": \"fixedscaleoffset\", \"dtype\": \"<f8\", \"scale\": 2}]}",
     "/filters/0/offset"},
    {"[]", ""},
};

Test(meta, refuses_encodings_with_a_pointer)
{
    const int64_t shape[2] = {3, 4};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct store_meta m;
        struct error e = {0};
        json_t *json = json_loads(refused[i].encoding, 0, NULL);
        cr_assert(json, "%s", refused[i].encoding);
        store_meta_default(&m, SIMLAB_F8, 0, 2, shape);
        int r = store_meta_encode(&m, json, &e);
        cr_expect_eq(r, STORE_INVALID, "%s is not refused", refused[i].encoding);
        cr_expect_str_eq(e.pointer, refused[i].pointer, "%s: %s", refused[i].encoding, e.message);
        json_decref(json);
        store_meta_clear(&m);
    }
}

Test(meta, takes_short_and_automatic_chunks)
{
    const int64_t shape[3] = {6, 0, 5};
    static const struct {
        const char *encoding;
        int64_t chunks[3];
    } rows[] = {{"{\"chunks\": [2]}", {2, 1, 5}},  {"{\"chunks\": [2, null, -1]}", {2, 1, 5}},
                {"{\"chunks\": 3}", {3, 3, 3}},    {"{\"chunks\": true}", {4, 4, 4}},
                {"{\"chunks\": null}", {4, 4, 4}}, {"{\"chunks\": false}", {6, 1, 5}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_meta m;
        json_t *json = json_loads(rows[i].encoding, 0, NULL);
        store_meta_default(&m, SIMLAB_I4, 0, 3, shape);
        m.chunks[0] = m.chunks[1] = m.chunks[2] = 4;
        cr_assert_eq(store_meta_encode(&m, json, NULL), 0);
        cr_expect_arr_eq(m.chunks, rows[i].chunks, sizeof rows[i].chunks, "%s", rows[i].encoding);
        json_decref(json);
    }
}

/* Every truncation and every change of one byte of a good text is read or refused, never worse. */
Test(meta, survives_any_damage)
{
    const int64_t shape[3] = {3, 4, 5};
    char *text =
        written("{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<i4\"}]}", SIMLAB_I4, 3, shape);
    size_t n = strlen(text);
    char *copy = mem_strdup(text);
    uint64_t random = 7;
    for (size_t i = 0; i < 20 * n; i++) {
        struct store_meta m = {0};
        struct error e = {0};
        memcpy(copy, text, n);
        copy[fixture_below(&random, (int64_t)n)] = (char)fixture_random(&random);
        if (meta_read(copy, i < n ? i : n, &m, &e) == 0)
            store_meta_clear(&m);
        else
            cr_assert(*e.message);
    }
    free(copy);
    free(text);
}

static int read_text(const char *text, struct error *e)
{
    struct store_meta m;
    int r = meta_read(text, strlen(text), &m, e);
    if (r == 0)
        store_meta_clear(&m);
    return r;
}

#define ZARRAY(shape, chunks, dtype, rest)                                                         \
    "{\"zarr_format\": 2, \"order\": \"C\", \"filters\": null, \"compressor\": null, \"shape\": "  \
    "[" shape "], \"chunks\": [" chunks "], \"dtype\": \"" dtype "\"" rest "}"

Test(meta, reads_what_others_write_and_refuses_the_rest)
{
    struct error e = {0};
    cr_expect_eq(read_text(ZARRAY("3", "2", "<f8", ", \"fill_value\": NaN"), &e), 0);
    cr_expect_eq(read_text(ZARRAY("3", "2", "<f8", ", \"fill_value\": 0"), &e), 0);
    cr_expect_eq(read_text(ZARRAY("3", "2", "|b1", ", \"fill_value\": 0"), &e), 0);
    cr_expect_eq(read_text(ZARRAY("3", "2", "|S3", ", \"fill_value\": 0"), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "2", "|S3", ", \"fill_value\": \"YWJjZA==\""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "2", "|O", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "2", "|S0", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "2", "|S99999999999", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("-3", "2", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "0", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "2, 2", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3.0", "2", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("1,1,1,1,1,1,1,1,1", "1,1,1,1,1,1,1,1,1", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("9223372036854775807", "1", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("99999999999999999999", "1", "<f8", ""), &e), 0);
    cr_expect_neq(read_text(ZARRAY("3", "2", "<f8", ", \"dimension_separator\": \"/\""), &e), 0);
    cr_expect_neq(read_text("{\"zarr_format\": 3}", &e), 0);
    cr_expect_neq(read_text("", &e), 0);
    cr_expect_neq(read_text("[]", &e), 0);
}

Test(meta, takes_bare_numbers_for_strings_and_strings_as_they_stand)
{
    static const char text[] = "{\"a\": [NaN, -Infinity,Infinity, 1], \"NaN\": \"\\\" NaN, \"}";
    static const char expected[] =
        "{\"NaN\":\"\\\" NaN, \",\"a\":[\"NaN\",\"-Infinity\",\"Infinity\",1]}";
    struct error e = {0};
    json_t *value = meta_json(text, strlen(text), &e);
    cr_assert(value, "%s", e.message);
    char *canonical = json_canonical(value);
    cr_expect_str_eq(canonical, expected);
    free(canonical);
    json_decref(value);
    cr_expect_null(meta_json("{\"a\": \"NaN", 9, &e));
}

/* The extent that `s` believes array "a" to have. */
static int64_t extent(struct store *s)
{
    struct store_meta m;
    struct error e = {0};
    json_t *dims = NULL;
    cr_assert_eq(store_array(s, "a", &m, &dims, NULL, &e), 0, "%s", e.message);
    json_decref(dims);
    int64_t n = m.shape[0];
    store_meta_clear(&m);
    return n;
}

Test(meta, are_read_once_where_nobody_else_writes)
{
    char *path = fixture_store_path();
    struct store *s = fixture_open(path), *other = NULL;
    struct error e = {0};
    struct store_meta m;
    store_meta_default(&m, SIMLAB_F8, 8, 1, (int64_t[]){3});
    cr_assert_eq(store_create_array(s, "a", &m, (const char *const[]){"x"}, NULL, &e), 0);
    cr_assert_eq(store_open(path, STORE_JOIN, &other, &e), 0, "%s", e.message);
    cr_assert_eq(store_grow(other, "a", (int64_t[]){4}, &e), 0, "%s", e.message);
    cr_expect_eq(extent(s), 4, "it stands there");
    store_be_alone(s);
    cr_assert_eq(store_grow(other, "a", (int64_t[]){5}, &e), 0, "%s", e.message);
    cr_expect_eq(extent(s), 4);
    store_close(other);
    store_close(s);
    store_meta_clear(&m);
    fixture_remove(path);
}

static void check_plan(size_t itemsize, int ndim, const int64_t *shape, bool batch, bool clock,
                       const int64_t *expected)
{
    int64_t chunks[SIMLAB_MAX_DIMS];
    store_choose_chunks(itemsize, ndim, shape, batch, clock, chunks);
    for (int d = 0; d < ndim; d++)
        cr_expect_eq(chunks[d], expected[d], "dim %d: %lld, not %lld", d, (long long)chunks[d],
                     (long long)expected[d]);
}

Test(plan, chunks_hold_about_a_mebibyte)
{
    check_plan(8, 3, (int64_t[]){10000, 3, 150}, true, true, (int64_t[]){286, 3, 150});
    check_plan(8, 4, (int64_t[]){24, 5, 344, 403}, true, true, (int64_t[]){1, 1, 344, 403});
    check_plan(8, 1, (int64_t[]){100000}, true, false, (int64_t[]){4000});
    check_plan(8, 1, (int64_t[]){1000000}, true, false, (int64_t[]){15625});
    check_plan(8, 1, (int64_t[]){10000000}, true, false, (int64_t[]){129871});
    check_plan(8, 2, (int64_t[]){10000000, 11}, true, true, (int64_t[]){12500, 11});
    check_plan(8, 3, (int64_t[]){100000, 3, 150}, true, true, (int64_t[]){291, 3, 150});
    check_plan(8, 3, (int64_t[]){1000000, 3, 150}, true, true, (int64_t[]){1250, 3, 150});
    check_plan(8, 3, (int64_t[]){100000000, 3, 150}, true, true, (int64_t[]){2330, 3, 150});
    check_plan(8, 2, (int64_t[]){100, 2000000}, true, false, (int64_t[]){1, 125000});
    check_plan(4, 3, (int64_t[]){1000, 64, 64}, false, true, (int64_t[]){63, 64, 64});
    check_plan(8, 2, (int64_t[]){8, 0}, false, false, (int64_t[]){8, 1});
    check_plan(8, 0, NULL, false, false, NULL);
    check_plan(8, 2, (int64_t[]){INT64_MAX / 4, INT64_MAX / 4}, true, true, (int64_t[]){1, 131072});
}
