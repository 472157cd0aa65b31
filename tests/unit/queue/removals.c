/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* With a dead member, ended, and its locks removed. */
static int64_t ended(struct fixture *f, int64_t from)
{
    struct error e = {0};
    struct queue_submission s = submission_of(2);
    int64_t job;
    bool existed;
    s.from = from;
    expect_ok(queue_submit(f->q, &s, &job, &existed, &e), &e);
    struct queue_lease l = lease(f->q, job, 2, 1);
    expect_ok(queue_add_layout(f->q, &l, 0, "{}", &e), &e);
    expect_ok(queue_log(f->q, job, 0, 0, "a line", &e), &e);
    expect_ok(queue_member_failed(f->q, &l, 0, DEATH("no"), &e), &e);
    expect_ok(queue_done(f->q, &l, 1, 2, &e), &e);
    expect_ok(queue_release(f->q, &l, &e), &e);
    expect_ok(queue_finish(f->q, job, &e), &e);
    fixture_commit(f);
    expect_ok(queue_sync_removed(f->q, job, &e), &e);
    return job;
}

static int64_t rows_of(struct queue *q, int64_t job)
{
    static const char *const tables[] = {"event",        "member_range", "attempt",
                                         "member_lines", "job_append",   "fenced",
                                         "job_library",  "job_text",     "layout_proposal"};
    int64_t n = 0;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char *sql = mem_printf("SELECT count(*) FROM %s WHERE job = %" PRId64, tables[i], job);
        sqlite3_stmt *s;
        cr_assert_eq(sqlite3_prepare_v2(q->database.connection, sql, -1, &s, NULL), SQLITE_OK);
        cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
        n += sqlite3_column_int64(s, 0);
        sqlite3_finalize(s);
        free(sql);
    }
    return n;
}

static void forget(struct fixture *f, int64_t job)
{
    struct error e = {0};
    bool more = true;
    while (more) {
        expect_ok(queue_forget(f->q, job, &more, &e), &e);
        fixture_commit(f);
    }
}

Test(removals, a_job_goes_with_all_its_rows)
{
    struct fixture f;
    struct error e = {0};
    struct queue_removal removal;
    struct queue_job told;
    fixture_open(&f);
    int64_t job = ended(&f, 0), other = ended(&f, 0);
    cr_expect_eq(queue_next_removal(f.q, 0, &removal, &e), QUEUE_NO_SUCH);
    expect_ok(queue_remove(f.q, job, false, &e), &e);
    fixture_commit(&f);
    fixture_reopen(&f);
    expect_ok(queue_next_removal(f.q, 0, &removal, &e), &e);
    cr_expect_eq(removal.job, job);
    cr_expect(removal.store && removal.store[0] == '/' && !removal.is_anothers);
    queue_removal_clear(&removal);
    expect_ok(queue_job(f.q, job, &told, &e), &e);
    cr_expect(told.is_removing,
              "it is there, and its store is nobody else's, until its files are gone");
    queue_job_clear(&told);
    expect_ok(queue_remove(f.q, job, true, &e), &e);
    int64_t others = rows_of(f.q, other);
    forget(&f, job);
    cr_expect_eq(rows_of(f.q, job), 0);
    cr_expect_eq(rows_of(f.q, other), others);
    cr_expect_eq(queue_job(f.q, job, &told, &e), QUEUE_NO_SUCH);
    cr_expect_eq(queue_remove(f.q, job, false, &e), QUEUE_NO_SUCH);
    cr_expect_eq(queue_next_removal(f.q, 0, &removal, &e), QUEUE_NO_SUCH);
    check_invariants(f.q);
    fixture_close(&f);
}

/* Numbers of jobs and events are not used again, though their rows are gone. */
Test(removals, numbers_go_on)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = ended(&f, 0), last = queue_last_event(f.q);
    expect_ok(queue_remove(f.q, job, false, &e), &e);
    forget(&f, job);
    fixture_reopen(&f);
    cr_expect_eq(queue_last_event(f.q), last);
    cr_expect_eq(submit(f.q, 1), job + 1);
    fixture_close(&f);
}

Test(removals, in_slices)
{
    struct fixture f;
    struct error e = {0};
    bool more;
    fixture_open(&f);
    int64_t job = submit(f.q, 1);
    struct queue_lease l = lease(f.q, job, 1, 1);
    for (int i = 0; i < 2500; i++)
        expect_ok(queue_log(f.q, job, 0, i, "a line", &e), &e);
    expect_ok(queue_release(f.q, &l, &e), &e);
    expect_ok(queue_cancel(f.q, job, "no", &e), &e);
    fixture_commit(&f);
    expect_ok(queue_sync_removed(f.q, job, &e), &e);
    expect_ok(queue_remove(f.q, job, false, &e), &e);
    expect_ok(queue_forget(f.q, job, &more, &e), &e);
    cr_expect(more, "a turn is not held up by all of them");
    forget(&f, job);
    cr_expect_eq(rows_of(f.q, job), 0);
    fixture_close(&f);
}

Test(removals, only_what_has_ended)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit(f.q, 2);
    cr_expect_eq(queue_remove(f.q, job, false, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "queued"), "%s", e.message);
    expect_ok(queue_cancel(f.q, job, "no", &e), &e);
    fixture_commit(&f);
    cr_expect_eq(queue_remove(f.q, job, false, &e), QUEUE_BUSY);
    expect_ok(queue_sync_removed(f.q, job, &e), &e);
    expect_ok(queue_remove(f.q, job, false, &e), &e);
    cr_expect_eq(queue_retry(f.q, job, &(struct queue_retry){0}, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "removed"), "%s", e.message);
    fixture_close(&f);
}

Test(removals, not_while_others_start_from_it)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = ended(&f, 0);
    ended(&f, job);
    struct queue_submission s = submission_of(2);
    int64_t child;
    bool existed;
    s.from = job;
    expect_ok(queue_submit(f.q, &s, &child, &existed, &e), &e);
    cr_expect_eq(queue_remove(f.q, job, false, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "checkpoints"), "%s", e.message);
    expect_ok(queue_cancel(f.q, child, "no", &e), &e);
    expect_ok(queue_remove(f.q, job, false, &e), &e);
    fixture_close(&f);
}

/* A failed job gives its store free: another's is not removed with it. */
Test(removals, a_store_that_was_given_to_another)
{
    struct fixture f;
    struct error e = {0};
    struct queue_removal removal;
    fixture_open(&f);
    struct queue_submission s = submission_of(1);
    int64_t jobs[2];
    bool existed;
    s.store = "/elsewhere/same.zarr";
    expect_ok(queue_submit(f.q, &s, &jobs[0], &existed, &e), &e);
    expect_ok(queue_cancel(f.q, jobs[0], "no", &e), &e);
    expect_ok(queue_submit(f.q, &s, &jobs[1], &existed, &e), &e);
    fixture_commit(&f);
    expect_ok(queue_sync_removed(f.q, jobs[0], &e), &e);
    expect_ok(queue_remove(f.q, jobs[0], false, &e), &e);
    expect_ok(queue_next_removal(f.q, 0, &removal, &e), &e);
    cr_expect(removal.job == jobs[0] && removal.is_anothers);
    queue_removal_clear(&removal);
    fixture_close(&f);
}

Test(removals, without_its_store)
{
    struct fixture f;
    struct error e = {0};
    struct queue_removal removal;
    fixture_open(&f);
    int64_t job = ended(&f, 0);
    expect_ok(queue_remove(f.q, job, true, &e), &e);
    expect_ok(queue_next_removal(f.q, 0, &removal, &e), &e);
    cr_expect(removal.job == job && !removal.store);
    queue_removal_clear(&removal);
    fixture_close(&f);
}
