/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void execute(struct queue *q, const char *sql)
{
    cr_assert_eq(sqlite3_exec(q->database.connection, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number(struct queue *q, const char *sql)
{
    sqlite3_stmt *s;
    cr_assert_eq(sqlite3_prepare_v2(q->database.connection, sql, -1, &s, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

Test(open, a_new_database)
{
    struct fixture f;
    struct stat s;
    fixture_open(&f);
    cr_expect_eq(number(f.q, "PRAGMA user_version"), database_schema_version());
    cr_expect_eq(number(f.q, "PRAGMA synchronous"), 2);
    cr_expect_eq(number(f.q, "PRAGMA wal_autocheckpoint"), 0);
    cr_assert_eq(stat(f.path, &s), 0);
    cr_expect_eq(s.st_mode & 0777, 0600);
    cr_expect(!queue_dirty(f.q));
    cr_expect_eq(queue_last_event(f.q), 0);
    fixture_close(&f);
}

Test(open, a_newer_schema_is_refused)
{
    struct fixture f;
    struct error e = {0};
    struct queue *q;
    fixture_open(&f);
    char *sql = mem_printf("PRAGMA user_version = %d", database_schema_version() + 1);
    execute(f.q, sql);
    free(sql);
    f.q = queue_close(f.q);
    struct queue_options o = options_of(&f);
    cr_expect_eq(queue_open(&o, &q, &e), QUEUE_REFUSED);
    cr_expect(strstr(e.message, "newer simlabd"), "%s", e.message);
    fixture_close(&f);
}

Test(open, a_database_of_others_is_refused)
{
    struct fixture f;
    struct error e = {0};
    struct queue *q;
    fixture_open(&f);
    execute(f.q, "PRAGMA application_id = 0");
    f.q = queue_close(f.q);
    struct queue_options o = options_of(&f);
    cr_expect_eq(queue_open(&o, &q, &e), QUEUE_DAMAGED);
    cr_expect(strstr(e.message, "not a database of simlabd"), "%s", e.message);
    fixture_close(&f);
}

Test(open, a_file_that_is_no_database_is_refused)
{
    struct fixture f;
    struct error e = {0};
    struct queue *q;
    fixture_open(&f);
    f.q = queue_close(f.q);
    FILE *file = fopen(f.path, "w");
    cr_assert(file);
    struct queue_options o = options_of(&f);
    for (int i = 0; i < 1000; i++)
        fputs("not a database ", file);
    fclose(file);
    cr_expect_eq(queue_open(&o, &q, &e), QUEUE_DAMAGED);
    cr_expect(strstr(e.message, "not a database"), "%s", e.message);
    o.path = "/nonexistent/queue.db";
    cr_expect_eq(queue_open(&o, &q, &e), -ENOENT);
    fixture_close(&f);
}

Test(open, one_process_at_a_time)
{
    struct fixture f;
    fixture_open(&f);
    pid_t child = fork();
    if (child == 0) {
        struct queue *q;
        struct error e = {0};
        struct queue_options o = options_of(&f);
        int r = queue_open(&o, &q, &e);
        _exit(r == QUEUE_REFUSED && strstr(e.message, "in use by process") ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fixture_close(&f);
}

Test(open, leases_of_the_former_daemon_are_released)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 20);
    struct queue_lease a = lease(f.q, job, 5, 1), b = lease(f.q, job, 6, 1);
    expect_ok(queue_done(f.q, &a, 2, 3, &e), &e);
    fixture_commit(&f);
    expect_ok(queue_lease_live(f.q, &a, &e), &e);
    fixture_reopen(&f);
    check_invariants(f.q);
    cr_expect_eq(queue_lease_live(f.q, &a, &e), QUEUE_NOT_LIVE);
    cr_expect_eq(queue_done(f.q, &a, 3, 4, &e), QUEUE_NOT_LIVE);
    cr_expect_eq(queue_lost(f.q, &b, DEATH("died"), &e), QUEUE_NOT_LIVE);
    struct queue_lease c = lease(f.q, job, 100, 1), d = lease(f.q, job, 100, 1);
    cr_expect_gt(c.id, b.id);
    cr_expect_eq(c.begin, 1);
    cr_expect_eq(c.end, 2);
    cr_expect_eq(d.begin, 3, "the rest was not cut");
    cr_expect_eq(d.end, 20);
    fixture_close(&f);
}

Test(open, fences_never_come_twice)
{
    struct fixture f;
    int64_t last = 0, committed = 0;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 5000);
    fixture_commit(&f);
    for (int i = 0; i < 40; i++) {
        for (int n = 0; n < 60; n++) {
            struct queue_lease l = lease(f.q, job, 1, 1);
            cr_assert_gt(l.id, last);
            last = l.id;
        }
        if (i % 2 == 0) {
            fixture_commit(&f);
            committed = last;
        } else {
            fixture_reopen(&f); /* the turn is lost, and was told to nobody */
            last = committed;
        }
    }
    fixture_close(&f);
}

/* ---- databases of former versions ---- */

static const char schema[] =
#include "queue/schema.inc"
    ;

/* A job that has ended, one half done with a member's failed attempt and a lease, one elsewhere. */
static const char jobs_of_version_1[] =
    "UPDATE fence SET reserved = 1000;"
    "INSERT INTO job (id, state, members, done, dead, free, frontier, has_layout, priority, "
    "max_attempts, member_timeout, created, store, principal) VALUES"
    " (1, 2, 3, 3, 0, 0, 3, 1, 0, 3, 0, 5, '/stores/1.zarr', ''),"
    " (2, 1, 9, 2, 1, 4, 5, 1, 0, 3, 0, 5, '/stores/deep/2.zarr', ''),"
    " (3, 0, 5, 0, 0, 5, 0, 0, 0, 3, 0, 5, '/elsewhere/3.zarr', '');"
    "INSERT INTO job_text VALUES (1, '{}', '{}'), (2, '{\"a\":1}', '{\"b\":2}'), (3, NULL, '{}');"
    "INSERT INTO member_range VALUES (1, 0, 0, 3, 0, NULL), (2, 0, 0, 2, 0, NULL), (2, 1, 2, 3, 3, "
    "'no');"
    "INSERT INTO attempt VALUES (2, 3, 1);"
    "INSERT INTO lease VALUES (900, 2, 3, 5, 0, 'local-1', 5);"
    "INSERT INTO event VALUES (1, 1, 5, 'queued', '{}'), (2, 1, 5, 'running', '{}'), "
    "(3, 1, 5, 'succeeded', '{}'), (4, 2, 5, 'queued', '{}'), (5, 2, 5, 'running', '{}'), "
    "(6, 3, 5, 'queued', '{}');"
    "PRAGMA application_id = 1936289137; PRAGMA user_version = 1;";

static void make_version_1(const char *path)
{
    const char *end = strstr(schema, "-- version 2");
    char *sql = mem_printf("%.*s;%s", (int)(end - schema), schema, jobs_of_version_1);
    sqlite3 *connection;
    cr_assert_eq(sqlite3_open(path, &connection), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(connection, sql, NULL, NULL, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(connection));
    sqlite3_close(connection);
    free(sql);
}

static void expect_store(struct queue *q, int64_t job, const char *expected)
{
    struct queue_job j;
    struct error e = {0};
    expect_ok(queue_job(q, job, &j, &e), &e);
    cr_expect_str_eq(j.store, expected);
    queue_job_clear(&j);
}

/* Makes the database one of a former version, with these rows. */
static void make_version(struct fixture *f, int version, const char *rows)
{
    char *next = mem_printf("-- version %d", version + 1);
    const char *end = strstr(schema, next);
    char *sql = mem_printf("%.*s;%s;PRAGMA application_id = 1936289137; PRAGMA user_version = %d;",
                           (int)(end - schema), schema, rows, version);
    sqlite3 *connection;
    f->q = queue_close(f->q);
    unlink(f->path);
    cr_assert_eq(sqlite3_open(f->path, &connection), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(connection, sql, NULL, NULL, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(connection));
    sqlite3_close(connection);
    free(next);
    free(sql);
}

Test(open, a_database_of_version_1)
{
    struct fixture f;
    struct error e = {0};
    char *layout;
    fixture_open(&f);
    f.q = queue_close(f.q);
    unlink(f.path);
    make_version_1(f.path);
    struct queue_options o = options_of(&f);
    o.root = "/stores";
    fixture_reopen_with(&f, &o);
    cr_expect_eq(number(f.q, "PRAGMA user_version"), database_schema_version());
    expect_store(f.q, 1, "/stores/1.zarr");
    expect_store(f.q, 2, "/stores/deep/2.zarr");
    expect_store(f.q, 3, "/elsewhere/3.zarr");
    cr_expect_eq(number(f.q, "SELECT count(*) FROM job WHERE store LIKE '/stores%'"), 0);
    cr_expect_eq(strlen(queue_identity(f.q)), QUEUE_IDENTITY_SIZE - 1);
    expect_ok(queue_job_layout(f.q, 2, &layout, &e), &e);
    cr_expect_str_eq(layout, "{\"a\":1}");
    free(layout);
    struct queue_lease l = lease(f.q, 2, 9, 1);
    cr_expect(l.begin == 3 && l.end == 9 && l.id > 900, "what was leased is free");
    expect_ok(queue_done(f.q, &l, 3, 9, &e), &e);
    fixture_commit(&f);
    cr_expect(is_complete(f.q, 2));
    cr_expect_eq(next_job(f.q), 3);
    check_invariants(f.q);
    fixture_close(&f);
}

/* A member's failed attempts, and one that is to be alone, of a daemon without rests, or batches
 * that are open. */
Test(open, a_database_of_version_3)
{
    struct fixture f;
    struct error e = {0};
    struct queue_attempts a;
    fixture_open(&f);
    make_version(&f, 3,
                 "INSERT INTO job (id, state, members, free, frontier, has_layout, "
                 "priority, max_attempts, member_timeout, created, store, principal) "
                 "VALUES (1, 1, 9, 9, 1, 1, 0, 3, 0, 5, '1.zarr', '');"
                 "INSERT INTO job_text (job, document) VALUES (1, '{}');"
                 "INSERT INTO member_range (job, state, begin, end) VALUES (1, 3, 0, 1);"
                 "INSERT INTO attempt (job, member, attempts) VALUES (1, 0, 2);"
                 "INSERT INTO event VALUES (1, 1, 5, 'queued', '{}'), "
                 "(2, 1, 5, 'running', '{}')");
    fixture_reopen(&f);
    cr_expect_eq(number(f.q, "PRAGMA user_version"), database_schema_version());
    expect_ok(queue_attempts(f.q, 1, 0, &a, &e), &e);
    cr_expect(a.attempts == 2 && a.rests_until == 0);
    struct queue_appended appended;
    const struct queue_append more = {.job = 1, .count = 1, .most = 100, .document = "{}"};
    cr_expect_eq(queue_append(f.q, &more, &appended, &e), QUEUE_REFUSED);
    check_invariants(f.q);
    struct queue_lease l = lease(f.q, 1, 9, 1);
    cr_expect(l.begin == 0 && l.end == 1);
    fixture_close(&f);
}

/* An ended job, of a daemon that could not remove any. */
Test(open, a_database_of_version_5)
{
    struct fixture f;
    struct error e = {0};
    struct queue_job job;
    bool more = true;
    fixture_open(&f);
    make_version(&f, 5,
                 "INSERT INTO job (id, state, members, done, free, frontier, has_layout, priority, "
                 "max_attempts, member_timeout, created, store, principal) "
                 "VALUES (1, 2, 9, 9, 0, 9, 1, 0, 3, 0, 5, '1.zarr', '');"
                 "INSERT INTO job_text (job, document) VALUES (1, '{}');"
                 "INSERT INTO member_range (job, state, begin, end) VALUES (1, 0, 0, 9);"
                 "INSERT INTO event VALUES (7, 1, 5, 'succeeded', '{}')");
    fixture_reopen(&f);
    expect_ok(queue_job(f.q, 1, &job, &e), &e);
    cr_expect(!job.is_removing);
    queue_job_clear(&job);
    cr_expect_eq(queue_last_event(f.q), 7);
    expect_ok(queue_remove(f.q, 1, false, &e), &e);
    expect_ok(queue_forget(f.q, 1, &more, &e), &e);
    cr_expect(!more);
    fixture_commit(&f);
    cr_expect_eq(queue_job(f.q, 1, &job, &e), QUEUE_NO_SUCH);
    fixture_close(&f);
}

/* Later versions: add here the database of the version before. */
Test(open, the_schema_has_all_its_versions)
{
    cr_expect_eq(database_schema_version(), 6);
}
