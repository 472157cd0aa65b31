/* SPDX-License-Identifier: Apache-2.0 */
/* What workers get: leases, stores to finish, the jobs that these speak of. */
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CANDIDATES = 16 }; /* jobs that share the workers */

/* ---- which job ---- */

/* Of the first jobs in the queue's order, all of one priority, the one with the fewest leases; NULL
 * where there is none. */
static int next_plan(struct dispatch *d, int64_t now, struct job_progress **ret_plan)
{
    int64_t jobs[CANDIDATES];
    int n = 0;
    int r = queue_next_jobs(d->queue, CANDIDATES, jobs, &n, NULL);
    struct job_progress *best = NULL;
    for (int i = 0; r == 0 && i < n; i++) {
        struct job_progress *p;
        r = dispatch_progress(d, jobs[i], &p);
        if (r != 0 || p->paused_until > now)
            continue;
        if (best && p->priority != best->priority)
            break;
        if (!best || p->n_leases < best->n_leases)
            best = p;
    }
    *ret_plan = best;
    return r;
}

/* ---- which worker ---- */

static bool is_short(struct dispatch *d, const struct task *t)
{
    const struct job_progress *p = dispatch_find(d, t->lease.job);
    double expected = p ? job_progress_expected(p, t->lease.end - t->lease.begin - t->n_done) : 0;
    return expected > 0 && expected <= 2 * d->options.lease_seconds;
}

/* A second task waits behind the first one, where that will not be long and can be shared. */
static bool has_room(struct dispatch *d, const struct worker_session *s, int tasks)
{
    if (s->is_gone || s->n_tasks != tasks)
        return false;
    if (tasks == 0)
        return s->state == SESSION_IDLE;
    const struct task *first = &s->tasks[0];
    return s->state == SESSION_BUSY && !task_is_alone(first) && !first->is_cancelled &&
           is_short(d, first);
}

/* ---- grants ---- */

/* QUEUE_NO_SUCH where there is nothing to lease. */
static int grant_lease(struct dispatch *d, struct worker_session *s, int64_t now)
{
    struct job_progress *p;
    int r = next_plan(d, now, &p);
    if (r != 0 || !p)
        return r ? r : QUEUE_NO_SUCH;
    struct task t = {.is_fresh = true};
    int64_t want = job_progress_want(p, d->options.lease_seconds, d->n_sessions);
    r = queue_lease(d->queue, p->job, s->name, want, p->align, &t.lease, NULL);
    if (r != 0)
        return r;
    p->n_leases++;
    p->free -= t.lease.end - t.lease.begin;
    worker_session_add_task(s, &t);
    return 0;
}

/* An idle worker for a finish, if possible one that knows the job. */
static struct worker_session *idle_session(struct dispatch *d, int64_t job)
{
    struct worker_session *found = NULL;
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (!has_room(d, s, 0))
            continue;
        if (worker_session_known(s, job))
            return s;
        found = s;
    }
    return found;
}

static void grant_finishes(struct dispatch *d, int64_t now)
{
    for (struct job_progress *p = d->jobs; p; p = p->next) {
        struct worker_session *s;
        if (!p->is_complete || p->is_given || p->has_ended || p->paused_until > now ||
            !(s = idle_session(d, p->job)))
            continue;
        struct task t = {.is_finish = true, .is_fresh = true, .lease.job = p->job};
        worker_session_add_task(s, &t);
        p->is_given = true;
    }
}

int grant_tasks(struct dispatch *d, int64_t now)
{
    int r = 0;
    if (d->paused_until > now)
        return 0;
    grant_finishes(d, now);
    for (int tasks = 0; tasks < SESSION_TASKS && r == 0; tasks++)
        for (struct worker_session *s = d->sessions; s && r == 0; s = s->next)
            if (has_room(d, s, tasks))
                r = grant_lease(d, s, now);
    return r < 0 ? r : 0;
}

/* ---- telling ---- */

static bool needs(const struct worker_session *s, int64_t job)
{
    for (int i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].lease.job == job)
            return true;
    return false;
}

static void drop_known(struct dispatch *d, struct worker_session *s, int64_t job)
{
    struct wire_message m = {.type = WIRE_DROP, .drop.job = job};
    dispatch_post(d, s, &m, false);
    worker_session_forget(s, job);
}

/* Makes room for one more: the job that was used longest ago, and has no task. */
static void forget_one(struct dispatch *d, struct worker_session *s)
{
    for (int i = 0; i < s->n_known; i++) {
        if (!needs(s, s->known[i].job)) {
            drop_known(d, s, s->known[i].job);
            return;
        }
    }
}

/* 0, or ROUTER_UNSENDABLE; -errno where the job could not be read. */
static int post_job(struct dispatch *d, struct worker_session *s, const struct job_progress *p,
                    bool rests)
{
    struct queue_job job = {0};
    char *document = NULL, owner[QUEUE_OWNER_SIZE];
    int r = queue_job(d->queue, p->job, &job, NULL);
    if (r == 0)
        r = queue_job_document(d->queue, p->job, &document, NULL);
    struct wire_message m = {.type = WIRE_JOB, .job.job = p->job};
    m.job.document = document;
    m.job.layout = job.layout ? job.layout : "";
    m.job.store = job.store;
    m.job.libraries = "{}";
    m.job.owner = queue_owner(d->queue, p->job, owner);
    r = r == 0 ? dispatch_post(d, s, &m, rests) : r < 0 ? r : ROUTER_UNSENDABLE;
    free(document);
    queue_job_clear(&job);
    return r;
}

/* The worker knows the job, with its layout where there is one, before it hears of a task. */
static int tell_job(struct dispatch *d, struct worker_session *s, const struct job_progress *p,
                    bool rests)
{
    struct known_job *k = worker_session_known(s, p->job);
    bool is_told = k && k->has_layout == p->has_layout;
    struct known_job latest = {p->job, p->has_layout, false};
    latest.is_fresh = is_told ? k->is_fresh : rests;
    worker_session_forget(s, p->job);
    if (s->n_known == SESSION_KNOWN)
        forget_one(d, s);
    int r = is_told ? 0 : post_job(d, s, p, rests);
    if (r == 0)
        s->known[s->n_known++] = latest;
    return r;
}

static int tell_task(struct dispatch *d, struct worker_session *s, struct task *t)
{
    struct job_progress *p = dispatch_find(d, t->lease.job);
    if (!p) { /* its job was cancelled before its store could be finished */
        dispatch_end_task(d, s, t, NULL);
        return 0;
    }
    int r = tell_job(d, s, p, t->is_fresh);
    if (r < 0)
        return r;
    if (r > 0) {
        dispatch_fail_job(
            d, t->lease.job,
            "its document is too large, or is not UTF-8, for workers to be told of it");
        dispatch_end_task(d, s, t, NULL);
        return 0;
    }
    char *dead = NULL;
    r = t->is_finish ? queue_dead_ranges(d->queue, t->lease.job, &dead, NULL) : 0;
    if (r < 0)
        return r;
    struct wire_message m = {.type = WIRE_FINISH, .finish = {t->lease.job, dead}};
    if (!t->is_finish)
        m = (struct wire_message){
            .type = WIRE_LEASE, .lease = {t->lease.id, t->lease.job, t->lease.begin, t->lease.end}};
    dispatch_post(d, s, &m, t->is_fresh);
    free(dead);
    t->is_sent = true;
    return 0;
}

static int send_tasks(struct dispatch *d, struct worker_session *s)
{
    int r = 0;
    if (!s->tasks[0].is_sent)
        r = tell_task(d, s, &s->tasks[0]);
    if (r == 0 && s->n_tasks == 2 && s->tasks[0].is_sent && !s->tasks[1].is_sent &&
        !task_is_alone(&s->tasks[0]) && !task_is_alone(&s->tasks[1]))
        r = tell_task(d, s, &s->tasks[1]);
    return r;
}

int grant_send(struct dispatch *d)
{
    int r = 0;
    for (struct worker_session *s = d->sessions; s && r == 0; s = s->next)
        if (s->state == SESSION_BUSY && !s->is_gone)
            r = send_tasks(d, s);
    return r;
}

/* ---- ends ---- */

static int cancel_task(struct dispatch *d, struct worker_session *s, struct task *t, int64_t now)
{
    if (t->is_finish || t->is_cancelled)
        return 0;
    int r = queue_lease_live(d->queue, &t->lease, NULL);
    if (r <= 0)
        return r;
    t->is_cancelled = t->is_cancel_fresh = true;
    t->cancel_due = now + d->options.lease_ms;
    struct wire_message m = {.type = WIRE_CANCEL, .cancel.lease = t->lease.id};
    if (t->is_sent)
        dispatch_post(d, s, &m, true);
    return 0;
}

static int is_ended(struct dispatch *d, const struct job_progress *p, bool *ret)
{
    struct queue_job job = {0};
    *ret = false;
    if (p->n_leases > 0)
        return 0;
    int r = queue_job(d->queue, p->job, &job, NULL);
    if (r == 0)
        *ret = job_state_is_final(job.state);
    queue_job_clear(&job);
    return r < 0 ? r : 0;
}

static void forget_job(struct dispatch *d, struct job_progress **link)
{
    struct job_progress *p = *link;
    for (struct worker_session *s = d->sessions; s; s = s->next)
        if (worker_session_known(s, p->job) && !needs(s, p->job))
            drop_known(d, s, p->job);
    *link = p->next;
    free(p);
}

int grant_cancel(struct dispatch *d, int64_t now)
{
    int r = 0;
    for (struct worker_session *s = d->sessions; s; s = s->next)
        for (int i = 0; i < s->n_tasks && r == 0; i++)
            r = cancel_task(d, s, &s->tasks[i], now);
    for (struct job_progress *p = d->jobs; p && r == 0; p = p->next)
        r = is_ended(d, p, &p->has_ended);
    return r;
}

void grant_forget(struct dispatch *d)
{
    struct job_progress **link = &d->jobs;
    while (*link) {
        if ((*link)->has_ended)
            forget_job(d, link);
        else
            link = &(*link)->next;
    }
}
