/* SPDX-License-Identifier: Apache-2.0 */
/* pool_local: workers on this machine. Each place of the pool goes round:
 * empty → running → sweeping → empty. */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/child.h"
#include "pool/pool.h"
#include "pool/workers_lock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

enum place_state {
    PLACE_EMPTY,   /* to be started at `due` */
    PLACE_RUNNING, /* the leader has not been reaped */
    PLACE_SWEEPING /* the leader is dead; some of its descendants may not be */
};

enum {
    PAUSE_MS = 100,       /* after the first failed start; doubles */
    PAUSE_MAX_MS = 10000, /* no longer than this */
    SWEEP_MS = 2,         /* between two looks at what is still dying */
    LEFTOVERS_MS = 10000, /* for workers of a former daemon, and ours at the end, to die */
};

struct place {
    struct pool *pool;
    int number; /* 1, 2, … */
    enum place_state state;
    int64_t due;
    int starts;   /* makes names unique */
    int failures; /* starts in a row that did not get ready */
    bool is_ready;
    char *name;      /* "local-1.7" */
    char *directory; /* its scratch space */
    pid_t pid;
    int pidfd;
    int status;
};

struct pool {
    struct loop *loop;
    pool_death_fn death;
    void *userdata;
    struct workers_lock lock;
    char *scratch;
    char **argv;    /* argv[NAME_AT] is set at each start */
    char **unknown; /* names to be told dead at the next tick, n_unknown of them */
    size_t n_unknown;
    int size;
    struct place places[];
};

enum { NAME_AT = 5 };

/* ---- one place ---- */

static bool is_leader(const void *userdata, pid_t pid)
{
    const struct pool *p = userdata;
    for (int i = 0; i < p->size; i++)
        if (p->places[i].state == PLACE_RUNNING && p->places[i].pid == pid)
            return true;
    return false;
}

static int64_t pause_ms(int failures)
{
    int64_t pause = failures == 0 ? 0 : PAUSE_MS;
    for (int i = 1; i < failures && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

static void place_empty(struct place *w)
{
    w->failures = w->is_ready ? 0 : w->failures + 1;
    w->state = PLACE_EMPTY;
    w->due = loop_now() + pause_ms(w->failures);
}

static void place_died(struct place *w)
{
    char why[64];
    child_status(w->status, why);
    log_warning("worker %s (pid %d): %s", w->name, (int)w->pid, why);
    place_empty(w);
    if (w->failures > 0)
        log_warning("worker %s died before it was ready; the next start in %lld ms", w->name,
                    (long long)pause_ms(w->failures));
    w->pool->death(w->pool->userdata, w->name, w->status);
}

static void place_sweep(struct place *w)
{
    if (child_sweep(w->pid, is_leader, w->pool))
        place_died(w);
}

static void place_end(struct place *w)
{
    loop_remove_fd(w->pool->loop, w->pidfd);
    close(w->pidfd);
    w->pidfd = -1;
    w->status = child_kill(w->pid);
    w->state = PLACE_SWEEPING;
}

static void on_pidfd(void *userdata, uint32_t events)
{
    (void)events;
    struct place *w = userdata;
    place_end(w);
    place_sweep(w);
}

static int place_scratch(struct place *w)
{
    int r = file_remove_tree(w->directory);
    return r < 0 ? r : file_make_directories(w->directory);
}

static int place_fork(struct place *w)
{
    struct pool *p = w->pool;
    p->argv[NAME_AT] = w->name;
    struct child_options o = {.argv = (const char *const *)p->argv,
                              .directory = w->directory,
                              .output = STDERR_FILENO,
                              .error = STDERR_FILENO,
                              .inherit = p->lock.workers};
    int r = place_scratch(w);
    if (r == 0)
        r = child_start(&o, &w->pid, &w->pidfd);
    if (r < 0)
        return r;
    w->state = PLACE_RUNNING;
    r = loop_add_fd(p->loop, w->pidfd, EPOLLIN, on_pidfd, w);
    if (r < 0) {
        close(w->pidfd);
        child_kill(w->pid);
        w->state = PLACE_EMPTY;
    }
    return r;
}

static void place_start(struct place *w)
{
    free(w->name);
    w->name = mem_printf("local-%d.%d", w->number, ++w->starts);
    w->is_ready = false;
    int r = place_fork(w);
    if (r < 0) {
        place_empty(w);
        log_error("cannot start worker %s (%s): %s; again in %lld ms", w->name, w->pool->argv[0],
                  strerror(-r), (long long)pause_ms(w->failures));
    }
}

/* ---- the pool ---- */

static int64_t local_tick(struct pool *p, int64_t now)
{
    int64_t next = INT64_MAX;
    while (p->n_unknown > 0) {
        char *name = p->unknown[--p->n_unknown];
        p->death(p->userdata, name, -1);
        free(name);
    }
    for (int i = 0; i < p->size; i++) {
        struct place *w = &p->places[i];
        if (w->state == PLACE_SWEEPING)
            place_sweep(w);
        if (w->state == PLACE_EMPTY && w->due <= now)
            place_start(w);
        int64_t due = w->state == PLACE_EMPTY      ? w->due
                      : w->state == PLACE_SWEEPING ? now + SWEEP_MS
                                                   : INT64_MAX;
        next = due < next ? due : next;
    }
    return next;
}

static struct place *find(struct pool *p, const char *worker)
{
    for (int i = 0; i < p->size; i++)
        if (p->places[i].state != PLACE_EMPTY && strcmp(p->places[i].name, worker) == 0)
            return &p->places[i];
    return NULL;
}

static void local_ready(struct pool *p, const char *worker)
{
    struct place *w = find(p, worker);
    if (w) {
        w->is_ready = true;
        w->failures = 0;
    }
}

static void local_kill(struct pool *p, const char *worker)
{
    struct place *w = find(p, worker);
    if (!w) {
        p->unknown = mem_resize(p->unknown, p->n_unknown + 1, sizeof *p->unknown);
        p->unknown[p->n_unknown++] = mem_strdup(worker);
    } else if (w->state == PLACE_RUNNING) {
        kill(-w->pid, SIGKILL); /* on_pidfd sees to the rest */
    }
}

static void kill_all(struct pool *p)
{
    for (int i = 0; i < p->size; i++)
        if (p->places[i].state == PLACE_RUNNING)
            kill(-p->places[i].pid, SIGKILL);
    for (int i = 0; i < p->size; i++)
        if (p->places[i].state == PLACE_RUNNING)
            place_end(&p->places[i]);
    int64_t deadline = loop_now() + LEFTOVERS_MS;
    for (int i = 0; i < p->size; i++)
        while (p->places[i].state == PLACE_SWEEPING && loop_now() < deadline &&
               !child_sweep(p->places[i].pid, is_leader, p))
            poll(NULL, 0, SWEEP_MS);
}

static struct pool *local_close(struct pool *p)
{
    if (!p)
        return NULL;
    kill_all(p);
    for (int i = 0; i < p->size; i++) {
        struct place *w = &p->places[i];
        if (w->directory)
            file_remove_tree(w->directory);
        free(w->name);
        free(w->directory);
    }
    for (char **a = p->argv; a && *a; a++)
        if (a - p->argv != NAME_AT)
            free(*a);
    for (size_t i = 0; i < p->n_unknown; i++)
        free(p->unknown[i]);
    free(p->unknown);
    free(p->argv);
    free(p->scratch);
    workers_lock_drop(&p->lock);
    free(p);
    return NULL;
}

/* ---- open ---- */

/* The worker runs in another directory. What does not exist keeps its name, for the worker to
 * complain of. */
static char *absolute(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : mem_strdup(path);
}

static char *absolute_endpoint(const char *endpoint)
{
    if (strncmp(endpoint, "ipc://", 6) != 0 || endpoint[6] == '/' || endpoint[6] == '@')
        return mem_strdup(endpoint);
    char directory[PATH_MAX];
    mem_assert(getcwd(directory, sizeof directory));
    return mem_printf("ipc://%s/%s", directory, endpoint + 6);
}

static char **arguments(const struct pool_options *o)
{
    size_t n_libraries = 0;
    while (o->libraries && o->libraries[n_libraries])
        n_libraries++;
    char **argv = mem_array(NAME_AT + 1 + 2 * n_libraries + 3, sizeof *argv);
    size_t n = 0;
    argv[n++] = absolute(o->program);
    argv[n++] = mem_strdup("serve");
    argv[n++] = mem_strdup("--endpoint");
    argv[n++] = absolute_endpoint(o->endpoint);
    argv[n++] = mem_strdup("--name");
    argv[n++] = ""; /* NAME_AT */
    for (size_t i = 0; i < n_libraries; i++) {
        argv[n++] = mem_strdup("--processes");
        argv[n++] = absolute(o->libraries[i]);
    }
    if (o->uploads) {
        argv[n++] = mem_strdup("--uploads");
        argv[n++] = absolute(o->uploads);
    }
    return argv;
}

static int prepare(struct pool *p, const struct pool_options *o, struct error *e)
{
    if (access(p->argv[0], X_OK) < 0)
        return error_set(e, -errno, NULL, "cannot run the worker program %s: %s", p->argv[0],
                         strerror(errno));
    int r = error_errno(e, file_make_directories(o->scratch), "make the workers' scratch space");
    if (r == 0)
        r = workers_lock_take(o->scratch, LEFTOVERS_MS, &p->lock, e);
    if (r != 0)
        return r;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return error_errno(e, -errno, "become the reaper of workers' children");
    p->scratch = absolute(o->scratch);
    for (int i = 0; i < p->size; i++) {
        p->places[i] = (struct place){.pool = p, .number = i + 1, .pidfd = -1};
        p->places[i].directory = mem_printf("%s/worker-%d", p->scratch, i + 1);
    }
    return 0;
}

static int local_open(struct loop *loop, const struct pool_options *o, pool_death_fn death,
                      void *userdata, struct pool **ret_pool, struct error *e)
{
    mem_assert(o->size >= 0 && o->size <= 65536);
    struct pool *p = mem_new(sizeof *p + (size_t)o->size * sizeof *p->places);
    *p = (struct pool){.loop = loop,
                       .death = death,
                       .userdata = userdata,
                       .lock = {-1, -1},
                       .argv = arguments(o),
                       .size = o->size};
    int r = prepare(p, o, e);
    if (r != 0) {
        local_close(p);
        return r;
    }
    *ret_pool = p;
    return 0;
}

const struct pool_driver pool_local = {.name = "local",
                                       .open = local_open,
                                       .tick = local_tick,
                                       .ready = local_ready,
                                       .kill = local_kill,
                                       .close = local_close};
