/* SPDX-License-Identifier: Apache-2.0 */
/* Additions to a layout: the lowest member that saves an output decides its array. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static void add(struct queue *q, const struct queue_lease *l, int64_t member, const char *layout)
{
    struct error e = {0};
    expect_ok(queue_add_layout(q, l, member, layout, &e), &e);
    expect_ok(queue_release(q, l, &e), &e);
    check_invariants(q);
}

static void done(struct queue *q, const struct queue_lease *l)
{
    struct error e = {0};
    expect_ok(queue_done(q, l, l->begin, l->end, &e), &e);
    expect_ok(queue_release(q, l, &e), &e);
    check_invariants(q);
}

static void expect_layout(struct queue *q, int64_t job, const char *expected)
{
    char *text;
    struct error e = {0};
    expect_ok(queue_job_layout(q, job, &text, &e), &e);
    cr_expect_str_eq(text, expected);
    free(text);
}

static void expect_none(struct queue *q, int64_t job)
{
    struct queue_lease l;
    struct error e = {0};
    cr_expect_eq(queue_lease(q, job, "w", 1, 1, &l, &e), QUEUE_NO_SUCH);
    cr_expect_eq(next_job(q), 0);
}

Test(layouts, the_lowest_decides_whoever_comes_first)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 6);
    struct queue_lease l[6];
    for (int m = 1; m < 6; m++)
        l[m] = lease(f.q, job, 1, 1);
    add(f.q, &l[4], 4, "{\"late\": {\"by\": 4}, \"later\": {\"by\": 4}}");
    expect_none(f.q, job); /* 4 waits for those below */
    add(f.q, &l[2], 2, "{\"late\": {\"by\": 2}}");
    expect_none(f.q, job);
    fixture_commit(&f);
    done(f.q, &l[5]); /* it saves neither */
    expect_layout(f.q, job, "{}");
    done(f.q, &l[1]);
    expect_layout(f.q, job, "{\"late\":{\"by\":2}}");
    l[2] = lease(f.q, job, 9, 1);
    cr_expect(l[2].begin == 2 && l[2].end == 3, "4 waits for 3");
    done(f.q, &l[2]);
    expect_none(f.q, job);
    done(f.q, &l[3]);
    expect_layout(f.q, job, "{\"late\":{\"by\":2},\"later\":{\"by\":4}}");
    l[4] = lease(f.q, job, 9, 1);
    cr_expect(l[4].begin == 4 && l[4].end == 5);
    fixture_close(&f);
}

Test(layouts, proposals_survive_a_restart)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 20);
    struct queue_lease l = lease(f.q, job, 8, 1), behind = lease(f.q, job, 8, 1);
    add(f.q, &behind, 12, "{\"late\": {\"by\": 12}}");
    fixture_commit(&f);
    fixture_reopen(&f);
    l = lease(f.q, job, 100, 1);
    cr_expect(l.begin == 1 && l.end == 12, "up to the one that asks, and no further");
    done(f.q, &l);
    expect_layout(f.q, job, "{\"late\":{\"by\":12}}");
    l = lease(f.q, job, 100, 1);
    cr_expect(l.begin == 12 && l.end == 20);
    fixture_close(&f);
}

Test(layouts, the_dead_ask_for_nothing)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 6);
    struct queue_lease a = lease(f.q, job, 1, 1), b = lease(f.q, job, 1, 1);
    add(f.q, &b, 2, "{\"late\": {\"by\": 2}}");
    expect_ok(queue_member_failed(f.q, &a, 1, DEATH("bad"), &e), &e);
    expect_layout(f.q, job, "{\"late\":{\"by\":2}}");
    cr_expect_eq(queue_add_layout(f.q, &a, 1, "{\"x\": {}}", &e), QUEUE_INVALID);
    cr_expect_eq(queue_add_layout(f.q, &b, 2, "{\"x\": {}}", &e), QUEUE_NOT_LIVE);
    expect_ok(queue_release(f.q, &a, &e), &e);
    fixture_close(&f);
}

/* A worker that has an old layout asks for what has been decided meanwhile. */
Test(layouts, what_is_decided_is_not_asked_for_again)
{
    struct fixture f;
    struct queue_outline o;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 6);
    struct queue_lease a = lease(f.q, job, 1, 1), b = lease(f.q, job, 1, 1);
    add(f.q, &a, 1, "{\"late\": {\"by\": 1}}");
    add(f.q, &b, 2, "{\"late\": {\"by\": 2}}");
    expect_layout(f.q, job, "{\"late\":{\"by\":1}}");
    expect_ok(queue_outline(f.q, job, &o, &e), &e);
    cr_expect_eq(o.layouts, 2);
    a = lease(f.q, job, 1, 1);
    cr_expect_eq(a.begin, 1);
    a = lease(f.q, job, 9, 1);
    cr_expect(a.begin == 2 && a.end == 6);
    fixture_close(&f);
}

Test(layouts, odd_ones)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 6);
    struct queue_lease l = lease(f.q, job, 2, 1);
    fixture_commit(&f);
    cr_expect_eq(queue_add_layout(f.q, &l, 3, "{\"x\": {}}", &e), QUEUE_INVALID);
    cr_expect_eq(queue_add_layout(f.q, &l, -1, "{\"x\": {}}", &e), QUEUE_INVALID);
    cr_expect_eq(queue_add_layout(f.q, &l, 1, "[]", &e), QUEUE_INVALID);
    cr_expect_eq(queue_add_layout(f.q, &l, 1, "{", &e), QUEUE_INVALID);
    cr_expect(!queue_dirty(f.q));
    expect_ok(queue_add_layout(f.q, &l, 1, "{}", &e), &e);
    cr_expect(!queue_dirty(f.q), "nothing is asked for");
    fixture_close(&f);
}
