/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/clean_room.h"
#include "worker/clean_room_parts.h"

#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK = 4096,
    KEPT_MAX = 64 /* files that members may leave open: more is a leak */
};

struct descriptor {
    int fd;
    bool is_kept; /* a member opened it, and it was let be; or it is ours, and changes */
    dev_t device;
    ino_t file;
};

struct descriptors {
    int directory; /* /proc/self/fd; -1: there is none */
    struct numbers now;
    struct descriptor *known;
    size_t n_known, n_kept;
};

/* ---- numbers ---- */

static void add_number(struct numbers *n, int value)
{
    if (n->n == n->capacity) {
        n->capacity = n->capacity ? 2 * n->capacity : 64;
        n->at = mem_resize(n->at, n->capacity, sizeof *n->at);
    }
    n->at[n->n++] = value;
}

bool numbers_list(int directory, struct numbers *ret)
{
    _Alignas(struct dirent64) char block[BLOCK];
    ssize_t size;
    ret->n = 0;
    if (lseek(directory, 0, SEEK_SET) < 0)
        return false;
    while ((size = getdents64(directory, block, sizeof block)) > 0) {
        for (ssize_t at = 0; at < size;) {
            const struct dirent64 *entry = (const void *)(block + at);
            if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
                add_number(ret, atoi(entry->d_name));
            at += entry->d_reclen;
        }
    }
    return size == 0;
}

/* ---- descriptors ---- */

static bool identify(int fd, struct descriptor *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return false;
    *ret = (struct descriptor){.fd = fd, .device = st.st_dev, .file = st.st_ino};
    return true;
}

static struct descriptor *find(struct descriptors *d, int fd)
{
    for (size_t i = 0; i < d->n_known; i++)
        if (d->known[i].fd == fd)
            return &d->known[i];
    return NULL;
}

static bool is_same(const struct descriptor *a, const struct descriptor *b)
{
    return a->device == b->device && a->file == b->file;
}

/* Just those that are known, each as it was: told without a list, by their count, which kernels
 * since 6.2 give as the directory's size. */
static bool are_as_known(const struct descriptors *d)
{
    struct descriptor now;
    struct stat st;
    if (d->n_known == 0 || fstat(d->directory, &st) < 0 || (size_t)st.st_size != d->n_known)
        return false;
    for (size_t i = 0; i < d->n_known; i++)
        if (!identify(d->known[i].fd, &now) || !is_same(&now, &d->known[i]))
            return false;
    return true;
}

/* Those that members were let keep stay theirs, which they may close. */
void descriptors_note(struct descriptors *d)
{
    if (d->directory < 0 || are_as_known(d) || !numbers_list(d->directory, &d->now))
        return;
    struct descriptor *noted = mem_array(d->now.n, sizeof *noted);
    size_t n = 0;
    d->n_kept = 0;
    for (size_t i = 0; i < d->now.n; i++) {
        if (!identify(d->now.at[i], &noted[n]))
            continue;
        const struct descriptor *before = find(d, noted[n].fd);
        noted[n].is_kept = before && before->is_kept && is_same(before, &noted[n]);
        d->n_kept += noted[n++].is_kept;
    }
    free(d->known);
    d->known = noted;
    d->n_known = n;
}

/* A file of data that a library reads again in the next member. What can be written, or was in the
 * members' directory, is not; nor a socket, which may be the session's. */
static bool may_keep(const struct descriptors *d, int fd)
{
    struct stat st;
    return d->n_kept < KEPT_MAX && fstat(fd, &st) == 0 && st.st_nlink > 0 &&
           (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode)) &&
           (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

static int check_new(struct descriptors *d, int fd, struct error *why)
{
    if (!may_keep(d, fd))
        return error_set(why, CLEAN_ROOM_RENEW, NULL, "it left descriptor %d open", fd);
    struct descriptor kept;
    if (identify(fd, &kept)) {
        kept.is_kept = true;
        d->known = mem_resize(d->known, d->n_known + 1, sizeof *d->known);
        d->known[d->n_known++] = kept;
        d->n_kept++;
    }
    return 0;
}

static int check_known(const struct descriptor *known, struct error *why)
{
    struct descriptor now;
    if (known->is_kept)
        return 0;
    if (!identify(known->fd, &now))
        return error_set(why, CLEAN_ROOM_RENEW, NULL, "it closed descriptor %d of its process",
                         known->fd);
    if (!is_same(&now, known))
        return error_set(why, CLEAN_ROOM_RENEW, NULL, "it replaced descriptor %d of its process",
                         known->fd);
    return 0;
}

int descriptors_check(struct descriptors *d, struct error *why)
{
    int r = 0;
    if (are_as_known(d))
        return 0;
    for (size_t i = 0; i < d->n_known && r == 0; i++)
        r = check_known(&d->known[i], why);
    if (r || d->n_known == 0 || !numbers_list(d->directory, &d->now))
        return r;
    for (size_t i = 0; i < d->now.n && r == 0; i++)
        if (!find(d, d->now.at[i]))
            r = check_new(d, d->now.at[i], why);
    return r;
}

void descriptors_let_be(struct descriptors *d, int fd)
{
    struct descriptor *known = find(d, fd);
    if (known)
        known->is_kept = true;
}

void descriptors_update(struct descriptors *d, int fd)
{
    struct descriptor *known = find(d, fd);
    if (known)
        identify(fd, known);
}

struct descriptors *descriptors_new(void)
{
    struct descriptors *d = mem_new(sizeof *d);
    d->directory = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d;
}

struct descriptors *descriptors_free(struct descriptors *d)
{
    if (!d)
        return NULL;
    if (d->directory >= 0)
        close(d->directory);
    free(d->now.at);
    free(d->known);
    free(d);
    return NULL;
}
