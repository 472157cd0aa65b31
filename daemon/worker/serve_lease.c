/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "proto/api.h"
#include "worker/helping.h"
#include "worker/profile_report.h"
#include "worker/serve_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void close_runner(struct serve *s, struct known_job *k)
{
    k->runner = range_runner_free(k->runner);
    meeting_close(&s->meeting);
}

/* Helpers are wanted. */
static bool is_shared(const struct job *j, bool is_few)
{
    return range_runner_is_single(j, is_few) &&
           strcmp(range_runner_scheduler(j, is_few), "processes") == 0 &&
           range_runner_lanes(j, is_few) > 1;
}

static void open_meeting(struct serve *s)
{
    int r = meeting_open(s->directory, s->lease.lease, &s->meeting);
    if (r < 0)
        log_warning("other workers cannot help: %s", strerror(-r));
}

static void ask_for_helpers(struct serve *s, const struct job *j)
{
    struct wire_message m = {.type = WIRE_ASK,
                             .ask = {s->lease.lease,
                                     (uint32_t)range_runner_lanes(j, s->lease.few) - 1,
                                     s->meeting.path}};
    serve_say(s, &m);
}

static int open_runner(struct serve *s, struct known_job *k, struct error *e)
{
    if (k->result != 0) {
        *e = k->why;
        return k->result;
    }
    if (s->lease.end > k->job->n_members)
        return error_set(e, WORKER_TROUBLE, NULL,
                         "was given members up to %" PRId64
                         " of a job that it knows to have %" PRId64,
                         s->lease.end, k->job->n_members);
    if (k->runner)
        return 0;
    if (is_shared(k->job, s->lease.few))
        open_meeting(s);
    const struct range_events events = serve_events(s);
    int r = pinned_load(s->pinned, k->job, e);
    if (r)
        return r;
    struct job_store where = known_job_store(k);
    where.first = s->lease.begin;
    where.lease = &s->lease.lease;
    where.is_ahead = s->lease.ahead && !k->layout;
    r = range_runner_new(k->job, pinned_libraries(s->pinned), s->room, &where, &events, &k->runner,
                         e);
    if (r == 0 && s->meeting.path)
        ask_for_helpers(s, k->job);
    return r;
}

static int64_t steps_of(const struct job *j)
{
    return j && j->n_clocks > 0 ? j->clocks[j->main_clock].n - 1 : 0;
}

static int run_lease(struct serve *s, struct known_job *k, struct error *e)
{
    daemon_session_set_lease(s->session, s->lease.job, s->lease.lease, steps_of(k->job));
    if (daemon_session_stopped(s->session)) /* while it waited */
        return SERVE_STOPPED;
    if (k->job && k->job->isolate && s->has_run)
        return error_set(e, WORKER_RENEW, NULL, RANGE_ISOLATES);
    threads_set(s->threads, pinned_libraries(s->pinned), k->job ? k->job->threads : 0);
    int r = open_runner(s, k, e);
    s->started = serve_seconds();
    if (r)
        return r;
    r = range_runner_run(k->runner, s->lease.begin, s->lease.end, e);
    s->waited += range_runner_aside(k->runner);
    return r;
}

static void fail_job(struct serve *s, int64_t job, const char *reason)
{
    struct wire_message m = {.type = WIRE_JOB_FAILED, .job_failed = {job, reason}};
    serve_say(s, &m);
}

/* Of all members that this runner has run, in the log of the lease's first. */
static void say_profile(struct serve *s)
{
    json_t *profile = s->current->runner ? range_runner_profile(s->current->runner) : NULL;
    struct buffer text = {0};
    if (profile)
        profile_report_text(profile, &text);
    char *rest = text.data;
    for (char *line = rest; rest && (line = strsep(&rest, "\n")) && *line;) {
        char *marked = mem_printf(API_PROFILE_LINE "%s", line);
        serve_log(s, s->lease.begin, RANGE_OWN_WORD, marked);
        free(marked);
    }
    buffer_free(&text);
    json_decref(profile);
}

void serve_lease(struct serve *s, const struct wire_lease *lease)
{
    struct error e = {.message = ""};
    int r = 0;
    s->lease = *lease;
    s->started = s->waited = 0;
    s->current = known_job_find(s->known, lease->job);
    if (s->current)
        r = run_lease(s, s->current, &e);
    if (s->current)
        say_profile(s);
    if (s->current && (r != 0 || lease->ahead || !s->current->layout || s->meeting.path))
        close_runner(s, s->current); /* another lease opens it anew */
    struct wire_message m = serve_release_now(s);
    if (r == WORKER_RENEW || r == WORKER_TROUBLE) {
        s->renewal = e;
        m.release.cause = r == WORKER_TROUBLE ? WIRE_CAUSE_WORKER : WIRE_CAUSE_NONE;
        m.release.reason = r == WORKER_TROUBLE ? e.message : NULL;
    } else if (r == WORKER_LAYOUT) {
        m.release.cause = WIRE_CAUSE_LAYOUT;
        m.release.reason = e.message;
    } else if (r != 0 && r != SERVE_STOPPED && r != RANGE_LEAVES &&
               !(s->current && serve_view_is_old(s))) {
        error_explain(&e, r, "run the members");
        if (r < 0) {
            m.release.cause = WIRE_CAUSE_STORE;
            m.release.error = (uint32_t)-r;
            m.release.reason = e.message;
        } else {
            fail_job(s, lease->job, e.message);
        }
    }
    serve_say(s, &m);
    serve_look_for_renewal(s, s->current);
    s->current = NULL;
}

/* ---- help ---- */

static int help_with(struct serve *s, const struct wire_help *h, struct error *e)
{
    struct known_job *k = known_job_find(s->known, h->job);
    int socket, r = 0;
    if (!k || !k->job)
        return error_set(e, WORKER_REFUSED, NULL, "%s", k ? k->why.message : "it is not known");
    if (k->job->isolate && s->has_run)
        return error_set(e, WORKER_RENEW, NULL, RANGE_ISOLATES);
    s->has_run = true;
    for (struct known_job *other = s->known; other; other = other->next)
        other->runner = range_runner_free(other->runner); /* their states lie where this one does */
    r = pinned_load(s->pinned, k->job, e);
    if (r)
        return r;
    threads_set(s->threads, pinned_libraries(s->pinned), k->job->threads);
    r = meeting_connect(h->socket, &socket);
    if (r < 0)
        return error_errno(e, r, "connect to the other worker");
    r = helping_run(k->job, pinned_libraries(s->pinned), s->room, socket,
                    daemon_session_stop_event(s->session), s->board, e);
    close(socket);
    return r;
}

/* That it cannot help is no trouble of the job's: the other one goes on without. */
void serve_help(struct serve *s, const struct wire_help *h)
{
    struct error e = {.message = ""};
    struct wire_message m = {.type = WIRE_RELEASE, .release.lease = h->lease};
    daemon_session_set_lease(s->session, h->job, h->lease, 0);
    int r = daemon_session_stopped(s->session) ? SERVE_STOPPED : help_with(s, h, &e);
    if (r == WORKER_RENEW)
        s->renewal = e;
    else if (r && r != SERVE_STOPPED)
        log_info("cannot help with job %" PRId64 ": %s", h->job, e.message);
    daemon_session_set_lease(s->session, 0, 0, 0);
    serve_say(s, &m);
    serve_look_for_renewal(s, known_job_find(s->known, h->job));
}
