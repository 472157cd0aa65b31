/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/boot.h"
#include "base/mem.h"
#include "queue/loss.h"
#include "queue/witness.h"

#include <stdlib.h>
#include <string.h>

enum {
    PROBE_MS = 1000, /* from one try to the next, while the database fails */
};

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
        r = read_number(q, STATEMENT_EVENT_LAST, INTEGER(1), &q->numbers.last_event, e);
    if (!r)
        r = read_number(q, STATEMENT_FENCE_GET, INTEGER(1), &q->numbers.fences_reserved, e);
    q->last_fence = q->numbers.fences_reserved;
    q->committed = q->numbers;
    return r;
}

/* A path without slashes at its end. */
static char *root_of(const char *path)
{
    char *root = mem_strdup(path);
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/')
        root[--n] = '\0';
    return root;
}

static int mark(struct queue *q, bool is_clean, struct error *e)
{
    char boot[BOOT_SIZE];
    boot_id(boot);
    return database_run(&q->database, e, STATEMENT_DAEMON_MARK, INTEGER(1), INTEGER(is_clean),
                        TEXT(boot));
}

static int write_witness(struct queue *q, bool is_open, struct error *e)
{
    return q->witness ? witness_write(q->witness, q->identity, is_open, e) : 0;
}

static int open_all(struct queue *q, const struct queue_options *o, struct error *e)
{
    struct former former = {.is_clean = true};
    int r = database_lock(&q->database, o->path, e);
    if (!r)
        r = loss_open(&q->database, o, q->root, &former, &q->loss, e);
    if (r)
        return r;
    memcpy(q->identity, former.identity, sizeof q->identity);
    r = load_numbers(q, e);
    if (!r)
        r = queue_recover(q, o, !former.is_clean && former.same_boot, e);
    if (!r)
        r = mark(q, false, e);
    if (!r)
        r = queue_rests_load(q, o, e);
    if (!r)
        r = live_load(q, e);
    if (!r)
        r = queue_await_libraries(q, e);
    if (!r)
        r = queue_commit(q, e);
    if (!r && !q->loss) /* what was set aside names texts too */
        r = texts_clean(q, e);
    return r ? r : write_witness(q, true, e);
}

int queue_open(const struct queue_options *o, struct queue **ret_queue, struct error *e)
{
    mem_assert(o->root && o->root[0] == '/');
    struct queue *q = mem_new(sizeof *q);
    q->root = root_of(o->root);
    q->witness = mem_strdup(o->witness);
    q->checkpoint = checkpoint_new(o->aside, o->path);
    q->path = mem_strdup(o->path);
    q->texts = mem_strdup(o->texts);
    q->has_removals = true;
    int r = open_all(q, o, e);
    if (r) {
        queue_close(q);
        return r;
    }
    *ret_queue = q;
    return 0;
}

const char *queue_loss(const struct queue *q)
{
    return q->loss;
}

const char *queue_identity(const struct queue *q)
{
    return q->identity;
}

int queue_stop(struct queue *q, struct error *e)
{
    int r = write_witness(q, false, e);
    if (!r)
        r = mark(q, true, e);
    return r ? r : queue_commit(q, e);
}

struct queue *queue_close(struct queue *q)
{
    if (!q)
        return NULL;
    checkpoint_free(q->checkpoint);
    database_close(&q->database);
    live_clear(&q->live);
    id_list_free(&q->touched);
    free(q->path);
    free(q->root);
    free(q->witness);
    free(q->texts);
    free(q->loss);
    free(q);
    return NULL;
}

/* ---- the turn ---- */

bool queue_dirty(const struct queue *q)
{
    return q->database.in_turn;
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
        q->has_removals = true; /* what was forgotten may be there again */
        q->touched.n = 0;
        q->rest_due = 0;
        live_roll_back(q);
        return r;
    }
    q->committed = q->numbers;
    q->touched.n = 0;
    live_commit(q);
    q->written = true;
    return 0;
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

/* All that was committed is in the WAL. */
static int64_t reopen(struct queue *q, int64_t now)
{
    if (now < q->reopen_due)
        return q->reopen_due;
    if (!checkpoint_disconnect(q->checkpoint))
        return INT64_MAX; /* its end wakes us */
    struct error e = {.message = ""};
    q->reopen_due = now + PROBE_MS;
    if (database_reopen(&q->database, q->path, &e) != 0)
        return q->reopen_due;
    q->reopen_due = 0;
    return now;
}

int64_t queue_tick(struct queue *q, int64_t now)
{
    if (q->database.is_unsound && !queue_dirty(q) &&
        (queue_health(q, NULL) == 0 || !q->database.connection))
        return reopen(q, now);
    if (queue_health(q, NULL) != 0 && !queue_dirty(q))
        return probe(q, now);
    q->probe_due = 0;
    if (q->written) {
        q->written = false;
        q->last_write = now;
    }
    return checkpoint_tick(q->checkpoint, &q->database, q->last_write, now);
}
