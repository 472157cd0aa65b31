/* SPDX-License-Identifier: Apache-2.0 */
#include "range_scene.h"

#include "base/json.h"
#include "base/mem.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void load(struct range_scene *s, const char *library)
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

void range_scene_open_job(struct range_scene *s, const char *library, const char *text)
{
    struct error e = {.message = ""};
    *s = (struct range_scene){0};
    load(s, library);
    json_t *document = json_read(text, strlen(text), &e);
    cr_assert(document, "%s", e.message);
    cr_assert_eq(job_new(s->registry, document, NULL, &s->job, &e), 0, "%s", e.message);
    json_decref(document);
}

void range_scene_open(struct range_scene *s, const char *type, const char *input,
                      const char *values)
{
    char library[32];
    snprintf(library, sizeof library, "%.*s", (int)strcspn(type, "."), type);
    char *text =
        mem_printf("{\"model\": {\"processes\": {\"p\": \"%s\"}}, \"main_clock\": \"time\", "
                   "\"clocks\": {\"time\": {\"data\": [0.0, 1.0, 2.0]}}, \"batch_dim\": \"batch\", "
                   "\"inputs\": {\"p__%s\": {\"dims\": [\"batch\"], \"data\": %s}}, "
                   "\"outputs\": {\"p__value\": \"time\"}}",
                   type, input, values);
    range_scene_open_job(s, library, text);
    free(text);
}

void range_scene_close(struct range_scene *s)
{
    job_free(s->job);
    registry_unref(s->registry);
    libraries_free(s->libraries);
    buffer_free(&s->told);
    free(s->layout);
    free(s->late);
}

/* ---- events ---- */

__attribute__((format(printf, 2, 3))) static int tell(void *userdata, const char *format, ...)
{
    struct range_scene *s = userdata;
    char word[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(word, sizeof word, format, arguments);
    va_end(arguments);
    buffer_printf(&s->told, "%s%s", s->told.size ? " " : "", word);
    return s->stops && !strcmp(s->stops, word) ? -EIO : 0;
}

/* On a slow machine a range is told in parts, which are one here. */
static int64_t forget_done_before(struct range_scene *s, int64_t begin)
{
    char tail[32];
    size_t n = (size_t)snprintf(tail, sizeof tail, ",%" PRId64 ")", begin);
    char *last = s->told.size ? strrchr(s->told.data, ' ') : NULL;
    last = last ? last + 1 : s->told.data;
    int64_t first;
    if (!last || s->told.size < n || strcmp(s->told.data + s->told.size - n, tail) ||
        sscanf(last, "done[%" SCNd64, &first) != 1)
        return begin;
    s->told.size = last > s->told.data ? (size_t)(last - s->told.data) - 1 : 0;
    s->told.data[s->told.size] = 0;
    return first;
}

static int on_done(void *userdata, int64_t begin, int64_t end)
{
    begin = forget_done_before(userdata, begin);
    return tell(userdata, "done[%" PRId64 ",%" PRId64 ")", begin, end);
}

static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    cr_assert(strstr(why->message, "asked to fail"), "%s", why->message);
    return tell(userdata, "failed%" PRId64, member);
}

static int on_late(void *userdata, int64_t member, const char *layout)
{
    struct range_scene *s = userdata;
    free(s->late);
    s->late = mem_strdup(layout);
    return tell(s, "late%" PRId64, member);
}

static int on_layout(void *userdata, int64_t member, const char *layout)
{
    struct range_scene *s = userdata;
    (void)member;
    cr_assert(!s->layout, "it is told once");
    s->layout = mem_strdup(layout);
    return tell(s, "layout");
}

static int on_await(void *userdata, int64_t member, bool waits, const char **ret_layout)
{
    struct range_scene *s = userdata;
    if (!waits && !s->is_laid_out)
        return -EAGAIN;
    *ret_layout = s->laid_out;
    return tell(s, "await%" PRId64, member);
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

struct range_runner *range_scene_runner(struct range_scene *s, struct clean_room *room,
                                        const char *store, const char *layout)
{
    const struct range_events events = {.done = on_done,
                                        .failed = on_failed,
                                        .layout = on_layout,
                                        .late = on_late,
                                        .await = on_await,
                                        .begin = on_begin,
                                        .step = on_step,
                                        .end = on_end,
                                        .userdata = s};
    struct range_runner *m = NULL;
    struct error e = {.message = ""};
    const struct job_store where = {
        .path = store, .owner = RANGE_SCENE_OWNER, .layout = layout, .is_ahead = s->is_ahead};
    cr_assert_eq(range_runner_new(s->job, s->libraries, room, &where, &events, &m, &e), 0, "%s",
                 e.message);
    return m;
}

void range_scene_finish(const struct range_scene *s, const char *store, const int64_t (*dead)[2],
                        size_t n)
{
    struct error e = {.message = ""};
    const struct closing c = {
        .job = s->job,
        .store = {.path = store, .owner = RANGE_SCENE_OWNER, .layout = s->layout},
        .dead = dead,
        .n_dead = n};
    cr_assert_eq(closing_run(&c, &e), 0, "%s", e.message);
}

/* What is told of steps is left out where `all` is false. */
void range_scene_told(struct range_scene *s, const char *expected, bool all)
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

void range_scene_run(struct range_runner *m, int64_t begin, int64_t end, int result)
{
    struct error e = {.message = ""};
    cr_assert_eq(range_runner_run(m, begin, end, &e), result, "%s", e.message);
}
