/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/workers_lock.h"

#include "base/file.h"
#include "base/loop.h"
#include "base/mem.h"
#include "pool/pool.h"

#include <dirent.h>
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

static bool has_open(pid_t pid, const struct stat *file)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *fds = opendir(path);
    if (!fds)
        return false;
    bool found = false;
    struct dirent *entry;
    while (!found && (entry = readdir(fds))) {
        struct stat s;
        found = fstatat(dirfd(fds), entry->d_name, &s, 0) == 0 && s.st_dev == file->st_dev &&
                s.st_ino == file->st_ino;
    }
    closedir(fds);
    return found;
}

/* Whoever has the file open besides us is a leftover: byte 0 is ours, so no other daemon lives. */
static void kill_holders(const struct stat *file)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return;
    struct dirent *entry;
    while ((entry = readdir(proc))) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid <= 0 || pid == getpid() || !has_open(pid, file))
            continue;
        int pidfd = pidfd_open(pid, 0);
        /* Looked at again: by now the number may be another's. */
        if (pidfd >= 0 && has_open(pid, file))
            pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
        if (pidfd >= 0)
            close(pidfd);
    }
    closedir(proc);
}

static int lock_workers(int fd, int timeout_ms)
{
    struct stat file;
    if (fstat(fd, &file) < 0)
        return -errno;
    int64_t deadline = loop_now() + timeout_ms;
    int r = lock_byte(fd, 1);
    while (is_busy(r) && loop_now() < deadline) {
        kill_holders(&file);
        poll(NULL, 0, 5);
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
