/* SPDX-License-Identifier: Apache-2.0 */
/* The locks of jobs that have ended (STORE.sync, one file a chunk) are removed beside the loop,
 * once the end is committed and the last lease is gone; at the start, those that a former daemon
 * left. */
#include "base/aside.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum { AT_ONCE = 2 };

struct removal {
    struct dispatch *dispatch;
    int (*release)(void *userdata, int64_t job, const char *path, const char *owner,
                   struct error *e);
    int64_t job;
    char *store, owner[QUEUE_OWNER_SIZE];
    int result;
    struct error e;
};

static void work(void *removal)
{
    struct removal *m = removal;
    m->result = m->release(m->dispatch->options.userdata, m->job, m->store, m->owner, &m->e);
}

static void done(void *removal)
{
    struct removal *m = removal;
    struct dispatch *d = m->dispatch;
    if (m->result != 0)
        log_warning("job %" PRId64 ": its locks beside %s are left: %s", m->job, m->store,
                    m->e.message);
    /* What another has taken is none of ours; the rest is tried again by the next daemon. */
    if (m->result >= 0 && queue_sync_removed(d->queue, m->job, NULL) == 0)
        id_list_remove(&d->locks.jobs, m->job);
    d->locks.running--;
    d->locks.is_due = true;
    free(m->store);
    free(m);
}

static void begin(struct dispatch *d, int64_t job)
{
    struct queue_job j = {0};
    if (queue_job(d->queue, job, &j, NULL) != 0)
        return;
    struct removal *m = mem_new(sizeof *m);
    m->dispatch = d;
    m->release = d->options.release_store;
    m->job = job;
    m->store = mem_strdup(j.store);
    queue_owner(d->queue, job, m->owner);
    queue_job_clear(&j);
    id_list_add(&d->locks.jobs, job);
    d->locks.running++;
    if (d->options.aside) {
        aside_run(d->options.aside, work, done, m);
        return;
    }
    work(m);
    done(m);
}

static bool is_in_use(const struct dispatch *d, int64_t job)
{
    for (const struct worker_session *s = d->sessions; s; s = s->next)
        if (task_is_of(s, job))
            return true;
    return id_list_has(&d->locks.jobs, job);
}

void locks_remove(struct dispatch *d)
{
    int64_t job = 0;
    if (!d->locks.is_due || !d->options.release_store)
        return;
    while (d->locks.running < AT_ONCE) {
        if (queue_next_sync_left(d->queue, job, &job, NULL) != 0) {
            d->locks.is_due = false;
            return;
        }
        if (!is_in_use(d, job))
            begin(d, job);
    }
}
