/* SPDX-License-Identifier: Apache-2.0 */
/* What all of dispatch does with jobs, workers and what these were given. */
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct job_progress *task_find_job(const struct dispatch *d, int64_t job)
{
    return id_map_get(&d->jobs, job);
}

int task_job(struct dispatch *d, int64_t job, struct job_progress **ret_progress)
{
    struct queue_outline o;
    struct job_progress *p = task_find_job(d, job);
    int r = p ? 0 : queue_outline(d->queue, job, &o, NULL);
    if (r != 0)
        return r;
    if (!p) {
        p = job_progress_new(&o);
        id_map_set(&d->jobs, job, p);
    }
    *ret_progress = p;
    return 0;
}

struct worker_session *task_session(const struct dispatch *d, const struct route *route)
{
    struct worker_session *s = d->sessions;
    while (s && !route_equal(&s->route, route))
        s = s->next;
    return s;
}

int task_post(struct dispatch *d, struct worker_session *s, const struct wire_message *m,
              bool rests)
{
    int r = router_post(d->router, &s->route, m, rests);
    s->said += r == 0;
    s->said_fresh += r == 0 && rests;
    return r;
}

void task_cancel(struct dispatch *d, struct worker_session *s, struct task *t)
{
    if (t->is_finish || t->is_help || t->is_cancelled)
        return;
    t->is_cancelled = t->is_cancel_fresh = true;
    t->cancel_due = d->now + d->options.lease_ms;
    struct wire_message m = {.type = WIRE_CANCEL, .cancel.lease = t->lease.id};
    if (t->is_sent)
        task_post(d, s, &m, true);
}

void task_fail_job(struct dispatch *d, int64_t job, const char *reason)
{
    struct report r = {REPORT_JOB_FAILED, .lease.job = job, .text = (char *)reason};
    reports_add(&d->reports, &r);
}

void task_end_lease(struct dispatch *d, struct worker_session *s, struct task *t,
                    const char *reason)
{
    struct job_progress *p = task_find_job(d, t->lease.job);
    bool is_lost = reason && t->is_sent && !t->is_cancelled;
    struct report r = {is_lost ? REPORT_LOST : REPORT_RELEASE, .lease = t->lease};
    r.text = is_lost ? (char *)reason : NULL;
    r.cause = s->cause;
    r.log = is_lost ? log_tail_of(&s->log, t->lease.id, t->lease.begin) : NULL;
    reports_add(&d->reports, &r);
    free(r.log);
    if (p)
        p->n_leases--;
    alone_ended(d, t->lease.id);
    int64_t lease = t->lease.id;
    worker_session_remove_task(s, t);
    task_recall_help(d, lease, true);
}

/* Without a deadline it may go on until the member's end: what was moved there is only back then.
 */
static void recall(struct dispatch *d, struct worker_session *s, struct task *t, bool has_deadline)
{
    struct wire_message m = {.type = WIRE_CANCEL, .cancel.lease = t->lease.id};
    if (!t->is_cancelled && t->is_sent)
        task_post(d, s, &m, false);
    if (!t->is_cancelled || has_deadline)
        t->cancel_due = has_deadline ? d->now + d->options.lease_ms : TASK_NEVER;
    t->is_cancelled = true;
}

int task_recall_help(struct dispatch *d, int64_t lease, bool has_deadline)
{
    int n = 0;
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        struct task *t = worker_session_help(s, lease);
        if (!t)
            continue;
        n++;
        if (t->is_sent)
            recall(d, s, t, has_deadline);
        else
            worker_session_remove_task(s, t);
        d->locks.is_due = true;
    }
    return n;
}

void task_stop(struct dispatch *d, struct worker_session *s, bool is_blamed, const char *format,
               ...)
{
    if (s->state == SESSION_STOPPING)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(s->reason, sizeof s->reason, format, arguments);
    va_end(arguments);
    log_warning("worker %s is killed: %s", s->name, s->reason);
    s->is_blameless = s->is_blameless || !is_blamed;
    worker_session_move(s, SESSION_STOPPING);
    d->options.kill(d->options.userdata, s->name);
}

void task_renew(struct dispatch *d, struct worker_session *s, const char *reason)
{
    struct wire_message m = {.type = WIRE_QUIT, .quit.reason = reason};
    if (s->state == SESSION_STOPPING || s->state == SESSION_LEAVING)
        return;
    log_info("worker %s is replaced: %s", s->name, reason);
    s->is_blameless = true;
    s->quit_due = d->now + d->options.lease_ms;
    worker_session_move(s, SESSION_LEAVING);
    task_post(d, s, &m, false);
}

int task_leases(const struct dispatch *d)
{
    int n = 0;
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        for (int i = 0; i < s->n_tasks; i++)
            n += !s->tasks[i].is_finish && !s->tasks[i].is_help;
    return n;
}

bool task_is_idle(const struct worker_session *s)
{
    return !s->is_gone && !s->is_closer && s->n_tasks == 0 && s->state == SESSION_IDLE;
}

bool task_is_clean(const struct worker_session *s)
{
    return !s->is_gone && !s->has_run && s->n_tasks == 0 && s->state == SESSION_IDLE;
}

int task_workers(const struct dispatch *d)
{
    return d->n_sessions - d->n_closers;
}

bool task_is_of(const struct worker_session *s, int64_t job)
{
    for (int i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].lease.job == job)
            return true;
    return false;
}

struct worker_session *task_idle_session(const struct dispatch *d, int64_t job)
{
    struct worker_session *found = NULL;
    for (struct worker_session *s = d->sessions; s; s = s->next) {
        if (!task_is_idle(s))
            continue;
        if (worker_session_known(s, job))
            return s;
        found = s;
    }
    return found;
}
