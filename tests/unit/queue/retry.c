/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 12 };

/* Member 0 done, 3 and 4 dead, the others done; ended. */
static int64_t ended_partial(struct queue *q)
{
    struct error e = {0};
    int64_t job = submit_with_layout(q, MEMBERS);
    struct queue_lease l = lease(q, job, MEMBERS, 1);
    expect_ok(queue_done(q, &l, 1, 3, &e), &e);
    expect_ok(queue_member_failed(q, &l, 3, DEATH("no"), &e), &e);
    expect_ok(queue_member_failed(q, &l, 4, DEATH("no"), &e), &e);
    expect_ok(queue_done(q, &l, 5, MEMBERS, &e), &e);
    expect_ok(queue_release(q, &l, &e), &e);
    expect_ok(queue_finish(q, job, &e), &e);
    return job;
}

static int64_t ended(struct fixture *f)
{
    struct error e = {0};
    int64_t job = ended_partial(f->q);
    fixture_commit(f);
    expect_ok(queue_sync_removed(f->q, job, &e), &e);
    return job;
}

static void expect_counts(struct queue *q, int64_t job, int64_t done, int64_t dead, int64_t free)
{
    struct queue_counts c;
    struct error e = {0};
    expect_ok(queue_counts(q, job, &c, &e), &e);
    cr_expect(c.done == done && c.dead == dead && c.free == free,
              "%" PRId64 " done, %" PRId64 " dead, %" PRId64 " free", c.done, c.dead, c.free);
}

static void expect_kept(struct queue *q, int64_t job, const char *kept, bool repairs)
{
    struct error e = {0};
    char *text = NULL;
    bool found = !repairs;
    expect_ok(queue_job_kept(q, job, &text, &found, &e), &e);
    cr_expect_str_eq(text, kept);
    cr_expect_eq(found, repairs);
    free(text);
}

Test(retry, the_dead_are_free_again)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = ended(&f);
    expect_kept(f.q, job, "[]", false);
    expect_ok(queue_retry(f.q, job, &(struct queue_retry){0}, &e), &e);
    fixture_commit(&f);
    check_invariants(f.q);
    cr_expect_eq(state_of(f.q, job), JOB_RUNNING);
    expect_counts(f.q, job, MEMBERS - 2, 0, 2);
    expect_kept(f.q, job, "[[0,3],[5,12]]", false);
    cr_expect_str_eq(event_kinds(f.q, job), "queued running retried");
    fixture_reopen(&f);
    cr_expect_eq(next_job(f.q), job);
    struct queue_lease l = lease(f.q, job, 100, 4);
    cr_expect(l.begin == 3 && l.end == 5);
    expect_ok(queue_done(f.q, &l, 3, 4, &e), &e);
    expect_ok(queue_member_failed(f.q, &l, 4, DEATH("no"), &e), &e);
    expect_ok(queue_finish(f.q, job, &e), &e);
    json_t *page = NULL;
    expect_ok(queue_members(f.q, job, -1, 10, &page, &e), &e);
    cr_assert_eq(json_array_size(page), 1);
    cr_expect_eq(json_integer_value(json_object_get(json_array_get(page, 0), "attempts")), 2,
                 "the one before counts");
    json_decref(page);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(retry, damaged_ones_are_computed_again)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = ended(&f);
    static const int64_t damaged[][2] = {{2, 4}, {7, 8}, {10, MEMBERS}};
    expect_ok(queue_retry(f.q, job, &(struct queue_retry){.damaged = damaged, .n_damaged = 3}, &e),
              &e);
    check_invariants(f.q);
    expect_kept(f.q, job, "[[0,2],[5,7],[8,10]]", true);
    expect_counts(f.q, job, 6, 0, 6);
    static const int64_t leases[][2] = {{2, 5}, {7, 8}, {10, MEMBERS}};
    for (size_t i = 0; i < 3; i++) {
        struct queue_lease l = lease(f.q, job, 100, 1);
        cr_expect(l.begin == leases[i][0] && l.end == leases[i][1], "[%" PRId64 ", %" PRId64 ")",
                  l.begin, l.end);
        expect_ok(queue_done(f.q, &l, l.begin, l.end, &e), &e);
        expect_ok(queue_release(f.q, &l, &e), &e);
    }
    expect_ok(queue_finish(f.q, job, &e), &e);
    cr_expect_eq(state_of(f.q, job), JOB_SUCCEEDED);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(retry, one_without_members_begins_anew)
{
    struct fixture f;
    struct error e = {0};
    char *layout = NULL;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 2);
    expect_ok(queue_cancel(f.q, job, NULL, &e), &e);
    expect_ok(queue_sync_removed(f.q, job, &e), &e);
    static const int64_t all[][2] = {{0, 2}};
    expect_ok(queue_retry(f.q, job, &(struct queue_retry){.damaged = all, .n_damaged = 1}, &e), &e);
    check_invariants(f.q);
    expect_ok(queue_job_layout(f.q, job, &layout, &e), &e);
    cr_expect_null(layout, "the first member decides it again");
    struct queue_lease l = lease(f.q, job, 1, 1);
    expect_ok(queue_add_layout(f.q, &l, 0, "{}", &e), &e);
    fixture_close(&f);
}

Test(retry, what_is_refused_changes_nothing)
{
    struct fixture f;
    struct error e = {0};
    const struct queue_retry how = {0};
    fixture_open(&f);
    cr_expect_eq(queue_retry(f.q, 7, &how, &e), QUEUE_NO_SUCH);
    int64_t job = ended_partial(f.q);
    fixture_commit(&f);
    cr_expect_eq(queue_retry(f.q, job, &how, &e), QUEUE_BUSY, "its locks are there");
    cr_expect_not(queue_dirty(f.q));
    expect_ok(queue_sync_removed(f.q, job, &e), &e);
    expect_ok(queue_retry(f.q, job, &how, &e), &e);
    cr_expect_eq(queue_retry(f.q, job, &how, &e), QUEUE_REFUSED, "it runs");
    cr_expect(strstr(e.message, "is running"), "%s", e.message);
    fixture_commit(&f);
    struct queue_lease l = lease(f.q, job, 9, 1);
    expect_ok(queue_done(f.q, &l, l.begin, l.end, &e), &e);
    expect_ok(queue_finish(f.q, job, &e), &e);
    expect_ok(queue_sync_removed(f.q, job, &e), &e);
    fixture_commit(&f);
    cr_expect_eq(queue_retry(f.q, job, &how, &e), QUEUE_REFUSED, "nothing is to be done");
    static const int64_t bad[][2] = {{0, 2}, {1, 3}, {5, 5}, {0, MEMBERS + 1}, {-1, 2}};
    for (size_t i = 0; i < 4; i++) {
        struct queue_retry broken = {.damaged = &bad[i ? i + 1 : 0], .n_damaged = i ? 1 : 2};
        cr_expect_eq(queue_retry(f.q, job, &broken, &e), QUEUE_INVALID, "%zu", i);
    }
    cr_expect_not(queue_dirty(f.q));
    fixture_close(&f);
}

static int refuse(void *userdata, int64_t job, const struct queue_retry_store *store,
                  struct error *e)
{
    (void)job;
    cr_expect(store->has_members && store->path[0] == '/');
    return error_set(e, *(int *)userdata, NULL, "it is another's");
}

Test(retry, a_store_that_cannot_be_claimed)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = ended(&f);
    fixture_commit(&f);
    int results[] = {QUEUE_REFUSED, -EIO};
    for (int i = 0; i < 2; i++) {
        const struct queue_retry how = {.claim = refuse, .userdata = &results[i]};
        cr_expect_eq(queue_retry(f.q, job, &how, &e), results[i]);
        cr_expect_not(queue_dirty(f.q));
        cr_expect_eq(state_of(f.q, job), JOB_PARTIAL);
    }
    fixture_close(&f);
}

/* A failed job gives its store free, and another takes it. */
Test(retry, a_store_that_was_given_to_another)
{
    struct fixture f;
    struct error e = {0};
    bool existed;
    int64_t first, second;
    fixture_open(&f);
    struct queue_submission s = submission_of(2);
    s.store = "/tmp/simlab-no-such-directory/a.zarr";
    expect_ok(queue_submit(f.q, &s, &first, &existed, &e), &e);
    expect_ok(queue_fail(f.q, first, "no", &e), &e);
    expect_ok(queue_sync_removed(f.q, first, &e), &e);
    expect_ok(queue_submit(f.q, &s, &second, &existed, &e), &e);
    expect_ok(queue_fail(f.q, second, "no", &e), &e);
    expect_ok(queue_sync_removed(f.q, second, &e), &e);
    cr_expect_eq(queue_retry(f.q, first, &(struct queue_retry){0}, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "was given to job 2"), "%s", e.message);
    expect_ok(queue_retry(f.q, second, &(struct queue_retry){0}, &e), &e);
    cr_expect_eq(state_of(f.q, second), JOB_QUEUED, "it never began");
    check_invariants(f.q);
    fixture_close(&f);
}
