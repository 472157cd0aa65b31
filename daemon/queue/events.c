/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

int queue_event_add(struct queue *q, int64_t job, const char *kind, const char *data,
                    struct error *e)
{
    int64_t id = q->numbers.last_event + 1;
    int r = database_run(&q->database, e, STATEMENT_EVENT_ADD, INTEGER(id), INTEGER(job),
                         INTEGER(clock_unix()), TEXT(kind), TEXT(data));
    if (!r)
        q->numbers.last_event = id;
    return r;
}

/* Lines of its own that are in the log. */
static int lines_of(struct queue *q, int64_t job, int64_t member, int64_t *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_LINES_GET, INTEGER(job), INTEGER(member));
    *ret = r ? 0 : sqlite3_column_int64(s, 0);
    if (r == 0)
        database_end(s);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

/* Of several members' warnings the lowest's stands among what the job has to say. */
static int note_warning(struct queue *q, int64_t job, int64_t member, const char *line,
                        struct error *e)
{
    static const char format[] = QUEUE_WARNING "member %" SCNd64;
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_NOTES, INTEGER(job));
    if (r)
        return r;
    json_t *notes = json_loads(database_text(s, 0), 0, NULL);
    database_end(s);
    notes = notes ? notes : json_array();
    size_t at = 0;
    int64_t other = INT64_MAX;
    for (; at < json_array_size(notes); at++) {
        const char *said = json_string_value(json_array_get(notes, at));
        if (said && sscanf(said, format, &other) == 1)
            break;
    }
    if (member >= other) {
        json_decref(notes);
        return 0;
    }
    char *clean = text_valid(line + strlen(QUEUE_WARNING), QUEUE_LOG_LINE_MAX);
    char *note = mem_printf(QUEUE_WARNING "member %" PRId64 ": %s", member, clean);
    if (at == json_array_size(notes))
        json_array_append_new(notes, json_string(note));
    else
        json_array_set_new(notes, at, json_string(note));
    char *text = json_dumps(notes, JSON_COMPACT);
    r = database_run(&q->database, e, STATEMENT_JOB_SET_NOTES, INTEGER(job), TEXT(text));
    free(text);
    free(note);
    free(clean);
    json_decref(notes);
    return r;
}

int queue_log(struct queue *q, int64_t job, int64_t member, int64_t ordinal, const char *line,
              struct error *e)
{
    struct queue_counts c;
    int64_t lines = 0;
    int r = queue_counts(q, job, &c, e);
    if (r == 0 && ordinal >= 0)
        r = lines_of(q, job, member, &lines, e);
    if (r || (ordinal >= 0 && ordinal < lines))
        return r;
    if (!strncmp(line, QUEUE_WARNING, strlen(QUEUE_WARNING)))
        r = note_warning(q, job, member, line, e);
    if (r || c.log_lines > QUEUE_LOG_LINES_MAX)
        return r;
    if (c.log_lines == QUEUE_LOG_LINES_MAX)
        line = "(the log is full: further lines of this job are dropped)";
    char *clean = text_valid(line, QUEUE_LOG_LINE_MAX);
    json_t *data = json_pack("{s:I, s:s}", "member", (json_int_t)member, "line", clean);
    mem_assert(data);
    char *text = json_dumps(data, JSON_COMPACT);
    json_decref(data);
    r = database_run(&q->database, e, STATEMENT_JOB_LOGGED, INTEGER(job));
    if (!r && ordinal >= 0)
        r = database_run(&q->database, e, STATEMENT_LINES_SET, INTEGER(job), INTEGER(member),
                         INTEGER(ordinal + 1));
    if (!r)
        r = queue_event_add(q, job, "log", text, e);
    free(text);
    free(clean);
    return r;
}

/* ---- progress of batches: durable, one event per job and turn ---- */

void queue_event_touch(struct queue *q, int64_t job)
{
    if (q->touched.n == 0 || q->touched.items[q->touched.n - 1] != job)
        id_list_add(&q->touched, job);
}

static int flush_job(struct queue *q, int64_t job, struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, job, &c, e);
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
    int r = 0;
    id_list_sort(&q->touched);
    for (size_t i = 0; !r && i < q->touched.n; i++)
        r = flush_job(q, q->touched.items[i], e);
    return r;
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

/* `r`: of database_rows. */
static int read_events(struct queue *q, int r, sqlite3_stmt *s, json_t **ret_page, struct error *e)
{
    json_t *page = json_array();
    for (; !r; r = database_next(&q->database, e, s))
        json_array_append_new(page, event_to_json(s));
    if (r != QUEUE_NO_SUCH) {
        json_decref(page);
        return r;
    }
    *ret_page = page;
    return 0;
}

/* Nothing uncommitted is told. */
int queue_events(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                 struct error *e)
{
    struct database *d = &q->database;
    int64_t last = queue_last_event(q);
    sqlite3_stmt *s = NULL;
    int r = job ? database_rows(d, e, &s, STATEMENT_EVENT_LIST_JOB, INTEGER(after), INTEGER(last),
                                INTEGER(limit), INTEGER(job))
                : database_rows(d, e, &s, STATEMENT_EVENT_LIST, INTEGER(after), INTEGER(last),
                                INTEGER(limit));
    return read_events(q, r, s, ret_page, e);
}

int queue_log_lines(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                    struct error *e)
{
    sqlite3_stmt *s = NULL;
    int r = database_rows(&q->database, e, &s, STATEMENT_EVENT_LIST_LOG, INTEGER(after),
                          INTEGER(queue_last_event(q)), INTEGER(limit), INTEGER(job));
    return read_events(q, r, s, ret_page, e);
}
