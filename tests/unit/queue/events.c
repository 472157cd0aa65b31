/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static json_t *events(struct queue *q, int64_t job, int64_t after, int limit)
{
    json_t *page;
    struct error e = {0};
    expect_ok(queue_events(q, job, after, limit, &page, &e), &e);
    return page;
}

/* The data of a job's last committed event; the caller frees. */
static char *last_data(struct queue *q, int64_t job)
{
    json_t *page = events(q, job, 0, 100000);
    char *text =
        json_write(json_object_get(json_array_get(page, json_array_size(page) - 1), "data"));
    json_decref(page);
    return text;
}

static void expect_last(struct queue *q, int64_t job, const char *data)
{
    char *text = last_data(q, job);
    cr_expect_str_eq(text, data);
    free(text);
}

Test(events, are_told_when_they_are_committed)
{
    struct fixture f;
    fixture_open(&f);
    submit(f.q, 1);
    cr_expect_eq(queue_last_event(f.q), 0);
    json_t *page = events(f.q, 0, 0, 10);
    cr_expect_eq(json_array_size(page), 0);
    json_decref(page);
    fixture_commit(&f);
    cr_expect_eq(queue_last_event(f.q), 1);
    page = events(f.q, 0, 0, 10);
    json_t *event = json_array_get(page, 0);
    cr_expect_eq(json_array_size(page), 1);
    cr_expect_eq(json_integer_value(json_object_get(event, "id")), 1);
    cr_expect_eq(json_integer_value(json_object_get(event, "job")), 1);
    cr_expect_gt(json_integer_value(json_object_get(event, "time")), 0);
    cr_expect_str_eq(json_string_value(json_object_get(event, "kind")), "queued");
    json_decref(page);
    expect_last(f.q, 1, "{\"members\":1}");
    fixture_reopen(&f);
    cr_expect_eq(queue_last_event(f.q), 1);
    fixture_close(&f);
}

Test(events, progress_once_per_commit_and_the_latest_is_kept)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 1000), other = submit_with_layout(f.q, 10);
    fixture_commit(&f);
    struct queue_lease l = lease(f.q, job, 900, 1), m = lease(f.q, other, 9, 1);
    for (int i = 0; i < 20; i++) {
        int64_t before = queue_last_event(f.q);
        for (int64_t k = 1 + i * 10; k < 11 + i * 10; k++) {
            expect_ok(queue_done(f.q, &l, k, k + 1, &e), &e);
            if (k < 5)
                expect_ok(queue_done(f.q, &m, k, k + 1, &e), &e);
        }
        fixture_commit(&f);
        cr_expect_eq(queue_last_event(f.q), before + (i == 0 ? 2 : 1));
    }
    cr_expect_str_eq(event_kinds(f.q, job), "queued running progress");
    expect_last(f.q, job, "{\"done\":201,\"dead\":0,\"members\":1000}");
    expect_last(f.q, other, "{\"done\":5,\"dead\":0,\"members\":10}");
    int64_t before = queue_last_event(f.q);
    expect_ok(queue_done(f.q, &l, 5, 100, &e), &e);
    fixture_commit(&f);
    cr_expect_eq(queue_last_event(f.q), before, "nothing is new");
    fixture_close(&f);
}

Test(events, the_final_event_is_the_last)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 10);
    struct queue_lease l = lease(f.q, job, 9, 1);
    expect_ok(queue_member_failed(f.q, &l, 1, DEATH("bad"), &e), &e);
    fixture_commit(&f);
    expect_ok(queue_done(f.q, &l, 2, 10, &e), &e);
    expect_ok(queue_finish(f.q, job, &e), &e);
    fixture_commit(&f);
    cr_expect_str_eq(event_kinds(f.q, job), "queued running progress partial");
    expect_last(f.q, job,
                "{\"done\":9,\"dead\":1,\"members\":10,\"reason\":\"1 of 10 members are dead, the "
                "first is member 1: bad\"}");
    fixture_close(&f);
}

Test(events, pages)
{
    struct fixture f;
    fixture_open(&f);
    for (int i = 0; i < 30; i++)
        submit_with_layout(f.q, 3);
    fixture_commit(&f);
    int64_t after = 0, seen = 0;
    for (size_t n = 1; n > 0;) {
        json_t *page = events(f.q, 0, after, 7);
        n = json_array_size(page);
        cr_assert_leq(n, 7);
        for (size_t i = 0; i < n; i++, seen++) {
            int64_t id = json_integer_value(json_object_get(json_array_get(page, i), "id"));
            cr_assert_gt(id, after);
            after = id;
        }
        json_decref(page);
    }
    cr_expect_eq(seen, 90);
    cr_expect_eq(after, queue_last_event(f.q));
    json_t *page = events(f.q, 4, 0, 2);
    cr_assert_eq(json_array_size(page), 2);
    int64_t second = json_integer_value(json_object_get(json_array_get(page, 1), "id"));
    json_decref(page);
    page = events(f.q, 4, second, 10);
    cr_assert_eq(json_array_size(page), 1);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(page, 0), "kind")),
                     "progress");
    json_decref(page);
    fixture_close(&f);
}

Test(events, log_lines_are_bounded)
{
    struct fixture f;
    struct error e = {0};
    char line[5000];
    fixture_open(&f);
    int64_t job = submit(f.q, 1);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    memcpy(line + 3998, "\xc3\xa4\xc3\xa4", 4); /* the limit falls behind the first */
    expect_ok(queue_log(f.q, job, 0, -1, line, &e), &e);
    fixture_commit(&f);
    json_t *page = events(f.q, job, 1, 10);
    json_t *data = json_object_get(json_array_get(page, 0), "data");
    cr_expect_eq(json_string_length(json_object_get(data, "line")), 4000);
    json_decref(page);
    line[3999] = '\0'; /* half a character */
    expect_ok(queue_log(f.q, job, 0, -1, line, &e), &e);
    for (int i = 2; i < 10050; i++)
        expect_ok(queue_log(f.q, job, 0, -1, "line", &e), &e);
    fixture_commit(&f);
    cr_expect_eq(queue_last_event(f.q), 1 + 10000 + 1);
    expect_last(f.q, job,
                "{\"member\":0,\"line\":\"(the log is full: further lines of this job are "
                "dropped)\"}");
    fixture_close(&f);
}

static int64_t step_of(struct queue *q, int64_t job)
{
    struct queue_job j;
    struct error e = {0};
    expect_ok(queue_job(q, job, &j, &e), &e);
    int64_t step = j.step;
    cr_expect_eq(j.nsteps, step ? 10 : 0);
    queue_job_clear(&j);
    return step;
}

Test(events, steps_are_kept_in_memory)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit(f.q, 1);
    queue_progress(f.q, job, 1, 10); /* does not run */
    cr_expect_eq(step_of(f.q, job), 0);
    lease(f.q, job, 1, 1);
    queue_progress(f.q, 99, 1, 10);
    queue_progress(f.q, job, 1, 10);
    queue_progress(f.q, job, 2, 10);
    fixture_commit(&f);
    cr_expect(!queue_dirty(f.q));
    cr_expect_eq(step_of(f.q, job), 2);
    expect_ok(queue_cancel(f.q, job, NULL, &e), &e);
    fixture_commit(&f);
    queue_progress(f.q, job, 3, 10);
    fixture_commit(&f);
    cr_expect(!live_find(f.q, job));
    fixture_close(&f);
}

Test(events, a_line_that_is_said_again_stands_there_once)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit(f.q, 2);
    const struct {
        int64_t member, ordinal;
        const char *line;
        bool stays;
    } said[] = {{0, 0, "a", true},   {0, 1, "b", true},         {1, 0, "a", true},
                {0, -1, "so", true}, {0, 0, "a, again", false}, {0, 1, "b, again", false},
                {0, 2, "c", true},   {0, -1, "so", true},       {1, 1, "b", true}};
    int n = 0;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        expect_ok(queue_log(f.q, job, said[i].member, said[i].ordinal, said[i].line, &e), &e);
        n += said[i].stays;
    }
    fixture_commit(&f);
    cr_expect_eq(queue_last_event(f.q), 1 + n);
    fixture_close(&f);
}
