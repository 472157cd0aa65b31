/* SPDX-License-Identifier: Apache-2.0 */
/* Open batches: members that are appended to a job, whether it runs or has ended. */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The job as its row says it. */
struct opened {
    struct queue_counts counts;
    bool is_open, sync_left;
    char *store, *model_hash;
};

static void clear(struct opened *o)
{
    free(o->store);
    free(o->model_hash);
}

static int read_job(struct queue *q, int64_t job, struct opened *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = queue_counts(q, job, &ret->counts, e);
    if (!r)
        r = database_row(&q->database, e, &s, STATEMENT_JOB_OPEN_GET, INTEGER(job));
    if (r)
        return r;
    ret->is_open = sqlite3_column_int(s, 0);
    ret->sync_left = sqlite3_column_int(s, 1);
    ret->store = database_new_text(s, 2);
    ret->model_hash = database_new_text(s, 3);
    database_end(s);
    return 0;
}

/* ---- whether it may be ---- */

/* QUEUE_NO_SUCH (with `e` as it was) where the key is new. */
static int find_key(struct queue *q, const struct queue_append *a, struct queue_appended *ret,
                    struct error *e)
{
    sqlite3_stmt *s;
    if (!a->idempotency_key)
        return QUEUE_NO_SUCH;
    int r = database_row(&q->database, e, &s, STATEMENT_APPEND_BY_KEY, INTEGER(a->job),
                         TEXT(a->idempotency_key));
    if (r)
        return r;
    const char *hash = database_text(s, 2);
    bool same = strcmp(hash ? hash : "", a->document_hash ? a->document_hash : "") == 0;
    *ret = (struct queue_appended){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), true};
    database_end(s);
    if (same)
        return 0;
    return error_set(e, QUEUE_REFUSED, NULL,
                     "the idempotency key %.100s was used for members %" PRId64 " to %" PRId64
                     ", which differ from these",
                     a->idempotency_key, ret->first, ret->first + ret->count - 1);
}

static int check_state(const struct opened *o, struct error *e)
{
    const struct queue_counts *c = &o->counts;
    bool is_final = job_state_is_final(c->state);
    if (!o->is_open)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "job %" PRId64 " is not open: members can be appended to a batch that was "
                         "submitted with \"open\": true, and was not closed",
                         c->id);
    if (is_final && c->state != JOB_SUCCEEDED && c->state != JOB_PARTIAL)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "job %" PRId64 " is %s: members can be appended once it was retried",
                         c->id, job_state_name(c->state));
    if (is_final && o->sync_left)
        return error_set(e, QUEUE_BUSY, NULL,
                         "job %" PRId64 " has just ended: its locks are being removed; try again",
                         c->id);
    if (!is_final && c->done + c->dead == c->members)
        return error_set(e, QUEUE_BUSY, NULL,
                         "all members of job %" PRId64 " are through, and its store is being "
                         "closed; try again",
                         c->id);
    return 0;
}

static int check_count(const struct opened *o, const struct queue_append *a, struct error *e)
{
    const struct queue_counts *c = &o->counts;
    if (a->count < 1)
        return error_set(e, QUEUE_INVALID, NULL, "no members are appended");
    if (a->count > a->most - c->members)
        return error_set(e, QUEUE_INVALID, NULL,
                         "job %" PRId64 " has %" PRId64 " members: with %" PRId64
                         " more it would have more than %" PRId64 ", as many as it can have",
                         c->id, c->members, a->count, a->most);
    return 0;
}

/* ---- what changes ---- */

static int record(struct queue *q, const struct queue_append *a, int64_t first, struct error *e)
{
    return database_run(&q->database, e, STATEMENT_APPEND_ADD, INTEGER(a->job), INTEGER(first),
                        INTEGER(a->count), TEXT(a->document ? a->document : ""),
                        TEXT(a->document ? NULL : a->document_file), TEXT(a->idempotency_key),
                        TEXT(a->document_hash));
}

/* What was done stays, as in a job that is retried. */
static int keep(struct queue *q, int64_t job, struct error *e)
{
    struct queue_ranges done = {0};
    int r = queue_ranges_of(q, job, RANGE_DONE, &done, e);
    char *kept = queue_ranges_text(&done);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_JOB_KEEP, INTEGER(job), TEXT(kept));
    free(kept);
    free(done.items);
    return r;
}

/* A job that has ended well goes on; its end is taken back. Those that are dead stay dead. */
static int reopen(struct queue *q, const struct opened *o, const struct queue_append *a,
                  struct error *e)
{
    const struct queue_counts *c = &o->counts;
    const struct queue_retry how = {.claim = a->claim, .userdata = a->userdata};
    int r = queue_check_store_is_kept(q, c->id, o->store, e);
    if (!r)
        r = queue_claim_again(q, c, o->store, o->model_hash, &how, e);
    if (!r)
        r = keep(q, c->id, e);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_EVENT_REMOVE_END, INTEGER(c->id));
    if (!r)
        r = database_run(&q->database, e, STATEMENT_JOB_GO_ON, INTEGER(c->id), INTEGER(JOB_RUNNING),
                         INTEGER(c->members));
    return r;
}

static int grow(struct queue *q, const struct opened *o, const struct queue_append *a,
                struct error *e)
{
    int64_t job = a->job, first = o->counts.members;
    int r = job_state_is_final(o->counts.state) ? reopen(q, o, a, e) : 0;
    if (!r)
        r = record(q, a, first, e);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_JOB_GROW, INTEGER(job), INTEGER(a->count));
    live_touch(q, job);
    if (r)
        return r;
    char *data = mem_printf("{\"first\":%" PRId64 ",\"members\":%" PRId64 "}", first, a->count);
    r = queue_event_add(q, job, "appended", data, e);
    free(data);
    return r;
}

int queue_append(struct queue *q, const struct queue_append *a, struct queue_appended *ret,
                 struct error *e)
{
    struct opened o = {0};
    struct queue_appended found;
    int r = read_job(q, a->job, &o, e);
    if (!r)
        r = find_key(q, a, &found, e);
    if (r == QUEUE_NO_SUCH && o.store) {
        r = check_state(&o, e);
        if (!r)
            r = check_count(&o, a, e);
        if (!r)
            r = grow(q, &o, a, e);
        found = (struct queue_appended){o.counts.members, a->count, false};
    }
    if (!r)
        *ret = found;
    clear(&o);
    return r;
}

int queue_close_batch(struct queue *q, int64_t job, struct error *e)
{
    struct opened o = {0};
    int r = read_job(q, job, &o, e);
    clear(&o);
    if (!r && o.is_open)
        r = database_run(&q->database, e, STATEMENT_JOB_CLOSE, INTEGER(job));
    return r;
}

/* ---- its document ---- */

int appends_of(struct queue *q, int64_t job, struct queue_text *document, struct error *e)
{
    sqlite3_stmt *s;
    size_t capacity = 0;
    int r = database_rows(&q->database, e, &s, STATEMENT_APPEND_LIST, INTEGER(job));
    for (; !r; r = database_next(&q->database, e, s)) {
        const char *file = database_text(s, 1);
        document->appended = mem_grow(document->appended, document->n_appended, &capacity,
                                      sizeof *document->appended);
        document->appended[document->n_appended++] =
            (struct queue_text){.text = file ? NULL : database_new_text(s, 0),
                                .path = file ? texts_path(q, file) : NULL};
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}
