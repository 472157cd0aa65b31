/* SPDX-License-Identifier: Apache-2.0 */
/* pool_local: workers on this machine. */
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "pool/child.h"
#include "pool/place.h"
#include "pool/pool.h"
#include "pool/workers_lock.h"
#include "proto/where.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LEFTOVERS_MS = 10000 }; /* for workers of a former daemon to die */

struct pool {
    struct place_setup setup;
    struct workers_lock lock;
    char *scratch;
    char **unknown; /* names to be told dead at the next tick, n_unknown of them */
    size_t n_unknown;
    int size;
    struct place places[];
};

/* ---- what its driver does ---- */

static int64_t local_tick(struct pool *p, int64_t now)
{
    int64_t next = INT64_MAX;
    child_reap_orphans();
    while (p->n_unknown > 0) {
        char *name = p->unknown[--p->n_unknown];
        p->setup.death(p->setup.userdata, name,
                       &(struct pool_death){.reason = "its worker is not there",
                                            .at.member = -1,
                                            .is_unseen = true});
        free(name);
    }
    for (int i = 0; i < p->size; i++) {
        int64_t due = place_tick(&p->places[i], now);
        next = due < next ? due : next;
    }
    return next;
}

static struct place *find(const struct pool *p, const char *worker)
{
    for (int i = 0; i < p->size; i++)
        if (p->places[i].state != PLACE_EMPTY && strcmp(p->places[i].name, worker) == 0)
            return (struct place *)&p->places[i];
    return NULL;
}

static void local_ready(struct pool *p, const char *worker)
{
    struct place *w = find(p, worker);
    if (w) {
        w->is_ready = true;
        w->failures = 0;
        p->setup.trouble[0] = '\0';
    }
}

static void local_kill(struct pool *p, const char *worker)
{
    struct place *w = find(p, worker);
    if (w) {
        place_end(w);
        return;
    }
    p->unknown = mem_resize(p->unknown, p->n_unknown + 1, sizeof *p->unknown);
    p->unknown[p->n_unknown++] = mem_strdup(worker);
    loop_due(p->setup.loop, 0);
}

static enum pool_role local_admits(const struct pool *p, const char *worker, const char *secret)
{
    const struct place *w = find(p, worker);
    if (!w || !hash_equal(w->secret, secret))
        return POOL_STRANGER;
    return strcmp(w->label, PLACE_CLOSER) == 0 ? POOL_CLOSER : POOL_MEMBERS;
}

static void local_position(struct pool *p, const char *worker, char ret[POSITION_TEXT])
{
    const struct place *w = find(p, worker);
    ret[0] = '\0';
    if (w)
        place_position(w, ret);
}

static const char *local_trouble(const struct pool *p)
{
    return p->setup.trouble;
}

static bool local_gave(const char *worker)
{
    return strncmp(worker, PLACE_NAME, strlen(PLACE_NAME)) == 0;
}

static struct pool *local_close(struct pool *p)
{
    if (!p)
        return NULL;
    for (int i = 0; i < p->size; i++)
        place_end(&p->places[i]);
    for (int i = 0; i < p->size; i++)
        place_close(&p->places[i]);
    child_reap_orphans();
    for (char **a = p->setup.argv; a && *a; a++)
        if (a - p->setup.argv != PLACE_NAME_AT && a - p->setup.argv != PLACE_WHERE_AT &&
            a - p->setup.argv != PLACE_SECRET_AT && a - p->setup.argv != PLACE_GROUP_AT)
            free(*a);
    for (size_t i = 0; i < p->n_unknown; i++)
        free(p->unknown[i]);
    free(p->unknown);
    free(p->setup.argv);
    free(p->scratch);
    workers_lock_drop(&p->lock);
    free(p);
    return NULL;
}

/* ---- what former workers left ---- */

static void tell_left(const struct pool_options *o, void *userdata, int directory, const char *name)
{
    struct where_at at = {.member = -1};
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool is_known = fd >= 0 && (where_read(fd, &at) || where_is_blank(fd));
    if (o->left && (!is_known || at.job > 0))
        o->left(userdata, is_known ? &at : NULL);
    if (fd >= 0)
        close(fd);
}

/* They are dead: the lock is ours. */
static void tell_all_left(const struct pool_options *o, void *userdata)
{
    static const char suffix[] = ".where";
    DIR *all = opendir(o->scratch);
    struct dirent *entry;
    while (all && (entry = readdir(all))) {
        size_t n = strlen(entry->d_name);
        if (n <= strlen(suffix) || strcmp(entry->d_name + n - strlen(suffix), suffix) != 0)
            continue;
        tell_left(o, userdata, dirfd(all), entry->d_name);
        unlinkat(dirfd(all), entry->d_name, 0);
    }
    if (all)
        closedir(all);
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

static size_t add_option(char **argv, size_t n, const char *name, const char *path)
{
    argv[n++] = mem_strdup(name);
    argv[n++] = absolute(path);
    return n;
}

static size_t count(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

static char **arguments(const struct pool_options *o)
{
    size_t n_writable = count(o->writable), n_more = count(o->more);
    char **argv = mem_array(PLACE_GROUP_AT + 1 + 12 + 2 * n_writable + n_more + 1, sizeof *argv);
    size_t n = 0;
    argv[n++] = absolute(o->program);
    argv[n++] = mem_strdup("serve");
    argv[n++] = mem_strdup("--endpoint");
    argv[n++] = absolute_endpoint(o->endpoint);
    argv[n++] = mem_strdup("--name");
    argv[n++] = ""; /* PLACE_NAME_AT */
    argv[n++] = mem_strdup("--where");
    argv[n++] = ""; /* PLACE_WHERE_AT */
    argv[n++] = mem_strdup("--secret");
    argv[n++] = ""; /* PLACE_SECRET_AT */
    argv[n++] = mem_strdup("--group");
    argv[n++] = ""; /* PLACE_GROUP_AT */
    argv[n++] = mem_strdup("--libraries");
    argv[n++] = absolute(o->libraries);
    argv[n++] = mem_strdup("--sandbox");
    argv[n++] = mem_strdup(sandbox_mode_name(o->sandbox));
    if (o->state)
        n = add_option(argv, n, "--state", o->state);
    if (o->stores)
        n = add_option(argv, n, "--writable", o->stores);
    for (size_t i = 0; i < n_writable; i++)
        n = add_option(argv, n, "--writable", o->writable[i]);
    if (o->uploads)
        n = add_option(argv, n, "--uploads", o->uploads);
    if (o->memory > 0) {
        argv[n++] = mem_strdup("--memory");
        argv[n++] = mem_printf("%" PRId64, o->memory);
    }
    for (size_t i = 0; i < n_more; i++)
        argv[n++] = mem_strdup(o->more[i]);
    return argv;
}

static int prepare(struct pool *p, const struct pool_options *o, struct error *e)
{
    struct place_setup *s = &p->setup;
    if (access(s->argv[0], X_OK) < 0)
        return error_set(e, -errno, NULL, "cannot run the worker program %s: %s", s->argv[0],
                         strerror(errno));
    int r = error_errno(e, file_make_directories(o->scratch), "make the workers' scratch space");
    if (r == 0)
        r = workers_lock_take(o->scratch, LEFTOVERS_MS, &p->lock, e);
    if (r != 0)
        return r;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || fstat(p->lock.workers, &s->lock_file) < 0)
        return error_errno(e, -errno, "become the reaper of workers' children");
    p->scratch = absolute(o->scratch);
    for (; p->size < o->size; p->size++) {
        char label[16];
        snprintf(label, sizeof label, "%d", p->size + 1);
        place_init(&p->places[p->size], s, label, p->scratch);
    }
    if (o->closers)
        place_init(&p->places[p->size++], s, PLACE_CLOSER, p->scratch);
    tell_all_left(o, s->userdata);
    return 0;
}

static int local_open(struct loop *loop, const struct pool_options *o, pool_death_fn death,
                      void *userdata, struct pool **ret_pool, struct error *e)
{
    mem_assert(o->size >= 0 && o->size <= 65536);
    struct pool *p = mem_new(sizeof *p + (size_t)(o->size + 1) * sizeof *p->places);
    p->lock = (struct workers_lock){-1, -1};
    p->setup = (struct place_setup){.loop = loop,
                                    .argv = arguments(o),
                                    .lock = &p->lock,
                                    .memory = o->memory,
                                    .tasks = o->tasks,
                                    .before_start = o->before_start,
                                    .death = death,
                                    .userdata = userdata};
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
                                       .admits = local_admits,
                                       .position = local_position,
                                       .trouble = local_trouble,
                                       .gave = local_gave,
                                       .close = local_close};
