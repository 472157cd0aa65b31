/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

int queue_event_add(struct queue *q, int64_t job, const char *kind, const char *data,
                    struct error *e)
{
    int64_t id = q->numbers.last_event + 1;
    int r = database_run(&q->database, e, STATEMENT_EVENT_ADD, INTEGER(id), INTEGER(job),
                         INTEGER(queue_time()), TEXT(kind), TEXT(data));
    if (!r)
        q->numbers.last_event = id;
    return r;
}

int queue_log(struct queue *q, int64_t job, int64_t member, const char *line, struct error *e)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, e);
    if (r || c.log_lines > QUEUE_LOG_LINES_MAX)
        return r;
    if (c.log_lines == QUEUE_LOG_LINES_MAX)
        line = "(the log is full: further lines of this job are dropped)";
    char *clean = queue_clean_text(line, QUEUE_LOG_LINE_MAX);
    json_t *data = json_pack("{s:I, s:s}", "member", (json_int_t)member, "line", clean);
    mem_assert(data);
    char *text = json_dumps(data, JSON_COMPACT);
    json_decref(data);
    r = database_run(&q->database, e, STATEMENT_JOB_LOGGED, INTEGER(job));
    if (!r)
        r = queue_event_add(q, job, "log", text, e);
    free(text);
    free(clean);
    return r;
}

/* ---- progress of batches: durable, one event per job and turn ---- */

void queue_event_touch(struct queue *q, int64_t job)
{
    if (q->n_touched > 0 && q->touched[q->n_touched - 1] == job)
        return;
    q->touched = queue_grow(q->touched, q->n_touched, &q->touched_capacity, sizeof *q->touched);
    q->touched[q->n_touched++] = job;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int flush_job(struct queue *q, int64_t job, struct error *e)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, e);
    if (r || job_state_is_final(c.state)) /* its last event has the counts */
        return r;
    r = database_run(&q->database, e, STATEMENT_EVENT_REMOVE_PROGRESS, INTEGER(job));
    if (r)
        return r;
    char *data = mem_printf("{\"done\":%" PRId64 ",\"dead\":%" PRId64 ",\"members\":%" PRId64 "}",
                            c.done, c.dead, c.members);
    r = queue_event_add(q, job, "progress", data, e);
    free(data);
    return r;
}

int queue_event_flush(struct queue *q, struct error *e)
{
    if (q->n_touched > 1)
        qsort(q->touched, q->n_touched, sizeof *q->touched, by_number);
    int r = 0;
    for (size_t i = 0; !r && i < q->n_touched; i++) {
        if (i == 0 || q->touched[i] != q->touched[i - 1])
            r = flush_job(q, q->touched[i], e);
    }
    return r;
}

/* ---- progress of single simulations: in memory ---- */

static int is_running(struct queue *q, int64_t job, bool *ret)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, NULL);
    if (r >= 0)
        *ret = r == 0 && c.state == JOB_RUNNING;
    return r < 0 ? r : 0;
}

static struct queue_progress_entry *find_progress(const struct queue *q, int64_t job)
{
    for (size_t i = 0; i < q->n_progress; i++) {
        if (q->progress[i].job == job)
            return &q->progress[i];
    }
    return NULL;
}

void queue_progress(struct queue *q, int64_t job, int64_t step, int64_t nsteps)
{
    struct queue_progress_entry *entry = find_progress(q, job);
    if (!entry) {
        bool runs;
        if (is_running(q, job, &runs) < 0 || !runs) /* a late word would stay for ever */
            return;
        q->progress =
            queue_grow(q->progress, q->n_progress, &q->progress_capacity, sizeof *q->progress);
        entry = &q->progress[q->n_progress++];
    }
    *entry = (struct queue_progress_entry){job, step, nsteps};
}

void queue_progress_get(const struct queue *q, int64_t job, int64_t *ret_step, int64_t *ret_nsteps)
{
    const struct queue_progress_entry *entry = find_progress(q, job);
    *ret_step = entry ? entry->step : 0;
    *ret_nsteps = entry ? entry->nsteps : 0;
}

void queue_progress_prune(struct queue *q)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->n_progress; i++) {
        bool runs;
        if (is_running(q, q->progress[i].job, &runs) < 0 || runs)
            q->progress[kept++] = q->progress[i];
    }
    q->n_progress = kept;
}

/* ---- reading ---- */

int64_t queue_last_event(const struct queue *q)
{
    return q->committed.last_event;
}

static json_t *event_to_json(sqlite3_stmt *s)
{
    json_t *data = json_loads(database_text(s, 4), 0, NULL);
    mem_assert(data); /* we wrote it */
    json_t *event = json_pack(
        "{s:I, s:I, s:I, s:s, s:o}", "id", (json_int_t)sqlite3_column_int64(s, 0), "job",
        (json_int_t)sqlite3_column_int64(s, 1), "time", (json_int_t)sqlite3_column_int64(s, 2),
        "kind", database_text(s, 3), "data", data);
    mem_assert(event);
    return event;
}

int queue_events(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                 struct error *e)
{
    struct database *d = &q->database;
    int64_t last = queue_last_event(q); /* nothing uncommitted is told */
    json_t *page = json_array();
    sqlite3_stmt *s;
    int r = job ? database_rows(d, e, &s, STATEMENT_EVENT_LIST_JOB, INTEGER(after), INTEGER(last),
                                INTEGER(limit), INTEGER(job))
                : database_rows(d, e, &s, STATEMENT_EVENT_LIST, INTEGER(after), INTEGER(last),
                                INTEGER(limit));
    for (; !r; r = database_next(d, e, s))
        json_array_append_new(page, event_to_json(s));
    if (r != QUEUE_NO_SUCH) {
        json_decref(page);
        return r;
    }
    *ret_page = page;
    return 0;
}

/* Adds the members of one row of dead ones, from `from` on, up to `limit` in all. */
static void append_dead(json_t *page, sqlite3_stmt *s, int64_t from, size_t limit)
{
    int64_t begin = sqlite3_column_int64(s, 0), end = sqlite3_column_int64(s, 1);
    for (int64_t m = begin > from ? begin : from; m < end && json_array_size(page) < limit; m++)
        json_array_append_new(page, json_pack("{s:I, s:I, s:s, s:s}", "member", (json_int_t)m,
                                              "attempts", (json_int_t)sqlite3_column_int64(s, 2),
                                              "state", "dead", "reason", database_text(s, 3)));
}

/* The rows that `id` finds from member `from` on. */
static int append_rows(struct queue *q, enum database_statement id, int64_t job, int64_t from,
                       int limit, json_t *page, struct error *e)
{
    size_t most = limit > 0 ? (size_t)limit : 0;
    sqlite3_stmt *s;
    int rows = id == STATEMENT_RANGE_BEFORE ? 1 : limit;
    int r = database_rows(&q->database, e, &s, id, INTEGER(job), INTEGER(RANGE_DEAD), INTEGER(from),
                          INTEGER(rows));
    for (; !r && json_array_size(page) < most; r = database_next(&q->database, e, s))
        append_dead(page, s, from, most);
    if (!r)
        database_end(s);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int queue_members(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                  struct error *e)
{
    struct queue_counts c;
    int r = queue_job_counts(q, job, &c, e);
    if (r)
        return r;
    if (after < -1)
        after = -1;
    int64_t from = after < c.members ? after + 1 : c.members;
    json_t *page = json_array();
    r = append_rows(q, STATEMENT_RANGE_BEFORE, job, from, limit, page, e);
    if (!r)
        r = append_rows(q, STATEMENT_RANGE_FROM, job, from, limit, page, e);
    if (r) {
        json_decref(page);
        return r;
    }
    *ret_page = page;
    return 0;
}
