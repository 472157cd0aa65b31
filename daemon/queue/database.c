/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/database.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x73696d71, /* "simq" */
    BUSY_MS = 250                /* another program's lock is waited for */
};

static const char schema[] =
#include "queue/schema.inc"
    ;

static const char *const statement_sql[STATEMENT_COUNT] = {
#define STATEMENT(name, sql) sql,
#include "queue/statements.def"
#undef STATEMENT
};

/* ---- failures ---- */

static int errno_of(int code)
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

static int database_fail(struct database *d, struct error *e)
{
    d->failed = errno_of(sqlite3_errcode(d->connection));
    d->broken = d->in_turn;
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
        sqlite3_busy_timeout(d->connection, BUSY_MS);
    d->failed = 0;
}

/* ---- opening ---- */

/* Locks belong to the process, so that a child between fork and exec does not hold them on. */
static int lock_file(struct database *d, const char *path, struct error *e)
{
    char *lock_path = mem_printf("%s.lock", path);
    d->lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = d->lock < 0 ? -errno : 0;
    free(lock_path);
    if (r < 0)
        return error_errno(e, r, "open the database's lock file");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(d->lock, F_SETLK, &lock) == 0)
        return 0;
    if (errno != EACCES && errno != EAGAIN)
        return error_errno(e, -errno, "lock the database");
    fcntl(d->lock, F_GETLK, &lock);
    return error_set(e, QUEUE_REFUSED, NULL, "the database %s is in use by process %ld", path,
                     (long)lock.l_pid);
}

static int create_file(const char *path, struct error *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? 0 : error_errno(e, -errno, "create the database");
    close(fd);
    const char *slash = strrchr(path, '/');
    char *directory = slash ? mem_printf("%.*s", (int)(slash - path + 1), path) : mem_strdup(".");
    int r = file_sync_directory(directory);
    free(directory);
    return error_errno(e, r, "sync the database's directory");
}

static int execute(struct database *d, const char *sql, struct error *e)
{
    return sqlite3_exec(d->connection, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                           : database_fail(d, e);
}

static int read_integer(struct database *d, const char *sql, int64_t *ret, struct error *e)
{
    sqlite3_stmt *s = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(d->connection, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        *ret = sqlite3_column_int64(s, 0);
    else
        r = database_fail(d, e);
    sqlite3_finalize(s);
    return r;
}

/* The text of one version in schema.sql, up to the next; NULL where there is none. */
static char *schema_step(int version)
{
    char *heading = mem_printf("\n-- version %d\n", version);
    char *next = mem_printf("\n-- version %d\n", version + 1);
    const char *begin = strstr(schema, heading);
    const char *end = begin ? strstr(begin, next) : NULL;
    char *step = NULL;
    if (begin)
        step = end ? mem_printf("%.*s", (int)(end - begin), begin) : mem_strdup(begin);
    free(heading);
    free(next);
    return step;
}

int database_schema_version(void)
{
    int version = 0;
    for (char *step; (step = schema_step(version + 1)); version++)
        free(step);
    return version;
}

static int migrate_to(struct database *d, int version, struct error *e)
{
    char *step = schema_step(version);
    char *sql = mem_printf("BEGIN IMMEDIATE; %s; PRAGMA application_id = %d; "
                           "PRAGMA user_version = %d; COMMIT",
                           step, APPLICATION_ID, version);
    int r = execute(d, sql, e);
    if (r)
        sqlite3_exec(d->connection, "ROLLBACK", NULL, NULL, NULL);
    free(sql);
    free(step);
    return r;
}

static int migrate(struct database *d, const char *path, struct error *e)
{
    int64_t version, application, objects;
    int r = read_integer(d, "PRAGMA user_version", &version, e);
    if (!r)
        r = read_integer(d, "PRAGMA application_id", &application, e);
    if (!r)
        r = read_integer(d, "SELECT count(*) FROM sqlite_schema", &objects, e);
    if (r)
        return r;
    if (objects && application != APPLICATION_ID)
        return error_set(e, QUEUE_REFUSED, NULL, "%s is not a database of simlabd", path);
    int known = database_schema_version();
    if (version > known)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "the database %s was written by a newer simlabd (its schema is version "
                         "%lld, this program knows %d)",
                         path, (long long)version, known);
    for (int next = (int)version + 1; next <= known && !r; next++)
        r = migrate_to(d, next, e);
    return r;
}

static int count_wal_pages(void *userdata, sqlite3 *connection, const char *name, int pages)
{
    (void)connection;
    (void)name;
    ((struct database *)userdata)->wal_pages = pages;
    return SQLITE_OK;
}

static int configure(struct database *d, struct error *e)
{
    sqlite3_busy_timeout(d->connection, BUSY_MS);
    sqlite3_db_config(d->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* The last connection's close would checkpoint; that is wanted, and is the default. */
    int r = execute(d,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    "PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF;"
                    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
                    "PRAGMA trusted_schema = OFF",
                    e);
    sqlite3_wal_hook(d->connection, count_wal_pages, d);
    return r;
}

static int prepare(struct database *d, struct error *e)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(d->connection, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &d->statements[i], NULL) != SQLITE_OK)
            return database_fail(d, e);
    }
    return 0;
}

int database_open(struct database *d, const char *path, struct error *e)
{
    *d = (struct database){.lock = -1};
    int r = lock_file(d, path, e);
    if (!r)
        r = create_file(path, e);
    if (r)
        return r;
    if (sqlite3_open_v2(path, &d->connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return error_set(e, errno_of(sqlite3_errcode(d->connection)), NULL,
                         "cannot open the database %s: %s", path, sqlite3_errmsg(d->connection));
    sqlite3_extended_result_codes(d->connection, 1);
    r = configure(d, e);
    if (!r)
        r = migrate(d, path, e);
    if (!r)
        r = prepare(d, e);
    return r;
}

void database_close(struct database *d)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(d->statements[i]);
    sqlite3_close(d->connection);
    if (d->lock >= 0)
        close(d->lock);
    *d = (struct database){.lock = -1};
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

static int begin_turn(struct database *d, struct error *e)
{
    if (d->broken)
        return last_failure(d, e);
    if (d->in_turn)
        return 0;
    int r = run_plain(d, e, STATEMENT_BEGIN);
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
    if (d->broken)
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
    if (d->broken)
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

int database_checkpoint(struct database *d)
{
    int in_log = 0, written = 0;
    int r = sqlite3_wal_checkpoint_v2(d->connection, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log,
                                      &written);
    if (r == SQLITE_OK)
        d->wal_pages = in_log - written;
    return r == SQLITE_OK ? 0 : errno_of(r);
}
