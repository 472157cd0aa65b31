/* SPDX-License-Identifier: Apache-2.0 */
/* What workers say. Frames are foreign: all that they name is looked up and compared. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES_A_TURN = 1000,
    FLOOD =
        1000000, /* of one session, while there was always one more: nobody else is heard well */
};

/* ---- sessions ---- */

static void refuse(struct dispatch *d, const struct route *from, const char *reason)
{
    log_warning("a worker was refused: %s", reason);
    struct wire_message m = {.type = WIRE_QUIT, .quit.reason = reason};
    router_post(d->router, from, &m, false);
}

static bool is_name_used(const struct dispatch *d, const char *name)
{
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (strcmp(s->name, name) == 0)
            return true;
    for (size_t i = 0; i < DEAD_NAMES; i++)
        if (d->dead[i] && strcmp(d->dead[i], name) == 0)
            return true;
    return false;
}

static void on_hello(struct dispatch *d, const struct route *from, const struct wire_hello *hello)
{
    if (!file_name_ok(hello->name) || is_name_used(d, hello->name)) {
        refuse(d, from, "this name was given to another worker");
        return;
    }
    enum dispatch_role role =
        d->options.admit ? d->options.admit(d->options.userdata, hello->name, hello->secret)
                         : DISPATCH_MEMBERS;
    if (role == DISPATCH_NOBODY) {
        refuse(d, from, "it does not know the secret that goes with its name");
        return;
    }
    if (d->n_sessions == SESSIONS_MAX) {
        refuse(d, from, "there are too many workers");
        return;
    }
    struct worker_session *s = worker_session_new(from, hello);
    s->last_heard = d->now;
    s->heard = 1;
    s->next = d->sessions;
    d->sessions = s;
    d->n_sessions++;
    s->is_closer = role == DISPATCH_STORES;
    d->n_closers += s->is_closer;
    struct wire_message m = {.type = WIRE_WELCOME,
                             .welcome = {.version = WIRE_VERSION,
                                         .heartbeat_ms = (uint32_t)d->options.heartbeat_ms,
                                         .silence_ms = (uint32_t)d->options.lease_ms}};
    task_post(d, s, &m, false);
}

static void on_ready(struct dispatch *d, struct worker_session *s, const struct wire_ready *m)
{
    free(s->sandbox);
    s->sandbox = mem_strdup(m->sandbox);
    worker_session_move(s, SESSION_IDLE);
    if (!s->is_closer)
        fit_came(d);
    log_info("worker %s (pid %" PRId64 "): ready", s->name, s->pid);
    if (d->options.ready)
        d->options.ready(d->options.userdata, s->name);
}

static void on_closing(struct dispatch *d, struct worker_session *s, const struct wire_heartbeat *m)
{
    struct job_progress *p = task_find_job(d, m->closing);
    if (p && worker_session_finish(s, m->closing) && m->step >= 0)
        closing_heard(p, m->step);
}

static void on_heartbeat(struct dispatch *d, struct worker_session *s,
                         const struct wire_heartbeat *m)
{
    struct wire_message alive = {.type = WIRE_ALIVE, .alive = {m->number, s->said}};
    task_post(d, s, &alive, false);
    if (m->said != s->heard - 1) {
        task_stop(d, s, false, "of %" PRId64 " messages that it sent, %" PRId64 " came", m->said,
                  s->heard - 1);
        return;
    }
    if (m->closing > 0)
        on_closing(d, s, m);
    const struct task *t = worker_session_lease(s, m->lease);
    const struct job_progress *p = t ? task_find_job(d, t->lease.job) : NULL;
    if (!p || m->member < t->lease.begin || m->member >= t->lease.end)
        return;
    if (p->members == 1 && m->step >= 0 && m->step <= m->nsteps)
        queue_progress(d->queue, p->job, m->step, m->nsteps);
    if (p->member_timeout > 0 && (double)m->member_ms > p->member_timeout * 1000) {
        worker_session_blame(s, QUEUE_CAUSE_TIMEOUT);
        lend_note_place(d, s, m->lease);
        task_stop(d, s, true, "member %" PRId64 " ran longer than its limit of %g s", m->member,
                  p->member_timeout);
    }
}

/* It waits for QUIT, so that all it said is heard before its death is. What crossed its BYE is
 * given to others when it is dead. */
static void on_bye(struct dispatch *d, struct worker_session *s, const struct wire_bye *m)
{
    struct wire_message quit = {.type = WIRE_QUIT, .quit.reason = ""};
    log_info("worker %s leaves%s%s", s->name, *m->reason ? ": " : "", m->reason);
    snprintf(s->reason, sizeof s->reason, "its worker left: %.200s", m->reason);
    s->has_left = s->is_blameless = true;
    task_post(d, s, &quit, false);
    if (s->n_tasks == 0) {
        s->is_gone = true;
    } else {
        worker_session_move(s, SESSION_STOPPING);
        d->options.kill(d->options.userdata, s->name);
    }
}

/* ---- reports on leases ---- */

static bool is_within(const struct task *t, int64_t begin, int64_t end)
{
    return begin < end && begin >= t->lease.begin && end <= t->lease.end;
}

static void on_waits(struct worker_session *s, const struct wire_waits *m)
{
    struct task *t = worker_session_lease(s, m->lease);
    if (t)
        t->waits = t->is_ahead;
}

/* What the first member to succeed shows is the layout; its worker need not be told. */
static void on_layout(struct dispatch *d, struct worker_session *s, const struct wire_layout *m)
{
    const struct task *t = worker_session_lease(s, m->lease);
    struct job_progress *p = t ? task_find_job(d, t->lease.job) : NULL;
    if (!p || !is_within(t, m->member, m->member + 1))
        return;
    struct report r = {REPORT_LAYOUT, .lease = t->lease, .begin = m->member};
    r.text = (char *)m->layout;
    reports_add(&d->reports, &r);
    struct known_job *k = worker_session_known(s, t->lease.job);
    if (k && p->layouts == 0)
        k->layouts = 1;
    if (p->layouts == 0 &&
        m->seconds > 0) /* leases for others are planned by it, before this one is over */
        job_progress_measured(p, m->seconds, m->member - t->lease.begin + 1);
}

static void on_done(struct dispatch *d, struct worker_session *s, const struct wire_done *m)
{
    struct task *t = worker_session_lease(s, m->lease);
    struct job_progress *p = t ? task_find_job(d, t->lease.job) : NULL;
    if (!p || !is_within(t, m->begin, m->end))
        return;
    struct report r = {REPORT_DONE, .lease = t->lease, .begin = m->begin, .end = m->end};
    reports_add(&d->reports, &r);
    t->n_done += m->end - m->begin;
    p->helpers_killed = 0;
    pause_works(d, p);
}

static void on_member_failed(struct dispatch *d, struct worker_session *s,
                             const struct wire_member_failed *m)
{
    struct task *t = worker_session_lease(s, m->lease);
    struct job_progress *p = t ? task_find_job(d, t->lease.job) : NULL;
    if (!p || !is_within(t, m->member, m->member + 1))
        return;
    struct report r = {REPORT_MEMBER_FAILED, .lease = t->lease, .begin = m->member};
    r.text = (char *)m->reason;
    r.cause = QUEUE_CAUSE_ERROR;
    r.log = log_tail_of(&s->log, t->lease.id, m->member);
    reports_add(&d->reports, &r);
    free(r.log);
    t->n_done++;
}

static void on_log(struct dispatch *d, struct worker_session *s, const struct wire_log *m)
{
    const struct task *t = worker_session_lease(s, m->lease);
    if (!t || !is_within(t, m->member, m->member + 1))
        return;
    struct report r = {REPORT_LOG, .lease = t->lease, .begin = m->member, .ordinal = m->ordinal,
                       .text = (char *)m->line};
    log_tail_add(&s->log, t->lease.id, m->member, m->line);
    reports_add(&d->reports, &r);
}

static void worker_troubled(struct dispatch *d, struct worker_session *s, struct job_progress *p,
                            const char *reason)
{
    log_warning("worker %s cannot run job %" PRId64 ": %s", s->name, p->job, reason);
    pause_worker_failed(d, p, reason);
    task_renew(d, s, reason);
}

static void on_release(struct dispatch *d, struct worker_session *s, const struct wire_release *m)
{
    struct task *t = worker_session_lease(s, m->lease);
    struct job_progress *p = t ? task_find_job(d, t->lease.job) : NULL;
    if (lend_returned(d, s, m->lease) || !p)
        return;
    int64_t n_done = t->n_done;
    task_end_lease(d, s, t, NULL);
    if (m->cause == WIRE_CAUSE_STORE)
        pause_store_failed(d, p, m->error, m->reason);
    else if (m->cause == WIRE_CAUSE_WORKER)
        worker_troubled(d, s, p, m->reason);
    else
        job_progress_measured(p, m->seconds, n_done);
}

static void on_job_failed(struct dispatch *d, struct worker_session *s,
                          const struct wire_job_failed *m)
{
    for (int i = 0; i < s->n_tasks; i++) {
        if (s->tasks[i].is_sent && !s->tasks[i].is_help && s->tasks[i].lease.job == m->job) {
            task_fail_job(d, m->job, m->reason);
            return;
        }
    }
}

/* It stays given: nobody else is to finish it. */
static void on_finished(struct dispatch *d, struct worker_session *s, const struct wire_finished *m)
{
    struct task *t = worker_session_finish(s, m->job);
    if (!t)
        return;
    worker_session_remove_task(s, t);
    struct report r = {REPORT_FINISHED, .lease.job = m->job};
    reports_add(&d->reports, &r);
    pause_works(d, task_find_job(d, m->job));
}

static void on_finish_failed(struct dispatch *d, struct worker_session *s,
                             const struct wire_finish_failed *m)
{
    struct task *t = worker_session_finish(s, m->job);
    struct job_progress *p = task_find_job(d, m->job);
    if (!t)
        return;
    worker_session_remove_task(s, t);
    if (!p)
        return;
    if (m->cause != WIRE_CAUSE_STORE && m->cause != WIRE_CAUSE_WORKER) {
        closing_failed(d, p, m->reason);
        return;
    }
    p->is_given = false;
    if (m->cause == WIRE_CAUSE_STORE)
        pause_store_failed(d, p, m->error, m->reason);
    else
        worker_troubled(d, s, p, m->reason);
}

/* ---- frames ---- */

static void on_message(struct dispatch *d, struct worker_session *s, const struct wire_message *m)
{
    switch ((int)m->type) {
    case WIRE_READY:
        on_ready(d, s, &m->ready);
        break;
    case WIRE_HEARTBEAT:
        on_heartbeat(d, s, &m->heartbeat);
        break;
    case WIRE_LAYOUT:
        on_layout(d, s, &m->layout);
        break;
    case WIRE_ASK:
        lend_ask(s, &m->ask);
        break;
    case WIRE_WAITS:
        on_waits(s, &m->waits);
        break;
    case WIRE_DONE:
        on_done(d, s, &m->done);
        break;
    case WIRE_MEMBER_FAILED:
        on_member_failed(d, s, &m->member_failed);
        break;
    case WIRE_LOG:
        on_log(d, s, &m->log);
        break;
    case WIRE_RELEASE:
        on_release(d, s, &m->release);
        break;
    case WIRE_JOB_FAILED:
        on_job_failed(d, s, &m->job_failed);
        break;
    case WIRE_FINISHED:
        on_finished(d, s, &m->finished);
        break;
    case WIRE_FINISH_FAILED:
        on_finish_failed(d, s, &m->finish_failed);
        break;
    case WIRE_BYE:
        on_bye(d, s, &m->bye);
        break;
    default:
        break;
    }
}

static void count_heard(struct dispatch *d, struct worker_session *s)
{
    s->heard++;
    if (++s->heard_at_once > FLOOD)
        task_stop(d, s, true, "it says more than can be heard");
}

static void on_frame(struct dispatch *d, const struct route *from, const void *frame, size_t size)
{
    struct worker_session *s = task_session(d, from);
    uint32_t version = wire_hello_version(frame, size);
    if (!s && version != 0 && version != WIRE_VERSION) {
        char reason[64];
        snprintf(reason, sizeof reason, "the daemon speaks version %d of the protocol",
                 WIRE_VERSION);
        refuse(d, from, reason);
        return;
    }
    struct wire_message m;
    int r = wire_decode(WIRE_TO_DAEMON, frame, size, &m);
    if (s)
        count_heard(d, s);
    if (r < 0) {
        log_debug("a frame of worker %s was dropped: %s", s ? s->name : "(none)", strerror(-r));
    } else if (!s) {
        if (m.type == WIRE_HELLO)
            on_hello(d, from, &m.hello);
    } else {
        s->last_heard = d->now;
        if (!s->has_left && worker_session_allows(s->state, m.type))
            on_message(d, s, &m);
        else
            log_debug("worker %s, %s, said %s", s->name, worker_session_state_name(s->state),
                      wire_name((int)m.type));
    }
}

static void all_is_heard(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        s->heard_at_once = 0;
}

bool receive_some(struct dispatch *d)
{
    struct route from;
    const void *frame;
    size_t size;
    for (int n = 0; n < FRAMES_A_TURN; n++) {
        if (!router_receive(d->router, &from, &frame, &size)) {
            all_is_heard(d);
            return true;
        }
        on_frame(d, &from, frame, size);
    }
    return false;
}
