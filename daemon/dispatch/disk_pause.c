/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that cannot be written. */
#include "base/log.h"
#include "dispatch/dispatch_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static void disk_is_full(struct dispatch *d, const struct job_progress *p, const char *reason,
                         int64_t now)
{
    d->paused_until = now + DISK_FULL_PAUSE_MS;
    if (d->disk_full[0])
        return;
    snprintf(d->disk_full, sizeof d->disk_full,
             "nothing is leased until there is room on the disk: job %" PRId64 ": %.400s", p->job,
             reason);
    log_error("%s; tried again every %d s", d->disk_full, DISK_FULL_PAUSE_MS / 1000);
}

void disk_pause_failed(struct dispatch *d, struct job_progress *p, uint32_t error,
                       const char *reason, int64_t now)
{
    if (error == ENOSPC || error == EDQUOT) {
        disk_is_full(d, p, reason, now);
        return;
    }
    log_error("job %" PRId64 ": %s", p->job, reason);
    if (++p->storage_failures >= STORAGE_FAILURES)
        dispatch_fail_job(d, p->job, reason);
    else
        p->paused_until = now + ((int64_t)STORAGE_PAUSE_MS << (p->storage_failures - 1));
}

static void disk_has_room(struct dispatch *d, const char *why)
{
    if (d->disk_full[0])
        log_info("%s", why);
    d->disk_full[0] = '\0';
}

void disk_pause_works(struct dispatch *d, struct job_progress *p, int64_t now)
{
    if (p)
        p->storage_failures = 0;
    if (now >= d->paused_until)
        disk_has_room(d, "stores can be written again");
}

static int anything_waits(struct dispatch *d, bool *ret)
{
    int64_t job;
    int n;
    *ret = true;
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (s->n_tasks > 0)
            return 0;
    for (const struct job_progress *p = d->jobs; p; p = p->next)
        if (p->is_complete && !p->is_given)
            return 0;
    int r = queue_next_jobs(d->queue, 1, &job, &n, NULL);
    *ret = r != 0 || n > 0;
    return r;
}

int disk_pause_settle(struct dispatch *d)
{
    bool waits = true;
    int r = d->disk_full[0] ? anything_waits(d, &waits) : 0;
    if (!waits)
        disk_has_room(d, "the disk was full; nothing waits for room now");
    return r;
}

bool dispatch_ready(const struct dispatch *d, const char **ret_reason)
{
    if (d->disk_full[0])
        *ret_reason = d->disk_full;
    return !d->disk_full[0];
}
