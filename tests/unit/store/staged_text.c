/* SPDX-License-Identifier: Apache-2.0 */
/* What is staged, taken over by the process that goes on with the run. */
#include "store/staging.h"
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const int64_t shape[] = {3, 8}, one_row[] = {1, 8};
static const char *const dims[] = {"m", "x"};

static void make(struct store *s, const char *name)
{
    struct store_meta m;
    struct error e = {.message = ""};
    store_meta_default(&m, SIMLAB_F8, 8, 2, shape);
    m.chunks[0] = 1;
    m.chunks[1] = 3;
    cr_assert_eq(store_create_array(s, name, &m, dims, NULL, &e), 0, "%s", e.message);
    store_meta_clear(&m);
}

static void stage(struct store *s, const char *name, int64_t row, double value)
{
    const int64_t start[] = {row, 0};
    struct error e = {.message = ""};
    double data[8];
    for (int i = 0; i < 8; i++)
        data[i] = value + i;
    cr_assert_eq(store_stage(s, name, start, one_row, data, true, &e), 0, "%s", e.message);
}

/* As a process that was killed: its files stay. */
static char *leave(struct store *s)
{
    struct buffer text = {0};
    store_staged_text(s, &text);
    store_leave_staged(s);
    store_close(s);
    return buffer_take(&text);
}

static struct store *join(const char *path)
{
    struct store *s;
    struct error e = {.message = ""};
    cr_assert_eq(store_open(path, STORE_JOIN, &s, &e), 0, "%s", e.message);
    return s;
}

Test(staged_text, is_published_by_who_takes_it_over)
{
    char *path = fixture_store_path();
    struct error e = {.message = ""};
    struct store *s = fixture_open(path);
    make(s, "a b");
    make(s, "c");
    stage(s, "a b", 2, 10);
    stage(s, "c", 0, 20);
    char *text = leave(s);
    s = join(path);
    cr_assert_eq(store_take_staged(s, text, &e), 0, "%s", e.message);
    cr_assert_eq(store_publish_staged(s, "a b", true, &e), 0, "%s", e.message);
    cr_assert_eq(store_publish_staged(s, "c", true, &e), 0, "%s", e.message);
    double data[8];
    const int64_t start[] = {2, 0};
    cr_assert_eq(store_read(s, "a b", start, one_row, data, &e), 0, "%s", e.message);
    cr_assert_eq(data[7], 17);
    free(text);
    store_close(s);
    fixture_remove(path);
}

Test(staged_text, is_refused_where_files_have_gone)
{
    char *path = fixture_store_path();
    struct error e = {.message = ""};
    struct store *s = fixture_open(path);
    make(s, "c");
    stage(s, "c", 1, 0);
    char *text = leave(s);
    s = join(path);
    cr_assert_eq(store_take_staged(s, text, &e), 0, "%s", e.message);
    store_discard_staged(s);
    cr_assert_eq(store_take_staged(s, text, &e), STORE_NO_SUCH);
    cr_assert(strstr(e.message, "staged of array \"c\" has gone"), "%s", e.message);
    cr_assert_eq(s->n_staged, 0);
    free(text);
    store_close(s);
    fixture_remove(path);
}

Test(staged_text, any_other_text_is_refused)
{
    static const char *const texts[] = {
        "x",           "1 0 0 /d\n", "1 0 /c\n",  "1 0 0 0 /c\n",
        "-1 0 0 /c\n", "1 -1 0 /c",  "a 0 0 /c",  "- /c\n",
        "-",           " ",          "1 0 0  /c", "1 99999999999999999 0 /c"};
    char *path = fixture_store_path();
    struct error e = {.message = ""};
    struct store *s = fixture_open(path);
    make(s, "c");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_assert_gt(store_take_staged(s, texts[i], &e), 0, "%s", texts[i]);
    cr_assert_eq(store_take_staged(s, "", &e), 0);
    store_close(s);
    fixture_remove(path);
}
