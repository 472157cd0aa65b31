/* SPDX-License-Identifier: Apache-2.0 */
/* Idle workers that help with another's simulation. A worker whose job is to be run by `processes`
 * asks for helpers (ASK); who has nothing else to do is told to help it (HELP), and comes back
 * (RELEASE) when that lease is over, when it cannot help, or when it is asked back (CANCEL) since
 * something else waits.
 *
 * What a helper's death has left half done nobody can repair: the worker that it helped is killed,
 * too, and its members begin again. Where the helper crashed, that is an attempt, as if the
 * worker had crashed itself; where it was killed, only where that happens KILLS_BORNE times in a
 * row. */
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KILLS_BORNE = 3 };

/* ---- who lends, and what is back ---- */

void lend_ask(struct worker_session *s, const struct wire_ask *m)
{
    struct task *t = worker_session_lease(s, m->lease);
    if (!t || t->socket || m->socket[0] != '/' || m->most == 0)
        return;
    t->asks = m->most > SESSIONS_MAX ? SESSIONS_MAX : (int)m->most;
    t->socket = mem_strdup(m->socket);
}

bool lend_returned(struct dispatch *d, struct worker_session *s, int64_t lease)
{
    struct task *t = worker_session_help(s, lease);
    if (!t || !t->is_sent)
        return false;
    d->locks.is_due = true; /* they stay as long as anybody has to do with the job */
    s->helped = t->is_cancelled ? 0 : lease; /* else it cannot, or the lease is over */
    worker_session_remove_task(s, t);
    return true;
}

static int helpers_of(const struct dispatch *d, int64_t lease)
{
    int n = 0;
    for (struct worker_session *s = d->sessions; s; s = s->next)
        n += worker_session_help(s, lease) != NULL;
    return n;
}

/* ---- lending ---- */

static bool may_help(const struct dispatch *d, const struct worker_session *s,
                     const struct job_progress *p, int64_t lease)
{
    return task_is_idle(s) && s->helped != lease && fit_fits(s, p) && fit_may_work(d, s, p);
}

static void lend_one(struct worker_session *helper, const struct task *to,
                     const struct job_progress *p)
{
    const struct task t = {
        .is_help = true, .is_fresh = true, .lease = to->lease, .socket = mem_strdup(to->socket)};
    fit_load(helper, p);
    worker_session_add_task(helper, &t);
}

static void lend_to(struct dispatch *d, const struct task *to)
{
    const struct job_progress *p = task_find_job(d, to->lease.job);
    if (!p || !p->libraries || p->has_ended)
        return;
    int left = to->asks - helpers_of(d, to->lease.id);
    for (struct worker_session *s = d->sessions; s && left > 0; s = s->next) {
        if (!may_help(d, s, p, to->lease.id))
            continue;
        lend_one(s, to, p);
        left--;
    }
}

static void recall_all(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        if (s->n_tasks > 0 && s->tasks[0].asks > 0)
            task_recall_help(d, s->tasks[0].lease.id, false);
}

/* Asked after all that there is was granted: what is left has no worker. */
static int one_waits(struct dispatch *d, bool *ret)
{
    int64_t job;
    int r = queue_next_job(d->queue, 0, &job, NULL);
    *ret = r == 0 || closing_wants_worker(d);
    return r < 0 ? r : 0;
}

int lend_helpers(struct dispatch *d)
{
    bool waits = false, asks = false;
    for (const struct worker_session *s = d->sessions; s && !asks; s = s->next)
        asks = s->n_tasks > 0 && s->tasks[0].asks > 0;
    int r = asks ? one_waits(d, &waits) : 0;
    if (r < 0 || !asks)
        return r;
    if (waits)
        recall_all(d);
    for (struct worker_session *s = d->sessions; s && !waits; s = s->next)
        if (s->state == SESSION_BUSY && s->tasks[0].asks > 0 && !s->tasks[0].is_cancelled)
            lend_to(d, &s->tasks[0]);
    return 0;
}

/* ---- a helper that has ended ---- */

static void say_lost(struct dispatch *d, const struct task *t, const char *how)
{
    char text[1024];
    snprintf(text, sizeof text, "a helper of %s; it starts again, which is no attempt", how);
    struct report r = {REPORT_LOG, .lease = t->lease, .begin = t->lease.begin + t->n_done,
                       .ordinal = -1};
    r.text = text;
    if (r.begin < t->lease.end)
        reports_add(&d->reports, &r);
}

/* Whether the death of that helper is an attempt. */
static bool is_blamed(struct dispatch *d, const struct worker_session *helper, int64_t job)
{
    struct job_progress *p = task_find_job(d, job);
    if (!helper->was_killed || helper->is_blameless)
        return !helper->is_blameless;
    return p && ++p->helpers_killed >= KILLS_BORNE;
}

static void end_lead(struct dispatch *d, struct worker_session *lead, const struct task *t,
                     const struct worker_session *helper)
{
    bool blamed = is_blamed(d, helper, t->lease.job);
    if (!blamed)
        say_lost(d, t, helper->reason);
    task_stop(d, lead, blamed, "a helper of %s", helper->reason);
}

void lend_note_place(const struct dispatch *d, struct worker_session *lead, int64_t lease)
{
    char place[POSITION_TEXT] = "";
    for (struct worker_session *s = d->sessions; s && !*place && d->options.position; s = s->next)
        if (worker_session_help(s, lease))
            d->options.position(d->options.userdata, s->name, place);
    free(lead->helpers_place);
    lead->helpers_place = *place ? mem_strdup(place) : NULL;
}

void lend_lost(struct dispatch *d, struct worker_session *s, struct task *t)
{
    int64_t lease = t->lease.id;
    d->locks.is_due = true;
    bool was_told = t->is_sent && !s->has_left;
    worker_session_remove_task(s, t);
    for (struct worker_session *lead = d->sessions; lead && was_told; lead = lead->next) {
        const struct task *led = worker_session_lease(lead, lease);
        if (led && lead != s && !lead->is_gone)
            end_lead(d, lead, led, s);
    }
}
