/* SPDX-License-Identifier: Apache-2.0 */
/* What range_runner_run tells of a local run. */
#include "worker/run_child_parts.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "worker/layout.h"
#include "worker/run_channel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of a trace: some 25 MB of JSON. */
enum { MOST_SPANS = 200000 };

/* The lead's thread of helpers may speak, too, before it ends the process. */
static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

void run_child_say(const struct run_work *w, const struct wire_message *m)
{
    pthread_mutex_lock(&saying);
    if (run_channel_send(w->child->channel, m) < 0)
        _exit(1);
    pthread_mutex_unlock(&saying);
}

static int on_done(void *userdata, int64_t begin, int64_t end)
{
    struct run_work *w = userdata;
    const struct wire_message m = {.type = WIRE_DONE, .done = {RUN_LEASE, begin, end}};
    run_ledger_done(&w->own, begin, end);
    run_child_say(w, &m);
    return 0;
}

static int on_failed(void *userdata, int64_t member, const struct error *why)
{
    struct run_work *w = userdata;
    const struct wire_message m = {.type = WIRE_MEMBER_FAILED,
                                   .member_failed = {RUN_LEASE, member, why->message}};
    run_ledger_dead(&w->own, member);
    if (w->failure)
        *w->failure = *why;
    else if (w->job->batch_dim)
        log_error("member %lld: %s", (long long)member, why->message);
    else
        log_error("%s", why->message);
    run_child_say(w, &m);
    return 0;
}

static int on_layout(void *userdata, int64_t member, const char *layout)
{
    struct run_work *w = userdata;
    (void)member;
    const struct wire_message m = {.type = WIRE_LAYOUT, .layout = {RUN_LEASE, 0, layout, 0}};
    char *text = mem_strdup(layout);
    free(w->layout);
    w->layout = text;
    return run_channel_send(w->child->channel, &m);
}

/* The lowest member that saves an output decides its array: here that is this one, unless some are
 * left before it. */
static int on_late(void *userdata, int64_t member, const char *layout)
{
    struct run_work *w = userdata;
    w->is_held = w->own.n_left > 0 && w->own.left[0].begin < member;
    if (w->is_held)
        return 0;
    char *all = layout_merge(w->layout, layout);
    int r = on_layout(w, member, all);
    free(all);
    return r;
}

/* Whether an earlier process has said it. */
static bool was_said(struct run_facts *f, int64_t member, int64_t ordinal)
{
    if (ordinal < 0)
        return false;
    if (f->lines_of == member && ordinal < f->n_lines)
        return true;
    f->lines_of = member;
    f->n_lines = ordinal + 1;
    return false;
}

static void on_log(void *userdata, int64_t member, int64_t ordinal, const char *line)
{
    const struct run_work *w = userdata;
    if (was_said(w->child->facts, member, ordinal))
        return;
    if (w->job->batch_dim)
        log_info("member %lld: %s", (long long)member, line);
    else
        log_info("%s", line);
}

static void on_begin(void *userdata, int64_t member)
{
    const struct run_work *w = userdata;
    where_begin_member(w->where, member, loop_now());
}

static void on_end(void *userdata, int64_t member, bool may_have_printed)
{
    const struct run_work *w = userdata;
    (void)member, (void)may_have_printed;
    where_end_member(w->where);
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    const struct run_work *w = userdata;
    (void)member;
    where_set_step(w->where, step + 1);
    return 0;
}

static void on_abandon(void *userdata, const struct error *why)
{
    const struct wire_message m = {.type = WIRE_BYE, .bye.reason = why->message};
    run_child_say(userdata, &m);
    fflush(stdout); /* what it has printed */
    _exit(0);
}

static void on_lost(void *userdata, const char *why)
{
    const struct wire_message m = {
        .type = WIRE_RELEASE,
        .release = {.lease = RUN_LEASE, .cause = WIRE_CAUSE_HELPER, .reason = why}};
    run_child_say(userdata, &m);
    fflush(stdout);
    _exit(0);
}

struct range_events run_child_events(struct run_work *w)
{
    return (struct range_events){.done = on_done,
                                 .failed = on_failed,
                                 .layout = on_layout,
                                 .late = on_late,
                                 .log = on_log,
                                 .begin = on_begin,
                                 .step = on_step,
                                 .end = on_end,
                                 .abandon = on_abandon,
                                 .lost = on_lost,
                                 .share = w->child->share,
                                 .most_spans = w->child->options->trace ? MOST_SPANS : 0,
                                 .userdata = w,
                                 .board = where_board(w->where)};
}
