/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- stores: rows say paths below the root without it, and others whole ---- */

char *queue_absolute_store(const struct queue *q, const char *store)
{
    return store[0] == '/' ? mem_strdup(store) : file_join(q->root, store);
}

static const char *relative_store(const struct queue *q, const char *path)
{
    size_t n = strlen(q->root);
    if (strncmp(path, q->root, n) != 0 || path[n] != '/')
        return path;
    return path + n + strspn(path + n, "/");
}

const char *queue_owner(const struct queue *q, int64_t job, char ret[QUEUE_OWNER_SIZE])
{
    snprintf(ret, QUEUE_OWNER_SIZE, "simlabd %s job %" PRId64 "\n", q->identity, job);
    return ret;
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
static int check_absent(const char *path, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) == 0)
        return error_set(e, QUEUE_REFUSED, "/store",
                         "the store %s exists already: choose another name, or remove it", path);
    return 0;
}

/* 0 where no job holds the store, else QUEUE_REFUSED. */
static int check_free(struct queue *q, const char *store, struct error *e)
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
    int r = check_free(q, store, e);
    if (r)
        return r;
    char *path = queue_absolute_store(q, store);
    r = s->claim ? s->claim(s->userdata, id, path, e) : check_absent(path, e);
    free(path);
    return r;
}

/* As the row will say it, a new string. Ids whose path is someone else's are passed over. */
static int choose_store(struct queue *q, const struct queue_submission *s, int64_t *id,
                        char **ret_store, struct error *e)
{
    if (s->store) {
        const char *store = relative_store(q, s->store);
        int r = claim_store(q, s, *id, store, e);
        if (!r)
            *ret_store = mem_strdup(store);
        return r;
    }
    for (;; ++*id) {
        char *store = mem_printf("%" PRId64 ".zarr", *id);
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
                         INTEGER(clock_unix()), TEXT(s->model_hash), TEXT(store),
                         TEXT(s->principal ? s->principal : ""), TEXT(s->idempotency_key),
                         TEXT(s->document_hash), TEXT(s->name), TEXT(s->labels),
                         INTEGER(s->threads), TEXT(s->notes), INTEGER(s->from),
                         INTEGER(s->most_workers), INTEGER(s->is_open));
    if (!r)
        r = database_run(&q->database, e, STATEMENT_JOB_TEXT_ADD, INTEGER(id),
                         TEXT(s->document ? s->document : ""),
                         TEXT(s->document ? NULL : s->document_file));
    if (!r)
        r = queue_pin_job(q, id, s->libraries, e);
    if (!r)
        r = queue_add_holds(q, s, id, e);
    if (r)
        return r;
    q->numbers.last_job = id;
    live_touch(q, id);
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
        r = queue_check_after(q, s->after, s->n_after, e);
        if (!r)
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
    free(j->labels);
    free(j->notes);
    free(j->reason);
    free(j->waiting);
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
        .store = queue_absolute_store(q, database_text(s, 9)),
        .model_hash = database_new_text(s, 10),
        .labels = database_new_text(s, 11),
        .reason = database_new_text(s, 12),
        .created = sqlite3_column_int64(s, 14),
        .started = sqlite3_column_int64(s, 15),
        .ended = sqlite3_column_int64(s, 16),
        .threads = sqlite3_column_int64(s, 17),
        .notes = database_new_text(s, 18),
        .from = sqlite3_column_int64(s, 19),
        .retries = sqlite3_column_int64(s, 20),
        .most_workers = sqlite3_column_int64(s, 21),
        .has_locks = sqlite3_column_int(s, 22),
        .is_held = sqlite3_column_int(s, 23),
        .is_open = sqlite3_column_int(s, 24),
        .is_removing = sqlite3_column_int(s, 25),
    };
    if (*database_text(s, 13))
        ret->principal = database_new_text(s, 13);
    const struct live_job *live = live_find(q, ret->id);
    ret->step = live ? live->step : 0;
    ret->nsteps = live ? live->nsteps : 0;
    ret->waiting = mem_strdup(live_waiting(q, ret->id));
}

int queue_job(struct queue *q, int64_t id, struct queue_job *ret_job, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_GET, INTEGER(id));
    if (r)
        return r == QUEUE_NO_SUCH ? queue_no_such_job(e, id) : r;
    read_job(q, s, ret_job);
    database_end(s);
    return 0;
}

/* The row of a job's texts, at which the statement is: of a job that is there they are, else
 * somebody took them away. */
static int text_row(struct queue *q, enum database_statement id, int64_t job, const char *what,
                    sqlite3_stmt **ret, struct error *e)
{
    struct queue_counts c;
    int r = database_row(&q->database, e, ret, id, INTEGER(job));
    if (r == QUEUE_NO_SUCH) {
        r = queue_counts(q, job, &c, e);
        if (!r)
            r = error_set(e, QUEUE_DAMAGED, NULL,
                          "the database has lost %s of job %" PRId64
                          ": it was changed by another program",
                          what, job);
    }
    return r;
}

int queue_job_text(struct queue *q, int64_t id, struct queue_text *ret_document, struct error *e)
{
    sqlite3_stmt *s;
    int r = text_row(q, STATEMENT_JOB_DOCUMENT, id, "the document", &s, e);
    if (r)
        return r;
    const char *file = database_text(s, 1);
    *ret_document = (struct queue_text){.text = file ? NULL : database_new_text(s, 0),
                                        .path = file ? texts_path(q, file) : NULL};
    database_end(s);
    r = appends_of(q, id, ret_document, e);
    if (r)
        queue_text_clear(ret_document);
    return r;
}

int queue_job_document(struct queue *q, int64_t id, char **ret_document, struct error *e)
{
    struct queue_text text;
    int r = queue_job_text(q, id, &text, e);
    if (r)
        return r;
    r = queue_text_read(&text, ret_document, e);
    queue_text_clear(&text);
    return r;
}

int queue_job_layout(struct queue *q, int64_t id, char **ret_layout, struct error *e)
{
    sqlite3_stmt *s;
    int r = text_row(q, STATEMENT_JOB_LAYOUT_GET, id, "the layout", &s, e);
    if (r)
        return r;
    *ret_layout = database_new_text(s, 0);
    database_end(s);
    return 0;
}

int queue_jobs(struct queue *q, int state, int64_t before, int limit,
               bool (*fn)(void *userdata, const struct queue_job *job), void *userdata,
               struct error *e)
{
    bool goes_on = true;
    int64_t below = before > 0 ? before : INT64_MAX;
    sqlite3_stmt *s;
    int r = state < 0 ? database_rows(&q->database, e, &s, STATEMENT_JOB_LIST, INTEGER(below),
                                      INTEGER(limit))
                      : database_rows(&q->database, e, &s, STATEMENT_JOB_LIST_STATE, INTEGER(below),
                                      INTEGER(limit), INTEGER(state));
    for (; !r && goes_on; r = goes_on ? database_next(&q->database, e, s) : 0) {
        struct queue_job job;
        read_job(q, s, &job);
        goes_on = fn(userdata, &job);
        queue_job_clear(&job);
    }
    if (!r)
        database_end(s);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

/* ---- directories of locks ---- */

int queue_next_sync_left(struct queue *q, int64_t after, int64_t *ret_job, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_SYNC_LEFT, INTEGER(after));
    if (r)
        return r;
    *ret_job = sqlite3_column_int64(s, 0);
    database_end(s);
    return 0;
}

int queue_sync_removed(struct queue *q, int64_t job, struct error *e)
{
    return database_run(&q->database, e, STATEMENT_JOB_SYNC_REMOVED, INTEGER(job));
}
