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
    cr_expect_eq(queue_lost(f.q, &b, "died", &e), QUEUE_NOT_LIVE);
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

/* Later versions: add here the database of the version before. */
Test(open, the_schema_has_all_its_versions)
{
    cr_expect_eq(database_schema_version(), 2);
}
