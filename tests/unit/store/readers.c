/* SPDX-License-Identifier: Apache-2.0 */
/* Independent readers see what was written: tests/scenario/readers.py judges stores of every dtype,
 * number of dims, order and codec. Run from the repository's root, as `make test` does. */
#include "store_fixture.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/claim.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const dims[] = {"time", "y", "x"};
static const int64_t extents[] = {3, 5, 4};

/* 0, 1 … 99, 0 …; strings "n0", "n1" …; true where odd. */
static void count_up(int dtype, size_t itemsize, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++) {
        double value = (double)(i % 100);
        if (dtype == SIMLAB_STR)
            snprintf(ret + i * itemsize, itemsize, "n%zu", i % 100);
        else if (dtype == SIMLAB_BOOL)
            ret[i] = i % 2 == 1;
        else
            dtype_cast(SIMLAB_F8, 8, &value, dtype, itemsize, ret + i * itemsize, 1);
    }
}

static void write_counting(struct store *s, const char *name, int dtype, int ndim,
                           const json_t *encoding)
{
    const int64_t start[3] = {0, 0, 0};
    struct store_meta m;
    struct error e = {0};
    char values[60 * 16] = {0};
    size_t n = 1, itemsize = dtype == SIMLAB_STR ? 5 : dtype_size(dtype);
    for (int d = 0; d < ndim; d++)
        n *= (size_t)extents[d];
    store_meta_default(&m, dtype, itemsize, ndim, extents);
    for (int d = 0; d < ndim; d++)
        m.chunks[d] = 2;
    if (dtype == SIMLAB_C8 || dtype == SIMLAB_C16)
        m.has_fill = false; /* GDAL would refuse the array */
    cr_assert_eq(store_meta_encode(&m, encoding, &e), 0, "%s", e.message);
    json_t *attrs = json_pack("{s:s, s:s}", "units", "m\xc2\xb2", "description", "counts");
    int r = store_create_array(s, name, &m, dims, attrs, &e);
    json_decref(attrs);
    cr_assert_eq(r, 0, "%s", e.message);
    count_up(dtype, itemsize, n, values);
    r = store_write(s, name, start, extents, values, &e);
    cr_assert_eq(r, 0, "%s", e.message);
    store_meta_clear(&m);
}

static void write_store(const char *path, const char *encoding, bool big_endian)
{
    struct store *s = fixture_open(path);
    struct error e = {0};
    json_t *attrs =
        json_pack("{s:s, s:{s:i}}", "title", "\xc3\xa9t\xc3\xa9 \"1\"", "nested", "a", 1);
    cr_assert_eq(store_set_attributes(s, attrs, &e), 0);
    json_decref(attrs);
    for (int dtype = 0; dtype < SIMLAB_N_DTYPES; dtype++)
        for (int ndim = 0; ndim <= 3; ndim++) {
            char name[32], numpy[16];
            json_t *own = json_loads(encoding, 0, NULL);
            cr_assert(own);
            snprintf(name, sizeof name, "count_%s_%d", dtype_name(dtype), ndim);
            dtype_to_numpy(dtype, 5, big_endian, numpy);
            json_object_set_new(own, "dtype", json_string(numpy));
            write_counting(s, name, dtype, ndim, own);
            json_decref(own);
        }
    int r = store_finish(s, &e);
    if (r == 0)
        r = store_release(path, "", &e);
    cr_assert_eq(r, 0, "%s", e.message);
    store_close(s);
}

Test(readers, see_what_was_written)
{
    static const struct {
        const char *encoding;
        bool big_endian;
    } rows[] = {
        {"{}", false},
        {"{\"compressor\": null}", false},
        {"{\"compressor\": {\"id\": \"zlib\", \"level\": 6}, \"order\": \"F\"}", true},
        {"{\"compressor\": {\"id\": \"blosc\", \"cname\": \"zstd\", \"shuffle\": -1}}", false},
        {"{\"compressor\": {\"id\": \"zstd\"}, \"order\": \"F\"}", false}};
    enum { N = sizeof rows / sizeof *rows };
    char *paths[N],
        *command = mem_strdup("/usr/bin/python3 -B tests/scenario/readers.py --counting");
    for (int i = 0; i < N; i++) {
        paths[i] = fixture_store_path();
        write_store(paths[i], rows[i].encoding, rows[i].big_endian);
        char *longer = mem_printf("%s '%s'", command, paths[i]);
        free(command);
        command = longer;
    }
    cr_assert_eq(access("tests/scenario/readers.py", R_OK), 0, "run from the repository's root");
    cr_assert_eq(system(command), 0);
    free(command);
    for (int i = 0; i < N; i++)
        fixture_remove(paths[i]);
}

/* Filters are numcodecs': zarr-python decodes what we encode, and we what it encodes. */
static const char python_filters[] =
    "import sys, numpy as np, zarr\n"
    "from numcodecs import Delta, FixedScaleOffset\n"
    "g = zarr.open_group(sys.argv[1], 'r+')\n"
    "x = 100 + (np.arange(60) * 7) % 23 + np.arange(60) / 8\n"
    "for name in ('delta_i4', 'delta_f4', 'scaled'):\n"
    "    a = g[name]\n"
    "    b = g.create_dataset('python_' + name, shape=60, chunks=16, dtype=a.dtype,\n"
    "                         filters=a.filters, compressor=a.compressor, fill_value=95)\n"
    "    b[:] = x.astype(a.dtype)\n"
    "    assert np.array_equal(a[:], b[:]), name\n"
    "    for i in range(4):\n"
    "        assert a.store[f'{name}/{i}'] == a.store[f'python_{name}/{i}'], (name, i)\n";

Test(readers, share_filters_with_numcodecs)
{
    static const struct {
        const char *name;
        int dtype;
        const char *encoding;
    } rows[] = {
        {"delta_i4", SIMLAB_I4,
         "{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<i4\", \"astype\": \"<i2\"}]}"},
        {"delta_f4", SIMLAB_F4, "{\"filters\": [{\"id\": \"delta\", \"dtype\": \"<f4\"}]}"},
        {"scaled", SIMLAB_F8,
         "{\"filters\": [{\"id\": \"fixedscaleoffset\", \"dtype\": \"<f8\", \"astype\": \"<u2\","
         " \"scale\": 10, \"offset\": 90}, {\"id\": \"delta\", \"dtype\": \"<u2\"}]}"}};
    char *path = fixture_store_path();
    struct store *s = fixture_open(path);
    const int64_t start = 0, n = 60;
    double values[60];
    char raw[60 * 8];
    struct error e = {0};
    for (int i = 0; i < n; i++)
        values[i] = 100 + (i * 7) % 23 + i / 8.0;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        struct store_meta m;
        json_t *encoding = json_loads(rows[k].encoding, 0, NULL);
        store_meta_default(&m, rows[k].dtype, 0, 1, &n);
        m.chunks[0] = 16;
        json_object_set_new(encoding, "fill_value", json_integer(95)); /* the filters can hold it */
        cr_assert_eq(store_meta_encode(&m, encoding, &e), 0, "%s", e.message);
        cr_assert_eq(store_create_array(s, rows[k].name, &m, dims, NULL, &e), 0);
        dtype_cast(SIMLAB_F8, 8, values, m.dtype, m.itemsize, raw, 60);
        cr_assert_eq(store_write(s, rows[k].name, &start, &n, raw, &e), 0);
        json_decref(encoding);
        store_meta_clear(&m);
    }
    char *command = mem_printf("/usr/bin/python3 -I -c \"%s\" '%s'", python_filters, path);
    cr_assert_eq(system(command), 0);
    free(command);
    char ours[60 * 8], theirs[60 * 8];
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        char name[32];
        snprintf(name, sizeof name, "python_%s", rows[k].name);
        int r = store_read(s, name, &start, &n, theirs, &e);
        cr_assert_eq(r, 0, "%s", e.message);
        cr_assert_eq(store_read(s, rows[k].name, &start, &n, ours, &e), 0);
        cr_assert_arr_eq(ours, theirs, 60 * dtype_size(rows[k].dtype), "%s", name);
    }
    store_close(s);
    fixture_remove(path);
}
