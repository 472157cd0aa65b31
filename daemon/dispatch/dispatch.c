/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/dispatch.h"

#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- shared by the module ---- */

struct job_progress *dispatch_find(const struct dispatch *d, int64_t job)
{
    struct job_progress *p = d->jobs;
    while (p && p->job != job)
        p = p->next;
    return p;
}

int dispatch_progress(struct dispatch *d, int64_t job, struct job_progress **ret_progress)
{
    struct job_progress *p = dispatch_find(d, job);
    if (!p) {
        int r = job_progress_new(d->queue, job, &p);
        if (r != 0)
            return r;
        p->is_fresh = true;
        p->next = d->jobs;
        d->jobs = p;
    }
    *ret_progress = p;
    return 0;
}

int dispatch_post(struct dispatch *d, const struct worker_session *s, const struct wire_message *m,
                  bool rests)
{
    return router_post(d->router, &s->route, m, rests);
}

void dispatch_fail_job(struct dispatch *d, int64_t job, const char *reason)
{
    struct report r = {REPORT_JOB_FAILED, .lease.job = job, .text = (char *)reason};
    reports_add(&d->reports, &r);
}

static void end_finish(struct dispatch *d, struct job_progress *p, bool is_sent, const char *reason)
{
    p->is_given = false;
    if (!reason || !is_sent || ++p->finish_attempts < FINISH_ATTEMPTS)
        return;
    char text[512];
    snprintf(text, sizeof text, "its store could not be finished: %s", reason);
    dispatch_fail_job(d, p->job, text);
    p->is_given = true;
}

void dispatch_end_task(struct dispatch *d, struct worker_session *s, struct task *t,
                       const char *reason)
{
    struct job_progress *p = dispatch_find(d, t->lease.job);
    if (t->is_finish) {
        if (p)
            end_finish(d, p, t->is_sent, reason);
    } else {
        /* What was not begun, or was cancelled, is nobody's fault. */
        bool is_lost = reason && t->is_sent && !t->is_cancelled;
        struct report r = {is_lost ? REPORT_LOST : REPORT_RELEASE, .lease = t->lease};
        r.text = is_lost ? (char *)reason : NULL;
        reports_add(&d->reports, &r);
        if (p) {
            p->n_leases--;
            p->free += t->lease.end - t->lease.begin - t->n_done;
            p->is_touched = true;
        }
        if (t->is_cancelled) /* its job may be forgotten now */
            d->last_event = -1;
    }
    worker_session_remove_task(s, t);
}

void dispatch_stop(struct dispatch *d, struct worker_session *s, const char *format, ...)
{
    if (s->state == SESSION_STOPPING)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->reason, sizeof s->reason, format, arguments);
    va_end(arguments);
    log_warning("worker %s is killed: %s", s->name, s->reason);
    worker_session_move(s, SESSION_STOPPING);
    d->options.kill(d->options.userdata, s->name);
}

/* ---- deaths and deadlines ---- */

void dispatch_worker_died(struct dispatch *d, const char *worker, const char *reason)
{
    char **place = &d->dead[d->n_dead++ % DEAD_NAMES];
    free(*place);
    *place = mem_strdup(worker);
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (strcmp(s->name, worker) == 0) {
            if (s->state != SESSION_STOPPING) /* else we know better why */
                snprintf(s->reason, sizeof s->reason, "%s", reason);
            s->is_gone = true;
        }
    }
}

/* What the dead had said before is in the queue's turn by now: receive_all came first. */
static void end_gone(struct dispatch *d)
{
    struct worker_session **link = &d->sessions;
    while (*link) {
        struct worker_session *s = *link;
        if (!s->is_gone) {
            link = &s->next;
            continue;
        }
        if (s->state != SESSION_STOPPING)
            worker_session_move(s, SESSION_STOPPING);
        while (s->n_tasks > 0)
            dispatch_end_task(d, s, &s->tasks[0], s->has_left ? NULL : s->reason);
        *link = s->next;
        worker_session_free(s);
        d->n_sessions--;
    }
}

static void watch_workers(struct dispatch *d, int64_t now)
{
    bool one_is_ready = false;
    for (const struct worker_session *s = d->sessions; s && !one_is_ready; s = s->next)
        one_is_ready = s->state == SESSION_IDLE || s->state == SESSION_BUSY;
    if (one_is_ready)
        d->without_worker = INT64_MAX;
    else if (d->without_worker == INT64_MAX)
        d->without_worker = now;
}

int64_t dispatch_without_worker(const struct dispatch *d)
{
    int64_t now = loop_now();
    return now > d->without_worker ? now - d->without_worker : 0;
}

/* Where we turned later than was due (a slow disk, SIGSTOP), nobody is to be blamed for silence. */
static void forgive_sleep(struct dispatch *d, int64_t now)
{
    int64_t late = now - d->due;
    if (late <= d->options.heartbeat_ms)
        return;
    late += 2 * (int64_t)d->options.heartbeat_ms; /* for what is under way to arrive */
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        s->last_heard = s->last_heard + late < now ? s->last_heard + late : now;
        for (int i = 0; i < s->n_tasks; i++)
            s->tasks[i].cancel_due += late;
    }
}

static int64_t session_due(const struct dispatch *d, const struct worker_session *s)
{
    int64_t due = s->last_heard + d->options.lease_ms;
    for (int i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].is_cancelled && s->tasks[i].cancel_due < due)
            due = s->tasks[i].cancel_due;
    return due;
}

static void watch_deadlines(struct dispatch *d, int64_t now)
{
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (s->is_gone || session_due(d, s) > now)
            continue;
        if (now - s->last_heard >= d->options.lease_ms)
            dispatch_stop(d, s, "it was silent for %d ms", d->options.lease_ms);
        else
            dispatch_stop(d, s, "it did not stop within %d ms of a cancellation",
                          d->options.lease_ms);
    }
}

/* A cancelled task that was never sent has no RELEASE to wait for. */
static void end_unsent_cancelled(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        for (int i = s->n_tasks - 1; i >= 0; i--)
            if (s->tasks[i].is_cancelled && !s->tasks[i].is_sent)
                dispatch_end_task(d, s, &s->tasks[i], NULL);
}

/* ---- complete jobs ---- */

static int complete(struct dispatch *d, struct job_progress *p)
{
    struct queue_job job = {0};
    int r = queue_job(d->queue, p->job, &job, NULL);
    if (r != 0)
        return r;
    p->is_complete = job.state == JOB_RUNNING;
    queue_job_clear(&job);
    return 0;
}

/* A job stays touched until it could be read. */
static int find_complete(struct dispatch *d)
{
    for (struct job_progress *p = d->jobs; p; p = p->next) {
        bool is_complete = false;
        if (!p->is_touched)
            continue;
        int r = p->is_complete ? 0 : queue_job_complete(d->queue, p->job, &is_complete, NULL);
        if (r == 0 && is_complete)
            r = complete(d, p);
        if (r < 0)
            return r;
        p->is_touched = false;
    }
    return 0;
}

/* Those whose store a former daemon did not come to finish. */
static int recover_complete(struct dispatch *d)
{
    int64_t job = 0;
    int r;
    while ((r = queue_next_complete(d->queue, job, &job, NULL)) == 0) {
        struct job_progress *p;
        r = dispatch_progress(d, job, &p);
        if (r == 0) {
            p->is_fresh = false;
            r = complete(d, p);
        }
        if (r < 0)
            return r;
    }
    if (r > 0)
        d->is_recovered = true;
    return r < 0 ? r : 0;
}

/* ---- a turn ---- */

static int64_t next_due(const struct dispatch *d, int64_t now)
{
    int64_t due = INT64_MAX;
    for (const struct worker_session *s = d->sessions; s; s = s->next) {
        int64_t mine = s->state == SESSION_STOPPING ? INT64_MAX : session_due(d, s);
        due = mine < due ? mine : due;
    }
    if (d->paused_until > now && d->paused_until < due)
        due = d->paused_until;
    if (d->retry_at > now && d->retry_at < due)
        due = d->retry_at;
    for (const struct job_progress *p = d->jobs; p; p = p->next)
        if (p->paused_until > now && p->paused_until < due)
            due = p->paused_until;
    return due;
}

/* Asks the queue, and changes it. Negative where it failed: the rest is left for another turn. */
static int work(struct dispatch *d, int64_t now)
{
    int r = reports_apply(&d->reports, d->queue);
    if (r == 0 && !d->is_recovered)
        r = recover_complete(d);
    if (r == 0)
        r = find_complete(d);
    if (r == 0 && queue_last_event(d->queue) != d->last_event) {
        r = grant_cancel(d, now);
        if (r == 0)
            d->last_event = queue_last_event(d->queue);
    }
    if (r == 0) {
        end_unsent_cancelled(d);
        r = grant_tasks(d, now);
    }
    if (r == 0)
        r = disk_pause_settle(d);
    if (r == 0)
        r = grant_send(d);
    return r ? r : reports_apply(&d->reports, d->queue); /* what the last steps found */
}

int64_t dispatch_tick(struct dispatch *d, int64_t now)
{
    d->now = now;
    forgive_sleep(d, now);
    receive_all(d, now);
    end_gone(d);
    watch_workers(d, now);
    watch_deadlines(d, now);
    if (now >= d->retry_at && work(d, now) < 0)
        d->retry_at = now + QUEUE_PAUSE_MS;
    d->due = next_due(d, now);
    return d->due;
}

static void settle_fresh(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        for (int i = 0; i < s->n_tasks; i++)
            s->tasks[i].is_fresh = s->tasks[i].is_cancel_fresh = false;
        for (int i = 0; i < s->n_known; i++)
            s->known[i].is_fresh = false;
    }
    for (struct job_progress *p = d->jobs; p; p = p->next)
        p->is_fresh = false;
}

void dispatch_flush(struct dispatch *d)
{
    grant_forget(d);
    router_flush(d->router, true);
    settle_fresh(d);
    reports_committed(&d->reports);
    if (d->now >= d->retry_at && (d->reports.n > 0 || queue_last_event(d->queue) != d->last_event))
        router_wake(d->router);
}

static void take_back_session(struct dispatch *d, struct worker_session *s)
{
    for (int i = s->n_tasks - 1; i >= 0; i--) {
        struct task *t = &s->tasks[i];
        if (t->is_cancel_fresh)
            t->is_cancelled = t->is_cancel_fresh = false;
        if (!t->is_fresh)
            continue;
        struct job_progress *p = dispatch_find(d, t->lease.job);
        if (p && t->is_finish) {
            p->is_given = false;
        } else if (p) {
            p->n_leases--;
            p->free += t->lease.end - t->lease.begin;
        }
        worker_session_remove_task(s, t);
    }
    for (int i = s->n_known - 1; i >= 0; i--)
        if (s->known[i].is_fresh)
            worker_session_forget(s, s->known[i].job);
}

void dispatch_rollback(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        take_back_session(d, s);
    struct job_progress **link = &d->jobs;
    while (*link) {
        struct job_progress *p = *link;
        /* Jobs of this turn do not exist, and their numbers may become other jobs'. */
        if (p->is_fresh && p->n_leases == 0) {
            *link = p->next;
            free(p);
        } else {
            p->is_touched = true;
            p->has_ended = false;
            p->is_complete = p->is_complete && p->is_given;
            link = &p->next;
        }
    }
    reports_rolled_back(&d->reports);
    router_flush(d->router, false);
    d->last_event = -1;
    d->retry_at = d->now + QUEUE_PAUSE_MS;
    router_wake(d->router); /* the next tick tells the loop of retry_at */
}

/* ---- life ---- */

int dispatch_new(struct loop *loop, struct queue *q, const struct dispatch_options *o,
                 struct dispatch **ret_dispatch, struct error *e)
{
    struct dispatch *d = mem_new(sizeof *d);
    d->queue = q;
    d->options = *o;
    d->options.endpoint = NULL; /* not kept */
    d->last_event = -1;
    d->due = INT64_MAX;
    d->without_worker = loop_now();
    int r = router_open(loop, o->endpoint, &d->router, e);
    if (r != 0) {
        dispatch_free(d);
        return r;
    }
    *ret_dispatch = d;
    return 0;
}

int dispatch_renew_socket(struct dispatch *d, struct error *e)
{
    return router_renew(d->router, e);
}

struct dispatch *dispatch_free(struct dispatch *d)
{
    if (!d)
        return NULL;
    while (d->sessions) {
        struct worker_session *s = d->sessions;
        d->sessions = s->next;
        worker_session_free(s);
    }
    while (d->jobs) {
        struct job_progress *p = d->jobs;
        d->jobs = p->next;
        free(p);
    }
    for (size_t i = 0; i < DEAD_NAMES; i++)
        free(d->dead[i]);
    reports_clear(&d->reports);
    router_close(d->router);
    free(d);
    return NULL;
}
