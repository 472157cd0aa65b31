/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of libraries that jobs and models pin. */
#include "fixture.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t submit_with(struct queue *q, const char *name, const char *hash)
{
    struct error e = {0};
    int64_t job;
    bool existed;
    struct queue_submission s = submission_of(1);
    json_t *libraries = json_pack("{s:s}", name, hash);
    s.libraries = libraries;
    expect_ok(queue_submit(q, &s, &job, &existed, &e), &e);
    json_decref(libraries);
    return job;
}

static void expect_libraries(struct queue *q, int64_t job, const char *want)
{
    struct error e = {0};
    char *text;
    expect_ok(queue_job_libraries(q, job, &text, &e), &e);
    cr_expect_str_eq(text, want);
    free(text);
}

static void expect_needed(struct queue *q, const char *want)
{
    struct error e = {0};
    json_t *hashes = json_object();
    int64_t cursor = 0;
    expect_ok(queue_needed_libraries(q, &cursor, hashes, &e), &e);
    cr_expect_eq(cursor, 0);
    char *text = json_dumps(hashes, JSON_SORT_KEYS | JSON_COMPACT);
    cr_expect_str_eq(text, want);
    json_decref(hashes);
    free(text);
}

Test(libraries, a_job_keeps_what_it_was_submitted_with)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_with(f.q, "ver", "aa"), none = submit(f.q, 1);
    fixture_commit(&f);
    fixture_reopen(&f);
    expect_libraries(f.q, job, "{\"ver\":\"aa\"}");
    expect_libraries(f.q, none, "{}");
    fixture_close(&f);
}

Test(libraries, those_that_are_needed)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    expect_needed(f.q, "{}");
    int64_t ended = submit_with(f.q, "ver", "aa");
    submit_with(f.q, "ver", "bb");
    int64_t running = submit_with(f.q, "ver", "cc");
    submit(f.q, 1);
    expect_ok(queue_cancel(f.q, ended, NULL, &e), &e);
    lease(f.q, running, 1, 1);
    fixture_commit(&f);
    expect_needed(f.q, "{\"bb\":true,\"cc\":true}");
    json_t *libraries = json_pack("{s:s}", "ver", "dd");
    expect_ok(queue_add_model(f.q, "a", "hash1", "{1}", &e), &e);
    expect_ok(queue_pin_model(f.q, "hash1", libraries, &e), &e);
    json_object_set_new(libraries, "ver", json_string("ee"));
    expect_ok(queue_add_model(f.q, NULL, "hash2", "{2}", &e), &e);
    expect_ok(queue_pin_model(f.q, "hash2", libraries, &e), &e); /* it has no name */
    fixture_commit(&f);
    expect_needed(f.q, "{\"bb\":true,\"cc\":true,\"dd\":true}");
    expect_ok(queue_pin_model(f.q, "hash1", libraries, &e), &e);
    expect_needed(f.q, "{\"bb\":true,\"cc\":true,\"ee\":true}");
    json_decref(libraries);
    fixture_close(&f);
}

static void expect_user(struct queue *q, const char *hash, bool even_ended, const char *want)
{
    struct error e = {0};
    char *user;
    expect_ok(queue_library_user(q, hash, even_ended, &user, &e), &e);
    if (want)
        cr_expect_str_eq(user, want);
    else
        cr_expect_null(user);
    free(user);
}

Test(libraries, who_uses_one)
{
    struct fixture f;
    struct error e = {0};
    json_t *libraries = json_pack("{s:s}", "ver", "dd");
    fixture_open(&f);
    int64_t cancelled = submit_with(f.q, "ver", "aa");
    expect_ok(queue_cancel(f.q, cancelled, NULL, &e), &e);
    expect_user(f.q, "aa", false, NULL);
    expect_user(f.q, "aa", true, "job 1 (cancelled)");
    submit_with(f.q, "ver", "bb");
    expect_user(f.q, "bb", false, "job 2 (queued)");
    submit_with(f.q, "other", "aa");
    expect_user(f.q, "aa", true, "job 3 (queued)"); /* live ones come first */
    expect_ok(queue_add_model(f.q, NULL, "hash1", "{1}", &e), &e);
    expect_ok(queue_pin_model(f.q, "hash1", libraries, &e), &e);
    expect_user(f.q, "dd", true, NULL); /* it has no name */
    expect_ok(queue_add_model(f.q, "mine", "hash1", "{1}", &e), &e);
    expect_user(f.q, "dd", true, "the model \"mine\"");
    expect_user(f.q, "dd", false, NULL);
    json_decref(libraries);
    fixture_close(&f);
}

/* However many jobs there are, a part takes no long, and none is left out. */
Test(libraries, those_of_many_jobs)
{
    enum { JOBS = 18000 };
    struct fixture f;
    struct error e = {0};
    char hash[16];
    int64_t cursor = 0;
    fixture_open(&f);
    for (int i = 0; i < JOBS; i++) {
        snprintf(hash, sizeof hash, "%d", i);
        int64_t job = submit_with(f.q, "ver", hash);
        if (i % 2)
            lease(f.q, job, 1, 1);
    }
    json_t *hashes = json_object();
    size_t before = 0, most = 0;
    do {
        expect_ok(queue_needed_libraries(f.q, &cursor, hashes, &e), &e);
        size_t n = json_object_size(hashes);
        most = n - before > most ? n - before : most;
        before = n;
    } while (cursor != 0);
    cr_expect_eq(before, JOBS);
    cr_expect_lt(most, 8000);
    json_decref(hashes);
    fixture_close(&f);
}

static bool count(void *n, int64_t job)
{
    *(int *)n += job > 0;
    return true;
}

static bool not_yet(void *nothing, int64_t job)
{
    (void)nothing, (void)job;
    return false;
}

/* Jobs of the schema before there were pins. */
Test(libraries, those_that_have_none_are_given_some)
{
    struct fixture f;
    struct error e = {0};
    int n = 0;
    bool all = true;
    fixture_open(&f);
    int64_t job = submit_with(f.q, "ver", "aa"), none = submit(f.q, 1), ended = submit(f.q, 1);
    expect_ok(queue_cancel(f.q, ended, NULL, &e), &e);
    json_t *libraries = json_pack("{s:s, s:s}", "other", "bb", "ver", "cc");
    fixture_commit(&f);
    f.q = queue_close(f.q);
    struct queue_options o = options_of(&f);
    expect_ok(queue_open(&o, &f.q, &e), &e);
    cr_expect_eq(next_job(f.q), job);
    expect_ok(queue_cancel(f.q, job, NULL, &e), &e);
    cr_expect_eq(next_job(f.q), 0, "what it needs is not known yet");
    expect_waiting(f.q, none, "process libraries are being described");
    expect_ok(queue_pin_unpinned(f.q, libraries, not_yet, NULL, &all, &e), &e);
    cr_expect(!all);
    cr_expect_eq(next_job(f.q), 0);
    expect_ok(queue_pin_unpinned(f.q, libraries, count, &n, &all, &e), &e);
    cr_expect_eq(n, 1);
    cr_expect(all);
    cr_expect_eq(next_job(f.q), none);
    expect_waiting(f.q, none, "(nothing)");
    fixture_commit(&f);
    expect_libraries(f.q, job, "{\"ver\":\"aa\"}");
    expect_libraries(f.q, none, "{\"other\":\"bb\",\"ver\":\"cc\"}");
    expect_libraries(f.q, ended, "{}");
    json_decref(libraries);
    fixture_close(&f);
}
