/* SPDX-License-Identifier: Apache-2.0 */
/* Members whose worker died rest before they are tried again: invariant 8 of queue.h. */
#include "fixture.h"

#include "base/clock.h"
#include "base/loop.h"

#include <string.h>

enum { BACKOFF = 1000, BACKOFF_MAX = 8000, SLACK = 500000 };

static void open_with(struct fixture *f, int64_t backoff, int64_t backoff_max)
{
    struct queue_options o = options_of(f);
    o.backoff_ms = backoff;
    o.backoff_max_ms = backoff_max;
    fixture_reopen_with(f, &o);
}

static int64_t end_rests(struct fixture *f, int64_t now)
{
    struct error e = {0};
    int64_t due = 0;
    expect_ok(queue_end_rests(f->q, now, &due, &e), &e);
    check_invariants(f->q);
    return due;
}

/* The first member that can be leased dies with its worker. */
static void lose_next(struct fixture *f, int64_t job)
{
    struct error e = {0};
    struct queue_lease l = lease(f->q, job, 1, 1);
    expect_ok(queue_lost(f->q, &l, DEATH("killed"), &e), &e);
    check_invariants(f->q);
}

static int64_t submit_stubborn(struct fixture *f, int64_t members)
{
    struct queue_submission s = submission_of(members);
    struct error e = {0};
    int64_t job;
    bool existed;
    s.max_attempts = 100;
    expect_ok(queue_submit(f->q, &s, &job, &existed, &e), &e);
    return job;
}

/* What people are told of the range that begins with a member; borrowed until the next call. */
static const json_t *range_of(struct queue *q, int64_t job, int64_t member)
{
    static json_t *page;
    struct error e = {0};
    size_t i;
    json_t *range;
    json_decref(page);
    page = NULL;
    expect_ok(queue_member_ranges(q, job, member, 100, &page, &e), &e);
    json_array_foreach(page, i, range)
    {
        if (json_integer_value(json_object_get(range, "begin")) == member)
            return range;
    }
    cr_assert_fail("no range begins with member %" PRId64, member);
    return NULL;
}

static void expect_state(struct queue *q, int64_t job, int64_t member, const char *state)
{
    cr_expect_str_eq(json_string_value(json_object_get(range_of(q, job, member), "state")), state);
}

Test(rests, others_are_leased_meanwhile)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    int64_t job = submit_with_layout(f.q, 5);
    lose_next(&f, job);
    struct queue_lease others = lease(f.q, job, 10, 1), again;
    cr_expect(others.begin == 2 && others.end == 5);
    cr_expect_eq(next_job(f.q), 0);
    cr_expect_eq(queue_lease(f.q, job, "w", 1, 1, &again, &e), QUEUE_NO_SUCH);
    expect_state(f.q, job, 1, "resting");
    expect_ok(queue_done(f.q, &others, 2, 5, &e), &e);
    expect_ok(queue_release(f.q, &others, &e), &e);
    cr_expect_eq(next_job(f.q), 0);
    expect_waiting(f.q, job, "members whose worker died rest before they are tried again");
    cr_expect_gt(end_rests(&f, loop_now()), loop_now());
    cr_expect_eq(next_job(f.q), 0, "it has not rested");
    cr_expect_eq(end_rests(&f, loop_now() + BACKOFF), INT64_MAX);
    cr_expect_eq(next_job(f.q), job);
    expect_state(f.q, job, 1, "waiting");
    again = lease(f.q, job, 10, 1);
    cr_expect(again.begin == 1 && again.end == 2);
    fixture_close(&f);
}

Test(rests, longer_after_each_attempt_up_to_a_bound)
{
    struct fixture f;
    static const int64_t delays[] = {1000, 2000, 4000, 8000, 8000, 8000};
    fixture_open(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    int64_t job = submit_stubborn(&f, 1);
    for (size_t i = 0; i < sizeof delays / sizeof *delays; i++) {
        int64_t before = loop_now();
        lose_next(&f, job);
        int64_t due = end_rests(&f, before);
        cr_expect_geq(due, before + delays[i]);
        cr_expect_leq(due, loop_now() + delays[i]);
        const json_t *range = range_of(f.q, job, 0);
        cr_expect_eq(json_integer_value(json_object_get(range, "attempts")), (json_int_t)i + 1);
        cr_expect(json_string_value(json_object_get(range, "next_try")));
        cr_expect_eq(end_rests(&f, due), INT64_MAX);
    }
    fixture_close(&f);
}

/* What was rolled back did not end a rest, nor begin one. */
Test(rests, are_part_of_the_turn)
{
    struct fixture f;
    fixture_open(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    int64_t job = submit_stubborn(&f, 2);
    lose_next(&f, job);
    fixture_commit(&f);
    cr_expect_eq(end_rests(&f, loop_now() + BACKOFF), INT64_MAX);
    cr_expect_eq(next_job(f.q), job);
    f.q->database.broken = true;
    f.q->database.failed = -5;
    cr_assert_neq(queue_commit(f.q, NULL), 0);
    check_invariants(f.q);
    cr_expect_eq(next_job(f.q), 0, "it rests again");
    cr_expect_lt(end_rests(&f, loop_now()), INT64_MAX);
    cr_expect_eq(end_rests(&f, loop_now() + BACKOFF), INT64_MAX);
    cr_expect_eq(next_job(f.q), job);
    fixture_close(&f);
}

static void set_until(struct fixture *f, int64_t until)
{
    char sql[100];
    snprintf(sql, sizeof sql, "UPDATE attempt SET rests_until = %" PRId64, until);
    cr_assert_eq(sqlite3_exec(f->q->database.connection, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* They go on over a restart; where the clock was set between, they are no longer than bounded. */
Test(rests, a_restart_and_a_clock_that_was_set)
{
    struct fixture f;
    fixture_open(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    int64_t job = submit_stubborn(&f, 3);
    lose_next(&f, job);
    fixture_commit(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    cr_expect_eq(next_job(f.q), 0);
    int64_t due = end_rests(&f, loop_now());
    cr_expect(due > loop_now() && due <= loop_now() + BACKOFF);
    set_until(&f, clock_unix() + 1000000000);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    due = end_rests(&f, loop_now());
    cr_expect(due > loop_now() && due <= loop_now() + BACKOFF_MAX);
    set_until(&f, 5);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    cr_expect_eq(end_rests(&f, loop_now()), INT64_MAX);
    cr_expect_eq(next_job(f.q), job);
    fixture_close(&f);
}

/* The first member decides the layout: others run ahead of it, and wait. */
Test(rests, the_first_member)
{
    struct fixture f;
    struct error e = {0};
    struct queue_lease ahead;
    bool leads = true;
    fixture_open(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    int64_t job = submit_stubborn(&f, 4);
    lose_next(&f, job);
    cr_expect_eq(queue_lease(f.q, job, "w", 4, 1, &ahead, &e), QUEUE_NO_SUCH);
    expect_ok(queue_lease_ahead(f.q, job, "w", 2, &ahead, &e), &e);
    cr_expect(ahead.begin == 1 && ahead.end == 3);
    expect_ok(queue_lease_leads(f.q, &ahead, &leads, &e), &e);
    cr_expect_not(leads);
    cr_expect_eq(queue_add_layout(f.q, &ahead, 1, "{}", &e), QUEUE_INVALID);
    end_rests(&f, loop_now() + BACKOFF);
    struct queue_lease first = lease(f.q, job, 4, 1);
    cr_expect(first.begin == 0 && first.end == 1);
    expect_ok(queue_add_layout(f.q, &first, 0, "{}", &e), &e);
    fixture_close(&f);
}

Test(rests, end_with_the_job)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    open_with(&f, BACKOFF, BACKOFF_MAX);
    int64_t job = submit_stubborn(&f, 3);
    lose_next(&f, job);
    expect_ok(queue_cancel(f.q, job, "no", &e), &e);
    check_invariants(f.q);
    cr_expect_eq(end_rests(&f, loop_now() + SLACK), INT64_MAX);
    expect_state(f.q, job, 0, "missing");
    fixture_close(&f);
}
