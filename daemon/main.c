/* SPDX-License-Identifier: Apache-2.0 */
/* simlabd: options, state, libraries, queue, workers, HTTP, then the loop. */
#include "base/aside.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "dispatch/dispatch.h"
#include "http/http.h"
#include "library/check.h"
#include "library/offers.h"
#include "library/snapshot.h"
#include "links.h"
#include "pool/planner.h"
#include "pool/pool.h"
#include "proto/api.h"
#include "queue/queue.h"
#include "remover.h"
#include "simlabd.h"
#include "store/fence.h"
#include "turn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    LEAVE_MS = 10000,    /* so long may workers take to save what they run */
    ASIDE_THREADS = 2,   /* for what takes long */
    ANNOUNCED_MS = 30000 /* so long may libraries take to be described before we are ready */
};

/* ---- signals ---- */

/* Who is asked twice does not wait. */
static void begin_stop(struct simlabd *d)
{
    bool waits = d->leave_by == 0 && d->dispatch && dispatch_leave(d->dispatch) > 0;
    if (!waits) {
        loop_stop(d->loop);
        return;
    }
    d->leave_by = loop_now() + LEAVE_MS;
    loop_due(d->loop, d->leave_by);
    service_notify(&d->service, "STOPPING=1\nSTATUS=Waiting for checkpoints");
}

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
            begin_stop(d);
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
        r = state_directory_make_directory(c->checksums, true, e);
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

static int open_loop(struct simlabd *d, struct error *e)
{
    int r = loop_new(&d->loop);
    if (r == 0)
        r = open_signals(d);
    if (r == 0)
        r = aside_new(d->loop, ASIDE_THREADS, &d->aside);
    return error_errno(e, r, "start the loop");
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
                                    .aside = d->aside,
                                    .accept_loss = c->accept_loss,
                                    .sightings = d->left.sightings,
                                    .n_sightings = d->left.n,
                                    .all_seen = !d->left.is_unknown,
                                    .is_dead = pool_local.gave,
                                    .backoff_ms = c->backoff,
                                    .backoff_max_ms = c->backoff_max};
    int r = queue_open(&o, &d->queue, e);
    if (r == 0 && queue_loss(d->queue))
        log_warning("%s", queue_loss(d->queue));
    else if (r == 0 && c->accept_loss)
        log_warning("nothing is lost: --accept-loss is not needed");
    return r;
}

static int open_remover(struct simlabd *d, struct error *e)
{
    (void)e;
    d->remover = remover_new(d->queue, d->aside, d->config.checksums);
    return 0;
}

/* Its job waits where that is not possible. */
static int fence_lease(struct simlabd *d, int64_t job, int64_t lease, struct error *e)
{
    char owner[QUEUE_OWNER_SIZE], text[1200];
    struct queue_job j = {0};
    struct error why = {.message = ""};
    int r = queue_job(d->queue, job, &j, e);
    if (r != 0)
        return r < 0 ? r : 0;
    if (store_fence_off(j.store, queue_owner(d->queue, job, owner), lease, &why) >= 0) {
        r = queue_fenced(d->queue, job, lease, e);
    } else {
        snprintf(text, sizeof text,
                 "a worker of the former daemon may still write to its store, and cannot be fenced "
                 "off: %s; tried again at the next start",
                 why.message);
        log_error("job %lld: %s", (long long)job, text);
        queue_hold(d->queue, job, true);
        queue_set_waiting(d->queue, job, text);
    }
    queue_job_clear(&j);
    return r;
}

/* Workers that no pool of ours started may have outlived the former daemon: nothing is leased
 * before their leases are fenced off. */
static int fence_left(struct simlabd *d, struct error *e)
{
    int64_t job, lease = 0;
    int r;
    while ((r = queue_next_fence(d->queue, lease, &job, &lease, e)) == 0) {
        r = fence_lease(d, job, lease, e);
        if (r < 0)
            return r;
    }
    return r < 0 ? r : queue_commit(d->queue, e);
}

static int start(struct simlabd *d, struct error *e)
{
    static const step_fn steps[] = {open_state,          make_directories, check_worker,
                                    open_loop,           links_open_pool,  open_queue,
                                    fence_left,          open_remover,     links_open_libraries,
                                    links_open_dispatch, links_open_http,  announce};
    int r = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && r == 0; i++)
        r = steps[i](d, e);
    if (r == 0)
        turn_add_ticks(d);
    return error_explain(e, r, "start");
}

/* ---- stop ---- */

static void stop(struct simlabd *d)
{
    struct error e = {.message = ""};
    d->stopping = true;
    service_notify(&d->service, "STOPPING=1\nSTATUS=Stopping");
    d->http = http_free(d->http);
    d->planner = planner_close(d->planner);
    if (d->pool)
        d->pool = pool_local.close(d->pool);
    d->aside = aside_free(d->aside);
    d->remover = remover_free(d->remover);
    if (d->dispatch) { /* else another daemon may have kept us from that socket */
        d->dispatch = dispatch_free(d->dispatch);
        state_directory_remove_run(d->config.endpoint);
    }
    d->offers = offers_close(d->offers);
    environments_clear(&d->environments);
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
        r = check_libraries((const char *const *)d->config.processes, d->config.worker,
                            (const char *const *)d->config.describing, &registry, e);
    if (r != 0)
        return r;
    snapshot_log_contents(NULL, registry);
    snapshot_log_left_out(NULL, registry);
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
