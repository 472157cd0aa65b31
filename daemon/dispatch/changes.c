/* SPDX-License-Identifier: Apache-2.0 */
/* What has become of jobs, as the queue says. */
#include "dispatch/dispatch_internal.h"

#include <stdlib.h>

/* ---- ends ---- */

/* Its leases ended with it. Those that were never sent have no RELEASE to wait for. */
static void cancel_tasks(struct dispatch *d, int64_t job)
{
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        for (int i = s->n_tasks - 1; i >= 0; i--) {
            struct task *t = &s->tasks[i];
            if (t->lease.job != job)
                continue;
            task_cancel(d, s, t);
            if (t->is_cancelled && !t->is_sent)
                task_end_lease(d, s, t, NULL);
        }
    }
}

static void job_ended(struct dispatch *d, struct job_progress *p, int64_t job)
{
    d->locks.is_due = true;
    if (!p || p->has_ended)
        return;
    p->has_ended = p->is_end_fresh = true;
    id_list_add(&d->ended, job);
    if (p->n_leases > 0)
        cancel_tasks(d, job);
}

static void forget_job(struct dispatch *d, struct job_progress *p)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        if (worker_session_known(s, p->job) && !task_is_of(s, p->job))
            tell_drop(d, s, p->job);
    id_map_remove(&d->jobs, p->job);
    job_progress_free(p);
}

void changes_forget(struct dispatch *d)
{
    for (size_t i = d->ended.n; i-- > 0;) {
        int64_t job = d->ended.items[i];
        struct job_progress *p = task_find_job(d, job);
        bool is_over = p && p->has_ended && p->n_leases == 0;
        if (!is_over && p && p->has_ended)
            continue;
        id_list_remove(&d->ended, job); /* forgotten, or it has not ended after all */
        if (is_over)
            forget_job(d, p);
        d->locks.is_due = true;
    }
}

/* ---- news ---- */

static int apply(struct dispatch *d, int64_t job)
{
    struct queue_outline o;
    struct job_progress *p = task_find_job(d, job);
    int r = queue_outline(d->queue, job, &o, NULL);
    if (r > 0) {
        job_ended(d, p, job);
        return 0;
    }
    if (r == 0 && !p && o.is_complete)
        r = task_job(d, job, &p);
    if (r < 0)
        return r;
    if (p)
        job_progress_update(p, &o);
    if (o.is_complete)
        closing_add(d, p);
    if (o.suspects > 0)
        alone_add(d, job);
    return 0;
}

int changes_apply(struct dispatch *d)
{
    int64_t job;
    int r;
    while ((r = queue_next_changed(d->queue, &job, NULL)) == 0) {
        r = apply(d, job);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : 0;
}
