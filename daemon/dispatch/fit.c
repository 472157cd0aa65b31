/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker may run which job. A worker never loads two contents of one library, nor runs
 * threads of two numbers once a library is loaded (proto/PROTOCOL.md); so what it was given before
 * decides what it may be given now.
 *
 * A job goes to the worker that has loaded most of what it needs, else to the one that has loaded
 * least. Where no idle worker fits, one is renewed: asked to leave, and its pool starts another,
 * which has loaded nothing. That costs a tenth of a second, so it is weighed:
 *  - one that nothing else fits that waits is renewed at once where no worker at all fits the job,
 *    and after PATIENCE_MS where one does, which is busy (so that two streams of short jobs do not
 *    take one another's workers in turns); likewise for a job of higher priority;
 *  - one that is of use to another job of the same priority, only where that job keeps at least two
 *    workers more (so that the shares come to rest), or where the job has waited for STARVED_MS. */
#include "base/json.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATIENCE_MS = 500,
    STARVED_MS = 2000,
    COMING_MS = 10000 /* so long is a new worker waited for that was to come for one that left */
};

/* ---- what fits ---- */

int fit_read(struct dispatch *d, struct job_progress *p)
{
    struct error e = {.message = ""};
    struct queue_job job = {0};
    char *text = NULL;
    if (p->libraries)
        return 0;
    int r = queue_job_libraries(d->queue, p->job, &text, NULL);
    if (r == 0)
        r = queue_job(d->queue, p->job, &job, NULL);
    if (r == 0) {
        p->libraries = json_read(text, strlen(text), &e);
        p->threads = job.threads;
        p->most_workers = job.most_workers;
        queue_job_clear(&job);
    }
    if (r == 0 && !p->libraries)
        p->libraries = json_object();
    free(text);
    return r;
}

/* The library of which it has loaded another content; NULL: none. */
static const char *conflict(const struct worker_session *s, const struct job_progress *p)
{
    const char *name;
    json_t *hash;
    json_object_foreach(p->libraries, name, hash)
    {
        const json_t *loaded = json_object_get(s->loaded, name);
        if (loaded && !json_equal(loaded, hash))
            return name;
    }
    return NULL;
}

static bool has_other_threads(const struct worker_session *s, const struct job_progress *p)
{
    return json_object_size(s->loaded) > 0 && s->threads != p->threads;
}

bool fit_fits(const struct worker_session *s, const struct job_progress *p)
{
    return !conflict(s, p) && !has_other_threads(s, p);
}

/* Workers that have a task of the job. */
static int working(const struct dispatch *d, const struct job_progress *p)
{
    int n = 0;
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        n += task_is_of(s, p->job);
    return n;
}

bool fit_may_work(const struct dispatch *d, const struct worker_session *s,
                  const struct job_progress *p)
{
    return p->most_workers == 0 || (s && task_is_of(s, p->job)) || working(d, p) < p->most_workers;
}

void fit_load(struct worker_session *s, const struct job_progress *p)
{
    s->has_run = true;
    s->threads = p->threads;
    json_object_update(s->loaded, p->libraries);
}

/* More is better. */
static long score(const struct worker_session *s, const struct job_progress *p)
{
    const char *name;
    json_t *hash;
    long shared = 0;
    json_object_foreach(p->libraries, name, hash)
    {
        shared += json_object_get(s->loaded, name) != NULL;
    }
    return 4096 * shared - (long)json_object_size(s->loaded);
}

struct worker_session *fit_idle_session(const struct dispatch *d, const struct job_progress *p)
{
    struct worker_session *best = NULL;
    long most = 0;
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (!task_is_idle(s) || !fit_fits(s, p) || !fit_may_work(d, s, p))
            continue;
        if (worker_session_known(s, p->job))
            return s;
        long mine = score(s, p);
        if (!best || mine > most) {
            best = s;
            most = mine;
        }
    }
    return best;
}

/* ---- renewals ---- */

void fit_begin(struct dispatch *d)
{
    d->fit.round++;
    d->fit.claimed = 0;
    d->fit.due = INT64_MAX;
    if (d->now - d->fit.coming_since > COMING_MS)
        d->fit.coming = 0;
}

void fit_came(struct dispatch *d)
{
    if (d->fit.coming > 0)
        d->fit.coming--;
}

bool fit_is_coming(const struct dispatch *d)
{
    return d->fit.coming > 0;
}

int64_t fit_due(const struct dispatch *d)
{
    return d->fit.due;
}

void fit_renew(struct dispatch *d, struct worker_session *s, const struct job_progress *p)
{
    char reason[200];
    const char *name = conflict(s, p);
    if (name && *name == '@')
        snprintf(reason, sizeof reason, "job %" PRId64 " needs another %.100s than it has loaded",
                 p->job, name + 1);
    else if (name)
        snprintf(reason, sizeof reason,
                 "job %" PRId64 " needs another content of library %.100s than it has loaded",
                 p->job, name);
    else
        snprintf(reason, sizeof reason, "job %" PRId64 " needs another number of threads", p->job);
    d->fit.coming++;
    d->fit.coming_since = d->now;
    task_renew(d, s, reason);
}

/* Busy or not. */
static bool one_fits(const struct dispatch *d, const struct job_progress *p)
{
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (!s->is_closer && s->state != SESSION_LEAVING && s->state != SESSION_STOPPING &&
            fit_fits(s, p))
            return true;
    return false;
}

static bool has_waited(struct dispatch *d, const struct job_progress *p, int64_t ms)
{
    int64_t due = p->unfit_since + ms;
    if (due > d->now && due < d->fit.due)
        d->fit.due = due;
    return due <= d->now;
}

/* `other`: what the idle worker could be given instead; NULL: nothing. */
static bool may_renew(struct dispatch *d, const struct job_progress *p,
                      const struct job_progress *other)
{
    if (!other || p->priority > other->priority)
        return !one_fits(d, p) || has_waited(d, p, PATIENCE_MS);
    if (d->fit.coming > 0)
        return false;
    if (working(d, other) + 1 >= working(d, p) + 2)
        return true;
    return p->n_leases == 0 && has_waited(d, p, STARVED_MS);
}

int fit_pass(struct dispatch *d, struct job_progress *p, fit_other_fn other)
{
    struct queue_outline o = {0};
    int r = queue_outline(d->queue, p->job, &o, NULL);
    if (!p->unfit_since)
        p->unfit_since = d->now ? d->now : 1;
    int left = d->fit.coming - d->fit.claimed;
    int64_t need = o.free - (left > 0 ? left : 0);
    d->fit.claimed += o.free < left ? (int)o.free : left > 0 ? left : 0;
    for (struct worker_session *s = d->sessions; s && need > 0 && r == 0; s = s->next) {
        struct job_progress *instead = NULL;
        if (!task_is_idle(s) || fit_fits(s, p))
            continue;
        r = other(d, s, &instead);
        if (r < 0 || !may_renew(d, p, instead))
            continue;
        fit_renew(d, s, p);
        d->fit.claimed++;
        need--;
        r = 0;
    }
    return r < 0 ? r : 0;
}
