/* SPDX-License-Identifier: Apache-2.0 */
/* A database that fails: it is never a "no", and it is seen when it works again. */
#include "fault.h"
#include "fixture.h"

#include <errno.h>
#include <string.h>

/* Whatever the instruction at which SQLite gives up: 0, or the machine's failure with words. */
static void expect_no_answer(struct fixture *f, int (*ask)(struct queue *q, struct error *e))
{
    struct error e = {0};
    int r = -1, failed = 0;
    for (long n = 1; r < 0; n++) {
        error_clear(&e);
        fault_interrupt(f->q->database.connection, n);
        r = ask(f->q, &e);
        fault_interrupt(f->q->database.connection, 0);
        cr_assert_leq(r, 0, "a failure was told as %d", r);
        cr_assert(r == 0 || *e.message);
        failed += r < 0;
    }
    cr_assert_gt(failed, 0);
}

static struct queue_lease live;

static int ask_live(struct queue *q, struct error *e)
{
    return queue_lease_live(q, &live, e);
}

static int ask_next(struct queue *q, struct error *e)
{
    int64_t job = 0;
    live_touch(q, 1);
    int r = queue_next_job(q, 0, &job, e);
    cr_assert(r != 0 || job == 1);
    return r;
}

static int ask_changed(struct queue *q, struct error *e)
{
    int64_t job = 0;
    live_touch(q, 2);
    int r = queue_next_changed(q, &job, e);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static int ask_outline(struct queue *q, struct error *e)
{
    struct queue_outline o;
    live_touch(q, 2);
    int r = queue_outline(q, 2, &o, e);
    cr_assert(r != 0 || o.is_complete);
    return r;
}

static int ask_job(struct queue *q, struct error *e)
{
    struct queue_job j;
    int r = queue_job(q, 1, &j, e);
    if (r == 0)
        queue_job_clear(&j);
    return r;
}

Test(health, a_read_that_fails_is_no_answer)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    submit_with_layout(f.q, 20);
    live = lease(f.q, 1, 5, 1);
    submit(f.q, 1);
    struct queue_lease l = lease(f.q, 2, 1, 1);
    expect_ok(queue_done(f.q, &l, 0, 1, &e), &e);
    fixture_commit(&f);
    expect_no_answer(&f, ask_live);
    expect_no_answer(&f, ask_next);
    expect_no_answer(&f, ask_changed);
    expect_no_answer(&f, ask_outline);
    expect_no_answer(&f, ask_job);
    fixture_close(&f);
}

static sqlite3 *hold(struct fixture *f)
{
    sqlite3 *other;
    cr_assert_eq(sqlite3_open(f->path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return other;
}

static int try_submit(struct fixture *f, struct error *e)
{
    struct queue_submission s = submission_of(1);
    int64_t id;
    bool existed;
    return queue_submit(f->q, &s, &id, &existed, e);
}

Test(health, another_program_that_holds_the_database_is_named)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    sqlite3 *other = hold(&f);
    cr_expect_eq(try_submit(&f, &e), -EBUSY);
    cr_expect(strstr(e.message, "locked by another program"), "%s", e.message);
    cr_expect_not(queue_dirty(f.q));
    error_clear(&e);
    cr_expect_eq(queue_health(f.q, &e), -EBUSY);
    cr_expect(strstr(e.message, "locked by another program"), "%s", e.message);
    int64_t due = queue_tick(f.q, 1000);
    cr_expect_eq(due, 2000);
    cr_expect_eq(queue_tick(f.q, due), 3000, "it is still held");
    cr_expect_eq(queue_health(f.q, NULL), -EBUSY);
    sqlite3_close(other);
    queue_tick(f.q, 2999);
    cr_expect_eq(queue_health(f.q, NULL), -EBUSY, "not asked before it is due");
    queue_tick(f.q, 3000);
    cr_expect_eq(queue_health(f.q, NULL), 0);
    cr_expect_eq(submit(f.q, 1), 1);
    fixture_commit(&f);
    fixture_close(&f);
}

Test(health, a_disk_that_works_again_is_seen_without_a_write_of_others)
{
    struct fixture f;
    struct error e = {0};
    fault_install();
    fixture_open(&f);
    submit(f.q, 1);
    fault_arm(1, ENOSPC, true);
    cr_expect_lt(queue_commit(f.q, &e), 0);
    int64_t due = queue_tick(f.q, 1000);
    queue_tick(f.q, due);
    cr_expect_lt(queue_health(f.q, &e), 0, "what it tries is a write");
    cr_expect(*e.message);
    fault_arm(0, 0, false);
    queue_tick(f.q, due + 1000);
    cr_expect_eq(queue_health(f.q, NULL), 0);
    check_invariants(f.q);
    cr_expect_eq(submit(f.q, 1), 1, "the turn that failed left nothing");
    fixture_commit(&f);
    fixture_close(&f);
}
