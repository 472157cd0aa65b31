/* SPDX-License-Identifier: Apache-2.0 */
#include "links.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/dispatch.h"
#include "http/http.h"
#include "http/problem.h"
#include "library/offers.h"
#include "pool/planner.h"
#include "pool/pool.h"
#include "proto/where.h"
#include "queue/queue.h"
#include "simlabd.h"
#include "store/checksums.h"
#include "store/claim.h"
#include "store/fence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum {
    HEARTBEAT_MS = 1000,
    LEASE_MS = 15000,
    WITHOUT_WORKER_MS = 3000, /* are no trouble yet */
    OWN_DESCRIPTORS = 96,
    WORKER_DESCRIPTORS = 8 /* of ours, for each */
};
#define LEASE_SECONDS 1.0

static void kill_worker(void *simlabd, const char *worker)
{
    struct simlabd *d = simlabd;
    if (d->pool)
        pool_local.kill(d->pool, worker);
}

/* A worker that was started by hand is as good as whoever has the token. */
static enum dispatch_role admit_worker(void *simlabd, const char *worker, const char *secret)
{
    const struct simlabd *d = simlabd;
    if (!pool_local.gave(worker))
        return hash_equal(d->state.token, secret) ? DISPATCH_MEMBERS : DISPATCH_NOBODY;
    enum pool_role role = d->pool ? pool_local.admits(d->pool, worker, secret) : POOL_STRANGER;
    return role == POOL_MEMBERS  ? DISPATCH_MEMBERS
           : role == POOL_CLOSER ? DISPATCH_STORES
                                 : DISPATCH_NOBODY;
}

static void worker_ready(void *simlabd, const char *worker)
{
    struct simlabd *d = simlabd;
    if (d->pool)
        pool_local.ready(d->pool, worker);
}

static void worker_position(void *simlabd, const char *worker, char ret[POSITION_TEXT])
{
    struct simlabd *d = simlabd;
    ret[0] = '\0';
    if (d->pool)
        pool_local.position(d->pool, worker, ret);
}

static enum queue_cause cause_of(const struct pool_death *death)
{
    if (death->is_unseen)
        return QUEUE_CAUSE_SILENCE;
    if (death->was_oom)
        return QUEUE_CAUSE_MEMORY;
    return WIFSIGNALED(death->status) ? QUEUE_CAUSE_SIGNAL : QUEUE_CAUSE_EXIT;
}

/* Workers that we end ourselves did nothing wrong: their leases end when the queue is opened. */
static void worker_died(void *simlabd, const char *worker, const struct pool_death *death)
{
    struct simlabd *d = simlabd;
    const struct dispatch_death what = {.reason = death->reason,
                                        .place = death->place,
                                        .was_killed = death->was_killed,
                                        .is_blameless = death->at.is_silent,
                                        .is_unseen = death->is_unseen,
                                        .cause = cause_of(death),
                                        .lease = death->at.lease,
                                        .member = death->at.member,
                                        .log = death->log,
                                        .chunks = death->at.lease == 0 ? death->at.step : 0};
    if (!d->stopping)
        dispatch_worker_died(d->dispatch, worker, &what);
}

/* It may be what took the former daemon down: the queue judges. */
static void worker_was_left(void *simlabd, const struct where_at *at)
{
    struct simlabd *d = simlabd;
    if (!at) {
        d->left.is_unknown = true;
        return;
    }
    d->left.sightings = mem_resize(d->left.sightings, d->left.n + 1, sizeof *d->left.sightings);
    d->left.sightings[d->left.n++] = (struct queue_sighting){at->job, at->lease, at->member};
    log_info("a worker of the former daemon ended at job %" PRId64 ", member %" PRId64
             ", step %" PRId64,
             at->job, at->member, at->step);
}

/* Somebody may have removed the socket, or its directory. */
static void worker_starts(void *simlabd)
{
    struct simlabd *d = simlabd;
    struct error e = {.message = ""};
    int r = state_directory_make_run(d->config.endpoint, &e);
    if (r == 0)
        r = dispatch_renew_socket(d->dispatch, &e);
    if (r != 0)
        log_error("%s", e.message);
}

static json_t *list_workers(void *simlabd)
{
    return dispatch_workers(((struct simlabd *)simlabd)->dispatch);
}

/* A moment without is no trouble: one starts again when one dies. */
static bool is_without_worker(struct simlabd *d)
{
    const char *why = d->pool ? pool_local.trouble(d->pool) : "";
    if (d->config.workers == 0 || dispatch_without_worker(d->dispatch) < WITHOUT_WORKER_MS)
        return false;
    snprintf(d->workerless, sizeof d->workerless, "no worker is ready%s%s", *why ? ": " : "", why);
    return true;
}

static bool is_ready(void *simlabd, const char **ret_reason)
{
    struct simlabd *d = simlabd;
    if (d->database_trouble.is_told)
        *ret_reason = d->database_trouble.why.message;
    else if (!offers_are_known(d->offers))
        *ret_reason = "process libraries are being described";
    else if (registry_size(offers_registry(d->offers)) == 0)
        *ret_reason = "no process library was found";
    else if (is_without_worker(d))
        *ret_reason = d->workerless;
    else
        return dispatch_ready(d->dispatch, ret_reason);
    return false;
}

static void libraries_changed(void *simlabd)
{
    struct simlabd *d = simlabd;
    if (d->http)
        http_set_registry(d->http, offers_registry(d->offers));
}

static bool libraries_known(void *simlabd)
{
    return offers_are_known(((struct simlabd *)simlabd)->offers);
}

static int libraries_needed(void *simlabd, int64_t *cursor, json_t *hashes)
{
    return queue_needed_libraries(((struct simlabd *)simlabd)->queue, cursor, hashes, NULL);
}

/* ---- modules in Python ---- */

static int push_module(void *simlabd, const json_t *module, http_pushed_fn done, void *task,
                       struct error *e)
{
    return offers_push(((struct simlabd *)simlabd)->offers, module, done, task, e);
}

static int remove_module(void *simlabd, const char *name, const char *environment,
                         http_pushed_fn done, void *task, struct error *e)
{
    return offers_remove(((struct simlabd *)simlabd)->offers, name, environment, done, task, e);
}

static int problem_of_push(int r)
{
    return r <= 0               ? r
           : r == OFFERS_BUSY   ? PROBLEM_BUSY
           : r == OFFERS_TAKEN  ? PROBLEM_CONFLICT
           : r == OFFERS_ABSENT ? PROBLEM_NOT_FOUND
                                : PROBLEM_INVALID;
}

static json_t *list_modules(void *simlabd)
{
    return offers_pushed(((struct simlabd *)simlabd)->offers);
}

/* ---- the modules, with what they ask for ---- */

int links_open_libraries(struct simlabd *d, struct error *e)
{
    environments_find(d->config.python, &d->environments);
    const struct offers_options o = {.directories = (const char *const *)d->config.processes,
                                     .root = d->config.libraries,
                                     .program = d->config.worker,
                                     .describing = (const char *const *)d->config.describing,
                                     .pushed = d->config.pushed,
                                     .environments = &d->environments,
                                     .changed = libraries_changed,
                                     .needed = libraries_needed,
                                     .userdata = d};
    return offers_open(d->loop, &o, &d->offers, e);
}

/* ---- plans ---- */

static int plan_job(void *simlabd, const struct http_plan *what, http_planned_fn done, void *task,
                    void **ret_plan, struct error *e)
{
    struct simlabd *d = simlabd;
    struct plan *plan;
    const struct planner_job job = {what->document, what->libraries, what->from};
    int r = planner_run(d->planner, &job, done, task, &plan, e);
    if (r == 0)
        *ret_plan = plan;
    return r == POOL_BUSY ? (int)PROBLEM_BUSY : r;
}

static void stop_plan(void *plan)
{
    planner_stop(plan);
}

/* On a thread of the aside. */
static int release_store(void *simlabd, int64_t job, const char *path, const char *owner,
                         struct error *e)
{
    const struct simlabd *d = simlabd;
    char *kept = mem_printf("%s/%" PRId64, d->config.checksums, job);
    char *temporary = mem_printf("%s/.%" PRId64 ".partial", d->config.checksums, job);
    int r = store_check_owner(path, owner, NULL) == 0 ? checksums_keep(path, kept, temporary) : 0;
    r = error_errno(e, r, "keep the checksums of its store");
    free(temporary);
    free(kept);
    return r ? r : store_release(path, owner, e);
}

int links_open_dispatch(struct simlabd *d, struct error *e)
{
    const struct dispatch_options o = {.endpoint = d->config.endpoint,
                                       .heartbeat_ms = HEARTBEAT_MS,
                                       .lease_ms = LEASE_MS,
                                       .lease_seconds = LEASE_SECONDS,
                                       .admit = admit_worker,
                                       .kill = kill_worker,
                                       .ready = worker_ready,
                                       .position = worker_position,
                                       .userdata = d,
                                       .release_store = release_store,
                                       .fence_store = store_fence_off,
                                       .aside = d->aside};
    return dispatch_new(d->loop, d->queue, &o, &d->dispatch, e);
}

int links_open_pool(struct simlabd *d, struct error *e)
{
    const struct config *c = &d->config;
    const struct pool_options o = {.program = c->worker,
                                   .sandbox = c->sandbox,
                                   .state = c->state,
                                   .stores = c->store_root,
                                   .writable = (const char *const *)c->writable,
                                   .more = (const char *const *)c->serving,
                                   .tasks = c->worker_tasks,
                                   .memory = (int64_t)c->worker_memory << 20,
                                   .endpoint = c->endpoint,
                                   .size = (int)c->workers,
                                   .closers = 1,
                                   .scratch = c->scratch,
                                   .libraries = c->libraries,
                                   .uploads = c->uploads,
                                   .left = worker_was_left,
                                   .before_start = worker_starts};
    const struct planner_options plans = {.program = c->worker,
                                          .scratch = c->scratch,
                                          .libraries = c->libraries,
                                          .uploads = c->uploads,
                                          .sandbox = c->sandbox,
                                          .state = c->state,
                                          .writable = (const char *const *)c->writable};
    int r = pool_local.open(d->loop, &o, worker_died, d, &d->pool, e);
    return r ? r : planner_open(d->loop, &plans, &d->planner, e);
}

/* Descriptors that are left for clients: a worker has some, and so have the database, libraries,
 * the log, uploads and long documents. */
static unsigned max_connections(const struct config *c)
{
    int64_t taken = OWN_DESCRIPTORS + WORKER_DESCRIPTORS * c->workers;
    int64_t left = service_max_descriptors() - taken;
    return left > 1 ? (unsigned)left : 1;
}

int links_open_http(struct simlabd *d, struct error *e)
{
    const struct config *c = &d->config;
    const struct http_options o = {.listen = (const char *const *)c->listen,
                                   .listen_also = (const char *const *)c->listen_also,
                                   .listen_own = c->listen_own,
                                   .token = d->state.token,
                                   .store_root = c->store_root,
                                   .uploads = c->uploads,
                                   .texts = c->texts,
                                   .checksums = c->checksums,
                                   .max_body = (size_t)c->max_body,
                                   .max_connections = max_connections(c),
                                   .aside = d->aside,
                                   .workers = list_workers,
                                   .ready = is_ready,
                                   .push = c->modules ? push_module : NULL,
                                   .push_problem = problem_of_push,
                                   .remove = remove_module,
                                   .modules = list_modules,
                                   .plan = plan_job,
                                   .stop_plan = stop_plan,
                                   .libraries_known = libraries_known,
                                   .userdata = d};
    return http_new(d->loop, d->queue, offers_registry(d->offers), &o, &d->http, e);
}
