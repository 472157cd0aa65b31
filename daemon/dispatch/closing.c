/* SPDX-License-Identifier: Apache-2.0 */
/* Closing the stores of complete jobs: FINISH, which can be done again as often as need be. A job
 * does not fail by workers that die of other things: an attempt counts only where it came no
 * further than those before. */
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { ATTEMPTS = 10 }; /* in a row that came no further */

void closing_add(struct dispatch *d, struct job_progress *p)
{
    if (!id_list_has(&d->closing, p->job))
        id_list_add(&d->closing, p->job);
}

static bool is_to_be_closed(const struct job_progress *p)
{
    return p && p->is_complete && !p->has_ended;
}

/* What a library leaves in a process that it was loaded into could say that anything is well. */
static struct worker_session *find_closer(struct dispatch *d, int64_t job)
{
    struct worker_session *found = NULL;
    if (!d->options.admit)
        return task_idle_session(d, job);
    for (struct worker_session *s = d->sessions; s; s = s->next)
        if (task_is_clean(s) && (!found || s->is_closer))
            found = s;
    return found;
}

void closing_grant(struct dispatch *d)
{
    for (size_t i = d->closing.n; i-- > 0;) {
        int64_t job = d->closing.items[i];
        struct job_progress *p = task_find_job(d, job);
        struct worker_session *s;
        if (!is_to_be_closed(p)) {
            id_list_remove(&d->closing, job);
            continue;
        }
        if (p->is_given || p->paused_until > d->now || !(s = find_closer(d, job)))
            continue;
        struct task t = {.is_finish = true, .is_fresh = true, .lease.job = job};
        worker_session_add_task(s, &t);
        p->is_given = true;
        p->closing_came_further = false;
    }
}

bool closing_waits(const struct dispatch *d)
{
    for (size_t i = 0; i < d->closing.n; i++) {
        const struct job_progress *p = task_find_job(d, d->closing.items[i]);
        if (is_to_be_closed(p) && !p->is_given)
            return true;
    }
    return false;
}

bool closing_wants_worker(const struct dispatch *d)
{
    return !d->options.admit && closing_waits(d);
}

void closing_heard(struct job_progress *p, int64_t chunks)
{
    if (chunks <= p->closing_best)
        return;
    p->closing_best = chunks;
    p->closing_came_further = true;
}

void closing_failed(struct dispatch *d, struct job_progress *p, const char *reason)
{
    struct queue_job job = {0};
    char text[1800];
    if (queue_job(d->queue, p->job, &job, NULL) == 0)
        snprintf(text, sizeof text,
                 "its members are through (%" PRId64 " done, %" PRId64 " dead), but its store, "
                 "%.500s, could not be closed: %.1000s",
                 job.done, job.dead, job.store, reason);
    else
        snprintf(text, sizeof text, "its store could not be closed: %.1000s", reason);
    queue_job_clear(&job);
    task_fail_job(d, p->job, text);
}

void closing_lost(struct dispatch *d, struct job_progress *p, int64_t chunks, const char *reason)
{
    closing_heard(p, chunks);
    p->closing_failures = p->closing_came_further ? 1 : p->closing_failures + 1;
    if (p->closing_failures > ATTEMPTS) {
        closing_failed(d, p, reason);
        return;
    }
    p->is_given = false;
    pause_job(d, p, p->closing_failures);
}
