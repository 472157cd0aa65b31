/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHECKPOINT_PAGES = 8192,    /* 32 MB: do not wait for idleness */
    CHECKPOINT_IDLE_MS = 1000,  /* this long after the last commit */
    CHECKPOINT_RETRY_MS = 5000, /* after a failure, or where a reader hinders */
    PROBE_MS = 1000,            /* from one try to the next, while the database fails */
};

void *queue_grow(void *items, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return mem_resize(items, *capacity, size);
}

int64_t queue_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

char *queue_clean_text(const char *text, size_t limit)
{
    size_t n = text ? strnlen(text, limit + 1) : 0;
    if (n > limit) {
        n = limit;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) /* not within a character */
            n--;
    }
    char *clean = mem_printf("%.*s", (int)n, text ? text : "");
    json_t *valid = json_string(clean);
    if (!valid) {
        for (char *c = clean; *c; c++)
            *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    json_decref(valid);
    return clean;
}

/* ---- open and close ---- */

static int read_number(struct queue *q, enum database_statement id, struct database_value key,
                       int64_t *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, id, key);
    if (r == QUEUE_NO_SUCH) {
        *ret = 0;
        return 0;
    }
    if (r)
        return r;
    *ret = sqlite3_column_int64(s, 0);
    database_end(s);
    return 0;
}

static int load_numbers(struct queue *q, struct error *e)
{
    int r = read_number(q, STATEMENT_JOB_LAST, TEXT("job"), &q->numbers.last_job, e);
    if (!r)
        r = read_number(q, STATEMENT_EVENT_LAST, INTEGER(0), &q->numbers.last_event, e);
    if (!r)
        r = read_number(q, STATEMENT_FENCE_GET, INTEGER(1), &q->numbers.fences_reserved, e);
    q->last_fence = q->numbers.fences_reserved;
    q->committed = q->numbers;
    return r;
}

static int load_identity(struct queue *q, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_DAEMON_IDENTITY, INTEGER(1));
    if (r)
        return r == QUEUE_NO_SUCH ? error_set(e, -EIO, NULL, "the database has no identity") : r;
    snprintf(q->identity, sizeof q->identity, "%s", database_text(s, 0));
    database_end(s);
    return 0;
}

const char *queue_owner(const struct queue *q, int64_t job, char ret[QUEUE_OWNER_SIZE])
{
    snprintf(ret, QUEUE_OWNER_SIZE, "simlabd %s job %" PRId64 "\n", q->identity, job);
    return ret;
}

int queue_open(const char *path, struct queue **ret_queue, struct error *e)
{
    struct queue *q = mem_new(sizeof *q);
    int r = database_open(&q->database, path, e);
    if (!r)
        r = load_numbers(q, e);
    if (!r)
        r = load_identity(q, e);
    if (!r)
        r = queue_release_all(q, e);
    if (!r)
        r = queue_commit(q, e);
    if (r) {
        queue_close(q);
        return r;
    }
    *ret_queue = q;
    return 0;
}

struct queue *queue_close(struct queue *q)
{
    if (!q)
        return NULL;
    database_close(&q->database);
    free(q->touched);
    free(q->progress);
    free(q);
    return NULL;
}

/* ---- the turn ---- */

bool queue_dirty(const struct queue *q)
{
    return q->database.in_turn;
}

static void end_turn(struct queue *q)
{
    q->n_touched = 0;
    q->ended = false;
}

int queue_commit(struct queue *q, struct error *e)
{
    if (!queue_dirty(q))
        return 0;
    int r = queue_event_flush(q, e);
    if (!r)
        r = database_commit(&q->database, e);
    if (r) {
        database_rollback(&q->database);
        q->numbers = q->committed;
        end_turn(q);
        return r;
    }
    q->committed = q->numbers;
    if (q->ended)
        queue_progress_prune(q);
    end_turn(q);
    q->written = true;
    return 0;
}

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int queue_health(const struct queue *q, struct error *e)
{
    if (q->database.failed && e)
        *e = q->database.failure;
    return q->database.failed;
}

/* Writes something: an empty transaction would not ask the disk. A fence more than need be is
 * harmless. */
static int64_t probe(struct queue *q, int64_t now)
{
    if (q->probe_due == 0)
        q->probe_due = now + PROBE_MS;
    if (now < q->probe_due)
        return q->probe_due;
    q->probe_due = now + PROBE_MS;
    int64_t reserved = q->numbers.fences_reserved + 1;
    if (database_run(&q->database, NULL, STATEMENT_FENCE_RESERVE, INTEGER(1), INTEGER(reserved)) ==
        0)
        q->numbers.fences_reserved = reserved;
    return queue_commit(q, NULL) == 0 && queue_health(q, NULL) == 0 ? now : q->probe_due;
}

int64_t queue_tick(struct queue *q, int64_t now)
{
    if (queue_health(q, NULL) != 0 && !queue_dirty(q))
        return probe(q, now);
    q->probe_due = 0;
    if (q->written) {
        q->written = false;
        q->last_write = now;
    }
    int pages = q->database.wal_pages;
    if (pages == 0)
        return INT64_MAX;
    int64_t due = later_of(pages >= CHECKPOINT_PAGES ? now : q->last_write + CHECKPOINT_IDLE_MS,
                           q->checkpoint_retry);
    if (queue_dirty(q)) /* a checkpoint inside a transaction is refused */
        return later_of(due, now + 1);
    if (now < due)
        return due;
    if (database_checkpoint(&q->database) == 0 && q->database.wal_pages == 0)
        return INT64_MAX;
    return q->checkpoint_retry = now + CHECKPOINT_RETRY_MS;
}
