/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

Test(jobs, what_was_submitted)
{
    struct fixture f;
    struct error e = {0};
    struct queue_job j;
    char *document;
    int64_t id;
    bool existed;
    fixture_open(&f);
    struct queue_submission s = submission_of(7);
    s.name = "a name";
    s.labels = "{\"a\":\"b\"}";
    s.principal = "someone";
    s.priority = -4;
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    fixture_commit(&f);
    fixture_reopen(&f);
    expect_ok(queue_job(f.q, id, &j, &e), &e);
    cr_expect(j.id == 1 && j.state == JOB_QUEUED && j.members == 7 && j.done == 0 && j.dead == 0);
    cr_expect(j.priority == -4 && j.max_attempts == 3 && j.member_timeout == 1.5);
    cr_expect_str_eq(j.name, "a name");
    cr_expect_str_eq(j.store, "/stores/1.zarr");
    cr_expect_str_eq(j.model_hash, "hash-of-model");
    cr_expect_str_eq(j.labels, "{\"a\":\"b\"}");
    cr_expect_str_eq(j.principal, "someone");
    cr_expect(!j.waiting && !j.reason);
    cr_expect(j.created > 0 && j.started == 0 && j.ended == 0);
    queue_job_clear(&j);
    expect_ok(queue_job_document(f.q, id, &document, &e), &e);
    cr_expect_str_eq(document, s.document);
    free(document);
    cr_expect_eq(queue_job(f.q, 2, &j, &e), QUEUE_NO_SUCH);
    cr_expect_eq(queue_job_document(f.q, 2, &document, &e), QUEUE_NO_SUCH);
    fixture_close(&f);
}

Test(jobs, bounds)
{
    struct fixture f;
    struct error e = {0};
    int64_t id;
    bool existed;
    fixture_open(&f);
    struct queue_submission s = submission_of(0);
    cr_expect_eq(queue_submit(f.q, &s, &id, &existed, &e), QUEUE_INVALID);
    s = submission_of(1);
    s.max_attempts = 0;
    cr_expect_eq(queue_submit(f.q, &s, &id, &existed, &e), QUEUE_INVALID);
    cr_expect_str_eq(e.pointer, "/max_attempts");
    cr_expect(!queue_dirty(f.q));
    fixture_close(&f);
}

Test(jobs, a_repeated_key_gives_the_first_job)
{
    struct fixture f;
    struct error e = {0};
    int64_t first, id;
    bool existed;
    fixture_open(&f);
    struct queue_submission s = submission_of(1);
    s.idempotency_key = "key";
    s.store = "/a.zarr";
    expect_ok(queue_submit(f.q, &s, &first, &existed, &e), &e);
    cr_expect(!existed);
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    cr_expect(existed && id == first, "in the same turn");
    fixture_commit(&f);
    fixture_reopen(&f);
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    cr_expect(existed && id == first, "after a restart");
    cr_expect(!queue_dirty(f.q));
    s.document_hash = "another";
    cr_expect_eq(queue_submit(f.q, &s, &id, &existed, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "key was used for job 1"), "%s", e.message);
    s.principal = "someone else";
    s.store = "/b.zarr";
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    cr_expect(!existed && id == 2, "keys belong to a principal");
    fixture_close(&f);
}

Test(jobs, a_store_belongs_to_one_job)
{
    struct fixture f;
    struct error e = {0};
    int64_t id, other;
    bool existed;
    fixture_open(&f);
    struct queue_submission s = submission_of(1);
    s.store = "/a.zarr";
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    cr_expect_eq(queue_submit(f.q, &s, &other, &existed, &e), QUEUE_REFUSED);
    cr_expect_str_eq(e.pointer, "/store");
    cr_expect(strstr(e.message, "belongs to job 1 (queued)"), "%s", e.message);
    expect_ok(queue_cancel(f.q, id, NULL, &e), &e);
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    struct queue_lease l = lease(f.q, id, 1, 1);
    expect_ok(queue_done(f.q, &l, 0, 1, &e), &e);
    expect_ok(queue_finish(f.q, id, &e), &e);
    cr_expect_eq(queue_submit(f.q, &s, &other, &existed, &e), QUEUE_REFUSED);
    fixture_close(&f);
}

Test(jobs, a_store_that_stands_already_is_refused)
{
    struct fixture f;
    struct error e = {0};
    int64_t id;
    bool existed;
    fixture_open(&f);
    struct queue_submission s = submission_of(1);
    s.store = f.path;
    cr_expect_eq(queue_submit(f.q, &s, &id, &existed, &e), QUEUE_REFUSED);
    cr_expect_str_eq(e.pointer, "/store");
    cr_expect(strstr(e.message, "exists already"), "%s", e.message);
    fixture_close(&f);
}

/* Whoever takes the names of jobs to come must not block them. */
Test(jobs, default_stores_pass_over_taken_names)
{
    struct fixture f;
    struct error e = {0};
    struct queue_job j;
    int64_t id;
    bool existed;
    fixture_open(&f);
    struct queue_submission s = submission_of(1);
    s.store = "/stores/2.zarr";
    expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    id = submit(f.q, 1);
    cr_expect_eq(id, 3);
    expect_ok(queue_job(f.q, id, &j, &e), &e);
    cr_expect_str_eq(j.store, "/stores/3.zarr");
    queue_job_clear(&j);
    cr_expect_eq(submit(f.q, 1), 4);
    fixture_close(&f);
}

struct listing {
    int64_t ids[100];
    int n, most; /* 0: any number */
};

static bool list_job(void *userdata, const struct queue_job *job)
{
    struct listing *l = userdata;
    l->ids[l->n++] = job->id;
    return l->n != l->most;
}

Test(jobs, pages)
{
    struct fixture f;
    struct error e = {0};
    struct listing l = {0};
    fixture_open(&f);
    for (int i = 0; i < 25; i++) {
        int64_t id = submit(f.q, 1);
        if (id % 3 == 0)
            expect_ok(queue_cancel(f.q, id, NULL, &e), &e);
    }
    int before = 0;
    do {
        before = l.n;
        expect_ok(queue_jobs(f.q, -1, l.n ? l.ids[l.n - 1] : 0, 10, list_job, &l, &e), &e);
        cr_assert_leq(l.n - before, 10);
    } while (l.n > before);
    cr_assert_eq(l.n, 25);
    for (int i = 0; i < 25; i++)
        cr_expect_eq(l.ids[i], 25 - i);
    l.n = 0;
    expect_ok(queue_jobs(f.q, JOB_CANCELLED, 20, 4, list_job, &l, &e), &e);
    cr_assert_eq(l.n, 4);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(l.ids[i], 18 - 3 * i);
    l = (struct listing){.most = 3}; /* who has enough says so */
    expect_ok(queue_jobs(f.q, -1, 0, 10, list_job, &l, &e), &e);
    cr_assert_eq(l.n, 3);
    fixture_close(&f);
}

Test(jobs, highest_priority_then_oldest)
{
    struct fixture f;
    struct error e = {0};
    static const int64_t priorities[] = {0, 5, -1, 5, 0}, order[] = {2, 4, 1, 5, 3};
    int64_t id;
    bool existed;
    fixture_open(&f);
    cr_expect_eq(next_job(f.q), 0);
    for (int i = 0; i < 5; i++) {
        struct queue_submission s = submission_of(1);
        s.priority = priorities[i];
        expect_ok(queue_submit(f.q, &s, &id, &existed, &e), &e);
    }
    int64_t job = 0;
    for (int i = 0; i < 5; i++) {
        expect_ok(queue_next_job(f.q, job, &job, &e), &e);
        cr_expect_eq(job, order[i]);
    }
    cr_expect_eq(queue_next_job(f.q, job, &job, &e), QUEUE_NO_SUCH);
    queue_hold(f.q, 4, true);
    expect_ok(queue_next_job(f.q, 2, &job, &e), &e);
    cr_expect_eq(job, 1, "one that is held hides none behind it");
    expect_ok(queue_next_job(f.q, 4, &job, &e), &e);
    cr_expect_eq(job, 1, "nor is its place lost");
    queue_hold(f.q, 4, false);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(next_job(f.q), order[i]);
        lease(f.q, order[i], 1, 1);
    }
    cr_expect_eq(next_job(f.q), 0);
    fixture_close(&f);
}

/* All that queue_next_changed tells, ascending, as digits; static storage. */
static const char *changed(struct queue *q)
{
    static char text[20];
    struct id_list ids = {0};
    struct error e = {0};
    int64_t id;
    while (queue_next_changed(q, &id, &e) == 0)
        id_list_add(&ids, id);
    id_list_sort(&ids);
    memset(text, 0, sizeof text);
    for (size_t i = 0; i < ids.n; i++)
        text[i] = (char)('0' + ids.items[i]);
    id_list_free(&ids);
    return text;
}

Test(jobs, what_changes_is_told_once)
{
    struct fixture f;
    struct error e = {0};
    struct queue_outline o;
    fixture_open(&f);
    cr_expect_str_eq(changed(f.q), "");
    for (int i = 0; i < 3; i++) {
        submit(f.q, 1);
        struct queue_lease l = lease(f.q, i + 1, 1, 1);
        cr_expect(!is_complete(f.q, i + 1));
        cr_expect_eq(queue_finish(f.q, i + 1, &e), QUEUE_REFUSED);
        if (i != 1)
            expect_ok(queue_done(f.q, &l, 0, 1, &e), &e);
    }
    cr_expect_str_eq(changed(f.q), "123");
    cr_expect_str_eq(changed(f.q), "");
    fixture_commit(&f);
    fixture_reopen(&f);
    cr_expect_str_eq(changed(f.q), "123");
    cr_expect(is_complete(f.q, 1) && !is_complete(f.q, 2) && is_complete(f.q, 3));
    expect_ok(queue_finish(f.q, 1, &e), &e);
    cr_expect_str_eq(changed(f.q), "1");
    cr_expect_eq(queue_outline(f.q, 1, &o, &e), QUEUE_NO_SUCH);
    fixture_commit(&f);
    cr_expect_str_eq(changed(f.q), "");
    fixture_close(&f);
}

Test(jobs, what_a_failed_commit_takes_back_is_told)
{
    struct fixture f;
    struct error e = {0};
    struct queue_outline o;
    fixture_open(&f);
    submit(f.q, 3);
    fixture_commit(&f);
    changed(f.q);
    queue_set_waiting(f.q, 1, "it waits");
    submit(f.q, 1);
    expect_ok(queue_cancel(f.q, 1, NULL, &e), &e);
    cr_expect_str_eq(changed(f.q), "12");
    cr_expect_eq(queue_outline(f.q, 1, &o, &e), QUEUE_NO_SUCH);
    f.q->database.broken = true; /* as a failure within the turn leaves it */
    f.q->database.failed = -5;
    cr_expect_eq(queue_commit(f.q, &e), -5);
    cr_expect_str_eq(changed(f.q), "12");
    cr_expect_eq(queue_outline(f.q, 1, &o, &e), 0);
    cr_expect_eq(queue_outline(f.q, 2, &o, &e), QUEUE_NO_SUCH);
    cr_expect_eq(next_job(f.q), 1);
    fixture_close(&f);
}

Test(jobs, why_they_wait)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        submit(f.q, 1);
    cr_expect_eq(next_job(f.q), 1);
    queue_set_waiting(f.q, 1, "its store has vanished");
    queue_set_waiting(f.q, 0, "no room");
    lease(f.q, 2, 1, 1);
    cr_expect_eq(next_job(f.q), 1);
    expect_waiting(f.q, 1, "its store has vanished");
    expect_waiting(f.q, 2, "(nothing)"); /* it is running */
    expect_waiting(f.q, 3, "no room");
    queue_set_waiting(f.q, 1, NULL);
    expect_waiting(f.q, 1, "no room");
    queue_set_waiting(f.q, 0, NULL);
    queue_set_waiting(f.q, 3, "paused");
    expect_ok(queue_cancel(f.q, 3, NULL, &e), &e);
    cr_expect_eq(next_job(f.q), 1);
    expect_waiting(f.q, 3, "(nothing)");
    fixture_close(&f);
}
