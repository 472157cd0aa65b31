/* SPDX-License-Identifier: Apache-2.0 */
/* What workers get. */
#include "dispatch/dispatch_internal.h"

#include <stdlib.h>

enum {
    SHARING = 16,  /* jobs of one priority that share the workers */
    LOOKED_AT = 64 /* jobs, while one is looked for that fits */
};

/* ---- which job ---- */

/* Whether it may be given in this round, to this worker (NULL: any). 0, or -errno. */
static int is_candidate(struct dispatch *d, const struct worker_session *s, struct job_progress *p,
                        bool *ret)
{
    int r = fit_read(d, p);
    *ret = r == 0 && p->passed != d->fit.round && (!s || fit_fits(s, p)) && fit_may_work(d, s, p);
    return r < 0 ? r : 0;
}

/* Of the first jobs in the queue's order that may be given, all of one priority, the one with the
 * fewest leases. QUEUE_NO_SUCH where there is none. */
static int next_job(struct dispatch *d, const struct worker_session *s,
                    struct job_progress **ret_job)
{
    struct job_progress *best = NULL;
    int64_t job = 0;
    int r = 0, n = 0;
    for (int i = 0; i < LOOKED_AT && n < SHARING; i++) {
        struct job_progress *p = NULL;
        bool may_be = false;
        r = queue_next_job(d->queue, job, &job, NULL);
        if (r == 0)
            r = task_job(d, job, &p);
        if (r == 0)
            r = is_candidate(d, s, p, &may_be);
        if (r != 0 || (best && p->priority != best->priority))
            break;
        n += may_be;
        if (may_be && (!best || p->n_leases < best->n_leases))
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
static bool has_room(struct dispatch *d, const struct worker_session *s)
{
    if (s->is_gone || s->n_tasks != 1 || s->state != SESSION_BUSY)
        return false;
    const struct task *first = &s->tasks[0];
    return !first->is_help && !task_is_alone(first) && !first->is_cancelled && !first->is_ahead &&
           is_short(d, first);
}

/* ---- grants ---- */

static int64_t want(const struct dispatch *d, const struct job_progress *p)
{
    struct queue_outline o;
    if (queue_outline(d->queue, p->job, &o, NULL) != 0)
        return 1;
    return job_progress_want(p, o.free, d->options.lease_seconds, task_workers(d));
}

/* QUEUE_NO_SUCH where there is nothing to lease. */
static int grant_lease(struct dispatch *d, struct worker_session *s, struct job_progress *p)
{
    struct task t = {.is_fresh = true};
    int r = fit_rows(d, p);
    if (r == 0)
        r = queue_lease(d->queue, p->job, s->name, want(d, p), p->align, &t.lease, NULL);
    if (r != 0)
        return r;
    if (p->layouts == 0)
        ahead_add(d, p);
    p->n_leases++;
    p->unfit_since = 0;
    fit_load(s, p);
    worker_session_add_task(s, &t);
    return 0;
}

static bool one_is_idle(const struct dispatch *d)
{
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (task_is_idle(s))
            return true;
    return false;
}

/* Each job in its turn to the idle worker that fits it best. */
static int grant_in_turn(struct dispatch *d)
{
    int r = 0;
    for (int passed = 0; r == 0 && passed < SHARING && one_is_idle(d);) {
        struct job_progress *p;
        r = next_job(d, NULL, &p);
        if (r != 0)
            break;
        struct worker_session *s = fit_idle_session(d, p);
        r = s ? grant_lease(d, s, p) : fit_pass(d, p, next_job);
        if (r > 0 || !s) {
            p->passed = d->fit.round;
            passed++;
        }
        r = r > 0 ? 0 : r;
    }
    return r < 0 ? r : 0;
}

/* One more to a worker that has nothing, or room behind what it has. */
static int grant_more(struct dispatch *d, struct worker_session *s)
{
    struct job_progress *p;
    int r = task_is_idle(s) || has_room(d, s) ? next_job(d, s, &p) : QUEUE_NO_SUCH;
    return r == 0 ? grant_lease(d, s, p) : r;
}

int grant_leases(struct dispatch *d)
{
    int r = grant_in_turn(d);
    for (int i = 0; i < SESSION_TASKS; i++)
        for (struct worker_session *s = d->sessions; s && r >= 0; s = s->next)
            r = grant_more(d, s);
    return r < 0 ? r : 0;
}
