/* SPDX-License-Identifier: Apache-2.0 */
#include "dispatch/dispatch.h"

#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- deaths and deadlines ---- */

static void add_place(struct worker_session *s, const char *place)
{
    size_t n = strlen(s->reason);
    if (place && *place)
        snprintf(s->reason + n, sizeof s->reason - n, ", in %s", place);
}

void dispatch_worker_died(struct dispatch *d, const char *worker,
                          const struct dispatch_death *death)
{
    char **place = &d->dead[d->n_dead++ % DEAD_NAMES];
    free(*place);
    *place = mem_strdup(worker);
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (strcmp(s->name, worker) != 0)
            continue;
        worker_session_blame(s, death->cause);
        if (death->log)
            log_tail_add(&s->log, death->lease, death->member, death->log);
        if (s->state != SESSION_STOPPING) /* else we know better why */
            snprintf(s->reason, sizeof s->reason, "%s", death->reason);
        else if (!s->is_blameless)
            add_place(s, death->place && *death->place ? death->place : s->helpers_place);
        s->is_blameless = s->is_blameless || death->is_blameless;
        s->was_killed = death->was_killed;
        s->ran = death->lease;
        s->closed = death->chunks;
        if (death->is_unseen)
            fences_begin(d, s);
        else
            s->is_gone = true;
    }
}

/* The lease that it was running: as it said itself, else the first that it had. */
static int64_t blamed_lease(const struct worker_session *s)
{
    for (int i = 0; i < s->n_tasks; i++)
        if (!s->tasks[i].is_finish && !s->tasks[i].is_help && s->tasks[i].lease.id == s->ran)
            return s->ran;
    return s->n_tasks > 0 ? s->tasks[0].lease.id : 0;
}

static void end_finish(struct dispatch *d, struct worker_session *s, struct task *t)
{
    struct job_progress *p = task_find_job(d, t->lease.job);
    bool is_sent = t->is_sent;
    worker_session_remove_task(s, t);
    if (p && is_sent && !s->is_blameless)
        closing_lost(d, p, s->closed, s->reason);
    else if (p)
        p->is_given = false;
}

static void end_session(struct dispatch *d, struct worker_session *s)
{
    int64_t blamed = blamed_lease(s);
    if (s->state != SESSION_STOPPING)
        worker_session_move(s, SESSION_STOPPING);
    while (s->n_tasks > 0) {
        struct task *t = &s->tasks[0];
        bool is_blamed = !s->is_blameless && t->lease.id == blamed;
        if (t->is_help)
            lend_lost(d, s, t);
        else if (t->is_finish)
            end_finish(d, s, t);
        else
            task_end_lease(d, s, t, is_blamed ? s->reason : NULL);
    }
}

/* What the dead had said before is in the queue's turn by now: all of it was received. */
static void end_gone(struct dispatch *d)
{
    struct worker_session **link = &d->sessions;
    while (*link) {
        struct worker_session *s = *link;
        if (!s->is_gone) {
            link = &s->next;
            continue;
        }
        end_session(d, s);
        *link = s->next;
        d->n_sessions--;
        d->n_closers -= s->is_closer;
        worker_session_free(s);
    }
}

static void watch_workers(struct dispatch *d, int64_t now)
{
    bool one_is_ready = false;
    for (const struct worker_session *s = d->sessions; s && !one_is_ready; s = s->next)
        one_is_ready = !s->is_closer && (s->state == SESSION_IDLE || s->state == SESSION_BUSY);
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
        s->quit_due += late;
        for (int i = 0; i < s->n_tasks; i++)
            s->tasks[i].cancel_due += late;
    }
}

static int64_t session_due(const struct dispatch *d, const struct worker_session *s)
{
    int64_t due = s->last_heard + d->options.lease_ms;
    if (s->state == SESSION_LEAVING && s->quit_due < due)
        due = s->quit_due;
    for (int i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].is_cancelled && s->tasks[i].cancel_due < due)
            due = s->tasks[i].cancel_due;
    return due;
}

static void watch_deadlines(struct dispatch *d, int64_t now)
{
    int ms = d->options.lease_ms;
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (s->is_gone || session_due(d, s) > now)
            continue;
        if (now - s->last_heard >= ms) {
            worker_session_blame(s, QUEUE_CAUSE_SILENCE);
            task_stop(d, s, !s->is_unreachable, "it was silent for %d ms", ms);
        } else if (s->state == SESSION_LEAVING)
            task_stop(d, s, false, "it did not leave within %d ms", ms);
        else
            task_stop(d, s, false, "it did not stop within %d ms of a cancellation", ms);
    }
}

/* ---- a turn ---- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_due(const struct dispatch *d, int64_t now)
{
    int64_t due = sooner(sooner(pause_due(d), alone_due(d)), sooner(fit_due(d), ahead_due(d)));
    for (const struct worker_session *s = d->sessions; s; s = s->next) {
        if (s->state != SESSION_STOPPING)
            due = sooner(due, session_due(d, s));
        else if (s->fence_due > 0)
            due = sooner(due, s->fence_due);
    }
    return sooner(due, d->retry_at > now ? d->retry_at : d->rest_due);
}

/* Why those wait that have no reason of their own. */
static void say_why_all_wait(struct dispatch *d)
{
    const char *why = d->alone.is_held ? d->alone.why : NULL;
    queue_set_waiting(d->queue, 0, d->pause.disk_full[0] ? d->pause.disk_full : why);
}

static int grant(struct dispatch *d)
{
    if (d->pause.disk_until > d->now || d->is_leaving)
        return 0;
    fit_begin(d);
    closing_grant(d);
    int r = alone_grant(d);
    if (r || d->alone.is_held)
        return r;
    r = grant_leases(d);
    if (r == 0)
        r = ahead_grant(d);
    if (r == 0)
        r = lend_helpers(d);
    return r ? r : ahead_recall(d);
}

/* Asks the queue, and changes it. Negative where it failed: the rest is left for another turn. */
static int work(struct dispatch *d)
{
    int r = reports_apply(&d->reports, d->queue);
    if (r == 0)
        r = queue_end_rests(d->queue, d->now, &d->rest_due, NULL);
    pause_tick(d);
    if (r == 0)
        r = changes_apply(d);
    if (r == 0)
        r = grant(d);
    if (r == 0)
        r = pause_settle(d);
    if (r == 0)
        r = ahead_tell(d);
    if (r == 0)
        r = tell_tasks(d);
    say_why_all_wait(d);
    return r ? r : reports_apply(&d->reports, d->queue); /* what the last steps found */
}

int64_t dispatch_tick(struct dispatch *d, int64_t now)
{
    d->now = now;
    forgive_sleep(d, now);
    if (receive_some(d))
        end_gone(d);
    watch_workers(d, now);
    watch_deadlines(d, now);
    fences_tick(d);
    d->ahead.due = INT64_MAX;
    if (now >= d->retry_at && work(d) < 0)
        d->retry_at = now + QUEUE_PAUSE_MS;
    d->due = next_due(d, now);
    return d->due;
}

static void settle_fresh(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        s->said_fresh = 0;
        for (int i = 0; i < s->n_tasks; i++)
            s->tasks[i].is_fresh = s->tasks[i].is_cancel_fresh = s->tasks[i].is_laid_fresh = false;
        for (int i = 0; i < s->n_known; i++)
            s->known[i].is_fresh = false;
    }
    for (size_t i = 0; i < d->ended.n; i++) {
        struct job_progress *p = task_find_job(d, d->ended.items[i]);
        if (p)
            p->is_end_fresh = false;
    }
}

/* Where the connection is gone, so is most likely the worker: the pool will say how it died. Where
 * it is not, what was said to it has a gap. */
static void on_unsent(void *dispatch, const struct route *to, int error)
{
    struct dispatch *d = dispatch;
    struct worker_session *s = task_session(d, to);
    log_debug("a message to worker %s was not sent: %s", s ? s->name : "(none)", strerror(error));
    if (s && error == EHOSTUNREACH)
        s->is_unreachable = true;
    else if (s)
        task_stop(d, s, false, "a message to it could not be sent: %s", strerror(error));
}

void dispatch_flush(struct dispatch *d)
{
    settle_fresh(d);
    changes_forget(d);
    router_flush(d->router, true, on_unsent, d);
    reports_committed(&d->reports);
    locks_remove(d);
    /* What the last reports came to, or what they left, is for the next turn. */
    if (d->now >= d->retry_at && (d->reports.n > 0 || queue_has_changed(d->queue)))
        router_wake(d->router);
}

static void take_back_task(struct dispatch *d, struct worker_session *s, struct task *t)
{
    struct job_progress *p = task_find_job(d, t->lease.job);
    if (p && t->is_finish)
        p->is_given = false;
    else if (p && !t->is_help)
        p->n_leases--;
    if (!t->is_help) /* its lease is another's */
        alone_ended(d, t->lease.id);
    worker_session_remove_task(s, t);
}

static void take_back_session(struct dispatch *d, struct worker_session *s)
{
    s->said -= s->said_fresh;
    s->said_fresh = 0;
    for (int i = s->n_tasks - 1; i >= 0; i--) {
        struct task *t = &s->tasks[i];
        if (t->is_cancel_fresh)
            t->is_cancelled = t->is_cancel_fresh = false;
        if (t->is_laid_fresh)
            ahead_take_back(s, t);
        if (t->is_fresh)
            take_back_task(d, s, t);
    }
    for (int i = s->n_known - 1; i >= 0; i--)
        if (s->known[i].is_fresh)
            worker_session_forget(s, s->known[i].job);
}

void dispatch_rollback(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        take_back_session(d, s);
    for (size_t i = 0; i < d->ended.n; i++) {
        struct job_progress *p = task_find_job(d, d->ended.items[i]);
        if (p && p->is_end_fresh)
            p->has_ended = p->is_end_fresh = false;
    }
    reports_rolled_back(&d->reports);
    router_flush(d->router, false, on_unsent, d);
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
    d->due = d->pause.due = d->fit.due = d->ahead.due = INT64_MAX;
    d->locks.is_due = true;
    d->without_worker = loop_now();
    d->rest_due = INT64_MAX;
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
    void *p;
    for (size_t i = 0; (p = id_map_next(&d->jobs, &i));)
        job_progress_free(p);
    id_map_free(&d->jobs);
    struct id_list *lists[] = {&d->ended,      &d->closing,    &d->pause.jobs,
                               &d->alone.jobs, &d->ahead.jobs, &d->locks.jobs};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        id_list_free(lists[i]);
    for (size_t i = 0; i < DEAD_NAMES; i++)
        free(d->dead[i]);
    reports_clear(&d->reports);
    router_close(d->router);
    free(d);
    return NULL;
}
