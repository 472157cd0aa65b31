/* SPDX-License-Identifier: Apache-2.0 */
/* simlabd: options, state, libraries, queue, workers, HTTP, then the loop. */
#include "base/aside.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "config.h"
#include "dispatch/dispatch.h"
#include "http/http.h"
#include "library/check.h"
#include "library/offers.h"
#include "library/snapshot.h"
#include "pool/pool.h"
#include "proto/api.h"
#include "proto/where.h"
#include "queue/queue.h"
#include "service.h"
#include "state_directory.h"
#include "store/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    HEARTBEAT_MS = 1000,
    LEASE_MS = 15000,
    WITHOUT_WORKER_MS = 3000, /* are no trouble yet */
    ASIDE_THREADS = 2,        /* for what takes long */
    LOCKED_MS = 1500,         /* so long may another program hold the database before it is said */
    ANNOUNCED_MS = 30000      /* so long may libraries take to be described before we are ready */
};
#define LEASE_SECONDS 1.0

struct simlabd {
    struct config config;
    struct service service;
    struct state_directory state;
    struct offers *offers; /* of libraries */
    bool is_announced, are_pinned;
    int64_t announced_by;
    struct queue *queue;
    struct loop *loop;
    struct aside *aside;
    struct dispatch *dispatch;
    struct pool *pool;
    struct http *http;
    int signals;
    bool stopping;
    struct { /* workers of the former daemon */
        struct queue_sighting *sightings;
        size_t n;
        bool is_unknown; /* what one of them was at */
    } left;
    char workerless[1024]; /* why no worker is ready */
    int committed;         /* result of this turn's commit, with words */
    struct error failure;
    struct {
        int64_t since; /* loop_now; 0: it works */
        bool is_told;
        struct error why;
    } database_trouble;
};

/* ---- what the modules ask of one another, through here ---- */

static void kill_worker(void *simlabd, const char *worker)
{
    struct simlabd *d = simlabd;
    if (d->pool)
        pool_local.kill(d->pool, worker);
}

static void worker_ready(void *simlabd, const char *worker)
{
    struct simlabd *d = simlabd;
    if (d->pool)
        pool_local.ready(d->pool, worker);
}

/* Workers that we end ourselves did nothing wrong: their leases end when the queue is opened. */
static void worker_died(void *simlabd, const char *worker, const struct pool_death *death)
{
    struct simlabd *d = simlabd;
    const struct dispatch_death what = {.reason = death->reason,
                                        .is_blameless = death->at.is_silent,
                                        .lease = death->at.lease,
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

static int libraries_needed(void *simlabd, json_t *hashes)
{
    return queue_needed_libraries(((struct simlabd *)simlabd)->queue, hashes, NULL);
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
    d->are_pinned = queue_pin_unpinned(d->queue, libraries, NULL) == 0;
    json_decref(libraries);
    return d->are_pinned ? INT64_MAX : loop_now() + LOCKED_MS;
}

/* ---- a turn of the loop: sockets, commit, answers ---- */

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
    int64_t pin_due = pin_unpinned(d);
    return due < pin_due ? due : pin_due;
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

static void add_ticks(struct simlabd *d)
{
    static const loop_tick_fn ticks[] = {
        tick_offers, tick_http,  tick_pool,      tick_dispatch, tick_commit,      flush_dispatch,
        flush_http,  tick_queue, watch_database, tick_service,  tick_announcement};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++)
        loop_add_tick(d->loop, ticks[i], d);
}

/* ---- signals ---- */

static void on_signal(void *simlabd, uint32_t events)
{
    (void)events;
    struct simlabd *d = simlabd;
    struct signalfd_siginfo info;
    while (read(d->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) /* the pool's tick reaps */
            continue;
        bool is_hangup = info.ssi_signo == SIGHUP;
        log_info("%s: %s", strsignal((int)info.ssi_signo),
                 is_hangup ? "looking for process libraries" : "stopping");
        if (is_hangup)
            offers_rescan(d->offers);
        else
            loop_stop(d->loop);
    }
}

static int open_signals(struct simlabd *d)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write that fails */
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (d->signals < 0)
        return -errno;
    return loop_add_fd(d->loop, d->signals, EPOLLIN, on_signal, d);
}

/* ---- start, in the order in which things need one another ---- */

static int make_directories(struct simlabd *d, struct error *e)
{
    const struct config *c = &d->config;
    int r = state_directory_make_run(c->endpoint, e);
    if (r == 0)
        r = state_directory_make_directory(c->uploads, true, e);
    if (r == 0)
        r = state_directory_make_directory(c->texts, true, e);
    if (r == 0)
        r = state_directory_make_directory(c->scratch, true, e);
    if (r == 0)
        r = file_make_directories(c->store_root);
    if (r < 0 && !*e->message)
        error_set(e, r, NULL, "cannot make the store root, %s: %s", c->store_root, strerror(-r));
    return r;
}

static int check_worker(struct simlabd *d, struct error *e)
{
    if (access(d->config.worker, X_OK) == 0)
        return 0;
    return error_set(e, -errno, NULL, "cannot run %s, which runs the simulations: %s",
                     d->config.worker, strerror(errno));
}

static int open_libraries(struct simlabd *d, struct error *e)
{
    const struct offers_options o = {.directories = (const char *const *)d->config.processes,
                                     .root = d->config.libraries,
                                     .program = d->config.worker,
                                     .changed = libraries_changed,
                                     .needed = libraries_needed,
                                     .userdata = d};
    return offers_open(d->loop, &o, &d->offers, e);
}

static int open_loop(struct simlabd *d, struct error *e)
{
    int r = loop_new(&d->loop);
    if (r == 0)
        r = open_signals(d);
    if (r == 0)
        r = aside_new(d->loop, ASIDE_THREADS, &d->aside);
    return error_errno(e, r, "start the loop");
}

static int open_dispatch(struct simlabd *d, struct error *e)
{
    const struct dispatch_options o = {.endpoint = d->config.endpoint,
                                       .heartbeat_ms = HEARTBEAT_MS,
                                       .lease_ms = LEASE_MS,
                                       .lease_seconds = LEASE_SECONDS,
                                       .kill = kill_worker,
                                       .ready = worker_ready,
                                       .userdata = d,
                                       .release_store = store_release,
                                       .aside = d->aside};
    return dispatch_new(d->loop, d->queue, &o, &d->dispatch, e);
}

static int open_pool(struct simlabd *d, struct error *e)
{
    const struct config *c = &d->config;
    const struct pool_options o = {.program = c->worker,
                                   .endpoint = c->endpoint,
                                   .size = (int)c->workers,
                                   .scratch = c->scratch,
                                   .libraries = c->libraries,
                                   .uploads = c->uploads,
                                   .left = worker_was_left,
                                   .before_start = worker_starts};
    return pool_local.open(d->loop, &o, worker_died, d, &d->pool, e);
}

static int open_http(struct simlabd *d, struct error *e)
{
    const struct config *c = &d->config;
    const struct http_options o = {.listen = (const char *const *)c->listen,
                                   .listen_also = (const char *const *)c->listen_also,
                                   .listen_own = c->listen_own,
                                   .token = d->state.token,
                                   .store_root = c->store_root,
                                   .uploads = c->uploads,
                                   .max_body = (size_t)c->max_body,
                                   .workers = list_workers,
                                   .ready = is_ready,
                                   .libraries_known = libraries_known,
                                   .userdata = d};
    return http_new(d->loop, d->queue, offers_registry(d->offers), &o, &d->http, e);
}

static int announce(struct simlabd *d, struct error *e)
{
    struct buffer text = {0};
    int r = 0;
    for (const char *const *a = http_addresses(d->http); *a; a++) {
        log_info("listening on %s", *a);
        buffer_printf(&text, "%s\n", *a);
    }
    if (d->config.port_file) {
        char *temporary = mem_printf("%s.partial", d->config.port_file);
        r = file_replace(d->config.port_file, temporary, text.data, text.size, 0644,
                         FILE_SYNC_NONE);
        free(temporary);
    }
    buffer_free(&text);
    d->announced_by = loop_now() + ANNOUNCED_MS;
    return error_errno(e, r, "write the port file");
}

/* 0, or what the module said, with words. */
typedef int (*step_fn)(struct simlabd *d, struct error *e);

static int open_state(struct simlabd *d, struct error *e)
{
    return state_directory_open(d->config.state, &d->state, e);
}

static int open_queue(struct simlabd *d, struct error *e)
{
    const struct config *c = &d->config;
    const struct queue_options o = {.path = c->database,
                                    .root = c->store_root,
                                    .texts = c->texts,
                                    .witness = c->witness,
                                    .accept_loss = c->accept_loss,
                                    .sightings = d->left.sightings,
                                    .n_sightings = d->left.n,
                                    .all_seen = !d->left.is_unknown};
    int r = queue_open(&o, &d->queue, e);
    if (r == 0 && queue_loss(d->queue))
        log_warning("%s", queue_loss(d->queue));
    else if (r == 0 && c->accept_loss)
        log_warning("nothing is lost: --accept-loss is not needed");
    return r;
}

static int start(struct simlabd *d, struct error *e)
{
    static const step_fn steps[] = {open_state, make_directories, check_worker,   open_loop,
                                    open_pool,  open_queue,       open_libraries, open_dispatch,
                                    open_http,  announce};
    int r = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && r == 0; i++)
        r = steps[i](d, e);
    if (r == 0)
        add_ticks(d);
    return error_explain(e, r, "start");
}

/* ---- stop ---- */

static void stop(struct simlabd *d)
{
    struct error e = {.message = ""};
    d->stopping = true;
    service_notify(&d->service, "STOPPING=1\nSTATUS=Stopping");
    d->http = http_free(d->http);
    if (d->pool)
        d->pool = pool_local.close(d->pool);
    d->aside = aside_free(d->aside);
    if (d->dispatch) { /* else another daemon may have kept us from that socket */
        d->dispatch = dispatch_free(d->dispatch);
        state_directory_remove_run(d->config.endpoint);
    }
    d->offers = offers_close(d->offers);
    if (d->queue && queue_stop(d->queue, &e) != 0)
        log_error("%s", e.message);
    d->queue = queue_close(d->queue);
    d->loop = loop_free(d->loop);
    if (d->signals >= 0)
        close(d->signals);
    free(d->left.sightings);
    state_directory_close(&d->state);
    service_close(&d->service);
}

static int check(struct simlabd *d, struct error *e)
{
    struct registry *registry = NULL;
    int r = check_worker(d, e);
    if (r == 0)
        r = check_libraries((const char *const *)d->config.processes, d->config.worker, &registry,
                            e);
    if (r != 0)
        return r;
    snapshot_log(NULL, registry);
    for (size_t i = 0; i < registry_size(registry); i++)
        printf("%s\n", registry_at(registry, i)->name);
    size_t n = json_array_size(registry_left_out(registry));
    if (n > 0)
        r = error_set(e, LIBRARY_REFUSED, NULL, "%zu libraries or types are left out", n);
    registry_unref(registry);
    return r;
}

static int serve(struct simlabd *d, struct error *e)
{
    service_raise_limits();
    service_open(&d->service);
    int r = error_errno(e, log_start(), "start the log");
    if (r == 0)
        r = start(d, e);
    if (r == 0)
        r = error_errno(e, loop_run(d->loop), "run the loop");
    return r;
}

int main(int argc, char **argv)
{
    struct simlabd d = {.signals = -1, .state = {.lock = -1}};
    struct error e = {.message = ""};
    file_open_standard();
    log_open("simlabd", LOG_LEVEL_INFO);
    int r = config_parse(&d.config, argc, argv, &e);
    if (r == 0 && (d.config.help || d.config.version)) {
        if (d.config.help)
            config_help(stdout);
        else
            printf("simlabd %s\n", SIMLAB_VERSION);
        config_free(&d.config);
        return API_EXIT_OK;
    }
    if (r == 0)
        r = config_complete(&d.config, &e);
    if (r != 0) {
        log_error("%s", e.message);
        config_free(&d.config);
        return API_EXIT_USAGE;
    }
    log_open("simlabd", (enum log_level)d.config.log_level);
    r = d.config.check ? check(&d, &e) : serve(&d, &e);
    stop(&d);
    if (r != 0)
        log_error("%s", e.message);
    log_stop();
    config_free(&d.config);
    return r == 0 ? API_EXIT_OK : API_EXIT_UNREACHABLE;
}
