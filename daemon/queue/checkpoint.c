/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/checkpoint.h"

#include "base/aside.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

#include <stdlib.h>

enum { TOLD_PAGES = 65536 /* 256 MB: it is said that the log grows */ };

struct pass {
    int result; /* 0 or -errno */
    bool is_unsynced;
    int in_log, written;
};

struct checkpoint {
    struct aside *aside; /* or NULL */
    char *path;
    sqlite3 *connection; /* the aside's */
    struct database *database;
    struct pass pass; /* the aside's while it is running */
    bool is_running;
    int64_t restarts; /* of the log, when it began */
    int64_t retry;    /* not before */
    bool is_told;
};

struct checkpoint *checkpoint_new(struct aside *aside, const char *path)
{
    struct checkpoint *c = mem_new(sizeof *c);
    c->aside = aside;
    c->path = mem_strdup(path);
    return c;
}

bool checkpoint_disconnect(struct checkpoint *c)
{
    if (c->is_running)
        return false;
    sqlite3_close(c->connection);
    c->connection = NULL;
    return true;
}

struct checkpoint *checkpoint_free(struct checkpoint *c)
{
    if (!c)
        return NULL;
    mem_assert(!c->is_running);
    checkpoint_disconnect(c);
    free(c->path);
    free(c);
    return NULL;
}

/* What came of a pass. */
static void settle(struct checkpoint *c, struct database *d, const struct pass *p, int64_t now)
{
    if (p->result != 0 || p->written <= d->wal_written)
        c->retry = now + CHECKPOINT_RETRY_MS;
    if (p->result == 0)
        d->wal_written = p->written;
    if (d->wal_pages >= TOLD_PAGES && !c->is_told)
        log_warning(
            "the log of the database, %s-wal, has grown to %d MB: it cannot be written back "
            "while %s",
            c->path, d->wal_pages / 256,
            p->result ? "the disk fails" : "another program reads the database");
    c->is_told = d->wal_pages >= TOLD_PAGES;
}

/* ---- beside the loop ---- */

static int connect(struct checkpoint *c)
{
    if (c->connection)
        return SQLITE_OK;
    int r =
        sqlite3_open_v2(c->path, &c->connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_db_config(c->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (r == SQLITE_OK)
        r = sqlite3_exec(c->connection,
                         "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                         "PRAGMA schema_version", /* it reads, and so finds the log */
                         NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        sqlite3_close(c->connection);
        c->connection = NULL;
    }
    return r;
}

static void work(void *checkpoint)
{
    struct checkpoint *c = checkpoint;
    int r = connect(c);
    if (r == SQLITE_OK)
        r = sqlite3_wal_checkpoint_v2(c->connection, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                      &c->pass.in_log, &c->pass.written);
    c->pass.result = r == SQLITE_OK ? 0 : database_errno(r);
    c->pass.is_unsynced =
        r != SQLITE_OK && c->connection && database_is_sync_failure(c->connection);
}

static void done(void *checkpoint)
{
    struct checkpoint *c = checkpoint;
    c->is_running = false;
    if (c->pass.is_unsynced)
        database_distrust(c->database);
    if (c->restarts == c->database->wal_restarts) /* else all of it was written back */
        settle(c, c->database, &c->pass, loop_now());
}

static void begin(struct checkpoint *c, struct database *d)
{
    c->pass = (struct pass){0};
    c->database = d;
    c->restarts = d->wal_restarts;
    c->is_running = true;
    aside_run(c->aside, work, done, c);
}

/* ---- in the loop ---- */

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t checkpoint_tick(struct checkpoint *c, struct database *d, int64_t last_write, int64_t now)
{
    int rest = d->wal_pages - d->wal_written;
    if (c->is_running || rest <= 0 || d->is_unsound)
        return INT64_MAX;
    bool is_large = d->wal_pages >= CHECKPOINT_PAGES;
    if (d->wal_is_held) {
        d->wal_is_held = false;
        c->retry = now + CHECKPOINT_RETRY_MS;
    }
    int64_t due = later_of(is_large ? now : last_write + CHECKPOINT_IDLE_MS, c->retry);
    if (d->in_turn) /* a checkpoint inside a transaction is refused */
        return later_of(due, now + 1);
    if (now < due)
        return due;
    if (c->aside && rest > CHECKPOINT_REST) {
        begin(c, d);
        return INT64_MAX;
    }
    struct pass p = {0};
    p.result = database_checkpoint(d, &p.in_log, &p.written);
    settle(c, d, &p, now);
    return d->wal_written == d->wal_pages ? INT64_MAX : later_of(c->retry, now + 1);
}
