/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/workers_lock.h"

#include "base/file.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/proc.h"
#include "pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GRACE_MS = 1000, /* guards of former workers end by themselves, with all that is below them */
    RETRY_MS = 20
};

static int lock_byte(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

static bool is_busy(int r)
{
    return r == -EAGAIN || r == -EACCES;
}

/* ---- leftovers ---- */

/* Whoever has the file open besides us is a leftover: byte 0 is ours, so no other daemon lives. */
struct holders {
    const struct stat *file;
    bool kills;
    int pidfd; /* of one of them; -1: none */
};

static void look(void *holders, const struct proc *p)
{
    struct holders *h = holders;
    if (p->is_zombie || p->pid == getpid() || !proc_has_open(p->pid, h->file))
        return;
    int pidfd = pidfd_open(p->pid, 0);
    /* Looked at again: by now the number may be another's. */
    if (pidfd >= 0 && h->kills && proc_has_open(p->pid, h->file))
        pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    if (h->pidfd < 0)
        h->pidfd = pidfd;
    else if (pidfd >= 0)
        close(pidfd);
}

/* Waits until one of them is dead. */
static void wait_for_one(const struct holders *h, int64_t until)
{
    int64_t left = until - loop_now();
    struct pollfd fd = {h->pidfd, POLLIN, 0};
    /* Where we may not look at it, or it is just gone, there is nothing to wait for. */
    int64_t most = h->pidfd >= 0 ? left : RETRY_MS;
    if (left > 0)
        poll(&fd, 1, (int)(most < left ? most : left));
}

static int lock_workers(int fd, int timeout_ms)
{
    struct stat file;
    if (fstat(fd, &file) < 0)
        return -errno;
    int64_t began = loop_now(), deadline = began + timeout_ms;
    int r = lock_byte(fd, 1);
    while (is_busy(r) && loop_now() < deadline) {
        bool kills = loop_now() >= began + GRACE_MS;
        struct holders h = {.file = &file, .kills = kills, .pidfd = -1};
        proc_each(look, &h);
        wait_for_one(&h, kills ? deadline : began + GRACE_MS);
        if (h.pidfd >= 0)
            close(h.pidfd);
        r = lock_byte(fd, 1);
    }
    return r;
}

/* ---- */

static int take(const char *directory, const char *path, int timeout_ms, struct workers_lock *l,
                struct error *e)
{
    l->daemon = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    l->workers = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (l->daemon < 0 || l->workers < 0)
        return error_errno(e, -errno, "open the workers' lock file");
    int r = lock_byte(l->daemon, 0);
    if (is_busy(r))
        return error_set(e, POOL_IN_USE, NULL, "another simlabd runs workers in %s", directory);
    if (r == 0)
        r = lock_workers(l->workers, timeout_ms);
    if (is_busy(r))
        return error_set(e, POOL_IN_USE, NULL,
                         "workers of a former simlabd still run in %s and do not die", directory);
    return error_errno(e, r, "lock the workers' lock file");
}

int workers_lock_take(const char *directory, int timeout_ms, struct workers_lock *ret_lock,
                      struct error *e)
{
    struct workers_lock l = {-1, -1};
    char *path = file_join(directory, "workers.lock");
    int r = take(directory, path, timeout_ms, &l, e);
    free(path);
    if (r == 0)
        *ret_lock = l;
    else
        workers_lock_drop(&l);
    return r;
}

void workers_lock_drop(struct workers_lock *l)
{
    if (l->workers >= 0)
        close(l->workers);
    if (l->daemon >= 0)
        close(l->daemon);
    *l = (struct workers_lock){-1, -1};
}
