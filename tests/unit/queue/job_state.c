/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

/* The table said a second time: row from, column to. */
static const bool allowed[6][6] = {
    /* queued running succeeded partial failed cancelled */
    {0, 1, 0, 0, 1, 1}, /* queued */
    {0, 0, 1, 1, 1, 1}, /* running */
    {0},
    {0},
    {0},
    {0},
};

Test(state, table)
{
    for (int from = 0; from < 6; from++) {
        for (int to = 0; to < 6; to++)
            cr_expect_eq(job_state_may_move((enum job_state)from, (enum job_state)to),
                         allowed[from][to], "%s to %s", job_state_name((enum job_state)from),
                         job_state_name((enum job_state)to));
        cr_expect_eq(job_state_is_final((enum job_state)from), from >= JOB_SUCCEEDED);
    }
    cr_expect(!job_state_may_move((enum job_state)6, JOB_RUNNING));
    cr_expect(!job_state_may_move(JOB_QUEUED, (enum job_state) - 1));
}

Test(state, names)
{
    enum job_state state;
    for (int i = 0; i < 6; i++) {
        cr_assert(job_state_from_name(job_state_name((enum job_state)i), &state));
        cr_expect_eq((int)state, i);
    }
    cr_expect(!job_state_from_name("unknown", &state));
    cr_expect(!job_state_from_name("", &state));
    cr_expect_str_eq(job_state_name((enum job_state)17), "unknown");
}

/* A job brought to a state by the functions that dispatch and http call. */
static int64_t job_in(struct queue *q, enum job_state state)
{
    struct error e = {0};
    int64_t job = submit(q, 2);
    if (state == JOB_QUEUED)
        return job;
    struct queue_lease l = lease(q, job, 1, 1);
    if (state == JOB_RUNNING)
        return job;
    if (state == JOB_FAILED) {
        expect_ok(queue_fail(q, job, "no store", &e), &e);
        return job;
    }
    if (state == JOB_CANCELLED) {
        expect_ok(queue_cancel(q, job, "not wanted", &e), &e);
        return job;
    }
    expect_ok(queue_add_layout(q, &l, l.begin, "{}", &e), &e);
    expect_ok(queue_done(q, &l, 0, 1, &e), &e);
    expect_ok(queue_release(q, &l, &e), &e);
    l = lease(q, job, 1, 1);
    if (state == JOB_PARTIAL)
        expect_ok(queue_member_failed(q, &l, 1, DEATH("bad"), &e), &e);
    else
        expect_ok(queue_done(q, &l, 1, 2, &e), &e);
    expect_ok(queue_finish(q, job, &e), &e);
    return job;
}

Test(state, every_move_is_checked)
{
    struct fixture f;
    fixture_open(&f);
    for (int from = 0; from < 6; from++) {
        for (int to = 0; to < 6; to++) {
            struct error e = {0};
            int64_t job = job_in(f.q, (enum job_state)from);
            cr_assert_eq((int)state_of(f.q, job), from);
            fixture_commit(&f);
            int64_t events = queue_last_event(f.q);
            struct queue_counts c;
            expect_ok(queue_counts(f.q, job, &c, &e), &e);
            int r = queue_move(f.q, &c, (enum job_state)to, "because", &e);
            cr_expect_eq(r, allowed[from][to] ? 0 : QUEUE_REFUSED);
            cr_expect_eq(queue_dirty(f.q), allowed[from][to], "a refusal writes nothing");
            fixture_commit(&f);
            cr_expect_eq((int)state_of(f.q, job), allowed[from][to] ? to : from);
            cr_expect_eq(queue_last_event(f.q), events + allowed[from][to]);
        }
    }
    fixture_close(&f);
}

Test(state, refusals_name_the_state)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = job_in(f.q, JOB_SUCCEEDED);
    cr_expect_eq(queue_cancel(f.q, job, NULL, &e), QUEUE_REFUSED);
    cr_expect_str_eq(e.message, "job 1 is succeeded: it cannot become cancelled");
    cr_expect_eq(queue_cancel(f.q, 99, NULL, &e), QUEUE_NO_SUCH);
    cr_expect_str_eq(e.message, "there is no job 99");
    fixture_close(&f);
}
