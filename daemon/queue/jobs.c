/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int no_such_job(struct error *e, int64_t id)
{
    return error_set(e, QUEUE_NO_SUCH, NULL, "there is no job %" PRId64, id);
}

/* ---- submission ---- */

/* QUEUE_NO_SUCH (with `e` as it was) where the key is new. */
static int find_key(struct queue *q, const struct queue_submission *s, int64_t *ret_id,
                    struct error *e)
{
    if (!s->idempotency_key)
        return QUEUE_NO_SUCH;
    sqlite3_stmt *row;
    int r = database_row(&q->database, e, &row, STATEMENT_JOB_BY_KEY,
                         TEXT(s->principal ? s->principal : ""), TEXT(s->idempotency_key));
    if (r)
        return r;
    int64_t id = sqlite3_column_int64(row, 0);
    const char *hash = database_text(row, 1);
    bool same = strcmp(hash ? hash : "", s->document_hash ? s->document_hash : "") == 0;
    database_end(row);
    if (!same)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "the idempotency key %.100s was used for job %" PRId64
                         ", which differs from this one",
                         s->idempotency_key, id);
    *ret_id = id;
    return 0;
}

/* What stands there without a job (left by a former database, or a user's own) is not touched. */
static int check_absent(const char *store, struct error *e)
{
    if (access(store, F_OK) == 0)
        return error_set(e, QUEUE_REFUSED, "/store",
                         "the store %s exists already: choose another name, or remove it", store);
    return 0;
}

/* 0 where no job holds the store, else QUEUE_REFUSED. */
static int check_store(struct queue *q, const char *store, struct error *e)
{
    sqlite3_stmt *row;
    int r = database_row(&q->database, e, &row, STATEMENT_JOB_BY_STORE, TEXT(store));
    if (r)
        return r == QUEUE_NO_SUCH ? 0 : r;
    int64_t id = sqlite3_column_int64(row, 0);
    enum job_state state = (enum job_state)sqlite3_column_int(row, 1);
    database_end(row);
    return error_set(e, QUEUE_REFUSED, "/store",
                     "the store %s belongs to job %" PRId64 " (%s): choose another name", store, id,
                     job_state_name(state));
}

static int claim_store(struct queue *q, const struct queue_submission *s, int64_t id,
                       const char *store, struct error *e)
{
    int r = check_store(q, store, e);
    if (r)
        return r;
    return s->claim ? s->claim(s->userdata, id, store, e) : check_absent(store, e);
}

/* The store's path, a new string. Ids whose path someone else has are passed over. */
static int choose_store(struct queue *q, const struct queue_submission *s, int64_t *id,
                        char **ret_store, struct error *e)
{
    if (s->store) {
        int r = claim_store(q, s, *id, s->store, e);
        if (!r)
            *ret_store = mem_strdup(s->store);
        return r;
    }
    for (;; ++*id) {
        char *store = mem_printf("%s/%" PRId64 ".zarr", s->store_root, *id);
        int r = claim_store(q, s, *id, store, e);
        if (!r) {
            *ret_store = store;
            return 0;
        }
        free(store);
        if (r != QUEUE_REFUSED)
            return r;
        error_clear(e);
    }
}

static int insert_job(struct queue *q, const struct queue_submission *s, int64_t id,
                      const char *store, struct error *e)
{
    int r = database_run(&q->database, e, STATEMENT_JOB_ADD, INTEGER(id), INTEGER(s->members),
                         INTEGER(s->priority), INTEGER(s->max_attempts), REAL(s->member_timeout),
                         INTEGER(queue_time()), TEXT(s->model_hash), TEXT(store),
                         TEXT(s->principal ? s->principal : ""), TEXT(s->idempotency_key),
                         TEXT(s->document_hash), TEXT(s->name), TEXT(s->labels));
    if (!r)
        r = database_run(&q->database, e, STATEMENT_JOB_TEXT_ADD, INTEGER(id), TEXT(s->document));
    if (r)
        return r;
    q->numbers.last_job = id;
    char *data = mem_printf("{\"members\":%" PRId64 "}", s->members);
    r = queue_event_add(q, id, job_state_name(JOB_QUEUED), data, e);
    free(data);
    return r;
}

int queue_submit(struct queue *q, const struct queue_submission *s, int64_t *ret_id,
                 bool *ret_existed, struct error *e)
{
    if (s->members < 1)
        return error_set(e, QUEUE_INVALID, NULL, "a job has at least one member, not %" PRId64,
                         s->members);
    if (s->max_attempts < 1)
        return error_set(e, QUEUE_INVALID, "/max_attempts",
                         "max_attempts: %" PRId64 " should be at least 1", s->max_attempts);
    int64_t id = 0;
    int r = find_key(q, s, &id, e);
    bool existed = r == 0;
    if (r == QUEUE_NO_SUCH) {
        char *store = NULL;
        id = q->numbers.last_job + 1;
        r = choose_store(q, s, &id, &store, e);
        if (!r)
            r = insert_job(q, s, id, store, e);
        free(store);
    }
    if (r)
        return r;
    *ret_id = id;
    *ret_existed = existed;
    return 0;
}

/* ---- reading ---- */

void queue_job_clear(struct queue_job *j)
{
    free(j->name);
    free(j->store);
    free(j->model_hash);
    free(j->layout);
    free(j->labels);
    free(j->reason);
    free(j->principal);
    *j = (struct queue_job){0};
}

/* Columns: JOB_COLUMNS of statements.def. */
static void read_job(const struct queue *q, sqlite3_stmt *s, struct queue_job *ret)
{
    *ret = (struct queue_job){
        .id = sqlite3_column_int64(s, 0),
        .state = (enum job_state)sqlite3_column_int(s, 1),
        .members = sqlite3_column_int64(s, 2),
        .done = sqlite3_column_int64(s, 3),
        .dead = sqlite3_column_int64(s, 4),
        .priority = sqlite3_column_int64(s, 5),
        .max_attempts = sqlite3_column_int64(s, 6),
        .member_timeout = sqlite3_column_double(s, 7),
        .name = database_new_text(s, 8),
        .store = database_new_text(s, 9),
        .model_hash = database_new_text(s, 10),
        .layout = database_new_text(s, 11),
        .labels = database_new_text(s, 12),
        .reason = database_new_text(s, 13),
        .created = sqlite3_column_int64(s, 15),
        .started = sqlite3_column_int64(s, 16),
        .ended = sqlite3_column_int64(s, 17),
    };
    if (*database_text(s, 14))
        ret->principal = database_new_text(s, 14);
    queue_progress_get(q, ret->id, &ret->step, &ret->nsteps);
}

int queue_job(struct queue *q, int64_t id, struct queue_job *ret_job, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_GET, INTEGER(id));
    if (r)
        return r == QUEUE_NO_SUCH ? no_such_job(e, id) : r;
    read_job(q, s, ret_job);
    database_end(s);
    return 0;
}

int queue_job_document(struct queue *q, int64_t id, char **ret_document, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_DOCUMENT, INTEGER(id));
    if (r)
        return r == QUEUE_NO_SUCH ? no_such_job(e, id) : r;
    *ret_document = database_new_text(s, 0);
    database_end(s);
    return 0;
}

int queue_jobs(struct queue *q, int state, int64_t before, int limit,
               void (*fn)(void *userdata, const struct queue_job *job), void *userdata,
               struct error *e)
{
    int64_t below = before > 0 ? before : INT64_MAX;
    sqlite3_stmt *s;
    int r = state < 0 ? database_rows(&q->database, e, &s, STATEMENT_JOB_LIST, INTEGER(below),
                                      INTEGER(limit))
                      : database_rows(&q->database, e, &s, STATEMENT_JOB_LIST_STATE, INTEGER(below),
                                      INTEGER(limit), INTEGER(state));
    for (; !r; r = database_next(&q->database, e, s)) {
        struct queue_job job;
        read_job(q, s, &job);
        fn(userdata, &job);
        queue_job_clear(&job);
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int queue_job_counts(struct queue *q, int64_t job, struct queue_counts *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_COUNTS, INTEGER(job));
    if (r)
        return r == QUEUE_NO_SUCH ? no_such_job(e, job) : r;
    *ret = (struct queue_counts){
        .state = (enum job_state)sqlite3_column_int(s, 0),
        .members = sqlite3_column_int64(s, 1),
        .done = sqlite3_column_int64(s, 2),
        .dead = sqlite3_column_int64(s, 3),
        .free = sqlite3_column_int64(s, 4),
        .frontier = sqlite3_column_int64(s, 5),
        .has_layout = sqlite3_column_int(s, 6) != 0,
        .max_attempts = sqlite3_column_int64(s, 7),
        .log_lines = sqlite3_column_int64(s, 8),
    };
    database_end(s);
    return 0;
}

int queue_next_jobs(struct queue *q, int limit, int64_t *ret_jobs, int *ret_n, struct error *e)
{
    sqlite3_stmt *s;
    int n = 0;
    int r = database_rows(&q->database, e, &s, STATEMENT_JOB_NEXT, INTEGER(limit));
    for (; !r; r = database_next(&q->database, e, s))
        ret_jobs[n++] = sqlite3_column_int64(s, 0);
    if (r != QUEUE_NO_SUCH)
        return r;
    *ret_n = n;
    return 0;
}

int queue_next_complete(struct queue *q, int64_t after, int64_t *ret_job, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_NEXT_COMPLETE, INTEGER(after));
    if (r)
        return r;
    *ret_job = sqlite3_column_int64(s, 0);
    database_end(s);
    return 0;
}

int queue_job_complete(struct queue *q, int64_t job, bool *ret_complete, struct error *e)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, e);
    if (!r)
        *ret_complete = c.done + c.dead == c.members;
    return r;
}

/* ---- moves ---- */

static char *end_data(const struct queue_counts *c, const char *reason)
{
    json_t *data =
        json_pack("{s:I, s:I, s:I, s:s*}", "done", (json_int_t)c->done, "dead", (json_int_t)c->dead,
                  "members", (json_int_t)c->members, "reason", reason);
    mem_assert(data);
    char *text = json_dumps(data, JSON_COMPACT);
    json_decref(data);
    return text;
}

static int end_job(struct queue *q, int64_t job, const struct queue_counts *c, enum job_state to,
                   const char *reason, struct error *e)
{
    struct database *d = &q->database;
    char *clean = reason ? queue_clean_text(reason, QUEUE_REASON_MAX) : NULL;
    int r = database_run(d, e, STATEMENT_JOB_END, INTEGER(job), INTEGER(to), INTEGER(queue_time()),
                         TEXT(clean));
    if (!r)
        r = database_run(d, e, STATEMENT_LEASE_REMOVE_JOB, INTEGER(job));
    if (!r)
        r = database_run(d, e, STATEMENT_RANGE_REMOVE_FREE, INTEGER(job));
    if (!r)
        r = database_run(d, e, STATEMENT_ATTEMPT_REMOVE_JOB, INTEGER(job));
    if (!r) {
        char *data = end_data(c, clean);
        r = queue_event_add(q, job, job_state_name(to), data, e);
        free(data);
    }
    free(clean);
    q->ended = true;
    return r;
}

int queue_job_move(struct queue *q, int64_t job, const struct queue_counts *counts,
                   enum job_state to, const char *reason, struct error *e)
{
    if (!job_state_may_move(counts->state, to))
        return error_set(e, QUEUE_REFUSED, NULL, "job %" PRId64 " is %s: it cannot become %s", job,
                         job_state_name(counts->state), job_state_name(to));
    if (job_state_is_final(to))
        return end_job(q, job, counts, to, reason, e);
    int r = database_run(&q->database, e, STATEMENT_JOB_START, INTEGER(job), INTEGER(to),
                         INTEGER(queue_time()));
    return r ? r : queue_event_add(q, job, job_state_name(to), "{}", e);
}

static int move(struct queue *q, int64_t job, enum job_state to, const char *reason,
                struct error *e)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, e);
    return r ? r : queue_job_move(q, job, &c, to, reason, e);
}

int queue_cancel(struct queue *q, int64_t id, const char *reason, struct error *e)
{
    return move(q, id, JOB_CANCELLED, reason, e);
}

int queue_fail(struct queue *q, int64_t job, const char *reason, struct error *e)
{
    return move(q, job, JOB_FAILED, reason, e);
}

/* Why a job with dead members did not succeed; a new string. */
static int death_reason(struct queue *q, int64_t job, const struct queue_counts *c, char **ret,
                        struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_RANGE_FROM, INTEGER(job),
                         INTEGER(RANGE_DEAD), INTEGER(0), INTEGER(1));
    if (r) {
        mem_assert(r != QUEUE_NO_SUCH); /* dead > 0 */
        return r;
    }
    if (c->members == 1)
        *ret = database_new_text(s, 3);
    else
        *ret = mem_printf(
            "%" PRId64 " of %" PRId64 " members are dead, the first is member %" PRId64 ": %s",
            c->dead, c->members, (int64_t)sqlite3_column_int64(s, 0), database_text(s, 3));
    database_end(s);
    return 0;
}

int queue_finish(struct queue *q, int64_t job, struct error *e)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, e);
    if (r)
        return r;
    if (c.done + c.dead != c.members)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "job %" PRId64 " is not complete: %" PRId64 " of %" PRId64
                         " members are neither done nor dead",
                         job, c.members - c.done - c.dead, c.members);
    if (c.dead == 0)
        return queue_job_move(q, job, &c, JOB_SUCCEEDED, NULL, e);
    char *reason;
    r = death_reason(q, job, &c, &reason, e);
    if (r)
        return r;
    r = queue_job_move(q, job, &c, c.done ? JOB_PARTIAL : JOB_FAILED, reason, e);
    free(reason);
    return r;
}
