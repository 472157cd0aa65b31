/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/sandbox_files.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h of Debian 12 lacks some of it; the numbers are the same on all processors. */
enum { CREATE_RULESET = 444, ADD_RULE, RESTRICT_SELF, ASK_VERSION = 1, BENEATH = 1 };

enum {
    VERSION_LEAST = 2, /* before it, no file moves from one directory to another */
    VERSION_OF_TRUNCATE = 3,
    WRITE = 1 << 1,
    READ = 1 << 2,
    REMOVE = 3 << 4,   /* directories, files */
    MAKE = 0x7f << 6,  /* devices, directories, files, sockets, pipes, links */
    MOVE = 1 << 13,    /* to another directory */
    TRUNCATE = 1 << 14 /* truncate(2), by path */
};

struct beneath {
    uint64_t access;
    int32_t fd;
} __attribute__((packed));

enum {
    MOST = 32,
    LARGE = 16 << 20 /* bytes; a rule holds its file's inode: removed, it would stay on the disk */
};

struct seen {
    dev_t device;
    ino_t inode; /* 0: it was not there */
    struct timespec changed;
};

struct sandbox_view {
    struct timespec entered;
    char *kept;              /* real; NULL: none */
    struct seen above[MOST]; /* the directories on the way to it */
    size_t n_above;
    char *writable[MOST];
    struct seen written[MOST];
    size_t n_writable;
};

static bool look(int directory, const char *name, struct seen *ret)
{
    struct stat s;
    *ret = (struct seen){0};
    if (fstatat(directory, name, &s, 0) < 0)
        return false;
    *ret = (struct seen){s.st_dev, s.st_ino, s.st_mtim};
    return true;
}

/* ---- rules ---- */

struct rules {
    int fd;
    uint64_t writes; /* what the kernel knows of these */
};

static int allow(const struct rules *r, int fd, uint64_t access)
{
    struct stat s;
    if (fstat(fd, &s) < 0)
        return -errno;
    if (S_ISREG(s.st_mode) && s.st_size > LARGE)
        return 0;
    if (!S_ISDIR(s.st_mode))
        access &= READ | WRITE | (r->writes & TRUNCATE);
    struct beneath rule = {access, fd};
    return syscall(ADD_RULE, r->fd, BENEATH, &rule, 0) < 0 ? -errno : 0;
}

/* What is not there, or may not be seen, needs no rule. */
static int allow_at(const struct rules *r, int directory, const char *name, int flags,
                    uint64_t access)
{
    int fd = openat(directory, name, O_PATH | O_CLOEXEC | flags);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
    int result = allow(r, fd, access);
    close(fd);
    return result;
}

/* All in a directory but `way`. A link needs none: what it leads to has its own. */
static int allow_beside(const struct rules *r, int directory, const char *way)
{
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    DIR *all = copy < 0 ? NULL : fdopendir(copy);
    struct dirent *entry;
    if (!all) {
        result = -errno;
        if (copy >= 0)
            close(copy);
        return result == -EACCES ? 0 : result;
    }
    while (result == 0 && (entry = readdir(all))) {
        const char *name = entry->d_name;
        if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, way) ||
            entry->d_type == DT_LNK)
            continue;
        result = allow_at(r, directory, name, O_NOFOLLOW, READ);
    }
    closedir(all);
    return result;
}

static int allow_around(const struct rules *r, struct sandbox_view *v)
{
    char *path = mem_strdup(v->kept), *rest = path, *name;
    int directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
        result = directory < 0 ? -errno : 0;
    while (result == 0 && (name = strsep(&rest, "/"))) {
        if (!*name)
            continue;
        if (v->n_above == MOST)
            result = -ENAMETOOLONG;
        else if (look(directory, ".", &v->above[v->n_above])) /* before it is read */
            v->n_above++;
        if (result == 0)
            result = allow_beside(r, directory, name);
        int next = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (result == 0 && next < 0)
            result = -errno;
        close(directory);
        directory = next;
    }
    if (directory >= 0)
        close(directory);
    free(path);
    return result;
}

/* ---- what is allowed ---- */

static bool is_below(const char *path, const char *directory)
{
    size_t n = strlen(directory);
    return strncmp(path, directory, n) == 0 && (path[n] == '/' || path[n] == '\0' || n == 1);
}

static int allow_writing(const struct rules *r, struct sandbox_view *v, const char *path)
{
    char real[PATH_MAX];
    if (v->n_writable == MOST)
        return -ENAMETOOLONG;
    v->writable[v->n_writable] = mem_strdup(path);
    look(AT_FDCWD, path, &v->written[v->n_writable++]);
    if (v->kept && realpath(path, real) && is_below(v->kept, real))
        return -ENOTDIR;
    return allow_at(r, AT_FDCWD, path, 0, READ | r->writes);
}

static int allow_places(const struct rules *r, const struct sandbox_places *p,
                        struct sandbox_view *v)
{
    int result = v->kept ? allow_around(r, v) : allow_at(r, AT_FDCWD, "/", 0, READ);
    for (const char *const *path = p->readable; path && *path && result == 0; path++)
        result = allow_at(r, AT_FDCWD, *path, 0, READ);
    for (const char *const *path = p->writable; path && *path && result == 0; path++)
        result = allow_writing(r, v, *path);
    if (result == 0)
        result = allow_at(r, AT_FDCWD, "/dev", 0, READ | WRITE);
    /* Runtimes of OpenMP give up where they cannot make their own there. */
    return result ? result : allow_at(r, AT_FDCWD, "/dev/shm", 0, READ | r->writes);
}

static int enter(const struct sandbox_places *p, struct sandbox_view *v)
{
    long version = syscall(CREATE_RULESET, NULL, (size_t)0, ASK_VERSION);
    if (version < VERSION_LEAST)
        return version < 0 ? -errno : -ENOSYS;
    struct rules r = {.writes = WRITE | REMOVE | MAKE | MOVE};
    if (version >= VERSION_OF_TRUNCATE)
        r.writes |= TRUNCATE;
    uint64_t handled = READ | r.writes;
    r.fd = (int)syscall(CREATE_RULESET, &handled, sizeof handled, 0);
    if (r.fd < 0)
        return -errno;
    int result = allow_places(&r, p, v);
    if (result == 0 && syscall(RESTRICT_SELF, r.fd, 0) < 0)
        result = -errno;
    close(r.fd);
    return result;
}

int sandbox_files_bound(const struct sandbox_places *p, struct sandbox_view **ret_view)
{
    struct sandbox_view *v = mem_new(sizeof *v);
    char real[PATH_MAX];
    int r = 0;
    clock_gettime(CLOCK_REALTIME_COARSE, &v->entered); /* as files are stamped */
    if (p->kept && realpath(p->kept, real))
        v->kept = mem_strdup(real);
    else if (p->kept && errno != ENOENT)
        r = -errno;
    r = r ? r : enter(p, v);
    if (r < 0)
        sandbox_view_free(v);
    else
        *ret_view = v;
    return r;
}

struct sandbox_view *sandbox_view_free(struct sandbox_view *v)
{
    if (!v)
        return NULL;
    for (size_t i = 0; i < v->n_writable; i++)
        free(v->writable[i]);
    free(v->kept);
    free(v);
    return NULL;
}

/* ---- its age ---- */

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool way_has_changed(const struct sandbox_view *v)
{
    char *path = mem_strdup(v->kept);
    bool has_changed = false;
    for (size_t i = v->n_above; i-- > 0 && !has_changed;) {
        struct seen now;
        char *slash = strrchr(path, '/');
        slash[slash == path] = '\0';
        look(AT_FDCWD, path, &now);
        has_changed = now.inode != v->above[i].inode ||
                      memcmp(&now.changed, &v->above[i].changed, sizeof now.changed) != 0;
    }
    free(path);
    return has_changed;
}

bool sandbox_view_is_old(const struct sandbox_view *v, const struct timespec *wanted)
{
    for (size_t i = 0; v && i < v->n_writable; i++) {
        struct seen now;
        look(AT_FDCWD, v->writable[i], &now);
        if (now.inode != v->written[i].inode || now.device != v->written[i].device)
            return true;
    }
    return v && v->kept && wanted && !is_before(wanted, &v->entered) && way_has_changed(v);
}
