/* SPDX-License-Identifier: Apache-2.0 */
/* A write or sync of the database fails: what was committed before it, and what is after, is on the
 * disk. */
#include "fault.h"
#include "fixture.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAUSE = 20000 /* from tick to tick, ms */ };

static int64_t submit_committed(struct fixture *f)
{
    int64_t job = submit(f->q, 1);
    fixture_commit(f);
    return job;
}

/* What the file holds without its WAL. */
static void expect_in_file(const struct fixture *f, int64_t n)
{
    struct buffer bytes = {0};
    char *copy = mem_printf("%s.copy", f->path), *temporary = mem_printf("%s.temporary", f->path);
    sqlite3 *connection;
    sqlite3_stmt *s;
    cr_assert_eq(file_read(f->path, 1 << 26, &bytes), 0);
    cr_assert_eq(file_replace(copy, temporary, bytes.data, bytes.size, 0600, FILE_SYNC_NONE), 0);
    cr_assert_eq(sqlite3_open(copy, &connection), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(connection, "SELECT count(*) FROM job", -1, &s, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(connection));
    cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
    cr_assert_eq(sqlite3_column_int64(s, 0), n);
    sqlite3_finalize(s);
    sqlite3_close(connection);
    free(copy);
    free(temporary);
    buffer_free(&bytes);
}

/* As if nothing that was written since then had reached the disk. */
static void put_back(const struct fixture *f, const struct buffer *bytes)
{
    int fd = open(f->path, O_WRONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, bytes->data, bytes->size, 0), (ssize_t)bytes->size);
    cr_assert_eq(ftruncate(fd, (off_t)bytes->size), 0);
    close(fd);
}

static int64_t tick(struct fixture *f, int64_t *now)
{
    *now += PAUSE;
    return queue_tick(f->q, *now);
}

/* Ticks, each of which has another call that fails, until that is the sync of the file. */
static void fail_checkpoint(struct fixture *f, int64_t *now)
{
    for (long n = 1; !f->q->database.is_unsound; n++) {
        cr_assert_lt(n, 1000);
        fault_arm(n, EIO, false);
        tick(f, now);
    }
    fault_arm(0, 0, false);
}

Test(unsynced, all_of_the_wal_is_written_back_again)
{
    struct fixture f;
    struct buffer before = {0};
    sqlite3 *reader;
    int64_t now = 1000;
    fault_install();
    fixture_open(&f);
    for (int i = 0; i < 5; i++)
        submit_committed(&f);
    cr_assert_eq(file_read(f.path, 1 << 26, &before), 0);
    cr_assert_eq(sqlite3_open(f.path, &reader), SQLITE_OK);
    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM job", NULL, NULL, NULL);
    for (int i = 0; i < 3; i++)
        submit_committed(&f);
    tick(&f, &now);
    tick(&f, &now); /* a part, which is not synced */
    sqlite3_close(reader);
    cr_assert_gt(f.q->database.wal_written, 0);
    cr_assert_lt(f.q->database.wal_written, f.q->database.wal_pages);
    fail_checkpoint(&f, &now);
    put_back(&f, &before);
    cr_assert_eq(submit_committed(&f), 9, "it goes on meanwhile");
    for (int i = 0; i < 4; i++)
        tick(&f, &now);
    cr_assert(!f.q->database.is_unsound);
    submit_committed(&f);
    for (int i = 0; i < 4; i++)
        tick(&f, &now);
    cr_assert_eq(f.q->database.wal_written, f.q->database.wal_pages);
    expect_in_file(&f, 10);
    check_invariants(f.q);
    buffer_free(&before);
    fixture_close(&f);
}

Test(unsynced, nothing_is_written_back_at_the_close)
{
    struct fixture f;
    int64_t now = 1000;
    fault_install();
    fixture_open(&f);
    submit_committed(&f);
    tick(&f, &now);
    fail_checkpoint(&f, &now);
    char *wal = mem_printf("%s-wal", f.path);
    f.q = queue_close(f.q);
    cr_assert_eq(access(wal, F_OK), 0);
    free(wal);
    fixture_reopen(&f);
    cr_assert_eq(f.q->numbers.last_job, 1);
    fixture_close(&f);
}

static off_t size_of_wal(const struct fixture *f)
{
    struct stat st;
    char *wal = mem_printf("%s-wal", f->path);
    cr_assert_eq(stat(wal, &st), 0);
    free(wal);
    return st.st_size;
}

/* How many bytes a submission, committed, adds to the log. */
static off_t growth(struct fixture *f)
{
    off_t before = size_of_wal(f);
    submit_committed(f);
    return size_of_wal(f) - before;
}

/* What failed lies in blocks that cannot be relied upon: the next commit does not lie there, but
 * behind the one before. Each call of a commit fails once, its sync, too. */
Test(unsynced, a_commit_that_failed_is_cut_off)
{
    enum { MANY = 300 };
    struct fixture f;
    int64_t now = 1000;
    fault_install();
    fixture_open(&f);
    submit_committed(&f);
    off_t one = growth(&f), most = 0;
    int r = -1;
    for (long n = 1; r != 0; n++) {
        off_t before = size_of_wal(&f);
        for (int i = 0; i < MANY; i++)
            submit(f.q, 1);
        fault_arm(n, EIO, false);
        r = queue_commit(f.q, NULL);
        fault_arm(0, 0, false);
        off_t grown = size_of_wal(&f) - before;
        most = grown > most && r != 0 ? grown : most;
        if (r == 0)
            break;
        cr_assert_lt(queue_health(f.q, NULL), 0);
        submit_committed(&f);
        cr_assert_leq(size_of_wal(&f), before + 2 * one, "call %ld", n);
    }
    cr_assert_gt(most, 2 * one, "it was in the file");
    tick(&f, &now);
    check_invariants(f.q);
    fixture_close(&f);
}

static void put_away(const char *from, const char *to)
{
    cr_assert_eq(file_rename(from, to), 0);
}

/* It is away for a moment, while it is opened anew. */
Test(unsynced, until_it_can_be_opened_again_nothing_is_answered)
{
    struct fixture f;
    struct error e = {0};
    struct queue_job j;
    int64_t now = 1000;
    fault_install();
    fixture_open(&f);
    submit_committed(&f);
    tick(&f, &now);
    fail_checkpoint(&f, &now);
    char *away = mem_printf("%s.away", f.path);
    put_away(f.path, away);
    cr_assert_eq(mkdir(f.path, 0700), 0);
    tick(&f, &now);
    cr_assert_lt(queue_job(f.q, 1, &j, &e), 0);
    cr_assert_lt(queue_cancel(f.q, 1, NULL, &e), 0);
    cr_assert_lt(queue_health(f.q, &e), 0);
    cr_assert_eq(queue_commit(f.q, &e), 0);
    cr_assert_eq(rmdir(f.path), 0);
    put_away(away, f.path);
    tick(&f, &now);
    cr_assert_eq(queue_health(f.q, &e), 0);
    cr_assert_eq(state_of(f.q, 1), JOB_QUEUED);
    cr_assert_eq(submit_committed(&f), 2);
    free(away);
    fixture_close(&f);
}
