/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the database: lock, file, schema, what it holds. */
#include "queue/database.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x73696d71 }; /* "simq" */

static const char schema[] =
#include "queue/schema.inc"
    ;

static const char *const statement_sql[STATEMENT_COUNT] = {
#define STATEMENT(name, sql) sql,
#include "queue/statements.def"
#undef STATEMENT
};

/* Locks belong to the process, so that a child between fork and exec does not hold them on. */
int database_lock(struct database *d, const char *path, struct error *e)
{
    *d = (struct database){.lock = -1};
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

/* What SQLite finds damaged will not be right again by itself. */
static int fail(struct database *d, struct error *e)
{
    int r = database_fail(d, e);
    int code = sqlite3_errcode(d->connection) & 0xff;
    if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB)
        return r;
    return error_set(e, QUEUE_DAMAGED, NULL, "the database %s is damaged (%s)",
                     sqlite3_db_filename(d->connection, NULL), sqlite3_errmsg(d->connection));
}

static int execute(struct database *d, const char *sql, struct error *e)
{
    if (sqlite3_exec(d->connection, sql, NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    return fail(d, e);
}

static int read_integer(struct database *d, const char *sql, int64_t *ret, struct error *e)
{
    sqlite3_stmt *s = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(d->connection, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        *ret = sqlite3_column_int64(s, 0);
    else
        r = fail(d, e);
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

/* Version 1 had whole paths of stores; from version 2 on, those below the root are said without
 * it. */
static int shorten_stores(struct database *d, const char *root, struct error *e)
{
    char *sql = sqlite3_mprintf("UPDATE job SET store = ltrim(substr(store, length(%Q) + 1), '/') "
                                "WHERE substr(store, 1, length(%Q) + 1) = %Q || '/'",
                                root, root, root);
    mem_assert(sql);
    int r = execute(d, sql, e);
    sqlite3_free(sql);
    return r;
}

static int migrate_to(struct database *d, int version, const char *root, struct error *e)
{
    char *step = schema_step(version);
    char *sql = mem_printf("%s; PRAGMA application_id = %d; PRAGMA user_version = %d", step,
                           APPLICATION_ID, version);
    int r = execute(d, "BEGIN IMMEDIATE", e);
    if (!r)
        r = execute(d, sql, e);
    if (!r && version == 2)
        r = shorten_stores(d, root, e);
    if (!r)
        r = execute(d, "COMMIT", e);
    if (r && !sqlite3_get_autocommit(d->connection))
        sqlite3_exec(d->connection, "ROLLBACK", NULL, NULL, NULL);
    free(sql);
    free(step);
    return r;
}

static int migrate(struct database *d, const char *path, const char *root, bool is_known,
                   struct error *e)
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
        return error_set(e, QUEUE_DAMAGED, NULL, "%s is not a database of simlabd", path);
    if (!objects && is_known)
        return error_set(e, QUEUE_DAMAGED, NULL, "the database %s holds nothing", path);
    int known = database_schema_version();
    if (version > known)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "the database %s was written by a newer simlabd (its schema is version "
                         "%lld, this program knows %d)",
                         path, (long long)version, known);
    for (int next = (int)version + 1; next <= known && !r; next++)
        r = migrate_to(d, next, root, e);
    return r;
}

static int count_wal_pages(void *userdata, sqlite3 *connection, const char *name, int pages)
{
    (void)connection;
    (void)name;
    struct database *d = userdata;
    d->wal_is_held = pages > d->wal_pages && d->wal_written == d->wal_pages && d->wal_pages > 0;
    if (pages < d->wal_pages) {
        d->wal_restarts++;
        d->wal_written = 0;
    }
    d->wal_pages = pages;
    return SQLITE_OK;
}

static int configure(struct database *d, struct error *e)
{
    sqlite3_busy_timeout(d->connection, DATABASE_BUSY_MS);
    sqlite3_db_config(d->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
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

int database_settle(const char *path, struct error *e)
{
    char *wal = mem_printf("%s-wal", path);
    int r = rewrite_all(wal);
    if (r == 0)
        r = rewrite_unwritten(path);
    free(wal);
    return error_errno(e, r, "write the database's files again");
}

int database_open(struct database *d, const char *path, const char *root, bool is_known,
                  struct error *e)
{
    int r = create_file(path, e);
    if (r)
        return r;
    if (sqlite3_open_v2(path, &d->connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return error_set(e, database_errno(sqlite3_errcode(d->connection)), NULL,
                         "cannot open the database %s: %s", path, sqlite3_errmsg(d->connection));
    sqlite3_extended_result_codes(d->connection, 1);
    sqlite3_db_config(d->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    r = configure(d, e);
    if (!r)
        r = migrate(d, path, root, is_known, e);
    if (!r)
        r = prepare(d, e);
    return r;
}

int database_reopen(struct database *d, const char *path, struct error *e)
{
    struct database fresh = {.lock = -1};
    int lock = d->lock;
    database_disconnect(d);
    int r = error_errno(e, rewrite_unwritten(path), "write the database again");
    if (r == 0)
        r = database_open(&fresh, path, "/", true, e);
    if (r != 0) {
        database_disconnect(&fresh);
        database_distrust(d);
        return r;
    }
    *d = fresh;
    d->lock = lock;
    sqlite3_wal_hook(d->connection, count_wal_pages, d);
    database_accept(d);
    log_warning("the database %s was opened anew: what was written back to it had not reached the "
                "disk",
                path);
    return 0;
}

void database_accept(struct database *d)
{
    sqlite3_db_config(d->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

/* ---- what the file holds ---- */

int database_size(struct database *d, int64_t *ret_bytes, struct error *e)
{
    int64_t pages = 0, size = 0;
    int r = read_integer(d, "PRAGMA page_count", &pages, e);
    if (!r)
        r = read_integer(d, "PRAGMA page_size", &size, e);
    if (!r)
        *ret_bytes = pages * size;
    return r;
}

int database_check(struct database *d, struct error *e)
{
    sqlite3_stmt *s = NULL;
    int r = 0;
    if (sqlite3_prepare_v2(d->connection, "PRAGMA quick_check(1)", -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW)
        r = fail(d, e);
    else if (strcmp(database_text(s, 0), "ok") != 0)
        r = error_set(e, QUEUE_DAMAGED, NULL, "the database %s is damaged (%s)",
                      sqlite3_db_filename(d->connection, NULL), database_text(s, 0));
    sqlite3_finalize(s);
    return r;
}
