/* SPDX-License-Identifier: Apache-2.0 */
#include "turn.h"

#include "base/log.h"
#include "base/loop.h"
#include "dispatch/dispatch.h"
#include "http/http.h"
#include "library/offers.h"
#include "model/registry.h"
#include "pool/pool.h"
#include "queue/queue.h"
#include "remover.h"
#include "simlabd.h"
#include "store/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LOCKED_MS = 1500, /* so long may another program hold the database before it is said */
    PIN_MS = 1500,    /* from one try to the next */
};

static void wait_for_store(struct simlabd *d, const struct queue_job *j, const char *why)
{
    char text[1200];
    snprintf(text, sizeof text, "%.1100s; it goes on when that is put back", why);
    if (!j->waiting || strcmp(j->waiting, text) != 0)
        log_error("job %" PRId64 " waits: %s", j->id, why);
    queue_set_waiting(d->queue, j->id, text);
}

/* 0; STORE_CONFLICT; -ENOENT where it is away; another negative errno. */
static int mark_store(struct simlabd *d, const struct queue_job *j, struct error *e)
{
    struct stat st;
    char owner[QUEUE_OWNER_SIZE];
    if (lstat(j->store, &st) < 0 || !S_ISDIR(st.st_mode))
        return error_set(e, -ENOENT, NULL, "the store has vanished: %s", j->store);
    return store_claim_again(j->store, queue_owner(d->queue, j->id, owner), e);
}

/* A store that a former version began has no mark yet of whose it is; while it is away, it cannot
 * get one. One that is another's is for the worker to find. */
static bool may_go_on(void *simlabd, int64_t job)
{
    struct simlabd *d = simlabd;
    struct queue_outline outline;
    struct queue_job j = {0};
    struct error e = {.message = ""};
    int r = queue_outline(d->queue, job, &outline, &e);
    bool is_begun = r == 0 && outline.layouts > 0;
    if (is_begun)
        r = queue_job(d->queue, job, &j, &e);
    bool is_read = is_begun && r == 0;
    if (is_read)
        r = mark_store(d, &j, &e);
    if (is_read && r < 0)
        wait_for_store(d, &j, e.message);
    else if (r != 0)
        log_error("job %" PRId64 ": %s", job, e.message);
    queue_job_clear(&j);
    return r >= 0;
}

/* Jobs of a former version have no contents of libraries: they get all that there are now. */
static int64_t pin_unpinned(struct simlabd *d)
{
    const struct registry *registry = offers_registry(d->offers);
    json_t *libraries = json_object();
    for (size_t i = 0; i < registry_n_libraries(registry); i++) {
        const struct library *l = registry_library_at(registry, i);
        json_object_set_new(libraries, l->name, json_string(l->hash));
    }
    bool all = false;
    int r = queue_pin_unpinned(d->queue, libraries, may_go_on, d, &all, NULL);
    d->are_pinned = r == 0 && all;
    json_decref(libraries);
    return d->are_pinned ? INT64_MAX : loop_now() + PIN_MS;
}

static int64_t tick_http(void *simlabd, int64_t now)
{
    return http_tick(((struct simlabd *)simlabd)->http, now);
}

static int64_t tick_pool(void *simlabd, int64_t now)
{
    return pool_local.tick(((struct simlabd *)simlabd)->pool, now);
}

static int64_t tick_dispatch(void *simlabd, int64_t now)
{
    return dispatch_tick(((struct simlabd *)simlabd)->dispatch, now);
}

static int64_t tick_commit(void *simlabd, int64_t now)
{
    (void)now;
    struct simlabd *d = simlabd;
    d->committed = queue_commit(d->queue, &d->failure);
    return INT64_MAX;
}

static int64_t tick_remover(void *simlabd, int64_t now)
{
    struct simlabd *d = simlabd;
    return d->committed == 0 ? remover_tick(d->remover, now) : INT64_MAX;
}

static int64_t flush_dispatch(void *simlabd, int64_t now)
{
    (void)now;
    struct simlabd *d = simlabd;
    if (d->committed != 0)
        dispatch_rollback(d->dispatch);
    else
        dispatch_flush(d->dispatch);
    return INT64_MAX;
}

static int64_t flush_http(void *simlabd, int64_t now)
{
    (void)now;
    struct simlabd *d = simlabd;
    return http_flush(d->http, d->committed != 0 ? &d->failure : NULL);
}

static int64_t tick_queue(void *simlabd, int64_t now)
{
    return queue_tick(((struct simlabd *)simlabd)->queue, now);
}

/* Says once that the database fails, and once that it works again. A lock is often short. */
static int64_t watch_database(void *simlabd, int64_t now)
{
    struct simlabd *d = simlabd;
    bool is_told = d->database_trouble.is_told;
    int r = queue_health(d->queue, &d->database_trouble.why);
    if (r == 0) {
        if (is_told)
            log_info("the database works again");
        d->database_trouble.since = 0;
        d->database_trouble.is_told = false;
        return INT64_MAX;
    }
    if (d->database_trouble.since == 0)
        d->database_trouble.since = now;
    int64_t due = r == -EBUSY ? d->database_trouble.since + LOCKED_MS : now;
    if (is_told || now < due)
        return is_told ? INT64_MAX : due;
    d->database_trouble.is_told = true;
    log_error("nothing is stored until it works again: %s", d->database_trouble.why.message);
    return INT64_MAX;
}

static int64_t tick_offers(void *simlabd, int64_t now)
{
    struct simlabd *d = simlabd;
    int64_t due = offers_tick(d->offers, now);
    if (d->are_pinned || !offers_are_known(d->offers))
        return due;
    if (now >= d->pin_due)
        d->pin_due = pin_unpinned(d);
    return due < d->pin_due ? due : d->pin_due;
}

/* Ready is who can tell what there is; but a library that hangs keeps nobody waiting for long. */
static int64_t tick_announcement(void *simlabd, int64_t now)
{
    struct simlabd *d = simlabd;
    if (d->is_announced)
        return INT64_MAX;
    if (!offers_are_known(d->offers) && now < d->announced_by)
        return d->announced_by;
    service_notify(&d->service, "READY=1\nSTATUS=Running");
    d->is_announced = true;
    return INT64_MAX;
}

static int64_t tick_service(void *simlabd, int64_t now)
{
    return service_tick(&((struct simlabd *)simlabd)->service, now);
}

static int64_t tick_leave(void *simlabd, int64_t now)
{
    struct simlabd *d = simlabd;
    if (d->leave_by == 0)
        return INT64_MAX;
    if (now >= d->leave_by)
        log_warning("some did not write a checkpoint in time");
    if (now >= d->leave_by || dispatch_has_left(d->dispatch))
        loop_stop(d->loop);
    return d->leave_by;
}

void turn_add_ticks(struct simlabd *d)
{
    static const loop_tick_fn ticks[] = {
        tick_offers,  tick_http,         tick_pool,  tick_dispatch, tick_commit,
        tick_remover, flush_dispatch,    flush_http, tick_queue,    watch_database,
        tick_service, tick_announcement, tick_leave};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++)
        loop_add_tick(d->loop, ticks[i], d);
}
