/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of libraries that jobs and stored models were checked with. */
#include "base/json.h"
#include "base/mem.h"
#include "queue/queue_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum { NEEDED_ROWS = 4000 }; /* of jobs' libraries, that are read in one go */

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

static void add_hash(json_t *hashes, const char *hash)
{
    if (hash && !json_object_get(hashes, hash))
        json_object_set_new(hashes, hash, json_true());
}

/* `ret_last`: where to go on; 0: that were all. A job has far fewer libraries than are asked for.
 */
static int add_of_jobs(struct queue *q, enum job_state state, int64_t after, json_t *hashes,
                       int64_t *ret_last, struct error *e)
{
    sqlite3_stmt *s;
    int n = 0;
    int r = database_rows(&q->database, e, &s, STATEMENT_JOB_LIBRARY_NEEDED, INTEGER(state),
                          INTEGER(after), INTEGER(NEEDED_ROWS));
    for (; !r; r = database_next(&q->database, e, s)) {
        add_hash(hashes, database_text(s, 0));
        *ret_last = sqlite3_column_int64(s, 1) - 1; /* the last job may have more of them */
        n++;
    }
    if (n < NEEDED_ROWS)
        *ret_last = 0;
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static int add_of_models(struct queue *q, json_t *hashes, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_MODEL_LIBRARY_NEEDED, TEXT(""));
    for (; !r; r = database_next(&q->database, e, s))
        add_hash(hashes, database_text(s, 0));
    return r == QUEUE_NO_SUCH ? 0 : r;
}

/* Jobs that wait come first: what begins meanwhile is found among those that run, for which the
 * cursor is negative. */
int queue_needed_libraries(struct queue *q, int64_t *cursor, json_t *hashes, struct error *e)
{
    int64_t last = *cursor;
    int r = last >= 0 ? add_of_jobs(q, JOB_QUEUED, last, hashes, &last, e) : 0;
    if (r == 0 && last > 0) {
        *cursor = last;
        return 0;
    }
    if (r == 0)
        r = add_of_jobs(q, JOB_RUNNING, -last, hashes, &last, e);
    if (r == 0 && last == 0)
        r = add_of_models(q, hashes, e);
    if (r == 0)
        *cursor = -last;
    return r;
}

/* ---- who uses one ---- */

static int find_job(struct queue *q, enum database_statement which, const char *hash,
                    char **ret_user, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, which, TEXT(hash));
    if (r == 0) {
        *ret_user = mem_printf("job %" PRId64 " (%s)", (int64_t)sqlite3_column_int64(s, 0),
                               job_state_name((enum job_state)sqlite3_column_int(s, 1)));
        database_end(s);
    }
    return r;
}

static int find_model(struct queue *q, const char *hash, char **ret_user, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_MODEL_LIBRARY_USER, TEXT(""), TEXT(hash));
    if (r == 0) {
        *ret_user = mem_printf("the model \"%s\"", database_text(s, 0));
        database_end(s);
    }
    return r;
}

int queue_library_user(struct queue *q, const char *hash, bool even_ended, char **ret_user,
                       struct error *e)
{
    char *user = NULL;
    int r = find_job(q, STATEMENT_JOB_LIBRARY_LIVE, hash, &user, e);
    if (r == QUEUE_NO_SUCH && even_ended)
        r = find_job(q, STATEMENT_JOB_LIBRARY_ENDED, hash, &user, e);
    if (r == QUEUE_NO_SUCH && even_ended)
        r = find_model(q, hash, &user, e);
    if (r != 0 && r != QUEUE_NO_SUCH)
        return r;
    *ret_user = user;
    return 0;
}

/* ---- jobs of version 1 of the schema ---- */

static int list_unpinned(struct queue *q, struct id_list *jobs, struct error *e)
{
    sqlite3_stmt *s;
    int r = QUEUE_NO_SUCH;
    for (enum job_state state = JOB_QUEUED; state <= JOB_RUNNING && r == QUEUE_NO_SUCH; state++) {
        r = database_rows(&q->database, e, &s, STATEMENT_JOB_UNPINNED, INTEGER(state));
        for (; !r; r = database_next(&q->database, e, s))
            id_list_add(jobs, sqlite3_column_int64(s, 0));
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int queue_await_libraries(struct queue *q, struct error *e)
{
    struct id_list jobs = {0};
    int r = list_unpinned(q, &jobs, e);
    for (size_t i = 0; i < jobs.n && !r; i++)
        live_set_unpinned(q, jobs.items[i], true);
    id_list_free(&jobs);
    return r;
}

int queue_pin_unpinned(struct queue *q, const json_t *libraries,
                       bool (*may_go_on)(void *userdata, int64_t job), void *userdata,
                       bool *ret_all, struct error *e)
{
    struct id_list jobs = {0}, going = {0};
    int r = list_unpinned(q, &jobs, e);
    for (size_t i = 0; i < jobs.n && !r; i++)
        if (may_go_on(userdata, jobs.items[i]))
            id_list_add(&going, jobs.items[i]);
    for (size_t i = 0; i < going.n && !r; i++)
        r = queue_pin_job(q, going.items[i], libraries, e);
    for (size_t i = 0; i < going.n && !r; i++)
        live_set_unpinned(q, going.items[i], false);
    if (!r)
        *ret_all = going.n == jobs.n;
    id_list_free(&jobs);
    id_list_free(&going);
    return r;
}
