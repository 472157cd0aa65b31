/* SPDX-License-Identifier: Apache-2.0 */
#include "http/wait.h"

#include "base/loop.h"
#include "base/mem.h"
#include "http/jobs.h"
#include "http/problem.h"
#include "http/request.h"

#include <stdlib.h>

enum { SECONDS_MOST = 600 };

struct wait {
    int64_t job, until;
    struct work *work;
    struct wait *next;
};

int wait_seconds(const struct request *r, int64_t *ret_seconds, struct error *e)
{
    int result = request_number(r, "wait", 0, ret_seconds, e);
    if (result == 0 && *ret_seconds > SECONDS_MOST)
        result = error_set(e, PROBLEM_INVALID, NULL, "?wait=%lld: should be seconds, at most %d",
                           (long long)*ret_seconds, SECONDS_MOST);
    return result;
}

static bool has_ended(struct http *h, int64_t job)
{
    struct queue_outline outline;
    return queue_outline(h->queue, job, &outline, NULL) == QUEUE_NO_SUCH;
}

/* Also where the service stops. */
static int waited(struct request *r, void *wait, int result, struct error *e)
{
    struct wait *w = wait, **at = &r->http->waits;
    int64_t job = w->job;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    free(w);
    if (result != 0)
        return error_set(e, PROBLEM_BUSY, NULL, "the service is stopping");
    return jobs_reply(r, MHD_HTTP_OK, job, e);
}

int wait_for_end(struct request *r, int64_t job, int64_t seconds, struct error *e)
{
    static const struct work_kind kind = {.done = waited};
    if (has_ended(r->http, job) || r->http->closing)
        return jobs_reply(r, MHD_HTTP_OK, job, e);
    struct wait *w = mem_new(sizeof *w);
    *w = (struct wait){.job = job, .until = loop_now() + seconds * 1000, .next = r->http->waits};
    r->http->waits = w;
    w->work = work_outside(r, &kind, w);
    loop_due(r->http->loop, w->until);
    return 0;
}

int64_t wait_flush(struct http *h, int64_t now)
{
    int64_t due = INT64_MAX;
    for (struct wait *w = h->waits, *next; w; w = next) {
        next = w->next;
        if (now >= w->until || has_ended(h, w->job))
            work_end(w->work, 0, NULL);
        else if (w->until < due)
            due = w->until;
    }
    return due;
}
