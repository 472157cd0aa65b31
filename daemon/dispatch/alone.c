/* SPDX-License-Identifier: Apache-2.0 */
/* Members that ran when the daemon died, again and again: they run one at a time, while nothing
 * else is leased in the whole service, so that the next death is blamed on nobody else, and costs
 * nobody else anything (queue.h, invariant 6).
 *
 * After a start nothing is leased yet, and they come first. Others wait ALONE_MS for such a member,
 * the longer the more often the daemon died with it: a member that takes longer than that is no
 * longer alone (so that a long innocent one does not keep all others waiting), and one that harms
 * late is caught a few starts later. Those that could not begin at once wait for a moment in which
 * nothing is leased; such a moment is forced only in one minute out of eleven. */
#include "base/log.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    ALONE_MS = 60000, /* doubles with each death after the second */
    DOUBLINGS_MAX = 12,
    PATIENCE_MS = 600000, /* of a member, until others are held back … */
    HOLD_MS = 60000       /* … for so long; then again */
};

void alone_add(struct dispatch *d, int64_t job)
{
    if (!id_list_has(&d->alone.jobs, job))
        id_list_add(&d->alone.jobs, job);
}

void alone_ended(struct dispatch *d, int64_t lease)
{
    if (lease == d->alone.lease)
        d->alone.lease = 0;
}

static void say(struct dispatch *d, int64_t job, int64_t member)
{
    snprintf(d->alone.why, sizeof d->alone.why,
             "held back: member %" PRId64 " of job %" PRId64
             ", which ran when the daemon died, runs alone",
             member, job);
}

/* Where none fits, one is renewed, and waited for. */
static struct worker_session *find_worker(struct dispatch *d, const struct job_progress *p)
{
    struct worker_session *s = fit_idle_session(d, p);
    struct worker_session *other = s || fit_is_coming(d) ? NULL : task_idle_session(d, p->job);
    if (other)
        fit_renew(d, other, p);
    return s;
}

/* QUEUE_NO_SUCH where that job has none now. */
static int lease_from(struct dispatch *d, int64_t job)
{
    struct job_progress *p;
    struct task t = {.is_fresh = true};
    int64_t suspicion = 0;
    struct worker_session *s = NULL;
    int r = task_job(d, job, &p);
    if (r == 0)
        r = fit_read(d, p);
    if (r == 0 && p->paused_until == 0)
        s = find_worker(d, p);
    if (r != 0 || !s)
        return r ? r : QUEUE_NO_SUCH;
    r = queue_lease_alone(d->queue, job, s->name, &t.lease, &suspicion, NULL);
    if (r != 0)
        return r;
    int doublings = suspicion - 2 > DOUBLINGS_MAX ? DOUBLINGS_MAX : (int)suspicion - 2;
    d->alone.lease = t.lease.id;
    d->alone.until = d->now + ((int64_t)ALONE_MS << (doublings > 0 ? doublings : 0));
    d->alone.since = 0;
    p->n_leases++;
    fit_load(s, p);
    worker_session_add_task(s, &t);
    say(d, job, t.lease.begin);
    log_warning("job %" PRId64 ", member %" PRId64 " ran at %" PRId64
                " deaths of the daemon: it runs alone now",
                job, t.lease.begin, suspicion);
    return 0;
}

/* Those that have none any more are forgotten. */
static int lease_one(struct dispatch *d)
{
    int r = QUEUE_NO_SUCH;
    for (size_t i = 0; i < d->alone.jobs.n && r == QUEUE_NO_SUCH; i++)
        r = lease_from(d, d->alone.jobs.items[i]);
    return r < 0 ? r : 0;
}

static int forget(struct dispatch *d)
{
    for (size_t i = d->alone.jobs.n; i-- > 0;) {
        struct queue_outline o;
        int64_t job = d->alone.jobs.items[i];
        int r = queue_outline(d->queue, job, &o, NULL);
        if (r < 0)
            return r;
        if (r > 0 || o.suspects == 0)
            id_list_remove(&d->alone.jobs, job);
    }
    return 0;
}

/* They wait for others to end: whether nothing new is leased meanwhile. */
static bool holds_back(struct dispatch *d)
{
    if (d->alone.since == 0)
        d->alone.since = d->now;
    int64_t phase = (d->now - d->alone.since) % (PATIENCE_MS + HOLD_MS);
    if (phase >= PATIENCE_MS)
        snprintf(d->alone.why, sizeof d->alone.why,
                 "held back for a moment: members which ran when the daemon died are to run alone");
    return phase >= PATIENCE_MS;
}

int alone_grant(struct dispatch *d)
{
    d->alone.is_held = d->alone.lease != 0 && d->now < d->alone.until;
    if (d->alone.is_held || d->alone.jobs.n == 0)
        return 0;
    int r = forget(d);
    if (r != 0 || d->alone.jobs.n == 0) {
        d->alone.since = 0;
        return r;
    }
    if (task_leases(d) == 0) {
        r = lease_one(d);
        d->alone.is_held = d->alone.lease != 0 || fit_is_coming(d);
        return r;
    }
    d->alone.is_held = holds_back(d);
    return 0;
}

int64_t alone_due(const struct dispatch *d)
{
    if (d->alone.lease != 0)
        return d->alone.until > d->now ? d->alone.until : INT64_MAX;
    if (d->alone.since == 0)
        return INT64_MAX;
    int64_t phase = (d->now - d->alone.since) % (PATIENCE_MS + HOLD_MS);
    return d->now - phase + (phase < PATIENCE_MS ? PATIENCE_MS : PATIENCE_MS + HOLD_MS);
}
