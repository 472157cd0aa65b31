/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/where.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* As it stands in memory and in the file; the rest of the first page is zero. */
struct where {
    _Atomic int64_t version;
    _Atomic int64_t pid, job, lease, member, since, step, nsteps;
    _Atomic int64_t silence; /* SILENCE: no stray write says so */
};

#define SILENCE 0x65636e656c6973

static_assert(sizeof(struct where) <= WHERE_PAGE, "a page");
static_assert(sizeof(_Atomic int64_t) == sizeof(int64_t), "the file's numbers are plain ones");

/* ---- the daemon's side ---- */

int where_create(const char *path, int *ret_fd)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, WHERE_SIZE) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static bool is_sane(const struct where_at *at)
{
    return at->pid > 0 && at->job >= 0 && at->lease >= 0 && at->member >= -1 && at->since >= 0 &&
           at->step >= 0 && at->nsteps >= 0;
}

bool where_read(int fd, struct where_at *ret)
{
    int64_t words[sizeof(struct where) / sizeof(int64_t)];
    if (pread(fd, words, sizeof words, 0) != (ssize_t)sizeof words || words[0] != WHERE_VERSION)
        return false;
    struct where_at at = {.pid = words[1],
                          .job = words[2],
                          .lease = words[3],
                          .member = words[4],
                          .since = words[5],
                          .step = words[6],
                          .nsteps = words[7],
                          .is_silent = words[8] == SILENCE};
    if (!is_sane(&at))
        return false;
    *ret = at;
    return true;
}

void where_read_board(int fd, void *ret, size_t size)
{
    ssize_t n = pread(fd, ret, size, WHERE_PAGE);
    size_t got = n > 0 ? (size_t)n : 0;
    memset((char *)ret + got, 0, size - got);
}

bool where_is_blank(int fd)
{
    int64_t version;
    return pread(fd, &version, sizeof version, 0) == (ssize_t)sizeof version && version == 0;
}

/* ---- the worker's side ---- */

int where_open(int fd, struct where **ret_where)
{
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) < 0)
        return -errno;
    if (fd >= 0 && (!S_ISREG(st.st_mode) || st.st_size != WHERE_SIZE))
        return -EINVAL;
    struct where *w = mmap(NULL, WHERE_SIZE, PROT_READ | PROT_WRITE,
                           fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);
    if (w == MAP_FAILED)
        return -errno;
    w->member = -1;
    w->version = WHERE_VERSION;
    *ret_where = w;
    return 0;
}

struct where *where_close(struct where *w)
{
    if (w)
        munmap(w, WHERE_SIZE);
    return NULL;
}

static void set(_Atomic int64_t *field, int64_t value)
{
    atomic_store_explicit(field, value, memory_order_release);
}

static int64_t get(const _Atomic int64_t *field)
{
    return atomic_load_explicit(field, memory_order_acquire);
}

void where_set_pid(struct where *w, int64_t pid)
{
    set(&w->pid, pid);
}

void where_set_lease(struct where *w, int64_t job, int64_t lease, int64_t nsteps)
{
    set(&w->member, -1);
    set(&w->since, 0);
    set(&w->step, 0);
    set(&w->nsteps, nsteps);
    set(&w->lease, lease);
    set(&w->job, job);
}

void where_begin_member(struct where *w, int64_t member, int64_t now)
{
    set(&w->since, now);
    set(&w->step, 0);
    set(&w->member, member);
}

void where_end_member(struct where *w)
{
    set(&w->since, 0);
}

void where_set_step(struct where *w, int64_t step)
{
    set(&w->step, step);
}

void where_set_silent(struct where *w)
{
    set(&w->silence, SILENCE);
}

void *where_board(struct where *w)
{
    return (char *)w + WHERE_PAGE;
}

/* Member before since, as they are written the other way round. */
void where_look(const struct where *w, struct where_at *ret)
{
    struct where_at at = {.job = get(&w->job), .lease = get(&w->lease)};
    at.member = get(&w->member);
    at.since = get(&w->since);
    at.step = get(&w->step);
    at.nsteps = get(&w->nsteps);
    at.pid = get(&w->pid);
    *ret = at;
}
