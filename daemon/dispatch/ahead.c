/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a job that run while its first one, which decides the layout, still does: each such
 * lease goes to a worker that has nothing else to do. It keeps what its members save, and waits for
 * the layout, or to be told that it is the one to decide, since all members below it are dead.
 *
 * Where members take no longer than AHEAD_MS, the layout is known before anybody else has begun.
 * Who waits while others could use his worker is recalled: its job gets no more such leases. */
#include "base/log.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    AHEAD_MS = 10,    /* that the first lease has for itself */
    RECALL_MS = 1000, /* that a worker is wanted before one is recalled */
};

static void due_at(struct dispatch *d, int64_t at)
{
    if (at < d->ahead.due)
        d->ahead.due = at;
}

void ahead_add(struct dispatch *d, struct job_progress *p)
{
    p->led_since = d->now;
    if (!id_list_has(&d->ahead.jobs, p->job))
        id_list_add(&d->ahead.jobs, p->job);
}

int64_t ahead_due(const struct dispatch *d)
{
    return d->ahead.due;
}

/* ---- grants ---- */

static int grant_one(struct dispatch *d, struct worker_session *s, struct job_progress *p)
{
    struct queue_outline o = {0};
    struct task t = {.is_fresh = true, .is_ahead = true};
    int r = queue_outline(d->queue, p->job, &o, NULL);
    if (r == 0)
        r = queue_lease_ahead(
            d->queue, p->job, s->name,
            job_progress_want(p, o.free, d->options.lease_seconds, task_workers(d)), &t.lease,
            NULL);
    if (r != 0)
        return r;
    p->n_leases++;
    fit_load(s, p);
    worker_session_add_task(s, &t);
    return 0;
}

/* Of the workers that the job may have at a time, one is kept for the member that the others wait
 * for, whether it runs or rests. */
static bool may_be_ahead(const struct dispatch *d, const struct job_progress *p)
{
    int64_t n = 0;
    for (const struct worker_session *s = d->sessions; s; s = s->next) {
        bool is_ahead = false;
        for (int i = 0; i < s->n_tasks; i++)
            is_ahead = is_ahead || (s->tasks[i].lease.job == p->job && s->tasks[i].is_ahead);
        n += is_ahead;
    }
    return p->most_workers == 0 || n + 1 < p->most_workers;
}

static int grant_job(struct dispatch *d, struct job_progress *p)
{
    struct worker_session *s;
    int r = p->paused_until == 0 && !p->is_recalled ? 0 : QUEUE_NO_SUCH;
    if (r == 0 && d->now < p->led_since + AHEAD_MS) {
        due_at(d, p->led_since + AHEAD_MS);
        r = QUEUE_NO_SUCH;
    }
    while (r == 0 && may_be_ahead(d, p) && (s = fit_idle_session(d, p)))
        r = grant_one(d, s, p);
    return r < 0 ? r : 0;
}

int ahead_grant(struct dispatch *d)
{
    int r = 0;
    for (size_t i = d->ahead.jobs.n; i-- > 0 && r == 0;) {
        int64_t job = d->ahead.jobs.items[i];
        struct job_progress *p = task_find_job(d, job);
        if (!p || p->has_ended || p->layouts > 0)
            id_list_remove(&d->ahead.jobs, job);
        else
            r = grant_job(d, p);
    }
    return r;
}

/* ---- what such a lease waits for ---- */

/* No task of the job has members below. */
static bool is_lowest(const struct dispatch *d, const struct task *t)
{
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        for (int i = 0; i < s->n_tasks; i++)
            if (s->tasks[i].lease.job == t->lease.job && s->tasks[i].lease.begin < t->lease.begin)
                return false;
    return true;
}

static void post(struct dispatch *d, struct worker_session *s, struct task *t, const char *layout)
{
    struct wire_message m = {.type = WIRE_LAID_OUT,
                             .laid_out = {t->lease.job, t->lease.id, layout}};
    if (task_post(d, s, &m, true) != 0)
        log_error("worker %s cannot be told of the layout of job %" PRId64, s->name, t->lease.job);
    t->is_ahead = false;
    t->is_laid_fresh = true;
}

static int tell_task(struct dispatch *d, struct worker_session *s, struct task *t)
{
    const struct job_progress *p = task_find_job(d, t->lease.job);
    struct known_job *k = worker_session_known(s, t->lease.job);
    char *layout = NULL;
    bool leads = false;
    int r = 0;
    if (!p || !k)
        return 0;
    if (p->layouts > 0)
        r = queue_job_layout(d->queue, p->job, &layout, NULL);
    else if (is_lowest(d, t))
        r = queue_lease_leads(d->queue, &t->lease, &leads, NULL);
    if (r == 0 && (layout || leads))
        post(d, s, t, layout ? layout : "");
    if (layout) {
        k->layouts = p->layouts;
        k->is_fresh = true;
    }
    free(layout);
    return r < 0 ? r : 0;
}

void ahead_take_back(struct worker_session *s, struct task *t)
{
    struct known_job *k = worker_session_known(s, t->lease.job);
    t->is_ahead = true;
    t->is_laid_fresh = false;
    if (k) {
        k->layouts = 0;
        k->is_fresh = false;
    }
}

int ahead_tell(struct dispatch *d)
{
    int r = 0;
    for (struct worker_session *s = d->sessions; s && r == 0; s = s->next)
        for (int i = 0; i < s->n_tasks && r == 0; i++)
            if (s->tasks[i].is_ahead && s->tasks[i].is_sent && !s->tasks[i].is_cancelled)
                r = tell_task(d, s, &s->tasks[i]);
    return r;
}

/* ---- recalls ---- */

/* The task that waits, with the highest members; NULL: none does, or a worker is idle. */
static struct task *find_waiting(const struct dispatch *d, struct worker_session **ret_session)
{
    struct task *found = NULL;
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (task_is_idle(s) || (s->n_tasks > 0 && s->tasks[0].is_cancelled))
            return NULL; /* one is to be had, or will be */
        struct task *t = s->n_tasks > 0 ? &s->tasks[0] : NULL;
        if (!t || !t->is_ahead || !t->waits || s->state != SESSION_BUSY ||
            (found && t->lease.begin < found->lease.begin))
            continue;
        found = t;
        *ret_session = s;
    }
    return found;
}

int ahead_recall(struct dispatch *d)
{
    struct worker_session *s = NULL;
    int64_t job;
    struct task *t = find_waiting(d, &s);
    int r = !t                        ? QUEUE_NO_SUCH
            : closing_wants_worker(d) ? 0
                                      : queue_next_job(d->queue, 0, &job, NULL);
    if (r != 0) {
        d->ahead.wanted_since = 0;
        return r < 0 ? r : 0;
    }
    if (d->ahead.wanted_since == 0)
        d->ahead.wanted_since = d->now;
    if (d->now < d->ahead.wanted_since + RECALL_MS) {
        due_at(d, d->ahead.wanted_since + RECALL_MS);
        return 0;
    }
    d->ahead.wanted_since = 0;
    struct job_progress *p = task_find_job(d, t->lease.job);
    if (p)
        p->is_recalled = true;
    log_info("worker %s is wanted: it no longer waits for the first member of job %" PRId64,
             s->name, t->lease.job);
    task_cancel(d, s, t);
    return 0;
}
