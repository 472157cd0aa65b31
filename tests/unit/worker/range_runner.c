/* SPDX-License-Identifier: Apache-2.0 */
/* What a range of members tells while it runs, and what its callbacks can stop. The libraries are
 * tests/lib/{faulty,untidy,varied}.c. */
#include "worker/range_runner.h"

#include "base/file.h"
#include "base/mem.h"
#include "range_scene.h"
#include "support.h"
#include "worker/layout.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(range_runner, .timeout = 60);

Test(range_runner, tells_in_order)
{
    struct range_scene s;
    range_scene_open(&s, "faulty.Faulty", "fault", "[0, 1, 0]"); /* the second fails in step 1 */
    struct range_runner *m = range_scene_runner(&s, NULL, support_path("a.zarr"), NULL);
    range_scene_run(m, 0, 1, 0);
    range_scene_told(&s, "begin0 step0.0 step0.1 end0 layout done[0,1)", true);
    range_scene_run(m, 1, 3, 0);
    range_scene_told(&s, "begin1 step1.0 end1 failed1 begin2 step2.0 step2.1 end2 done[2,3)", true);
    range_runner_free(m);
    range_scene_close(&s);
}

/* What the arrays and the layout take is not expected of members that come later. */
Test(range_runner, what_is_done_once_is_set_aside)
{
    struct range_scene s;
    range_scene_open(&s, "faulty.Faulty", "fault", "[0]");
    struct range_runner *m = range_scene_runner(&s, NULL, support_path("aside.zarr"), NULL);
    range_scene_run(m, 0, 1, 0);
    cr_assert_gt(range_runner_aside(m), 0);
    range_runner_free(m);
    range_scene_close(&s);
}

Test(range_runner, done_leaves_out_what_failed)
{
    struct range_scene s;
    range_scene_open(&s, "faulty.Faulty", "fault", "[1, 0, 0, 1, 1, 0, 0, 1]");
    struct range_runner *m = range_scene_runner(&s, NULL, support_path("b.zarr"), NULL);
    range_scene_run(m, 0, 8, 0);
    range_scene_told(&s, "failed0 layout failed3 failed4 failed7 done[1,3) done[5,7)", false);
    range_runner_free(m);
    range_scene_close(&s);
}

Test(range_runner, all_fail)
{
    struct range_scene s;
    range_scene_open(&s, "faulty.Faulty", "fault", "[1, 1]");
    struct range_runner *m = range_scene_runner(&s, NULL, support_path("c.zarr"), NULL);
    range_scene_run(m, 0, 2, 0);
    range_scene_told(&s, "failed0 failed1", false);
    range_runner_free(m);
    range_scene_close(&s);
}

/* Whichever callback fails, the range ends there, with its result. */
Test(range_runner, a_callback_ends_the_range)
{
    static const struct {
        const char *stops, *told;
    } rows[] = {{"step0.1", ""},
                {"layout", "layout"},
                {"failed1", "layout failed1"},
                {"step2.0", "layout failed1"},
                {"done[0,1)", "layout failed1 done[0,1)"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct range_scene s;
        char store[32];
        range_scene_open(&s, "faulty.Faulty", "fault", "[0, 1, 0]");
        snprintf(store, sizeof store, "d%zu.zarr", i);
        s.stops = rows[i].stops;
        struct range_runner *m = range_scene_runner(&s, NULL, support_path(store), NULL);
        range_scene_run(m, 0, 3, -EIO);
        range_scene_told(&s, rows[i].told, false);
        range_runner_free(m);
        range_scene_close(&s);
    }
}

Test(range_runner, joins_by_the_layout)
{
    struct range_scene one, other;
    static const char values[] = "[0, 0, 1, 0]";
    static const int64_t dead[][2] = {{2, 3}};
    range_scene_open(&one, "faulty.Faulty", "fault", values);
    struct range_runner *m = range_scene_runner(&one, NULL, support_path("one.zarr"), NULL);
    range_scene_run(m, 0, 4, 0);
    range_runner_free(m);
    range_scene_finish(&one, support_path("one.zarr"), dead, 1);

    range_scene_open(&other, "faulty.Faulty", "fault", values);
    m = range_scene_runner(&other, NULL, support_path("other.zarr"), NULL);
    range_scene_run(m, 0, 1, 0);
    range_runner_free(m);
    cr_assert_str_eq(one.layout, other.layout);
    char *layout = mem_strdup(other.layout);
    m = range_scene_runner(&other, NULL, support_path("other.zarr"), layout);
    range_scene_run(m, 3, 4, 0);
    range_scene_run(m, 1, 3, 0);
    range_runner_free(m);
    range_scene_finish(&other, support_path("other.zarr"), dead, 1);
    char *first = mem_strdup(support_path("one.zarr"));
    support_same(first, support_path("other.zarr"));
    free(first);
    free(layout);
    range_scene_close(&one);
    range_scene_close(&other);
}

Test(range_runner, ends_where_the_process_is_spent)
{
    struct range_scene s;
    struct clean_room *room = NULL;
    struct error e = {.message = ""};
    range_scene_open(&s, "untidy.Untidy", "deed", "[0, 14, 0]"); /* the second leaves threads */
    char *directory = NULL;
    cr_assert_eq(clean_room_make_directory(&directory, &e), 0, "%s", e.message);
    char *store = mem_strdup(support_path("e.zarr"));
    cr_assert_eq(clean_room_new(directory, 0, &room, &e), 0, "%s", e.message);
    struct range_runner *m = range_scene_runner(&s, room, store, NULL);
    cr_assert_eq(range_runner_run(m, 0, 3, &e), WORKER_RENEW);
    cr_assert(strstr(e.message, "after member 1: it left 2 threads"), "%s", e.message);
    range_scene_told(&s, "layout done[0,2)", false);
    range_runner_free(m);
    clean_room_free(room);
    rmdir(directory);
    free(directory);
    free(store);
    range_scene_close(&s);
}

Test(range_runner, a_store_that_fails)
{
    struct range_scene s;
    struct error e = {.message = ""};
    range_scene_open(&s, "faulty.Faulty", "fault", "[0, 0]");
    struct range_runner *m = range_scene_runner(&s, NULL, support_path("f.zarr"), NULL);
    range_scene_run(m, 0, 1, 0);
    cr_assert_eq(file_remove_tree(support_path("f.zarr")), 0);
    cr_assert_neq(range_runner_run(m, 1, 2, &e), 0);
    cr_assert(*e.message);
    range_scene_told(&s, "layout done[0,1)", false);
    range_runner_free(m);
    range_scene_close(&s);
}

/* ---- outputs that the first member never saves ----------------------------------------------- */

#define SIZES "[1, 2, 3, 4, 5, 6]"

/* Members 2 and 4 go on to the label of the clock `late`; each has a size of its own. */
static void open_late(struct range_scene *s)
{
    range_scene_open_job(
        s, "varied",
        "{\"model\": {\"processes\": {\"m\": \"varied.Member\"}}, \"main_clock\": \"time\", "
        "\"clocks\": {\"time\": {\"data\": [0, 1, 2, 3]}, \"late\": {\"data\": [2]}}, "
        "\"batch_dim\": \"b\", \"outputs\": {\"m__value\": \"time\", \"m__vector\": \"late\"}, "
        "\"stop_when\": {\"variable\": \"m__level\", \"above\": 1}, "
        "\"inputs\": {\"m__size\": {\"dims\": [\"b\"], \"data\": " SIZES "}, "
        "\"m__stops\": {\"dims\": [\"b\"], \"data\": [0, 0, 9, 0, 9, 0]}}}");
}

static void run_by_layout(struct range_scene *s, const char *store, const char *layout,
                          int64_t begin, int64_t end, int result)
{
    struct range_runner *m = range_scene_runner(s, NULL, store, layout);
    range_scene_run(m, begin, end, result);
    range_runner_free(m);
}

/* What is told of it is the same whether members before it have run or not. */
Test(range_runner, tells_what_the_layout_lacks)
{
    struct range_scene s;
    char *first = mem_strdup(support_path("late.zarr")),
         *other = mem_strdup(support_path("l2.zarr"));
    open_late(&s);
    run_by_layout(&s, first, NULL, 0, 6, WORKER_LAYOUT);
    range_scene_told(&s, "layout done[0,2) late2", false);
    cr_assert(strstr(s.late, "m__vector") && strstr(s.late, "\"member\":2"), "%s", s.late);
    char *layout = layout_merge(s.layout, s.late);
    run_by_layout(&s, first, layout, 3, 6, 0);
    run_by_layout(&s, first, layout, 2, 3, 0);
    range_scene_told(&s, "done[3,6) done[2,3)", false);
    free(s.layout);
    s.layout = layout;
    range_scene_finish(&s, first, NULL, 0);
    range_scene_close(&s);

    open_late(&s);
    run_by_layout(&s, other, NULL, 0, 1, 0);
    run_by_layout(&s, other, s.layout, 4, 6,
                  WORKER_LAYOUT); /* it does not decide, if others are lower */
    cr_assert(strstr(s.late, "\"member\":4"), "%s", s.late);
    run_by_layout(&s, other, s.layout, 1, 4, WORKER_LAYOUT);
    range_scene_told(&s, "layout done[0,1) late4 done[1,2) late2", false);
    layout = layout_merge(s.layout, s.late);
    run_by_layout(&s, other, layout, 2, 6, 0);
    free(s.layout);
    s.layout = layout;
    range_scene_finish(&s, other, NULL, 0);
    support_same(first, other);
    range_scene_close(&s);
    free(first);
    free(other);
}
