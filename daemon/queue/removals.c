/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that are removed: first it is said, then their files go, then their rows. */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

enum { STAYS, GOES, GOES_WITHOUT_STORE }; /* job.removing */
enum { ROWS_AT_ONCE = 1000 };

int queue_removal_of(struct queue *q, int64_t job, bool *ret_sync_left, bool *ret_is_removing,
                     struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_REMOVAL_GET, INTEGER(job));
    if (r)
        return r == QUEUE_NO_SUCH ? queue_no_such_job(e, job) : r;
    *ret_sync_left = sqlite3_column_int(s, 0);
    *ret_is_removing = sqlite3_column_int(s, 1) != STAYS;
    database_end(s);
    return 0;
}

/* ---- saying it ---- */

static int check_none_starts_from(struct queue *q, int64_t job, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_STARTED_FROM, INTEGER(job));
    if (r)
        return r == QUEUE_NO_SUCH ? 0 : r;
    int64_t other = sqlite3_column_int64(s, 0);
    enum job_state state = (enum job_state)sqlite3_column_int(s, 1);
    database_end(s);
    return error_set(e, QUEUE_REFUSED, NULL,
                     "job %" PRId64 " cannot be removed yet: job %" PRId64
                     ", which is %s, starts from its checkpoints",
                     job, other, job_state_name(state));
}

static int check(struct queue *q, int64_t job, bool sync_left, struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    if (!job_state_is_final(c.state))
        return error_set(e, QUEUE_REFUSED, NULL,
                         "job %" PRId64 " is %s: cancel it first; it can be removed once it has "
                         "ended",
                         job, job_state_name(c.state));
    if (sync_left)
        return error_set(e, QUEUE_BUSY, NULL,
                         "job %" PRId64 " has just ended: its locks are being removed; try again",
                         job);
    return check_none_starts_from(q, job, e);
}

int queue_remove(struct queue *q, int64_t job, bool keep_store, struct error *e)
{
    bool sync_left, is_removing;
    int r = queue_removal_of(q, job, &sync_left, &is_removing, e);
    if (r || is_removing)
        return r;
    r = check(q, job, sync_left, e);
    q->has_removals = true;
    return r ? r
             : database_run(&q->database, e, STATEMENT_JOB_REMOVE, INTEGER(job),
                            INTEGER(keep_store ? GOES_WITHOUT_STORE : GOES));
}

/* ---- doing it ---- */

int queue_next_removal(struct queue *q, int64_t after, struct queue_removal *ret, struct error *e)
{
    sqlite3_stmt *s;
    int64_t later = 0;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_REMOVING, INTEGER(after));
    if (r == QUEUE_NO_SUCH)
        q->has_removals = false;
    if (r)
        return r;
    struct queue_removal found = {.job = sqlite3_column_int64(s, 0)};
    bool with_store = sqlite3_column_int(s, 1) == GOES;
    char *store = database_new_text(s, 2);
    found.model_hash = database_new_text(s, 3);
    database_end(s);
    if (with_store)
        r = queue_later_store(q, found.job, store, &later, e);
    if (with_store)
        found.store = queue_absolute_store(q, store);
    found.is_anothers = later > 0;
    free(store);
    if (r == 0)
        *ret = found;
    else
        queue_removal_clear(&found);
    return r;
}

bool queue_has_removals(const struct queue *q)
{
    return q->has_removals;
}

void queue_removal_clear(struct queue_removal *removal)
{
    free(removal->store);
    free(removal->model_hash);
    *removal = (struct queue_removal){0};
}

/* What there may be many of. */
static int remove_many(struct queue *q, int64_t job, bool *ret_more, struct error *e)
{
    static const enum database_statement statements[] = {
        STATEMENT_REMOVE_EVENTS, STATEMENT_REMOVE_RANGES,  STATEMENT_REMOVE_ATTEMPTS,
        STATEMENT_REMOVE_LINES,  STATEMENT_REMOVE_APPENDS, STATEMENT_REMOVE_FENCED};
    int left = ROWS_AT_ONCE, r = 0;
    for (size_t i = 0; i < sizeof statements / sizeof *statements && left > 0 && r == 0; i++) {
        r = database_run(&q->database, e, statements[i], INTEGER(job), INTEGER(left));
        if (r == 0)
            left -= sqlite3_changes(q->database.connection);
    }
    *ret_more = left <= 0;
    return r;
}

int queue_forget(struct queue *q, int64_t job, bool *ret_more, struct error *e)
{
    static const enum database_statement statements[] = {
        STATEMENT_AFTER_REMOVE_JOB, STATEMENT_PROPOSAL_REMOVE_JOB, STATEMENT_REMOVE_LIBRARIES,
        STATEMENT_REMOVE_TEXT, STATEMENT_REMOVE_JOB};
    bool more;
    int r = database_run(&q->database, e, STATEMENT_EVENT_LAST_SET, INTEGER(1),
                         INTEGER(q->numbers.last_event));
    if (r == 0)
        r = remove_many(q, job, &more, e);
    for (size_t i = 0; i < sizeof statements / sizeof *statements && r == 0 && !more; i++)
        r = database_run(&q->database, e, statements[i], INTEGER(job));
    if (r == 0)
        *ret_more = more;
    return r;
}
