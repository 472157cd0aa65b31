/* SPDX-License-Identifier: Apache-2.0 */
/* What a range of members tells while it runs, and what its callbacks can stop. The libraries are
 * tests/lib/{faulty,untidy}.c. */
#include "worker/range_runner.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "support.h"
#include "worker/closing.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(range_runner, .timeout = 60);

#define OWNER "simlabd 0123456789abcdef0123456789abcdef job 1\n"

struct scene {
    struct libraries *libraries;
    struct registry *registry;
    struct job *job;
    struct buffer told; /* one word an event */
    char *layout;
    const char *stops; /* at this event's word, with -EIO */
};

static void load(struct scene *s, const char *library)
{
    struct error e = {.message = ""};
    json_t *document = NULL;
    char built[80];
    snprintf(built, sizeof built, "%s/%s.so", library, library);
    s->libraries = libraries_new();
    s->registry = registry_new();
    cr_assert_eq(libraries_open(s->libraries, support_built(built), NULL, &e), 0, "%s", e.message);
    cr_assert_eq(libraries_describe(s->libraries, library, &document, &e), 0, "%s", e.message);
    cr_assert_eq(registry_add(s->registry, document, &e), 0, "%s", e.message);
    json_decref(document);
    registry_finish(s->registry);
    libraries_link(s->libraries, s->registry);
}

/* A batch of two steps; `values` ("[0, 1]") are those of the process's input. */
static void open_scene(struct scene *s, const char *type, const char *input, const char *values)
{
    struct error e = {.message = ""};
    char library[32];
    *s = (struct scene){0};
    snprintf(library, sizeof library, "%.*s", (int)strcspn(type, "."), type);
    load(s, library);
    char *text =
        mem_printf("{\"model\": {\"processes\": {\"p\": \"%s\"}}, \"main_clock\": \"time\", "
                   "\"clocks\": {\"time\": {\"data\": [0.0, 1.0, 2.0]}}, \"batch_dim\": \"batch\", "
                   "\"inputs\": {\"p__%s\": {\"dims\": [\"batch\"], \"data\": %s}}, "
                   "\"outputs\": {\"p__value\": \"time\"}}",
                   type, input, values);
    json_t *document = json_read(text, strlen(text), &e);
    cr_assert_eq(job_new(s->registry, document, NULL, &s->job, &e), 0, "%s", e.message);
    json_decref(document);
    free(text);
}

static void close_scene(struct scene *s)
{
    job_free(s->job);
    registry_unref(s->registry);
    libraries_free(s->libraries);
    buffer_free(&s->told);
    free(s->layout);
}

/* ---- events ---- */

__attribute__((format(printf, 2, 3))) static int tell(void *userdata, const char *format, ...)
{
    struct scene *s = userdata;
    char word[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(word, sizeof word, format, arguments);
    va_end(arguments);
    buffer_printf(&s->told, "%s%s", s->told.size ? " " : "", word);
    return s->stops && !strcmp(s->stops, word) ? -EIO : 0;
}

static int on_done(void *userdata, int64_t begin, int64_t end)
{
    return tell(userdata, "done[%" PRId64 ",%" PRId64 ")", begin, end);
}

static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    cr_assert(strstr(why->message, "asked to fail"), "%s", why->message);
    return tell(userdata, "failed%" PRId64, member);
}

static int on_layout(void *userdata, const char *layout)
{
    struct scene *s = userdata;
    cr_assert(!s->layout, "it is told once");
    s->layout = mem_strdup(layout);
    return tell(s, "layout");
}

static void on_begin(void *userdata, int64_t member)
{
    tell(userdata, "begin%" PRId64, member);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    return tell(userdata, "step%" PRId64 ".%" PRId64, member, step);
}

static void on_end(void *userdata, int64_t member, bool may_have_printed)
{
    (void)may_have_printed;
    tell(userdata, "end%" PRId64, member);
}

/* ---- runs ---- */

static struct range_runner *new_runner(struct scene *s, struct clean_room *room, const char *store,
                                       const char *layout)
{
    const struct range_events events = {.done = on_done,
                                        .failed = on_failed,
                                        .layout = on_layout,
                                        .begin = on_begin,
                                        .step = on_step,
                                        .end = on_end,
                                        .userdata = s};
    struct range_runner *m = NULL;
    struct error e = {.message = ""};
    const struct job_store where = {store, OWNER, layout, false};
    cr_assert_eq(range_runner_new(s->job, s->libraries, room, &where, &events, &m, &e), 0, "%s",
                 e.message);
    return m;
}

static void finish(const struct scene *s, const char *store, const int64_t (*dead)[2], size_t n)
{
    struct error e = {.message = ""};
    const struct closing c = {
        .job = s->job, .store = {store, OWNER, s->layout, false}, .dead = dead, .n_dead = n};
    cr_assert_eq(closing_run(&c, &e), 0, "%s", e.message);
}

/* What is told of steps is left out where `all` is false. */
static void check_told(struct scene *s, const char *expected, bool all)
{
    struct buffer b = {0};
    char *copy = mem_strdup(s->told.data ? s->told.data : ""), *rest = copy, *word;
    while ((word = strsep(&rest, " ")))
        if (all ||
            (strncmp(word, "step", 4) && strncmp(word, "begin", 5) && strncmp(word, "end", 3)))
            buffer_printf(&b, "%s%s", b.size ? " " : "", word);
    cr_assert_str_eq(b.data ? b.data : "", expected);
    buffer_free(&b);
    buffer_clear(&s->told);
    free(copy);
}

static void run(struct range_runner *m, int64_t begin, int64_t end, int result)
{
    struct error e = {.message = ""};
    cr_assert_eq(range_runner_run(m, begin, end, &e), result, "%s", e.message);
}

Test(range_runner, tells_in_order)
{
    struct scene s;
    open_scene(&s, "faulty.Faulty", "fault", "[0, 1, 0]"); /* the second fails in step 1 */
    struct range_runner *m = new_runner(&s, NULL, support_path("a.zarr"), NULL);
    run(m, 0, 1, 0);
    check_told(&s, "begin0 step0.0 step0.1 end0 layout done[0,1)", true);
    run(m, 1, 3, 0);
    check_told(&s, "begin1 step1.0 end1 failed1 begin2 step2.0 step2.1 end2 done[2,3)", true);
    range_runner_free(m);
    close_scene(&s);
}

Test(range_runner, done_leaves_out_what_failed)
{
    struct scene s;
    open_scene(&s, "faulty.Faulty", "fault", "[1, 0, 0, 1, 1, 0, 0, 1]");
    struct range_runner *m = new_runner(&s, NULL, support_path("b.zarr"), NULL);
    run(m, 0, 8, 0);
    check_told(&s, "failed0 layout failed3 failed4 failed7 done[1,3) done[5,7)", false);
    range_runner_free(m);
    close_scene(&s);
}

Test(range_runner, all_fail)
{
    struct scene s;
    open_scene(&s, "faulty.Faulty", "fault", "[1, 1]");
    struct range_runner *m = new_runner(&s, NULL, support_path("c.zarr"), NULL);
    run(m, 0, 2, 0);
    check_told(&s, "failed0 failed1", false);
    range_runner_free(m);
    close_scene(&s);
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
        struct scene s;
        char store[32];
        open_scene(&s, "faulty.Faulty", "fault", "[0, 1, 0]");
        snprintf(store, sizeof store, "d%zu.zarr", i);
        s.stops = rows[i].stops;
        struct range_runner *m = new_runner(&s, NULL, support_path(store), NULL);
        run(m, 0, 3, -EIO);
        check_told(&s, rows[i].told, false);
        range_runner_free(m);
        close_scene(&s);
    }
}

Test(range_runner, joins_by_the_layout)
{
    struct scene one, other;
    static const char values[] = "[0, 0, 1, 0]";
    static const int64_t dead[][2] = {{2, 3}};
    open_scene(&one, "faulty.Faulty", "fault", values);
    struct range_runner *m = new_runner(&one, NULL, support_path("one.zarr"), NULL);
    run(m, 0, 4, 0);
    range_runner_free(m);
    finish(&one, support_path("one.zarr"), dead, 1);

    open_scene(&other, "faulty.Faulty", "fault", values);
    m = new_runner(&other, NULL, support_path("other.zarr"), NULL);
    run(m, 0, 1, 0);
    range_runner_free(m);
    cr_assert_str_eq(one.layout, other.layout);
    char *layout = mem_strdup(other.layout);
    m = new_runner(&other, NULL, support_path("other.zarr"), layout);
    run(m, 3, 4, 0);
    run(m, 1, 3, 0);
    range_runner_free(m);
    finish(&other, support_path("other.zarr"), dead, 1);
    char *first = mem_strdup(support_path("one.zarr"));
    support_same(first, support_path("other.zarr"));
    free(first);
    free(layout);
    close_scene(&one);
    close_scene(&other);
}

Test(range_runner, ends_where_the_process_is_spent)
{
    struct scene s;
    struct clean_room *room = NULL;
    struct error e = {.message = ""};
    open_scene(&s, "untidy.Untidy", "deed", "[0, 14, 0]"); /* the second leaves threads */
    char *directory = NULL;
    cr_assert_eq(clean_room_make_directory(&directory, &e), 0, "%s", e.message);
    char *store = mem_strdup(support_path("e.zarr"));
    cr_assert_eq(clean_room_new(directory, 0, &room, &e), 0, "%s", e.message);
    struct range_runner *m = new_runner(&s, room, store, NULL);
    cr_assert_eq(range_runner_run(m, 0, 3, &e), WORKER_RENEW);
    cr_assert(strstr(e.message, "after member 1: it left 2 threads"), "%s", e.message);
    check_told(&s, "layout done[0,2)", false);
    range_runner_free(m);
    clean_room_free(room);
    rmdir(directory);
    free(directory);
    free(store);
    close_scene(&s);
}

Test(range_runner, a_store_that_fails)
{
    struct scene s;
    struct error e = {.message = ""};
    open_scene(&s, "faulty.Faulty", "fault", "[0, 0]");
    struct range_runner *m = new_runner(&s, NULL, support_path("f.zarr"), NULL);
    run(m, 0, 1, 0);
    cr_assert_eq(file_remove_tree(support_path("f.zarr")), 0);
    cr_assert_neq(range_runner_run(m, 1, 2, &e), 0);
    cr_assert(*e.message);
    check_told(&s, "layout done[0,1)", false);
    range_runner_free(m);
    close_scene(&s);
}
