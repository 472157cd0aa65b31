/* SPDX-License-Identifier: Apache-2.0 */
#include "remover.h"

#include "base/aside.h"
#include "base/errors.h"
#include "base/file.h"
#include "base/id_list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "model/job.h"
#include "queue/queue.h"
#include "store/origin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RETRY_MS = 60000, DATABASE_MS = 1000 };

struct remover {
    struct queue *queue;
    struct aside *aside;
    const char *checksums;
    struct queue_removal removal; /* under way; `job` 0: none is */
    bool is_aside;                /* its files are being removed; then its rows go */
    struct id_list failed;        /* jobs that could not be removed … */
    int64_t retry_at;             /* … and when these are tried again */
    int result;
    struct error e;
};

/* ---- files, on a thread ---- */

/* What holds another thing is no store of ours. */
static int check_is_its_own(const struct queue_removal *m, struct error *e)
{
    struct store *s;
    int r = store_open(m->store, STORE_READ, &s, e);
    if (r == STORE_NO_SUCH) {
        error_clear(e);
        if (rmdir(m->store) == 0 || errno == ENOENT)
            return 0;
        return error_set(e, STORE_CONFLICT, NULL, "what stands at %.500s is no store: %s", m->store,
                         strerror(errno));
    }
    if (r == 0) {
        r = origin_check(s, m->model_hash, true, e);
        store_close(s);
    }
    if (r == STORE_BROKEN) { /* then nobody else can use it, either */
        error_clear(e);
        r = 0;
    }
    return r;
}

static int remove_tree(const char *path, struct error *e)
{
    int r = file_remove_tree(path);
    if (r == 0)
        r = file_sync_parent(path);
    return r == 0 || r == -ENOENT
               ? 0
               : error_set(e, r, NULL, "cannot remove %.500s: %s", path, strerror(-r));
}

/* A name beside it that no store has. */
static char *name_aside(const struct queue_removal *m)
{
    const char *slash = strrchr(m->store, '/');
    return mem_printf("%.*s.%s.%" PRId64 ".removed", (int)(slash + 1 - m->store), m->store,
                      slash + 1, m->job);
}

/* Set aside whole first: half of it would not be known as its own after a restart. */
static int set_aside(const struct queue_removal *m, const char *aside, struct error *e)
{
    char *checkpoints = mem_printf("%s" JOB_KEPT_SUFFIX, m->store);
    int r = check_is_its_own(m, e);
    if (r == 0)
        r = remove_tree(checkpoints, e);
    if (r == 0 && rename(m->store, aside) < 0 && errno != ENOENT)
        r = error_set(e, -errno, NULL, "cannot rename %.500s: %s", m->store, strerror(errno));
    free(checkpoints);
    return r;
}

static int remove_store(const struct queue_removal *m, struct error *e)
{
    char *aside = name_aside(m);
    int r = remove_tree(aside, e); /* what a former daemon began */
    if (r == 0 && !m->is_anothers)
        r = set_aside(m, aside, e);
    if (r == 0)
        r = remove_tree(aside, e);
    free(aside);
    return r;
}

static void work(void *remover)
{
    struct remover *r = remover;
    char *checksums = mem_printf("%s/%" PRId64, r->checksums, r->removal.job);
    error_clear(&r->e);
    r->result = r->removal.store ? remove_store(&r->removal, &r->e) : 0;
    if (r->result == 0)
        r->result = remove_tree(checksums, &r->e);
    free(checksums);
}

static void done(void *remover)
{
    struct remover *r = remover;
    r->is_aside = false;
    if (r->result == 0)
        return;
    log_warning("job %" PRId64 " cannot be removed: %s; it is tried again", r->removal.job,
                r->e.message);
    id_list_add(&r->failed, r->removal.job);
    r->retry_at = loop_now() + RETRY_MS;
    queue_removal_clear(&r->removal);
}

/* ---- one after the other ---- */

/* The first that has not failed; QUEUE_NO_SUCH. */
static int find_next(struct remover *r)
{
    int64_t after = 0;
    int found;
    while ((found = queue_next_removal(r->queue, after, &r->removal, NULL)) == 0 &&
           id_list_has(&r->failed, r->removal.job)) {
        after = r->removal.job;
        queue_removal_clear(&r->removal);
    }
    return found;
}

static int64_t begin_next(struct remover *r, int64_t now)
{
    bool is_retry = r->failed.n > 0 && now >= r->retry_at;
    if (!is_retry && !queue_has_removals(r->queue))
        return r->failed.n > 0 ? r->retry_at : INT64_MAX;
    if (is_retry)
        id_list_free(&r->failed);
    int found = find_next(r);
    if (found < 0)
        return now + DATABASE_MS;
    if (found != 0)
        return r->failed.n > 0 ? r->retry_at : INT64_MAX;
    r->is_aside = true;
    aside_run(r->aside, work, done, r);
    return INT64_MAX;
}

int64_t remover_tick(struct remover *r, int64_t now)
{
    bool more = false;
    if (r->is_aside)
        return INT64_MAX;
    if (r->removal.job == 0)
        return begin_next(r, now);
    if (queue_forget(r->queue, r->removal.job, &more, NULL) != 0)
        return now + DATABASE_MS;
    if (!more) {
        log_info("job %" PRId64 " is removed", r->removal.job);
        queue_removal_clear(&r->removal);
    }
    return now;
}

/* ---- life ---- */

struct remover *remover_new(struct queue *q, struct aside *aside, const char *checksums)
{
    struct remover *r = mem_new(sizeof *r);
    *r = (struct remover){.queue = q, .aside = aside, .checksums = checksums};
    return r;
}

struct remover *remover_free(struct remover *r)
{
    if (r) {
        id_list_free(&r->failed);
        queue_removal_clear(&r->removal);
    }
    free(r);
    return NULL;
}
