/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges that run before the layout of their job is known: what they tell, and the same store. The
 * libraries are tests/lib/{faulty,large,untidy,varied}.c. */
#include "base/file.h"
#include "base/mem.h"
#include "range_scene.h"
#include "support.h"
#include "worker/held_outputs.h"
#include "worker/layout.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(ahead, .timeout = 60);

/* "NAME.zarr", closed, by one runner from the layout on. */
static void run_in_order(struct range_scene *s, const char *store, int64_t n,
                         const int64_t (*dead)[2], size_t n_dead)
{
    struct range_runner *m = range_scene_runner(s, NULL, store, NULL);
    range_scene_run(m, 0, n, 0);
    range_runner_free(m);
    range_scene_finish(s, store, dead, n_dead);
}

static void run_first(struct range_scene *s, const char *store)
{
    struct range_runner *m = range_scene_runner(s, NULL, store, NULL);
    range_scene_run(m, 0, 1, 0);
    range_runner_free(m);
    range_scene_told(s, "layout done[0,1)", false);
}

static void run_ahead(struct range_scene *s, const char *store, int64_t begin, int64_t end,
                      int result)
{
    s->is_ahead = true;
    struct range_runner *m = range_scene_runner(s, NULL, store, NULL);
    range_scene_run(m, begin, end, result);
    range_runner_free(m);
    s->is_ahead = false;
}

static char *store_of(const char *name)
{
    return mem_strdup(support_path(name));
}

Test(ahead, gives_the_same_store)
{
    struct range_scene one, other;
    static const char values[] = "[0, 1, 0, 1, 0, 0]"; /* members 1 and 3 fail */
    static const int64_t dead[][2] = {{1, 2}, {3, 4}};
    char *a = store_of("a.zarr"), *b = store_of("b.zarr");
    range_scene_open(&one, "faulty.Faulty", "fault", values);
    run_in_order(&one, a, 6, dead, 2);

    range_scene_open(&other, "faulty.Faulty", "fault", values);
    run_first(&other, b);
    other.laid_out = other.layout;
    run_ahead(&other, b, 1, 6, 0);
    range_scene_told(&other, "failed1 failed3 await-1 done[2,3) done[4,6)", false);
    range_scene_finish(&other, b, dead, 2);
    support_same(a, b);
    range_scene_close(&one);
    range_scene_close(&other);
    free(a);
    free(b);
}

/* It goes on as any other from there on. */
Test(ahead, is_told_before_a_member)
{
    struct range_scene s;
    char *a = store_of("c.zarr");
    range_scene_open(&s, "faulty.Faulty", "fault", "[0, 0, 0]");
    run_first(&s, a);
    s.laid_out = s.layout;
    s.is_laid_out = true;
    run_ahead(&s, a, 1, 3, 0);
    range_scene_told(&s, "await-1 done[1,3)", false);
    range_scene_close(&s);
    free(a);
}

/* The store is not there before. */
Test(ahead, decides)
{
    struct range_scene one, other;
    static const char values[] = "[1, 1, 0, 0]";
    static const int64_t dead[][2] = {{0, 2}};
    char *a = store_of("d.zarr"), *b = store_of("e.zarr");
    range_scene_open(&one, "faulty.Faulty", "fault", values);
    run_in_order(&one, a, 4, dead, 1);

    range_scene_open(&other, "faulty.Faulty", "fault", values);
    run_ahead(&other, b, 1, 4, 0);
    range_scene_told(&other, "failed1 await-1 layout done[2,4)", false);
    cr_assert_str_eq(one.layout, other.layout);
    range_scene_finish(&other, b, dead, 1);
    support_same(a, b);
    range_scene_close(&one);
    range_scene_close(&other);
    free(a);
    free(b);
}

Test(ahead, nobody_waits_for_those_that_fail)
{
    struct range_scene s;
    range_scene_open(&s, "faulty.Faulty", "fault", "[1, 1, 1]");
    char *a = store_of("f.zarr");
    run_ahead(&s, a, 1, 3, 0);
    range_scene_told(&s, "failed1 failed2", false);
    cr_assert_neq(access(a, F_OK), 0);
    range_scene_close(&s);
    free(a);
}

/* Its worker is to leave, or the lease is cancelled. */
Test(ahead, what_it_waits_for_may_not_come)
{
    struct range_scene s;
    range_scene_open(&s, "faulty.Faulty", "fault", "[0, 0, 0]");
    char *a = store_of("g.zarr");
    s.stops = "await-1";
    run_ahead(&s, a, 1, 3, -EIO);
    range_scene_told(&s, "await-1", false);
    cr_assert_neq(access(a, F_OK), 0);
    range_scene_close(&s);
    free(a);
}

static void open_large(struct range_scene *s, const char *values)
{
    char *text = mem_printf(
        "{\"model\": {\"processes\": {\"p\": \"large.Large\"}}, \"main_clock\": \"time\", "
        "\"clocks\": {\"time\": {\"data\": [0.0, 1.0, 2.0]}}, \"batch_dim\": \"batch\", "
        "\"inputs\": {\"p__n\": {\"dims\": [\"batch\"], \"data\": %s}}, "
        "\"outputs\": {\"p__x\": null}}",
        values);
    range_scene_open_job(s, "large", text);
    free(text);
}

/* What finds no room waits in the midst of its member. */
Test(ahead, memory_is_bounded)
{
    struct range_scene one, other;
    char *a = store_of("h.zarr"), *b = store_of("i.zarr");
    char *values =
        mem_printf("[%zu, 3, %zu, %zu, 5]", HELD_OUTPUTS_BYTES / 16, HELD_OUTPUTS_BYTES / 16,
                   HELD_OUTPUTS_BYTES / 16); /* a half each, and a little */
    open_large(&one, values);
    run_in_order(&one, a, 5, NULL, 0);

    open_large(&other, values);
    run_first(&other, b);
    other.laid_out = other.layout;
    run_ahead(&other, b, 1, 5, 0);
    cr_assert(strstr(other.told.data, "step3.1 await3 ") && !strstr(other.told.data, "await-1"),
              "%s", other.told.data);
    range_scene_finish(&other, b, NULL, 0);
    support_same(a, b);
    range_scene_close(&one);
    range_scene_close(&other);
    free(values);
    free(a);
    free(b);
}

Test(ahead, may_wait_in_vain_in_a_member)
{
    struct range_scene s;
    char *a = store_of("j.zarr"),
         *values = mem_printf("[7, 3, %zu, %zu]", HELD_OUTPUTS_BYTES / 16, HELD_OUTPUTS_BYTES / 16);
    open_large(&s, values);
    s.stops = "await3";
    run_ahead(&s, a, 1, 4, -EIO);
    range_scene_told(&s, "await3", false);
    range_scene_close(&s);
    free(values);
    free(a);
}

/* Members that were run already run again, once that is decided. */
Test(ahead, what_the_layout_lacks)
{
    struct range_scene s;
    char *a = store_of("k.zarr");
    range_scene_open_job(
        &s, "varied",
        "{\"model\": {\"processes\": {\"m\": \"varied.Member\"}}, \"main_clock\": \"time\", "
        "\"clocks\": {\"time\": {\"data\": [0, 1, 2, 3]}, \"late\": {\"data\": [2]}}, "
        "\"batch_dim\": \"b\", \"outputs\": {\"m__value\": \"time\", \"m__vector\": \"late\"}, "
        "\"stop_when\": {\"variable\": \"m__level\", \"above\": 1}, "
        "\"inputs\": {\"m__size\": {\"dims\": [\"b\"], \"data\": [1, 2, 3, 4]}, "
        "\"m__stops\": {\"dims\": [\"b\"], \"data\": [0, 0, 9, 0]}}}");
    run_first(&s, a);
    s.laid_out = s.layout;
    run_ahead(&s, a, 1, 4, WORKER_LAYOUT);
    range_scene_told(&s, "await-1 done[1,2) late2", false);
    cr_assert(strstr(s.late, "\"member\":2"), "%s", s.late);
    range_scene_close(&s);
    free(a);
}

Test(ahead, the_process_is_spent)
{
    struct range_scene s;
    struct clean_room *room = NULL;
    struct error e = {.message = ""};
    range_scene_open(&s, "untidy.Untidy", "deed", "[0, 0, 14, 0]"); /* the third leaves threads */
    char *directory = NULL, *a = store_of("l.zarr");
    cr_assert_eq(clean_room_make_directory(&directory, &e), 0, "%s", e.message);
    run_first(&s, a);
    cr_assert_eq(clean_room_new(directory, 0, &room, &e), 0, "%s", e.message);
    s.is_ahead = true;
    s.laid_out = s.layout;
    struct range_runner *m = range_scene_runner(&s, room, a, NULL);
    cr_assert_eq(range_runner_run(m, 1, 4, &e), WORKER_RENEW);
    cr_assert(strstr(e.message, "after member 2: it left 2 threads"), "%s", e.message);
    range_scene_told(&s, "await-1 done[1,3)", false);
    range_runner_free(m);
    clean_room_free(room);
    rmdir(directory);
    free(directory);
    free(a);
    range_scene_close(&s);
}
