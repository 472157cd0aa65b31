/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static int64_t submit_open(struct queue *q, int64_t members, const char *document)
{
    struct queue_submission s = submission_of(members);
    struct error e = {0};
    int64_t id;
    bool existed;
    s.is_open = true;
    s.document = document;
    expect_ok(queue_submit(q, &s, &id, &existed, &e), &e);
    return id;
}

static struct queue_appended append(struct queue *q, int64_t job, int64_t n, const char *document,
                                    const char *key)
{
    struct queue_appended done = {0};
    struct error e = {0};
    const struct queue_append a = {.job = job,
                                   .count = n,
                                   .most = 1000,
                                   .document = document,
                                   .idempotency_key = key,
                                   .document_hash = document};
    expect_ok(queue_append(q, &a, &done, &e), &e);
    return done;
}

static int try_append(struct queue *q, int64_t job, int64_t n, struct error *e)
{
    struct queue_appended done;
    const struct queue_append a = {.job = job, .count = n, .most = 1000, .document = "{}"};
    return queue_append(q, &a, &done, e);
}

static void lay_out(struct queue *q, int64_t job)
{
    struct error e = {0};
    struct queue_lease l = lease(q, job, 1, 1);
    expect_ok(queue_add_layout(q, &l, 0, "{}", &e), &e);
    expect_ok(queue_done(q, &l, 0, 1, &e), &e);
    expect_ok(queue_release(q, &l, &e), &e);
}

static void run_all(struct queue *q, int64_t job, int64_t begin, int64_t end)
{
    struct error e = {0};
    struct queue_lease l = lease(q, job, 1000, 1);
    cr_assert(l.begin == begin && l.end == end, "[%" PRId64 ", %" PRId64 ")", l.begin, l.end);
    expect_ok(queue_done(q, &l, begin, end, &e), &e);
    expect_ok(queue_release(q, &l, &e), &e);
}

static void end(struct fixture *f, int64_t job)
{
    struct error e = {0};
    expect_ok(queue_finish(f->q, job, &e), &e);
    fixture_commit(f);
    cr_expect_eq(try_append(f->q, job, 1, &e), QUEUE_BUSY, "its locks are there");
    expect_ok(queue_sync_removed(f->q, job, &e), &e);
}

static void expect_document(struct queue *q, int64_t job, const char *want)
{
    struct error e = {0};
    char *text = NULL;
    expect_ok(queue_job_document(q, job, &text, &e), &e);
    cr_expect_str_eq(text, want);
    free(text);
}

Test(append, while_it_runs)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_open(f.q, 4, "{\"a\":1}");
    expect_document(f.q, job, "{\"a\":1}");
    struct queue_appended first = append(f.q, job, 3, "{\"b\":2}", "k");
    cr_expect(first.first == 4 && first.count == 3 && !first.existed, "before the layout");
    lay_out(f.q, job);
    struct queue_lease l = lease(f.q, job, 1000, 1);
    cr_expect(l.begin == 1 && l.end == 7);
    struct queue_appended second = append(f.q, job, 2, "{}", NULL);
    cr_expect(second.first == 7 && second.count == 2);
    fixture_commit(&f);
    check_invariants(f.q);
    expect_document(f.q, job, "{\"a\":1,\"appended\":[{\"b\":2},{}]}");
    run_all(f.q, job, 7, 9);
    struct error e = {0};
    expect_ok(queue_done(f.q, &l, 1, 7, &e), &e);
    cr_expect(is_complete(f.q, job));
    cr_expect_eq(try_append(f.q, job, 1, &e), QUEUE_BUSY, "its store is being closed");
    end(&f, job);
    cr_expect_eq(state_of(f.q, job), JOB_SUCCEEDED);
    check_invariants(f.q);
    fixture_close(&f);
}

Test(append, after_its_end)
{
    struct fixture f;
    struct error e = {0};
    char *kept = NULL;
    bool repairs;
    fixture_open(&f);
    int64_t job = submit_open(f.q, 4, "{}");
    lay_out(f.q, job);
    struct queue_lease l = lease(f.q, job, 1000, 1);
    expect_ok(queue_member_failed(f.q, &l, 2, DEATH("no"), &e), &e);
    expect_ok(queue_done(f.q, &l, 1, 4, &e), &e);
    end(&f, job);
    cr_expect_eq(state_of(f.q, job), JOB_PARTIAL);
    append(f.q, job, 5, "{}", NULL);
    fixture_commit(&f);
    fixture_reopen(&f);
    check_invariants(f.q);
    cr_expect_eq(state_of(f.q, job), JOB_RUNNING);
    expect_ok(queue_job_kept(f.q, job, &kept, &repairs, &e), &e);
    cr_expect_str_eq(kept, "[[0,2],[3,4]]");
    free(kept);
    cr_expect_eq(next_job(f.q), job);
    run_all(f.q, job, 4, 9);
    end(&f, job);
    cr_expect_eq(state_of(f.q, job), JOB_PARTIAL, "what is dead stays dead");
    cr_expect_str_eq(event_kinds(f.q, job), "queued running appended partial");
    check_invariants(f.q);
    fixture_close(&f);
}

Test(append, once_with_a_key)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_open(f.q, 4, "{}"), other = submit_open(f.q, 1, "{}");
    append(f.q, job, 3, "{\"b\":2}", "k");
    append(f.q, job, 1, "{}", "l");
    fixture_commit(&f);
    fixture_reopen(&f);
    struct queue_appended again = append(f.q, job, 3, "{\"b\":2}", "k");
    cr_expect(again.existed && again.first == 4 && again.count == 3);
    struct queue_appended done;
    const struct queue_append differs = {.job = job,
                                         .count = 3,
                                         .most = 1000,
                                         .document = "{}",
                                         .idempotency_key = "k",
                                         .document_hash = "another"};
    cr_expect_eq(queue_append(f.q, &differs, &done, &e), QUEUE_REFUSED);
    cr_expect(!append(f.q, other, 1, "{}", "k").existed, "a key is of one job");
    check_invariants(f.q);
    fixture_close(&f);
}

Test(append, what_is_refused)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t shut = submit(f.q, 4), job = submit_open(f.q, 4, "{}");
    cr_expect_eq(try_append(f.q, 99, 1, &e), QUEUE_NO_SUCH);
    cr_expect_eq(try_append(f.q, shut, 1, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "\"open\": true"), "%s", e.message);
    cr_expect_eq(try_append(f.q, job, 0, &e), QUEUE_INVALID);
    cr_expect_eq(try_append(f.q, job, 997, &e), QUEUE_INVALID);
    expect_ok(try_append(f.q, job, 996, &e), &e);
    expect_ok(queue_cancel(f.q, job, NULL, &e), &e);
    expect_ok(queue_sync_removed(f.q, job, &e), &e);
    cr_expect_eq(try_append(f.q, job, 1, &e), QUEUE_REFUSED, "it was cancelled");
    int64_t closed = submit_open(f.q, 4, "{}");
    expect_ok(queue_close_batch(f.q, closed, &e), &e);
    expect_ok(queue_close_batch(f.q, closed, &e), &e);
    cr_expect_eq(try_append(f.q, closed, 1, &e), QUEUE_REFUSED);
    check_invariants(f.q);
    fixture_close(&f);
}

/* Workers are to be told. */
Test(append, is_news)
{
    struct fixture f;
    struct error e = {0};
    int64_t changed = 0;
    fixture_open(&f);
    int64_t job = submit_open(f.q, 4, "{}");
    lay_out(f.q, job);
    while (queue_next_changed(f.q, &changed, &e) == 0)
        continue;
    append(f.q, job, 1, "{}", NULL);
    expect_ok(queue_next_changed(f.q, &changed, &e), &e);
    cr_expect_eq(changed, job);
    fixture_close(&f);
}

/* What it was submitted with goes before. */
Test(append, to_a_document_that_has_some)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_open(f.q, 4, "{\"appended\":[1],\"z\":3}");
    append(f.q, job, 1, "2", NULL);
    expect_document(f.q, job, "{\"appended\":[1,2],\"z\":3}");
    int64_t none = submit_open(f.q, 4, "{\"appended\":null}");
    append(f.q, none, 1, "2", NULL);
    expect_document(f.q, none, "{\"appended\":[2]}");
    fixture_close(&f);
}

Test(append, a_failed_commit_takes_it_back)
{
    struct fixture f;
    struct error e = {0};
    struct queue_outline o;
    fixture_open(&f);
    int64_t job = submit_open(f.q, 4, "{}");
    fixture_commit(&f);
    append(f.q, job, 3, "{}", NULL);
    expect_ok(queue_outline(f.q, job, &o, &e), &e);
    cr_expect_eq(o.members, 7);
    fixture_reopen(&f);
    expect_ok(queue_outline(f.q, job, &o, &e), &e);
    cr_expect(o.members == 4 && o.free == 4);
    expect_document(f.q, job, "{}");
    fixture_close(&f);
}
