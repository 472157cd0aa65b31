/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that is silent, and that nobody can kill and see dead, may go on at any time. Its leases
 * are fenced off in their stores, beside the loop, before they end: so whoever gets their members
 * next never meets it. */
#include "base/aside.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_MS = 1000 };

struct fencing {
    struct dispatch *dispatch;
    int (*fence)(const char *path, const char *owner, int64_t lease, struct error *e);
    struct queue_lease lease;
    char *worker, *store, owner[QUEUE_OWNER_SIZE];
    int result;
    struct error e;
};

static void work(void *fencing)
{
    struct fencing *f = fencing;
    f->result = f->fence(f->store, f->owner, f->lease.id, &f->e);
}

static struct worker_session *find_session(const struct dispatch *d, const char *name)
{
    struct worker_session *s = d->sessions;
    while (s && strcmp(s->name, name) != 0)
        s = s->next;
    return s;
}

/* A store that another has taken is none that the lease may write to. */
static void done(void *fencing)
{
    struct fencing *f = fencing;
    struct dispatch *d = f->dispatch;
    struct worker_session *s = find_session(d, f->worker);
    if (f->result < 0)
        log_warning("worker %s may live, and its lease %" PRId64 " cannot be fenced off: %s",
                    f->worker, f->lease.id, f->e.message);
    else
        reports_add(&d->reports, &(struct report){REPORT_FENCED, .lease = f->lease});
    if (s) {
        if (f->result < 0)
            s->fence_due = d->now + AGAIN_MS;
        s->n_fencing--;
        s->is_gone = s->n_fencing == 0 && s->fence_due == 0;
    }
    router_wake(d->router);
    free(f->worker);
    free(f->store);
    free(f);
}

static void fence_lease(struct dispatch *d, struct worker_session *s, const struct task *t)
{
    struct queue_job j = {0};
    int r = queue_job(d->queue, t->lease.job, &j, NULL);
    if (r != 0) {
        if (r < 0)
            s->fence_due = d->now + AGAIN_MS;
        return;
    }
    struct fencing *f = mem_new(sizeof *f);
    f->dispatch = d;
    f->fence = d->options.fence_store;
    f->lease = t->lease;
    f->worker = mem_strdup(s->name);
    f->store = mem_strdup(j.store);
    queue_owner(d->queue, t->lease.job, f->owner);
    queue_job_clear(&j);
    s->n_fencing++;
    if (d->options.aside) {
        aside_run(d->options.aside, work, done, f);
        return;
    }
    work(f);
    done(f);
}

void fences_begin(struct dispatch *d, struct worker_session *s)
{
    s->fence_due = 0;
    if (s->state != SESSION_STOPPING)
        worker_session_move(s, SESSION_STOPPING);
    for (int i = 0; i < s->n_tasks && d->options.fence_store; i++)
        if (!s->tasks[i].is_finish && !s->tasks[i].is_help && s->tasks[i].is_sent)
            fence_lease(d, s, &s->tasks[i]);
    s->is_gone = s->n_fencing == 0 && s->fence_due == 0;
}

void fences_tick(struct dispatch *d)
{
    for (struct worker_session *s = d->sessions; s; s = s->next)
        if (!s->is_gone && s->n_fencing == 0 && s->fence_due > 0 && s->fence_due <= d->now)
            fences_begin(d, s);
}
