/* SPDX-License-Identifier: Apache-2.0 */
/* What fails and is tried again: stores that cannot be written, workers that cannot run a job.
 *
 *   no room      (ENOSPC, EDQUOT): nobody gets a lease until there is some, as long as it takes.
 *   vanished     (ENOENT): the job waits, as long as it takes.
 *   of the job   (a name or file that is too long, …): it can never be written. The job fails after
 *                some tries.
 *   of the disk  (all others: EIO, EROFS, EACCES, ESTALE, EMFILE …): the job waits. It fails only
 *                where other jobs' stores could be written in between, again and again: so nothing
 *                fails by a disk that is away. */
#include "base/log.h"
#include "dispatch/dispatch_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    FAILURES = 6,              /* in a row, until a job fails */
    PAUSE_MS = 500,            /* after the first of them; doubles */
    PAUSE_MAX_MS = 16000,      /* no longer than this */
    VANISHED_MS = 3000,        /* between two looks for a store */
    DISK_FULL_PAUSE_MS = 5000, /* for all jobs */
};

/* ---- one job ---- */

static void pause_until(struct dispatch *d, struct job_progress *p, int64_t until)
{
    if (p->paused_until == 0)
        id_list_add(&d->pause.jobs, p->job);
    p->paused_until = until;
    queue_hold(d->queue, p->job, true);
    if (until < d->pause.due)
        d->pause.due = until;
}

void pause_job(struct dispatch *d, struct job_progress *p, int failures)
{
    int64_t pause = PAUSE_MS;
    for (int i = 1; i < failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    pause_until(d, p, d->now + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS));
}

void pause_tick(struct dispatch *d)
{
    if (d->now < d->pause.due)
        return;
    d->pause.due = INT64_MAX;
    for (size_t i = d->pause.jobs.n; i-- > 0;) {
        int64_t job = d->pause.jobs.items[i];
        struct job_progress *p = task_find_job(d, job);
        if (p && p->paused_until > d->now) {
            if (p->paused_until < d->pause.due)
                d->pause.due = p->paused_until;
            continue;
        }
        if (p)
            p->paused_until = 0;
        queue_hold(d->queue, job, false);
        id_list_remove(&d->pause.jobs, job);
    }
}

int64_t pause_due(const struct dispatch *d)
{
    return d->pause.disk_until > d->now && d->pause.disk_until < d->pause.due ? d->pause.disk_until
                                                                              : d->pause.due;
}

__attribute__((format(printf, 3, 4))) static void
wait_for(struct dispatch *d, const struct job_progress *p, const char *format, ...)
{
    char text[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    queue_set_waiting(d->queue, p->job, text);
}

/* ---- stores ---- */

static void disk_is_full(struct dispatch *d, const struct job_progress *p, const char *reason)
{
    d->pause.disk_until = d->now + DISK_FULL_PAUSE_MS;
    if (d->pause.disk_full[0])
        return;
    snprintf(d->pause.disk_full, sizeof d->pause.disk_full,
             "nothing is leased until there is room on the disk: job %" PRId64 ": %.400s", p->job,
             reason);
    log_error("%s; tried again every %d s", d->pause.disk_full, DISK_FULL_PAUSE_MS / 1000);
}

static void store_vanished(struct dispatch *d, struct job_progress *p, const char *reason)
{
    if (!p->is_vanished)
        log_error("job %" PRId64 " waits: %s", p->job, reason);
    p->is_vanished = true;
    wait_for(d, p, "%s; it goes on when that is put back", reason);
    pause_until(d, p, d->now + VANISHED_MS);
}

static bool is_of_the_job(uint32_t error)
{
    return error == ENAMETOOLONG || error == EFBIG || error == EINVAL || error == EISDIR ||
           error == EOVERFLOW;
}

void pause_store_failed(struct dispatch *d, struct job_progress *p, uint32_t error,
                        const char *reason)
{
    if (error == ENOSPC || error == EDQUOT) {
        disk_is_full(d, p, reason);
        return;
    }
    if (error == ENOENT) {
        store_vanished(d, p, reason);
        return;
    }
    bool is_first = p->storage_failures++ == 0;
    if (is_first)
        log_error("job %" PRId64 ": %s", p->job, reason);
    if (is_of_the_job(error) || (!is_first && d->pause.works != p->storage_works))
        p->storage_faults++;
    p->storage_works = d->pause.works;
    if (p->storage_faults >= FAILURES) {
        task_fail_job(d, p->job, reason);
        return;
    }
    wait_for(d, p, "its store cannot be written: %s; tried again", reason);
    pause_job(d, p, p->storage_failures);
}

static void disk_has_room(struct dispatch *d, const char *why)
{
    if (d->pause.disk_full[0])
        log_info("%s", why);
    d->pause.disk_full[0] = '\0';
}

static void job_goes_on(struct dispatch *d, struct job_progress *p)
{
    if (p->is_vanished)
        log_info("job %" PRId64 " goes on: its store is back", p->job);
    if (p->is_vanished || p->storage_failures > 0 || p->worker_troubles > 0)
        queue_set_waiting(d->queue, p->job, NULL);
    p->is_vanished = false;
    p->storage_failures = p->storage_faults = p->worker_troubles = 0;
}

void pause_works(struct dispatch *d, struct job_progress *p)
{
    if (p)
        job_goes_on(d, p);
    d->pause.works++;
    if (d->now >= d->pause.disk_until) /* what was under way when it was full shows nothing */
        disk_has_room(d, "stores can be written again");
}

/* ---- workers ---- */

void pause_worker_failed(struct dispatch *d, struct job_progress *p, const char *reason)
{
    if (++p->worker_troubles >= FAILURES) {
        task_fail_job(d, p->job, reason);
        return;
    }
    wait_for(d, p, "a worker could not run it: %s; tried again by another", reason);
    pause_job(d, p, p->worker_troubles);
}

/* ---- the end of a full disk ---- */

static int anything_waits(struct dispatch *d, bool *ret)
{
    int64_t job;
    *ret = true;
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (s->n_tasks > 0)
            return 0;
    if (closing_waits(d))
        return 0;
    int r = queue_next_job(d->queue, 0, &job, NULL);
    *ret = r != QUEUE_NO_SUCH || d->pause.jobs.n > 0;
    return r < 0 ? r : 0;
}

int pause_settle(struct dispatch *d)
{
    bool waits = true;
    int r = d->pause.disk_full[0] ? anything_waits(d, &waits) : 0;
    if (!waits)
        disk_has_room(d, "the disk was full; nothing waits for room now");
    return r;
}

bool dispatch_ready(const struct dispatch *d, const char **ret_reason)
{
    if (d->pause.disk_full[0])
        *ret_reason = d->pause.disk_full;
    return !d->pause.disk_full[0];
}
