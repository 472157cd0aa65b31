/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of libraries that jobs and stored models were checked with. */
#include "base/json.h"
#include "base/mem.h"
#include "queue/queue_internal.h"

#include <stdlib.h>

int queue_pin_job(struct queue *q, int64_t job, const json_t *libraries, struct error *e)
{
    const char *name;
    json_t *hash;
    int r = 0;
    json_object_foreach((json_t *)libraries, name, hash)
    {
        if (r == 0)
            r = database_run(&q->database, e, STATEMENT_JOB_LIBRARY_ADD, INTEGER(job), TEXT(name),
                             TEXT(json_string_value(hash)));
    }
    return r;
}

int queue_pin_model(struct queue *q, const char *model, const json_t *libraries, struct error *e)
{
    const char *name;
    json_t *hash;
    int r = database_run(&q->database, e, STATEMENT_MODEL_LIBRARY_REMOVE, TEXT(model));
    json_object_foreach((json_t *)libraries, name, hash)
    {
        if (r == 0)
            r = database_run(&q->database, e, STATEMENT_MODEL_LIBRARY_ADD, TEXT(model), TEXT(name),
                             TEXT(json_string_value(hash)));
    }
    return r;
}

int queue_job_libraries(struct queue *q, int64_t job, char **ret_libraries, struct error *e)
{
    json_t *libraries = json_object();
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_JOB_LIBRARY_LIST, INTEGER(job));
    for (; !r; r = database_next(&q->database, e, s))
        json_object_set_new(libraries, database_text(s, 0), json_string(database_text(s, 1)));
    if (r == QUEUE_NO_SUCH)
        *ret_libraries = json_write(libraries);
    json_decref(libraries);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static int add_hashes(struct queue *q, sqlite3_stmt *s, int r, json_t *hashes, struct error *e)
{
    for (; !r; r = database_next(&q->database, e, s))
        json_object_set_new(hashes, database_text(s, 0), json_true());
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int queue_needed_libraries(struct queue *q, json_t *hashes, struct error *e)
{
    sqlite3_stmt *s;
    int r = 0;
    for (enum job_state state = JOB_QUEUED; state <= JOB_RUNNING && !r; state++) {
        r = database_rows(&q->database, e, &s, STATEMENT_JOB_LIBRARY_NEEDED, INTEGER(state));
        r = add_hashes(q, s, r, hashes, e);
    }
    if (r)
        return r;
    r = database_rows(&q->database, e, &s, STATEMENT_MODEL_LIBRARY_NEEDED, TEXT(""));
    return add_hashes(q, s, r, hashes, e);
}

/* Jobs of version 1 of the schema. */
int queue_pin_unpinned(struct queue *q, const json_t *libraries, struct error *e)
{
    int64_t *jobs = NULL;
    size_t n = 0, capacity = 0;
    sqlite3_stmt *s;
    int r = QUEUE_NO_SUCH;
    for (enum job_state state = JOB_QUEUED; state <= JOB_RUNNING && r == QUEUE_NO_SUCH; state++) {
        r = database_rows(&q->database, e, &s, STATEMENT_JOB_UNPINNED, INTEGER(state));
        for (; !r; r = database_next(&q->database, e, s)) {
            jobs = mem_grow(jobs, n, &capacity, sizeof *jobs);
            jobs[n++] = sqlite3_column_int64(s, 0);
        }
    }
    r = r == QUEUE_NO_SUCH ? 0 : r;
    for (size_t i = 0; i < n && !r; i++)
        r = queue_pin_job(q, jobs[i], libraries, e);
    free(jobs);
    return r;
}
