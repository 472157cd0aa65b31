/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an array that has one, and grows while its writer still knows it so: members are appended
 * to a batch of one. */
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { ROWS = 5, COLUMNS = 2 };

static const char *const dims[] = {"member", "x"};
static const double values[ROWS * COLUMNS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static struct store *join(const char *path)
{
    struct store *s;
    struct error e = {0};
    cr_assert_eq(store_open(path, STORE_JOIN, &s, &e), 0, "%s", e.message);
    return s;
}

/* Both know the array; one has grown it. */
static void begin(char **ret_path, struct store **ret_first, struct store **ret_other)
{
    struct error e = {0};
    struct store_meta m;
    const int64_t one[2] = {1, COLUMNS}, all[2] = {ROWS, COLUMNS}, start[2] = {0, 0};
    double value[COLUMNS];
    *ret_path = fixture_store_path();
    store_close(fixture_open(*ret_path));
    *ret_first = join(*ret_path);
    *ret_other = join(*ret_path);
    store_meta_default(&m, SIMLAB_F8, 0, 2, one);
    m.chunks[0] = 50;
    cr_assert_eq(store_create_array(*ret_first, "a", &m, dims, NULL, &e), 0, "%s", e.message);
    cr_assert_eq(store_read(*ret_first, "a", start, one, value, &e), 0, "%s", e.message);
    cr_assert_eq(store_grow(*ret_other, "a", all, &e), 0, "%s", e.message);
}

static void write_rows(struct store *s, int64_t first, int64_t n)
{
    struct error e = {0};
    const int64_t start[2] = {first, 0}, count[2] = {n, COLUMNS};
    int r = store_write_rows(s, "a", start, count, values + first * COLUMNS, false, &e);
    cr_assert_eq(r, 0, "%s", e.message);
}

static void check_end(char *path, struct store *first, struct store *other)
{
    struct error e = {0};
    const int64_t all[2] = {ROWS, COLUMNS}, start[2] = {0, 0};
    const struct store_end how = {.has_rows = true};
    double stored[ROWS * COLUMNS];
    store_close(first);
    store_close(other);
    struct store *s = join(path);
    cr_assert_eq(store_end_array(s, "a", &how, &e), 0, "%s", e.message);
    cr_assert_eq(store_read(s, "a", start, all, stored, &e), 0, "%s", e.message);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        cr_assert_eq(stored[i], values[i], "element %d is %g", i, stored[i]);
    store_close(s);
    fixture_remove(path);
}

/* At the end, rows of which the chunk's log does not know are taken for none. */
Test(grown_rows, the_first_is_in_the_log)
{
    struct store *first, *other;
    char *path;
    begin(&path, &first, &other);
    write_rows(first, 0, 1);
    write_rows(other, 1, ROWS - 1);
    check_end(path, first, other);
}

Test(grown_rows, the_first_is_written_last)
{
    struct store *first, *other;
    char *path;
    begin(&path, &first, &other);
    write_rows(other, 1, ROWS - 1);
    write_rows(first, 0, 1);
    check_end(path, first, other);
}

/* What was staged has the chunk to itself only where the chunk has one row. */
Test(grown_rows, the_first_was_staged)
{
    struct store *first, *other;
    struct error e = {0};
    char *path;
    const int64_t start[2] = {0, 0}, one[2] = {1, COLUMNS};
    begin(&path, &first, &other);
    cr_assert_eq(store_stage(first, "a", start, one, values, true, &e), 0, "%s", e.message);
    write_rows(other, 1, ROWS - 1);
    cr_assert_eq(store_publish_staged(first, "a", false, &e), 0, "%s", e.message);
    check_end(path, first, other);
}
