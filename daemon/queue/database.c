/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/database.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- failures ---- */

int database_errno(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return -EACCES;
    default:
        return -EIO;
    }
}

static int last_failure(const struct database *d, struct error *e)
{
    if (e)
        *e = d->failure;
    return d->failed;
}

bool database_is_sync_failure(sqlite3 *connection)
{
    int code = sqlite3_extended_errcode(connection);
    return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

void database_distrust(struct database *d)
{
    d->is_unsound = true;
    if (d->connection)
        return;
    d->failed = -EIO;
    error_set(&d->failure, 0, NULL,
              "the database of jobs cannot be opened again after the disk failed");
}

int database_fail(struct database *d, struct error *e)
{
    d->failed = database_errno(sqlite3_errcode(d->connection));
    d->broken = d->in_turn;
    d->is_cut_due |= d->in_turn && (d->failed == -EIO || d->failed == -ENOSPC);
    if (d->failed == -EBUSY)
        error_set(&d->failure, 0, NULL, "the database is locked by another program");
    else
        error_set(&d->failure, 0, NULL, "the database of jobs failed: %s",
                  sqlite3_errmsg(d->connection));
    if (d->failed == -EBUSY)
        sqlite3_busy_timeout(d->connection, 0); /* who asks meanwhile need not wait again */
    return last_failure(d, e);
}

static void database_works(struct database *d)
{
    if (d->failed)
        sqlite3_busy_timeout(d->connection, DATABASE_BUSY_MS);
    d->failed = 0;
}

void database_disconnect(struct database *d)
{
    if (d->is_unsound && d->connection) /* its WAL has what the file may lack */
        sqlite3_db_config(d->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(d->statements[i]);
    sqlite3_close(d->connection);
    *d = (struct database){.lock = d->lock};
}

void database_close(struct database *d)
{
    database_disconnect(d);
    if (d->lock >= 0)
        close(d->lock);
    d->lock = -1;
}

/* ---- statements ---- */

static void bind(sqlite3_stmt *s, const struct database_value *values)
{
    for (int i = 1; values->kind != DATABASE_END; i++, values++) {
        int r = SQLITE_OK;
        if (values->kind == DATABASE_INTEGER)
            r = sqlite3_bind_int64(s, i, values->integer);
        else if (values->kind == DATABASE_REAL)
            r = sqlite3_bind_double(s, i, values->real);
        else
            r = sqlite3_bind_text(s, i, values->text, -1, SQLITE_STATIC);
        /* A text beyond SQLite's 1 GB fails the step below through its missing value. */
        mem_assert(r == SQLITE_OK || r == SQLITE_TOOBIG || r == SQLITE_NOMEM);
    }
}

/* 0 at a row, QUEUE_NO_SUCH at the end. */
static int step(struct database *d, struct error *e, sqlite3_stmt *s)
{
    int r = sqlite3_step(s);
    if (r == SQLITE_ROW)
        return 0;
    int result = r == SQLITE_DONE ? QUEUE_NO_SUCH : database_fail(d, e);
    sqlite3_reset(s);
    return result;
}

static int run_plain(struct database *d, struct error *e, enum database_statement id)
{
    int r = step(d, e, d->statements[id]);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static void roll_back(struct database *d)
{
    if (!sqlite3_get_autocommit(d->connection))
        run_plain(d, NULL, STATEMENT_ROLLBACK);
    mem_assert(sqlite3_get_autocommit(d->connection));
}

static int fail_on_wal(struct database *d, const char *doing, struct error *e)
{
    d->failed = -errno;
    error_errno(&d->failure, d->failed, doing);
    return last_failure(d, e);
}

/* Behind its end there is nothing that failed. */
static int settle_wal(struct database *d, struct error *e)
{
    struct stat st = {.st_size = 0};
    const char *wal = sqlite3_filename_wal(sqlite3_db_filename(d->connection, NULL));
    if (d->is_cut_due && truncate(wal, d->wal_size) < 0 && errno != ENOENT)
        return fail_on_wal(d, "cut off what failed of the database's log", e);
    d->is_cut_due = false;
    if (stat(wal, &st) < 0 && errno != ENOENT)
        return fail_on_wal(d, "look at the database's log", e);
    d->wal_size = st.st_size;
    return 0;
}

static int begin_turn(struct database *d, struct error *e)
{
    if (d->broken || !d->connection)
        return last_failure(d, e);
    if (d->in_turn)
        return 0;
    int r = run_plain(d, e, STATEMENT_BEGIN);
    if (!r)
        r = settle_wal(d, e);
    if (r)
        roll_back(d); /* it may have begun, and failed then */
    d->in_turn = r == 0;
    return r;
}

int database_run_values(struct database *d, struct error *e, enum database_statement id,
                        const struct database_value *values)
{
    int r = begin_turn(d, e);
    if (r)
        return r;
    bind(d->statements[id], values);
    return run_plain(d, e, id);
}

int database_row_values(struct database *d, struct error *e, sqlite3_stmt **ret,
                        enum database_statement id, const struct database_value *values)
{
    if (d->broken || !d->connection)
        return last_failure(d, e);
    sqlite3_stmt *s = d->statements[id];
    mem_assert(!sqlite3_stmt_busy(s));
    bind(s, values);
    int r = step(d, e, s);
    if (!r)
        *ret = s;
    return r;
}

int database_next(struct database *d, struct error *e, sqlite3_stmt *s)
{
    return step(d, e, s);
}

void database_end(sqlite3_stmt *s)
{
    sqlite3_reset(s);
}

const char *database_text(sqlite3_stmt *s, int i)
{
    return (const char *)sqlite3_column_text(s, i);
}

char *database_new_text(sqlite3_stmt *s, int i)
{
    return mem_strdup(database_text(s, i));
}

/* ---- the turn ---- */

int database_commit(struct database *d, struct error *e)
{
    if (!d->in_turn)
        return 0;
    if (d->broken || !d->connection)
        return last_failure(d, e);
    int r = run_plain(d, e, STATEMENT_COMMIT);
    if (r)
        return r;
    d->in_turn = false;
    database_works(d);
    return 0;
}

void database_rollback(struct database *d)
{
    roll_back(d);
    d->in_turn = d->broken = false;
}

int database_checkpoint(struct database *d, int *ret_in_log, int *ret_written)
{
    int r = sqlite3_wal_checkpoint_v2(d->connection, NULL, SQLITE_CHECKPOINT_PASSIVE, ret_in_log,
                                      ret_written);
    if (r != SQLITE_OK && database_is_sync_failure(d->connection))
        database_distrust(d);
    return r == SQLITE_OK ? 0 : database_errno(r);
}
