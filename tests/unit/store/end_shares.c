/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an array of so many chunks that threads share them. */
#include "base/file.h"
#include "base/mem.h"
#include "store/checksums.h"
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNKS = 67 };

struct scene {
    char *path;
    struct store *s;
    struct error e;
    int looked, stops_at;
};

static int look(void *userdata)
{
    struct scene *c = userdata;
    return ++c->looked == c->stops_at ? 4711 : 0;
}

static struct scene begin(void)
{
    struct scene c = {.path = fixture_store_path()};
    const int64_t shape[] = {2 * CHUNKS - 1}; /* the last chunk is cut */
    const char *const dims[] = {"member"};
    double values[2 * CHUNKS];
    struct store_meta m;
    c.s = fixture_open(c.path);
    store_meta_default(&m, SIMLAB_F8, 0, 1, shape);
    m.chunks[0] = 2;
    cr_assert_eq(store_create_array(c.s, "a", &m, dims, NULL, &c.e), 0, "%s", c.e.message);
    store_join(c.s);
    for (int i = 0; i < 2 * CHUNKS; i++)
        values[i] = i + 1;
    cr_assert_eq(store_write_rows(c.s, "a", (int64_t[]){0}, shape, values, true, &c.e), 0, "%s",
                 c.e.message);
    store_meta_clear(&m);
    return c;
}

static void end(struct scene *c)
{
    store_close(c->s);
    fixture_remove(c->path);
}

static int finish(struct scene *c, const int64_t (*dead)[2], size_t n_dead)
{
    const int64_t full[] = {2 * CHUNKS - 1};
    struct store_end how = {.has_rows = true,
                            .dead = dead,
                            .n_dead = n_dead,
                            .full = full,
                            .look = look,
                            .userdata = c};
    c->looked = 0;
    error_clear(&c->e);
    return store_end_array(c->s, "a", &how, &c->e);
}

static void damage(const struct scene *c, int chunk)
{
    char *path = mem_printf("%s/a/%d", c->path, chunk);
    cr_assert_eq(truncate(path, 12), 0);
    free(path);
}

Test(end_shares, each_chunk_is_looked_at)
{
    struct scene c = begin();
    cr_assert_eq(finish(&c, NULL, 0), 0, "%s", c.e.message);
    cr_assert_eq(c.looked, CHUNKS);
    end(&c);
}

Test(end_shares, the_first_that_is_broken_is_told)
{
    struct scene c = begin();
    for (int chunk = CHUNKS - 1; chunk >= 0; chunk--) {
        char *first = mem_printf("chunk %d of", chunk);
        damage(&c, chunk);
        cr_assert_eq(finish(&c, NULL, 0), STORE_BROKEN);
        cr_assert(strstr(c.e.message, first), "%s", c.e.message);
        cr_assert_leq(c.looked, CHUNKS - 1);
        free(first);
    }
    end(&c);
}

Test(end_shares, who_looks_may_end_it)
{
    struct scene c = begin();
    for (c.stops_at = 1; c.stops_at <= CHUNKS; c.stops_at++) {
        cr_assert_eq(finish(&c, NULL, 0), 4711);
        cr_assert_eq(c.looked, c.stops_at);
    }
    end(&c);
}

Test(end_shares, dead_rows_leave_nothing)
{
    static const int64_t dead[][2] = {{0, 1}, {4, 6}, {7, 8}, {60, 101}};
    struct scene c = begin();
    double values[2 * CHUNKS - 1];
    cr_assert_eq(finish(&c, dead, 4), 0, "%s", c.e.message);
    cr_assert_eq(store_read(c.s, "a", (int64_t[]){0}, (int64_t[]){2 * CHUNKS - 1}, values, &c.e),
                 0);
    for (int i = 0, d = 0; i < 2 * CHUNKS - 1; i++) {
        d += d < 3 && i >= dead[d][1];
        if (dead[d][0] <= i && i < dead[d][1])
            cr_expect(values[i] != values[i], "%d", i);
        else
            cr_expect_eq(values[i], i + 1, "%d", i);
    }
    end(&c);
}

/* ---- checksums of what was read -------------------------------------------------------------- */

static char *checksums_now(struct scene *c)
{
    struct buffer text = {0};
    char *path = mem_printf("%s.sync/.checksums", c->path);
    cr_assert_eq(checksums_write(c->s, NULL, 0, &c->e), 0, "%s", c->e.message);
    cr_assert_eq(file_read(path, 1 << 20, &text), 0);
    buffer_append(&text, "", 1);
    free(path);
    return text.data;
}

/* Those that were kept, of chunks that stood and of some that were written again, are those of the
 * files; and what is written afterwards has its own. */
Test(end_shares, checksums_are_kept)
{
    struct scene c = begin();
    const int64_t dead[][2] = {{3, 4}, {10, 14}, {100, 101}};
    store_keep_checksums(c.s);
    cr_assert_eq(finish(&c, dead, 3), 0, "%s", c.e.message);
    char *kept = checksums_now(&c);
    store_close(c.s);
    c.s = fixture_open(c.path);
    char *read = checksums_now(&c);
    cr_expect_str_eq(kept, read);

    const double other = 4711;
    store_keep_checksums(c.s);
    cr_assert_eq(finish(&c, dead, 3), 0, "%s", c.e.message);
    cr_assert_eq(store_write(c.s, "a", (int64_t[]){7}, (int64_t[]){1}, &other, &c.e), 0);
    char *changed = checksums_now(&c);
    cr_expect_str_neq(changed, kept);
    store_close(c.s);
    c.s = fixture_open(c.path);
    free(read);
    read = checksums_now(&c);
    cr_expect_str_eq(changed, read);
    free(kept);
    free(read);
    free(changed);
    end(&c);
}
