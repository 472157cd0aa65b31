/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype.h"
#include "base/ndarray.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static int read_value(int dtype, const char *text, void *ret, struct error *e)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert(value, "%s", text);
    int r = dtype_from_json(dtype, 8, value, ret, e);
    json_decref(value);
    return r;
}

Test(dtype, numpy_names_go_there_and_back)
{
    static const struct {
        const char *text;
        int dtype;
        size_t size;
        bool big;
    } rows[] = {{"<f8", SIMLAB_F8, 8, false},    {">i4", SIMLAB_I4, 4, true},
                {"|b1", SIMLAB_BOOL, 1, false},  {"|S12", SIMLAB_STR, 12, false},
                {"<c16", SIMLAB_C16, 16, false}, {"|u1", SIMLAB_U1, 1, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int dtype;
        size_t size;
        bool big;
        char text[16];
        cr_assert(dtype_from_numpy(rows[i].text, &dtype, &size, &big));
        cr_assert(dtype == rows[i].dtype && size == rows[i].size && big == rows[i].big);
        dtype_to_numpy(dtype, size, big, text);
        cr_assert_str_eq(text, rows[i].text);
    }
    int dtype;
    size_t size;
    bool big;
    static const char *const bad[] = {"", "f", "<f3", "<U4", "<f8x", "<f-8", "O", "<f99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(dtype_from_numpy(bad[i], &dtype, &size, &big), "%s", bad[i]);
}

Test(dtype, integers_take_what_fits_exactly)
{
    int8_t i1;
    uint64_t u8;
    struct error e = {.message = ""};
    cr_assert_eq(read_value(SIMLAB_I1, "-128", &i1, &e), 0);
    cr_assert_eq(i1, -128);
    cr_assert_eq(read_value(SIMLAB_I1, "2.0", &i1, &e), 0);
    cr_assert_eq(i1, 2);
    cr_assert_eq(read_value(SIMLAB_U8, "9223372036854775808.0", &u8, &e), 0);
    cr_assert_eq(u8, (uint64_t)1 << 63);
    static const char *const bad[] = {"128",   "-129", "0.5",  "true",
                                      "\"1\"", "[1]",  "null", "1e300"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(read_value(SIMLAB_I1, bad[i], &i1, &e), BASE_INVALID, "%s", bad[i]);
    cr_assert(strstr(e.message, "-128 to 127"), "%s", e.message);
    cr_assert_eq(read_value(SIMLAB_U8, "-1", &u8, &e), BASE_INVALID);
}

Test(dtype, floats_take_numbers_and_the_words_json_lacks)
{
    double f8;
    struct error e = {.message = ""};
    cr_assert_eq(read_value(SIMLAB_F8, "3", &f8, &e), 0);
    cr_assert_eq(f8, 3.0);
    cr_assert_eq(read_value(SIMLAB_F8, "\"NaN\"", &f8, &e), 0);
    cr_assert(isnan(f8));
    cr_assert_eq(read_value(SIMLAB_F8, "\"-Infinity\"", &f8, &e), 0);
    cr_assert_eq(f8, -INFINITY);
    cr_assert_eq(read_value(SIMLAB_F8, "\"one\"", &f8, &e), BASE_INVALID);
    cr_assert_eq(read_value(SIMLAB_F8, "true", &f8, &e), BASE_INVALID);
    uint8_t b = 7;
    cr_assert_eq(read_value(SIMLAB_BOOL, "1", &b, &e), BASE_INVALID);
    cr_assert_eq(b, 7, "written on success only");
}

Test(dtype, values_survive_json)
{
    static const double values[] = {0.1, -0.0, 1e-300, 1.7976931348623157e308, NAN, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_t *json = dtype_to_json(SIMLAB_F8, 8, &values[i]);
        char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
        double back;
        cr_assert_eq(read_value(SIMLAB_F8, text, &back, NULL), 0);
        cr_assert(isnan(values[i]) ? isnan(back) : !memcmp(&back, &values[i], 8), "%s", text);
        free(text);
        json_decref(json);
    }
}

Test(dtype, fill_values_are_xarray_simlabs)
{
    int32_t i4;
    uint8_t u1;
    float f4;
    dtype_fill_value(SIMLAB_I4, 4, &i4);
    dtype_fill_value(SIMLAB_U1, 1, &u1);
    dtype_fill_value(SIMLAB_F4, 4, &f4);
    cr_assert_eq(i4, INT32_MAX);
    cr_assert_eq(u1, 255);
    cr_assert(isnan(f4));
}

Test(dtype, casts_saturate_and_keep_integers)
{
    double f8[] = {1.9, -1.9, 1e30, -1e30, NAN};
    int32_t i4[5];
    dtype_cast(SIMLAB_F8, 8, f8, SIMLAB_I4, 4, i4, 5);
    cr_assert(i4[0] == 1 && i4[1] == -1 && i4[2] == INT32_MAX && i4[3] == INT32_MIN && i4[4] == 0);
    int64_t i8 = 9007199254740993;
    uint64_t u8;
    dtype_cast(SIMLAB_I8, 8, &i8, SIMLAB_U8, 8, &u8, 1);
    cr_assert_eq(u8, 9007199254740993u, "not through a double");
}

Test(ndarray, nested_lists_and_their_faults)
{
    struct ndarray a;
    struct error e = {.message = ""};
    json_t *good = json_loads("[[1, 2, 3], [4, 5, 6]]", 0, NULL);
    cr_assert_eq(ndarray_from_json(good, SIMLAB_I4, 0, 100, &a, &e), 0);
    cr_assert(a.ndim == 2 && a.shape[0] == 2 && a.shape[1] == 3);
    cr_assert_eq(((int32_t *)a.data)[5], 6);
    json_t *back = ndarray_to_json(&a);
    cr_assert(json_equal(back, good));
    json_decref(back);
    ndarray_clear(&a);
    cr_assert_eq(ndarray_from_json(good, SIMLAB_I4, 0, 5, &a, &e), BASE_TOO_LARGE);
    json_decref(good);
    json_t *ragged = json_loads("[[1, 2], [3]]", 0, NULL);
    cr_assert_eq(ndarray_from_json(ragged, SIMLAB_I4, 0, 100, &a, &e), BASE_INVALID);
    cr_assert_str_eq(e.pointer, "/1");
    json_decref(ragged);
    json_t *bad = json_loads("[[1, 2], [3, \"x\"]]", 0, NULL);
    cr_assert_eq(ndarray_from_json(bad, SIMLAB_I4, 0, 100, &a, &e), BASE_INVALID);
    cr_assert_str_eq(e.pointer, "/1/1");
    json_decref(bad);
}

Test(ndarray, transposes_with_names)
{
    struct ndarray a, t;
    cr_assert_eq(ndarray_init(&a, SIMLAB_I4, 0, 2, (int64_t[]){2, 3}), 0);
    for (int i = 0; i < 6; i++)
        ((int32_t *)a.data)[i] = i;
    ndarray_set_dims(&a, (const char *const[]){"y", "x"});
    cr_assert_eq(ndarray_transpose(&a, (int[]){1, 0}, &t), 0);
    cr_assert(t.shape[0] == 3 && t.shape[1] == 2);
    cr_assert_str_eq(t.dims[0], "x");
    static const int32_t wanted[] = {0, 3, 1, 4, 2, 5};
    cr_assert_arr_eq((int32_t *)t.data, wanted, sizeof wanted);
    ndarray_clear(&a);
    ndarray_clear(&t);
}

Test(ndarray, refuses_sizes_that_overflow)
{
    struct ndarray a;
    cr_assert_lt(ndarray_init(&a, SIMLAB_F8, 0, 2, (int64_t[]){INT64_MAX, 4}), 0);
    cr_assert_lt(ndarray_init(&a, SIMLAB_F8, 0, 1, (int64_t[]){-1}), 0);
}

static size_t npy(char *bytes, const char *header, const void *data, size_t size)
{
    size_t n = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (char)n;
    bytes[9] = (char)(n >> 8);
    memcpy(bytes + 10, header, n);
    memcpy(bytes + 10 + n, data, size);
    return 10 + n + size;
}

Test(npy, reads_orders_and_refuses_the_rest)
{
    char bytes[512];
    struct ndarray a;
    struct error e = {.message = ""};
    const int16_t fortran[] = {1, 4, 2, 5, 3, 6};
    size_t n = npy(bytes, "{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }\n", fortran,
                   sizeof fortran);
    cr_assert_eq(ndarray_from_npy(bytes, n, 100, &a, &e), 0, "%s", e.message);
    static const int16_t wanted[] = {1, 2, 3, 4, 5, 6};
    cr_assert_arr_eq((int16_t *)a.data, wanted, sizeof wanted);
    ndarray_clear(&a);
    for (size_t cut = 0; cut < n; cut++)
        cr_assert_neq(ndarray_from_npy(bytes, cut, 100, &a, &e), 0, "cut at %zu", cut);
    const unsigned char big[] = {0x01, 0x02};
    n = npy(bytes, "{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }\n", big, 2);
    cr_assert_eq(ndarray_from_npy(bytes, n, 100, &a, &e), 0);
    cr_assert_eq(*(int16_t *)a.data, 0x0102);
    ndarray_clear(&a);
    n = npy(bytes, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", big, 2);
    cr_assert_eq(ndarray_from_npy(bytes, n, 100, &a, &e), BASE_INVALID);
    n = npy(bytes,
            "{'descr': '<i2', 'fortran_order': False, 'shape': (9223372036854775807, 3), }\n", big,
            2);
    cr_assert_eq(ndarray_from_npy(bytes, n, 100, &a, &e), BASE_TOO_LARGE);
}
