/* SPDX-License-Identifier: Apache-2.0 */
/* What workers get. */
#include "dispatch/dispatch_internal.h"

#include <stdlib.h>

enum { SHARING = 16 }; /* jobs of one priority that share the workers */

/* ---- which job ---- */

/* Of the first jobs in the queue's order, all of one priority, the one with the fewest leases.
 * QUEUE_NO_SUCH where there is none. */
static int next_job(struct dispatch *d, struct job_progress **ret_job)
{
    struct job_progress *best = NULL;
    int64_t job = 0;
    int r = 0;
    for (int n = 0; n < SHARING && (r = queue_next_job(d->queue, job, &job, NULL)) == 0; n++) {
        struct job_progress *p;
        r = task_job(d, job, &p);
        if (r != 0 || (best && p->priority != best->priority))
            break;
        if (!best || p->n_leases < best->n_leases)
            best = p;
    }
    if (r < 0)
        return r;
    *ret_job = best;
    return best ? 0 : QUEUE_NO_SUCH;
}

/* The chunk rows of the newest layout. */
static int fit_rows(struct dispatch *d, struct job_progress *p)
{
    char *layout = NULL;
    if (p->layouts_read == p->layouts)
        return 0;
    int r = queue_job_layout(d->queue, p->job, &layout, NULL);
    if (r < 0)
        return r;
    if (layout)
        job_progress_set_layout(p, layout);
    free(layout);
    p->layouts_read = p->layouts;
    return 0;
}

/* ---- which worker ---- */

static bool is_short(struct dispatch *d, const struct task *t)
{
    const struct job_progress *p = task_find_job(d, t->lease.job);
    double expected = p ? job_progress_expected(p, t->lease.end - t->lease.begin - t->n_done) : 0;
    return expected > 0 && expected <= 2 * d->options.lease_seconds;
}

/* A second task waits behind the first one, where that will not be long and can be shared. */
static bool has_room(struct dispatch *d, const struct worker_session *s, int tasks)
{
    if (tasks == 0)
        return task_is_idle(s);
    if (s->is_gone || s->n_tasks != tasks || s->state != SESSION_BUSY)
        return false;
    const struct task *first = &s->tasks[0];
    return !task_is_alone(first) && !first->is_cancelled && is_short(d, first);
}

/* ---- grants ---- */

static int64_t want(const struct dispatch *d, const struct job_progress *p)
{
    struct queue_outline o;
    if (queue_outline(d->queue, p->job, &o, NULL) != 0)
        return 1;
    return job_progress_want(p, o.free, d->options.lease_seconds, d->n_sessions);
}

/* QUEUE_NO_SUCH where there is nothing to lease. */
static int grant_lease(struct dispatch *d, struct worker_session *s)
{
    struct job_progress *p = NULL;
    struct task t = {.is_fresh = true};
    int r = next_job(d, &p);
    if (r == 0)
        r = fit_rows(d, p);
    if (r == 0)
        r = queue_lease(d->queue, p->job, s->name, want(d, p), p->align, &t.lease, NULL);
    if (r != 0)
        return r;
    p->n_leases++;
    worker_session_add_task(s, &t);
    return 0;
}

int grant_leases(struct dispatch *d)
{
    int r = 0;
    for (int tasks = 0; tasks < SESSION_TASKS && r == 0; tasks++)
        for (struct worker_session *s = d->sessions; s && r == 0; s = s->next)
            if (has_room(d, s, tasks))
                r = grant_lease(d, s);
    return r < 0 ? r : 0;
}
