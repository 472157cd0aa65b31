/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a job from being leased, whatever workers there are: people who hold it, and jobs
 * after which it is to run. */
#include "queue/queue_internal.h"

#include <inttypes.h>
#include <stdio.h>

int queue_set_held(struct queue *q, int64_t job, bool is_held, struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    if (job_state_is_final(c.state))
        return error_set(e, QUEUE_REFUSED, NULL, "job %" PRId64 " is %s: it cannot be %s", job,
                         job_state_name(c.state), is_held ? "held" : "released");
    live_touch(q, job);
    return database_run(&q->database, e, STATEMENT_JOB_HOLD, INTEGER(job), INTEGER(is_held));
}

static int check_need(struct queue *q, int64_t need, size_t number, struct error *e)
{
    struct queue_counts c;
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/after/%zu", number);
    int r = queue_counts(q, need, &c, e);
    if (r == QUEUE_NO_SUCH)
        return error_set(e, QUEUE_INVALID, pointer, "after: there is no job %" PRId64, need);
    if (r || !job_state_is_final(c.state) || c.state == JOB_SUCCEEDED)
        return r;
    return error_set(e, QUEUE_REFUSED, pointer,
                     "after: job %" PRId64 " is %s: what is to run after it never would", need,
                     job_state_name(c.state));
}

int queue_check_after(struct queue *q, const int64_t *after, size_t n, struct error *e)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = check_need(q, after[i], i, e);
    return r;
}

/* Those that have succeeded are no longer waited for. */
static int await(struct queue *q, int64_t job, int64_t need, struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, need, &c, e);
    if (r || job_state_is_final(c.state))
        return r;
    r = database_run(&q->database, e, STATEMENT_AFTER_ADD, INTEGER(need), INTEGER(job));
    return r ? r : database_run(&q->database, e, STATEMENT_JOB_AWAITS, INTEGER(job));
}

int queue_add_holds(struct queue *q, const struct queue_submission *s, int64_t job, struct error *e)
{
    int r = 0;
    for (size_t i = 0; i < s->n_after && r == 0; i++)
        r = await(q, job, s->after[i], e);
    if (r == 0 && s->is_held)
        r = database_run(&q->database, e, STATEMENT_JOB_HOLD, INTEGER(job), INTEGER(1));
    return r;
}
