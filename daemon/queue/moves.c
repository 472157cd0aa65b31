/* SPDX-License-Identifier: Apache-2.0 */
/* A job's state moves: by the table of job_state.c, each move one event. */
#include "queue/queue_internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

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

/* What only a live job needs. */
static const enum database_statement leftovers[] = {
    STATEMENT_LEASE_REMOVE_JOB, STATEMENT_RANGE_REMOVE_FREE, STATEMENT_ATTEMPT_REMOVE_JOB,
    STATEMENT_PROPOSAL_REMOVE_JOB, STATEMENT_AFTER_REMOVE_JOB};

static int end_job(struct queue *q, const struct queue_counts *c, enum job_state to,
                   const char *reason, struct error *e)
{
    struct database *d = &q->database;
    char *clean = reason ? text_valid(reason, QUEUE_REASON_MAX) : NULL;
    int r = database_run(d, e, STATEMENT_JOB_END, INTEGER(c->id), INTEGER(to),
                         INTEGER(clock_unix()), TEXT(clean));
    for (size_t i = 0; !r && i < sizeof leftovers / sizeof *leftovers; i++)
        r = database_run(d, e, leftovers[i], INTEGER(c->id));
    if (!r) {
        char *data = end_data(c, clean);
        r = queue_event_add(q, c->id, job_state_name(to), data, e);
        free(data);
    }
    free(clean);
    return r;
}

/* ---- jobs that are to run after it ---- */

/* The next that waits for the job, less that it does so; QUEUE_NO_SUCH. */
static int take_dependent(struct queue *q, int64_t need, int64_t *ret_job, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_AFTER_NEXT, INTEGER(need));
    if (r)
        return r;
    *ret_job = sqlite3_column_int64(s, 0);
    database_end(s);
    r = database_run(&q->database, e, STATEMENT_AFTER_REMOVE, INTEGER(need), INTEGER(*ret_job));
    live_touch(q, *ret_job);
    return r ? r : database_run(&q->database, e, STATEMENT_JOB_AWAITS_LESS, INTEGER(*ret_job));
}

static int cancel_dependent(struct queue *q, int64_t job, int64_t need, enum job_state state,
                            struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    char *reason =
        mem_printf("it was to run after job %" PRId64 ", which is %s", need, job_state_name(state));
    r = end_job(q, &c, JOB_CANCELLED, reason, e);
    free(reason);
    return r;
}

/* Of one job that has ended; those that are cancelled for it are added to `ended`. */
static int tell_those_after(struct queue *q, int64_t need, enum job_state state,
                            struct id_list *ended, struct error *e)
{
    int64_t job = 0;
    int r;
    while ((r = take_dependent(q, need, &job, e)) == 0) {
        if (state == JOB_SUCCEEDED)
            continue;
        r = cancel_dependent(q, job, need, state, e);
        if (r)
            return r;
        id_list_add(ended, job);
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}

/* One after another: a chain of them may be long. */
static int tell_dependents(struct queue *q, int64_t job, enum job_state state, struct error *e)
{
    struct id_list ended = {0};
    int r = tell_those_after(q, job, state, &ended, e);
    while (r == 0 && ended.n > 0)
        r = tell_those_after(q, ended.items[--ended.n], JOB_CANCELLED, &ended, e);
    id_list_free(&ended);
    return r;
}

int queue_move(struct queue *q, const struct queue_counts *counts, enum job_state to,
               const char *reason, struct error *e)
{
    if (!job_state_may_move(counts->state, to))
        return error_set(e, QUEUE_REFUSED, NULL, "job %" PRId64 " is %s: it cannot become %s",
                         counts->id, job_state_name(counts->state), job_state_name(to));
    live_touch(q, counts->id);
    if (job_state_is_final(to)) {
        int ended = end_job(q, counts, to, reason, e);
        return ended ? ended : tell_dependents(q, counts->id, to, e);
    }
    int r = database_run(&q->database, e, STATEMENT_JOB_START, INTEGER(counts->id), INTEGER(to),
                         INTEGER(clock_unix()));
    return r ? r : queue_event_add(q, counts->id, job_state_name(to), "{}", e);
}

static int move(struct queue *q, int64_t job, enum job_state to, const char *reason,
                struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, job, &c, e);
    return r ? r : queue_move(q, &c, to, reason, e);
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
static int death_reason(struct queue *q, const struct queue_counts *c, char **ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_RANGE_FROM, INTEGER(c->id),
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
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    if (c.done + c.dead != c.members)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "job %" PRId64 " is not complete: %" PRId64 " of %" PRId64
                         " members are neither done nor dead",
                         job, c.members - c.done - c.dead, c.members);
    if (c.dead == 0)
        return queue_move(q, &c, JOB_SUCCEEDED, NULL, e);
    char *reason;
    r = death_reason(q, &c, &reason, e);
    if (r)
        return r;
    r = queue_move(q, &c, c.done ? JOB_PARTIAL : JOB_FAILED, reason, e);
    free(reason);
    return r;
}
