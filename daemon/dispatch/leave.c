/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's end, as far as running members are concerned: those of jobs with checkpoints are
 * asked for one. Others are killed with their workers, which nobody waits for. */
#include "base/json.h"
#include "base/log.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool has_checkpoints(struct dispatch *d, int64_t job)
{
    struct error e = {.message = ""};
    char *text = NULL;
    int r = queue_job_document(d->queue, job, &text, &e);
    json_t *document = r == 0 ? json_read(text, strlen(text), &e) : NULL;
    bool has = json_is_object(json_object_get(document, "checkpoint"));
    json_decref(document);
    free(text);
    return has;
}

/* It runs something that can be saved. */
static bool saves(struct dispatch *d, const struct worker_session *s)
{
    if (s->state != SESSION_BUSY)
        return false;
    for (int i = 0; i < s->n_tasks; i++)
        if (!s->tasks[i].is_finish && !s->tasks[i].is_help &&
            has_checkpoints(d, s->tasks[i].lease.job))
            return true;
    return false;
}

int dispatch_leave(struct dispatch *d)
{
    int n = 0;
    d->is_leaving = true;
    for (struct worker_session *s = d->sessions; s; s = s->next)
        if (saves(d, s)) {
            task_renew(d, s, "the daemon stops");
            n++;
        }
    if (n > 0)
        log_info("waiting for %d %s that %s a checkpoint", n, n == 1 ? "worker" : "workers",
                 n == 1 ? "writes" : "write");
    return n;
}

bool dispatch_has_left(const struct dispatch *d)
{
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (s->state == SESSION_LEAVING && !s->is_gone)
            return false;
    return true;
}
