/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/buffer.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 1 << 22 };

static bool read_stat(const char *name, struct proc *ret)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *after = strrchr(text, ')'); /* the name before it may hold anything */
    char state;
    int parent, session, threads;
    if (!after ||
        sscanf(after, ") %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d",
               &state, &parent, &session, &threads) != 4)
        return false;
    bool is_dead = state == 'Z' || state == 'X';
    *ret = (struct proc){(pid_t)atoi(name), parent, session, is_dead && threads <= 1};
    return true;
}

bool proc_read(pid_t pid, struct proc *ret)
{
    char name[16];
    snprintf(name, sizeof name, "%d", (int)pid);
    return read_stat(name, ret);
}

int proc_each(proc_fn fn, void *userdata)
{
    DIR *all = opendir("/proc");
    if (!all)
        return -errno;
    struct dirent *entry;
    struct proc p;
    while ((entry = readdir(all)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && read_stat(entry->d_name, &p))
            fn(userdata, &p);
    closedir(all);
    return 0;
}

bool proc_has_open(pid_t pid, const struct stat *file)
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

bool proc_has_environment(pid_t pid, const char *assignment)
{
    char path[64];
    struct buffer text = {0};
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    bool found = false;
    if (file_read(path, ENVIRONMENT_MAX, &text) == 0)
        for (size_t at = 0; at < text.size && !found; at += strlen(text.data + at) + 1)
            found = strcmp(text.data + at, assignment) == 0;
    buffer_free(&text);
    return found;
}

static void text_of_memory(const struct proc_end *end, char *ret, size_t size)
{
    long mib = end->usage->ru_maxrss / 1024; /* of the largest of its processes */
    if (end->was_oom)
        snprintf(ret, size, "was killed by the system for want of memory: it had %ld MiB", mib);
    else
        snprintf(ret, size, "was killed by signal 9, most often for want of memory: it had %ld MiB",
                 mib);
}

/* Who is given no more is often not prepared for that. */
static void add_memory(const struct proc_end *end, char *ret, size_t size)
{
    int64_t had = (int64_t)end->usage->ru_maxrss * 1024;
    size_t n = strlen(ret);
    bool is_bus = WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGBUS;
    if (end->memory > 0 && had >= end->memory / 4 * 3)
        snprintf(ret + n, size - n, ": it had %lld MiB of the %lld that it may have",
                 (long long)(had >> 20), (long long)(end->memory >> 20));
    else if (is_bus) /* by a file that was cut, else */
        snprintf(ret + n, size - n, ", often for want of memory: it had %lld MiB",
                 (long long)(had >> 20));
}

void proc_end_text(const struct proc_end *end, char *ret, size_t size)
{
    if (WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGKILL && !end->is_asked) {
        text_of_memory(end, ret, size);
        return;
    }
    if (WIFSIGNALED(end->status))
        snprintf(ret, size, "was killed by signal %d (%.32s)", WTERMSIG(end->status),
                 strsignal(WTERMSIG(end->status)));
    else
        snprintf(ret, size, "exited with status %d", WEXITSTATUS(end->status));
    if (end->status && !end->is_asked)
        add_memory(end, ret, size);
}
