/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "proto/where.h"
#include "worker/serve_parts.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

double serve_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int on_done(void *userdata, int64_t begin, int64_t end)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_DONE, .done = {s->lease.lease, begin, end}};
    serve_say(s, &m);
    return 0;
}

/* A job is as old as its mark. */
bool serve_view_is_old(struct serve *s)
{
    struct stat mark;
    char *path = mem_printf("%s.sync/owner", s->current->store);
    bool is_old =
        sandbox_view_is_old(s->sandbox.view, stat(path, &mark) == 0 ? &mark.st_ctim : NULL);
    free(path);
    if (is_old)
        error_set(&s->renewal, WORKER_RENEW, NULL, "files have come that it cannot see");
    return is_old;
}

/* It may have missed a file that came after this process: another one will see. */
static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    struct serve *s = userdata;
    if (serve_view_is_old(s))
        return SERVE_STOPPED;
    struct wire_message m = {.type = WIRE_MEMBER_FAILED,
                             .member_failed = {s->lease.lease, member, why->message}};
    serve_say(s, &m);
    return 0;
}

/* Of the lease that runs. */
static double worked(const struct serve *s)
{
    return s->started > 0 ? serve_seconds() - s->started - s->waited : 0;
}

static int on_layout(void *userdata, int64_t member, const char *layout)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_LAYOUT,
                             .layout = {s->lease.lease, member, layout, worked(s)}};
    free(s->current->layout);
    s->current->layout = mem_strdup(layout);
    return daemon_session_send(s->session, &m);
}

static int on_late(void *userdata, int64_t member, const char *layout)
{
    struct serve *s = userdata;
    struct wire_message m = {.type = WIRE_LAYOUT,
                             .layout = {s->lease.lease, member, layout, worked(s)}};
    return daemon_session_send(s->session, &m);
}

/* What is waited is no time of a member, whose clock starts anew. */
static int await(struct serve *s, int64_t member, const char **ret_layout)
{
    struct wire_message m = {.type = WIRE_WAITS, .waits.lease = s->lease.lease};
    double since = serve_seconds();
    serve_say(s, &m);
    daemon_session_end_member(s->session);
    int r = daemon_session_laid_out(s->session, true, ret_layout);
    if (member >= 0)
        daemon_session_begin_member(s->session, member);
    s->waited += serve_seconds() - since;
    return r;
}

static int on_await(void *userdata, int64_t member, bool waits, const char **ret_layout)
{
    struct serve *s = userdata;
    const char *layout;
    int r = daemon_session_laid_out(s->session, false, &layout);
    if (r == -EAGAIN && waits)
        r = await(s, member, &layout);
    if (r == -ECANCELED)
        return daemon_session_quits(s->session) ? RANGE_LEAVES : SERVE_STOPPED;
    if (r == 0 && *layout && !s->current->layout)
        s->current->layout = mem_strdup(layout);
    if (r == 0)
        *ret_layout = s->current->layout;
    return r;
}

void serve_log(struct serve *s, int64_t member, int64_t ordinal, const char *line)
{
    struct wire_message m = {.type = WIRE_LOG, .log = {s->lease.lease, member, ordinal, line}};
    serve_say(s, &m);
}

static void on_log(void *userdata, int64_t member, int64_t ordinal, const char *line)
{
    serve_log(userdata, member, ordinal, line);
}

static void on_begin(void *userdata, int64_t member)
{
    struct serve *s = userdata;
    s->has_run = true;
    daemon_session_begin_member(s->session, member);
}

/* What this member printed is told apart from the next one's: proto/where.h. */
static void mark_output(const struct serve *s, int64_t member)
{
    int unread = 0;
    fflush(stdout);
    if (s->options->where >= 0 && ioctl(STDERR_FILENO, FIONREAD, &unread) == 0 && unread > 0)
        dprintf(STDERR_FILENO, "%c%" PRId64 " %" PRId64 "\n", WHERE_MARK, s->lease.job, member);
}

static void on_end(void *userdata, int64_t member, bool may_have_printed)
{
    struct serve *s = userdata;
    if (may_have_printed) /* looking costs as much as a short member */
        mark_output(s, member);
    daemon_session_end_member(s->session);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct serve *s = userdata;
    (void)member;
    if (!daemon_session_step(s->session, step + 1))
        return 0;
    return daemon_session_quits(s->session) ? RANGE_LEAVES : SERVE_STOPPED;
}

struct wire_message serve_release_now(struct serve *s)
{
    double seconds = worked(s);
    daemon_session_set_lease(s->session, 0, 0, 0);
    return (struct wire_message){.type = WIRE_RELEASE,
                                 .release = {.lease = s->lease.lease, .seconds = seconds}};
}

static void on_abandon(void *userdata, const struct error *why)
{
    struct serve *s = userdata;
    struct wire_message m = serve_release_now(s);
    s->renewal = *why;
    serve_say(s, &m);
    serve_say_bye(s, why->message);
    _exit(0);
}

/* After the death of a helper, until the daemon ends us for it. */
enum { LOST_MS = 5000 };

/* Whoever told us of helpers is told of their deaths: it ends us, and knows whose fault it was. One
 * that lives, and whose code has closed our connection, it does not hear of. */
static void on_lost(void *userdata, const char *why)
{
    (void)userdata;
    log_warning("%s", why);
    for (int64_t until = loop_now() + LOST_MS; loop_now() < until;)
        poll(NULL, 0, (int)(until - loop_now()) + 1);
    _exit(1);
}

struct range_events serve_events(struct serve *s)
{
    return (struct range_events){.done = on_done,
                                 .failed = on_failed,
                                 .layout = on_layout,
                                 .late = on_late,
                                 .await = on_await,
                                 .log = on_log,
                                 .begin = on_begin,
                                 .step = on_step,
                                 .is_cancelled = daemon_session_is_cancelled(s->session),
                                 .end = on_end,
                                 .abandon = on_abandon,
                                 .share = s->meeting.socket,
                                 .is_few = s->lease.few,
                                 .share_listens = true,
                                 .lost = on_lost,
                                 .userdata = s,
                                 .board = s->board};
}
