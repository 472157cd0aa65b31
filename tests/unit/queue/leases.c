/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_range(const struct queue_lease *l, int64_t begin, int64_t end)
{
    cr_expect(l->begin == begin && l->end == end, "[%" PRId64 ", %" PRId64 ")", l->begin, l->end);
}

static void expect_lease(struct queue *q, int64_t job, int64_t want, int64_t align, int64_t begin,
                         int64_t end)
{
    struct queue_lease l = lease(q, job, want, align);
    expect_range(&l, begin, end);
}

static int64_t rows(struct queue *q, const char *sql)
{
    sqlite3_stmt *s;
    cr_assert_eq(sqlite3_prepare_v2(q->database.connection, sql, -1, &s, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

static void lose(struct queue *q, const struct queue_lease *l)
{
    struct error e = {0};
    expect_ok(queue_lost(q, l, DEATH("killed by signal 9"), &e), &e);
    check_invariants(q);
}

Test(leases, the_lowest_first_until_there_is_a_layout)
{
    struct fixture f;
    struct error e = {0};
    struct queue_lease other;
    struct queue_job j;
    char *layout;
    fixture_open(&f);
    int64_t job = submit(f.q, 100);
    struct queue_lease l = lease(f.q, job, 1, 1);
    expect_range(&l, 0, 1);
    cr_expect_eq((int)state_of(f.q, job), JOB_RUNNING);
    cr_expect_eq(next_job(f.q), 0);
    cr_expect_eq(queue_lease(f.q, job, "w", 1, 1, &other, &e), QUEUE_NO_SUCH);
    expect_ok(queue_member_failed(f.q, &l, 0, DEATH("bad"), &e), &e);
    expect_ok(queue_release(f.q, &l, &e), &e);
    l = lease(f.q, job, 50, 10);
    expect_range(&l, 1, 50);
    cr_expect_eq(queue_lease(f.q, job, "w", 1, 1, &other, &e), QUEUE_NO_SUCH);
    expect_ok(queue_add_layout(f.q, &l, l.begin, "{\"chunk_members\":10}", &e), &e);
    expect_ok(queue_add_layout(f.q, &l, l.begin, "{\"chunk_members\":99}", &e), &e);
    expect_lease(f.q, job, 20, 10, 50, 70);
    fixture_commit(&f);
    expect_ok(queue_job_layout(f.q, job, &layout, &e), &e);
    cr_expect_str_eq(layout, "{\"chunk_members\":10}");
    free(layout);
    expect_ok(queue_job(f.q, job, &j, &e), &e);
    cr_expect_gt(j.started, 0);
    queue_job_clear(&j);
    check_invariants(f.q);
    fixture_close(&f);
}

static bool leads(struct queue *q, const struct queue_lease *l)
{
    struct error e = {0};
    bool ret = false;
    expect_ok(queue_lease_leads(q, l, &ret, &e), &e);
    return ret;
}

static struct queue_lease lease_ahead(struct queue *q, int64_t job, int64_t want)
{
    struct error e = {0};
    struct queue_lease l = {0};
    expect_ok(queue_lease_ahead(q, job, "b", want, &l, &e), &e);
    check_invariants(q);
    return l;
}

/* Those below it must be through, and their leases over. */
Test(leases, ahead_of_the_one_that_decides)
{
    struct fixture f;
    struct error e = {0};
    struct queue_lease none;
    fixture_open(&f);
    int64_t job = submit(f.q, 10);
    cr_expect_eq(queue_lease_ahead(f.q, job, "b", 1, &none, &e), QUEUE_NO_SUCH);
    struct queue_lease first = lease(f.q, job, 1, 1);
    struct queue_lease second = lease_ahead(f.q, job, 1), third = lease_ahead(f.q, job, 2);
    expect_range(&second, 1, 2);
    expect_range(&third, 2, 4);
    cr_expect_eq(next_job(f.q), 0);
    cr_expect(leads(f.q, &first) && !leads(f.q, &second) && !leads(f.q, &third));
    cr_expect_eq(queue_add_layout(f.q, &second, 1, "{}", &e), QUEUE_INVALID);

    lose(f.q, &first); /* it is free: to be leased before any other, and nobody takes its place */
    cr_expect(!leads(f.q, &second));
    cr_expect_eq(queue_lease_ahead(f.q, job, "b", 1, &none, &e), QUEUE_NO_SUCH);
    cr_expect_eq(next_job(f.q), job);
    first = lease(f.q, job, 5, 1);
    expect_range(&first, 0, 1);

    expect_ok(queue_member_failed(f.q, &first, 0, DEATH("bad"), &e), &e);
    cr_expect(!leads(f.q, &second));
    expect_ok(queue_release(f.q, &first, &e), &e);
    cr_expect(leads(f.q, &second) && !leads(f.q, &third));
    expect_ok(queue_add_layout(f.q, &second, 1, "{}", &e), &e);
    cr_expect_eq(queue_lease_ahead(f.q, job, "b", 1, &none, &e), QUEUE_NO_SUCH);
    expect_lease(f.q, job, 20, 1, 4, 10);
    fixture_close(&f);
}

Test(leases, a_layout_is_json)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    struct queue_lease l = lease(f.q, submit(f.q, 3), 1, 1);
    fixture_commit(&f);
    cr_expect_eq(queue_add_layout(f.q, &l, l.begin, "{", &e), QUEUE_INVALID);
    cr_expect(!queue_dirty(f.q));
    fixture_close(&f);
}

Test(leases, end_at_multiples)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 1000);
    expect_lease(f.q, job, 100, 64, 1, 64);
    expect_lease(f.q, job, 200, 64, 64, 256);
    expect_lease(f.q, job, 10, 64, 256, 266);
    expect_lease(f.q, job, 53, 64, 266, 319);
    expect_lease(f.q, job, 1, 64, 319, 320);
    expect_lease(f.q, job, 300, 1, 320, 620);
    expect_lease(f.q, job, 300, 300, 620, 900);
    expect_lease(f.q, job, 300, 64, 900, 1000);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(leases, released_members_come_first_and_are_joined)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 100);
    struct queue_lease a = lease(f.q, job, 10, 1), b = lease(f.q, job, 10, 1),
                       c = lease(f.q, job, 10, 1);
    expect_ok(queue_done(f.q, &a, 3, 5, &e), &e);
    expect_ok(queue_release(f.q, &b, &e), &e);
    expect_ok(queue_release(f.q, &a, &e), &e);
    check_invariants(f.q);
    expect_lease(f.q, job, 50, 1, 1, 3);
    expect_lease(f.q, job, 4, 1, 5, 9);
    expect_ok(queue_release(f.q, &c, &e), &e);
    check_invariants(f.q);
    expect_lease(f.q, job, 50, 1, 9, 59);
    fixture_close(&f);
}

Test(leases, done_ranges_are_joined)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 1000000);
    struct queue_lease l[100];
    for (int i = 0; i < 100; i++)
        l[i] = lease(f.q, job, 10000, 10000);
    for (int i = 99; i >= 0; i -= 2)
        expect_ok(queue_done(f.q, &l[i], l[i].begin, l[i].end, &e), &e);
    for (int i = 0; i < 100; i += 2)
        expect_ok(queue_done(f.q, &l[i], l[i].begin, l[i].end, &e), &e);
    cr_expect(is_complete(f.q, job));
    expect_ok(queue_finish(f.q, job, &e), &e);
    fixture_commit(&f);
    cr_expect_eq(rows(f.q, "SELECT count(*) FROM member_range"), 1);
    cr_expect_eq(rows(f.q, "SELECT count(*) FROM lease"), 0);
    cr_expect_eq(rows(f.q, "SELECT end FROM member_range"), 1000000);
    cr_expect_eq((int)state_of(f.q, job), JOB_SUCCEEDED);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(leases, done_twice_is_harmless)
{
    struct fixture f;
    struct error e = {0};
    struct queue_counts c;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 20);
    struct queue_lease l = lease(f.q, job, 10, 1);
    expect_ok(queue_done(f.q, &l, 4, 6, &e), &e);
    expect_ok(queue_done(f.q, &l, 4, 6, &e), &e);
    expect_ok(queue_member_failed(f.q, &l, 8, DEATH("bad"), &e), &e);
    expect_ok(queue_done(f.q, &l, 1, 11, &e), &e);
    expect_ok(queue_done(f.q, &l, 5, 5, &e), &e);
    expect_ok(queue_counts(f.q, job, &c, &e), &e);
    cr_expect(c.done == 10 && c.dead == 1);
    cr_expect_eq(queue_member_failed(f.q, &l, 5, DEATH("bad"), &e), QUEUE_REFUSED);
    cr_expect_eq(queue_member_failed(f.q, &l, 8, DEATH("bad"), &e), QUEUE_REFUSED);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(leases, what_a_lease_does_not_have_is_refused)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 20);
    struct queue_lease l = lease(f.q, job, 5, 1);
    fixture_commit(&f);
    cr_expect_eq(queue_done(f.q, &l, 0, 2, &e), QUEUE_INVALID);
    cr_expect_eq(queue_done(f.q, &l, 5, 7, &e), QUEUE_INVALID);
    cr_expect_eq(queue_done(f.q, &l, 4, 3, &e), QUEUE_INVALID);
    cr_expect_eq(queue_done(f.q, &l, INT64_MIN, INT64_MAX, &e), QUEUE_INVALID);
    cr_expect_eq(queue_member_failed(f.q, &l, 6, DEATH("bad"), &e), QUEUE_INVALID);
    cr_expect_eq(queue_member_failed(f.q, &l, -1, DEATH("bad"), &e), QUEUE_INVALID);
    struct queue_lease forged = l;
    forged.job = 7;
    cr_expect_eq(queue_done(f.q, &forged, 1, 2, &e), QUEUE_NOT_LIVE);
    forged = l;
    forged.id++;
    cr_expect_eq(queue_done(f.q, &forged, 1, 2, &e), QUEUE_NOT_LIVE);
    cr_expect(!queue_dirty(f.q));
    fixture_close(&f);
}

Test(leases, a_lost_lease_is_halved)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 100);
    struct queue_lease l = lease(f.q, job, 10, 1); /* [1, 11) */
    expect_ok(queue_done(f.q, &l, 2, 3, &e), &e);
    lose(f.q, &l);
    expect_lease(f.q, job, 100, 4, 1, 2); /* as they were cut: not joined, not aligned */
    fixture_commit(&f);
    fixture_reopen(&f); /* remembered; the lease of [1, 2) is given back as it was */
    expect_lease(f.q, job, 100, 4, 1, 2);
    l = lease(f.q, job, 1, 4);
    expect_range(&l, 3, 6);
    expect_lease(f.q, job, 1, 4, 6, 11);
    lose(f.q, &l);
    l = lease(f.q, job, 50, 1);
    expect_range(&l, 3, 4);
    struct queue_lease two = lease(f.q, job, 50, 1);
    expect_range(&two, 4, 6);
    expect_ok(queue_done(f.q, &two, 4, 5, &e), &e);
    lose(f.q, &two);
    expect_lease(f.q, job, 50, 1, 5, 6);
    cr_expect_eq(rows(f.q, "SELECT count(*) FROM attempt"), 0, "nobody was blamed");
    expect_ok(queue_release(f.q, &l, &e), &e);
    expect_lease(f.q, job, 50, 1, 3, 4);
    fixture_close(&f);
}

Test(leases, a_member_lost_alone_dies_after_its_attempts)
{
    struct fixture f;
    struct error e = {0};
    json_t *page;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 10);
    struct queue_lease l = lease(f.q, job, 3, 3); /* [1, 3) */
    lose(f.q, &l);
    for (int i = 0; i < 3; i++) {
        l = lease(f.q, job, 100, 1);
        expect_range(&l, 1, 2);
        lose(f.q, &l);
        fixture_commit(&f);
        fixture_reopen(&f);
        cr_expect_eq(rows(f.q, "SELECT count(*) FROM attempt"), i < 2);
    }
    expect_lease(f.q, job, 100, 1, 2, 3);
    expect_ok(queue_members(f.q, job, -1, 10, &page, &e), &e);
    json_t *expected = json_pack("[{s:i, s:i, s:s, s:s, s:s}]", "member", 1, "attempts", 3, "state",
                                 "dead", "cause", "error", "reason", "killed by signal 9");
    cr_expect(json_equal(page, expected));
    json_decref(expected);
    json_decref(page);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(leases, a_lone_member_that_was_done_is_not_blamed)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit(f.q, 1);
    struct queue_lease l = lease(f.q, job, 1, 1);
    expect_ok(queue_done(f.q, &l, 0, 1, &e), &e);
    lose(f.q, &l);
    cr_expect_eq(rows(f.q, "SELECT count(*) FROM attempt"), 0);
    cr_expect(is_complete(f.q, job));
    fixture_close(&f);
}

static void finish_with(struct fixture *f, int64_t members, int64_t deaths, enum job_state state,
                        const char *reason)
{
    struct error e = {0};
    struct queue_job j;
    int64_t job = submit(f->q, members);
    for (int64_t m = 0; m < members; m++) {
        struct queue_lease l = lease(f->q, job, 1, 1);
        if (m < members - deaths)
            expect_ok(queue_done(f->q, &l, m, m + 1, &e), &e);
        else
            expect_ok(queue_member_failed(f->q, &l, m, DEATH("depth: NaN"), &e), &e);
        expect_ok(queue_release(f->q, &l, &e), &e);
    }
    expect_ok(queue_finish(f->q, job, &e), &e);
    fixture_commit(f);
    expect_ok(queue_job(f->q, job, &j, &e), &e);
    cr_expect_eq(j.state, state);
    cr_expect_gt(j.ended, 0);
    cr_expect_str_eq(j.reason ? j.reason : "", reason);
    queue_job_clear(&j);
}

Test(leases, how_jobs_end)
{
    struct fixture f;
    fixture_open(&f);
    finish_with(&f, 3, 0, JOB_SUCCEEDED, "");
    finish_with(&f, 3, 2, JOB_PARTIAL,
                "2 of 3 members are dead, the first is member 1: depth: NaN");
    finish_with(&f, 3, 3, JOB_FAILED, "3 of 3 members are dead, the first is member 0: depth: NaN");
    finish_with(&f, 1, 1, JOB_FAILED, "depth: NaN");
    check_invariants(f.q);
    cr_expect_str_eq(event_kinds(f.q, 2), "queued running partial");
    fixture_close(&f);
}

Test(leases, the_end_of_a_job_ends_its_leases)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 30);
    struct queue_lease a = lease(f.q, job, 10, 1), b = lease(f.q, job, 10, 1);
    lose(f.q, &a);
    expect_ok(queue_cancel(f.q, job, "enough", &e), &e);
    check_invariants(f.q);
    cr_expect_eq(queue_lease_live(f.q, &b, &e), QUEUE_NOT_LIVE);
    cr_expect_eq(queue_done(f.q, &b, 11, 12, &e), QUEUE_NOT_LIVE);
    cr_expect_eq(queue_lease(f.q, job, "w", 1, 1, &a, &e), QUEUE_NO_SUCH);
    cr_expect_eq(next_job(f.q), 0);
    fixture_close(&f);
}

Test(leases, equal_deaths_are_one_row)
{
    struct fixture f;
    struct error e = {0};
    json_t *page;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 300);
    struct queue_lease l = lease(f.q, job, 299, 1);
    for (int64_t m = 1; m < 300; m += 2)
        expect_ok(queue_member_failed(f.q, &l, m, DEATH(m == 7 ? "other" : "bad\xff"), &e), &e);
    for (int64_t m = 2; m < 300; m += 2)
        expect_ok(queue_member_failed(f.q, &l, m, DEATH("bad\xff"), &e), &e);
    cr_expect_eq(rows(f.q, "SELECT count(*) FROM member_range WHERE state = 1"), 3);
    check_invariants(f.q);
    int64_t next = 1, after = -1;
    for (size_t n = 1; n > 0;) {
        expect_ok(queue_members(f.q, job, after, 40, &page, &e), &e);
        n = json_array_size(page);
        cr_assert_leq(n, 40);
        for (size_t i = 0; i < n; i++, next++) {
            json_t *member = json_array_get(page, i);
            after = json_integer_value(json_object_get(member, "member"));
            cr_assert_eq(after, next);
            cr_expect_str_eq(json_string_value(json_object_get(member, "reason")),
                             next == 7 ? "other" : "bad?");
        }
        json_decref(page);
    }
    cr_expect_eq(next, 300);
    expect_ok(queue_members(f.q, job, INT64_MAX, 40, &page, &e), &e);
    cr_expect_eq(json_array_size(page), 0);
    json_decref(page);
    cr_expect_eq(queue_members(f.q, 77, -1, 40, &page, &e), QUEUE_NO_SUCH);
    fixture_close(&f);
}

/* Beyond the first QUEUE_TOLD_DEAD those that died of the same are one row, whatever they said. */
Test(leases, the_many_dead_are_few_rows)
{
    enum { MORE = 500 };
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t n = QUEUE_TOLD_DEAD + MORE, job = submit_with_layout(f.q, n + 1);
    struct queue_lease l = lease(f.q, job, n, 1);
    for (int64_t m = 1; m <= n; m++) {
        char words[100];
        snprintf(words, sizeof words,
                 "process 'p' (l.T), run_step of step %" PRId64 ": too hot by %" PRId64, m, m);
        const struct queue_death death = {QUEUE_CAUSE_ERROR, words, "[\"hot\"]"};
        cr_assert_eq(queue_member_failed(f.q, &l, m, &death, &e), 0);
    }
    json_t *page = NULL;
    expect_ok(queue_members(f.q, job, QUEUE_TOLD_DEAD - 1, 1000, &page, &e), &e);
    cr_assert_eq(json_array_size(page), MORE + 1);
    const json_t *told = json_array_get(page, 0), *short_one = json_array_get(page, MORE);
    cr_expect_eq(json_integer_value(json_object_get(told, "step")), QUEUE_TOLD_DEAD);
    cr_expect_eq(json_array_size(json_object_get(told, "log")), 1);
    cr_expect_str_eq(json_string_value(json_object_get(short_one, "reason")),
                     "error in process 'p' (l.T), run_step");
    cr_expect_str_eq(json_string_value(json_object_get(short_one, "stage")), "run_step");
    cr_expect_null(json_object_get(short_one, "log"));
    json_decref(page);
    struct queue_ranges rows = {0};
    expect_ok(queue_ranges_of(f.q, job, RANGE_DEAD, &rows, &e), &e);
    cr_expect_eq(rows.n, QUEUE_TOLD_DEAD + 1, "%zu rows", rows.n);
    free(rows.items);
    fixture_close(&f);
}
