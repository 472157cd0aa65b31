/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claim.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK_SIZE = 256 };

static const char mark_name[] = "owner";
static const struct store_leases none;

/* ---- what stands there ----------------------------------------------------------------------- */

static int refuse(const char *path, const char *what, struct error *e)
{
    return error_set(e, STORE_CONFLICT, NULL, "store %.700s %s", path, what);
}

static int explain(int r, const char *doing, const char *path, struct error *e)
{
    char what[800];
    snprintf(what, sizeof what, "%s %.700s", doing, path);
    return error_errno(e, r, what);
}

/* STORE_NO_SUCH where there is nothing. */
static int look(const char *path, struct error *e)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? error_set(e, STORE_NO_SUCH, NULL, "%.700s is not there", path)
                               : explain(-errno, "look for", path, e);
    if (S_ISLNK(st.st_mode))
        return refuse(path, "is a symbolic link: stores are not reached through links", e);
    return S_ISDIR(st.st_mode) ? 0 : refuse(path, "is no directory", e);
}

/* The mark in `sync`; STORE_NO_SUCH where it is missing or empty, STORE_CONFLICT where it is none
 * of ours to read. */
static int read_mark(const char *sync, char ret[MARK_SIZE], struct error *e)
{
    char *path = file_join(sync, mark_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, ret, MARK_SIZE - 1);
    int r = n < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    bool empty = n == 0 || (n > 0 && !*ret); /* zeros are what a disk that failed leaves */
    if (empty || r == -ENOENT)
        r = error_set(e, STORE_NO_SUCH, NULL, "the mark %.700s is %s", path,
                      empty ? "empty" : "not there");
    else if (r == -ELOOP || r == -EISDIR)
        r = refuse(path, "is no mark of a store's owner", e);
    else if (r < 0)
        r = explain(r, "read", path, e);
    else
        ret[n] = '\0';
    free(path);
    return r;
}

/* The first two words of both. */
static bool same_identity(const char *a, const char *b)
{
    const char *end = strchr(a, ' ');
    end = end ? strchr(end + 1, ' ') : NULL;
    return end && !strncmp(a, b, (size_t)(end - a) + 1);
}

static int is_empty(const char *path, bool *ret)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    *ret = true;
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    int r = file_next_entry(d, &entry);
    *ret = r == 0 && !entry;
    closedir(d);
    return r;
}

static int check_mark(const char *path, const char *sync, const char *owner, struct error *e)
{
    char mark[MARK_SIZE];
    int r = look(sync, e);
    if (r == 0)
        r = read_mark(sync, mark, e);
    if (r == 0 && strcmp(mark, owner) != 0)
        r = error_set(e, STORE_CONFLICT, NULL,
                      "store %.500s belongs to another: %.200s, not to %.200s", path,
                      strtok(mark, "\n"), owner);
    return r;
}

int store_check_owner(const char *path, const char *owner, struct error *e)
{
    char *sync = mem_printf("%s.sync", path);
    int r = look(path, e);
    if (r == 0)
        r = check_mark(path, sync, owner, e);
    else if (r == STORE_CONFLICT)
        r = STORE_NO_SUCH;
    free(sync);
    return r;
}

/* ---- claiming -------------------------------------------------------------------------------- */

static int make_parent(const char *path)
{
    char *parent = mem_strdup(path), *slash = strrchr(parent, '/');
    int r = 0;
    if (slash && slash != parent) {
        *slash = '\0';
        r = file_make_directories(parent);
    }
    free(parent);
    return r;
}

static int write_mark(const char *directory, const char *owner)
{
    char *path = file_join(directory, mark_name), *temporary = file_join(directory, ".owner");
    int r = file_replace(path, temporary, owner, strlen(owner), 0666, FILE_SYNC_NONE);
    free(temporary);
    free(path);
    return r;
}

/* In a directory that nobody else sees. */
static int write_first_mark(const char *directory, const char *owner)
{
    char *path = file_join(directory, mark_name);
    int fd, r = file_create(path, 0666, &fd);
    if (r == 0) {
        r = file_append(fd, owner, strlen(owner));
        close(fd);
    }
    free(path);
    return r;
}

static int write_fences(const char *directory, const struct store_leases *fenced)
{
    char *fences = file_join(directory, ".fences");
    int fd, r = fenced->n > 0 && mkdir(fences, 0777) < 0 && errno != EEXIST ? -errno : 0;
    for (size_t i = 0; i < fenced->n && r == 0; i++) {
        char *path = mem_printf("%s/%" PRId64, fences, fenced->numbers[i]);
        r = file_create(path, 0666, &fd);
        if (r == 0)
            close(fd);
        free(path);
    }
    free(fences);
    return r;
}

/* PATH.sync with its mark, and fences, from a directory whose name is the owner's alone. -EEXIST,
 * -ENOTDIR where something stands there that is no empty directory. */
static int make_sync(const char *sync, const char *owner, const struct store_leases *fenced)
{
    char identity[41] = "";
    sscanf(owner, "%*s %40s", identity);
    const char *slash = strrchr(sync, '/');
    int length = slash ? (int)(slash + 1 - sync) : 0;
    char *making = mem_printf("%.*s.%s.%s", length, sync, sync + length, identity);
    int r = mkdir(making, 0777) < 0 && errno != EEXIST ? -errno : 0;
    if (r == 0)
        r = write_first_mark(making, owner);
    if (r == 0)
        r = write_fences(making, fenced);
    if (r == 0 && rename(making, sync) < 0)
        r = errno == ENOTEMPTY ? -EEXIST : -errno;
    if (r < 0)
        file_remove_tree(making);
    free(making);
    return r;
}

/* Something has this name: a claim of ours that came to nothing is taken over. */
static int take_over(const char *path, const char *sync, const char *owner, struct error *e)
{
    char mark[MARK_SIZE];
    bool empty = false;
    int r = look(sync, e);
    if (r == 0)
        r = read_mark(sync, mark, e);
    if (r == 0 && same_identity(owner, mark))
        r = explain(is_empty(path, &empty), "look into", path, e);
    if (r < 0 || r == STORE_CONFLICT)
        return r;
    if (!empty)
        return refuse(path,
                      "exists already: choose another name, or remove it, and what stands beside "
                      "it with .sync at the end",
                      e);
    return explain(write_mark(sync, owner), "mark", sync, e);
}

static int make_directory(const char *path, struct error *e)
{
    if (mkdir(path, 0777) == 0)
        return 0;
    return errno == EEXIST ? look(path, e) : explain(-errno, "make", path, e);
}

static int claim(const char *path, const char *sync, const char *owner, struct error *e)
{
    int r = look(path, e);
    if (r != 0 && r != STORE_NO_SUCH)
        return r;
    bool stands = r == 0;
    error_clear(e);
    r = stands ? -EEXIST : make_sync(sync, owner, &none);
    if (r == -ENOENT) {
        r = make_parent(path);
        if (r < 0)
            return explain(r, "make the directories above", path, e);
        r = make_sync(sync, owner, &none);
    }
    if (r == -EEXIST || r == -ENOTDIR)
        r = take_over(path, sync, owner, e);
    else if (r < 0)
        return explain(r, "make", sync, e);
    return r ? r : make_directory(path, e);
}

int store_claim(const char *path, const char *owner, struct error *e)
{
    char *sync = mem_printf("%s.sync", path);
    int r = claim(path, sync, owner, e);
    free(sync);
    return r;
}

void store_unclaim(const char *path, const char *owner)
{
    char *sync = mem_printf("%s.sync", path);
    if (check_mark(path, sync, owner, NULL) == 0 && (rmdir(path) == 0 || errno == ENOENT)) {
        char *mark = file_join(sync, mark_name);
        unlink(mark);
        rmdir(sync);
        free(mark);
    }
    free(sync);
}

/* The mark goes last: until then it is seen whose the rest is. */
static int remove_locks(const char *sync)
{
    DIR *d = opendir(sync);
    const struct dirent *entry;
    int r = 0;
    if (!d)
        return errno == ENOENT ? 0 : -errno;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry) {
        if (!strcmp(entry->d_name, mark_name))
            continue;
        char *path = file_join(sync, entry->d_name);
        r = file_remove_tree(path);
        free(path);
    }
    closedir(d);
    return r ? r : file_remove_tree(sync);
}

/* What a former claim left, which was not taken back. */
static int join_sync(const char *path, const char *sync, const char *owner,
                     const struct store_leases *fenced, struct error *e)
{
    int r = check_mark(path, sync, owner, e);
    return r ? r : explain(write_fences(sync, fenced), "make fences in", sync, e);
}

static int reclaim(const char *path, const char *sync, const char *owner, bool may_make,
                   const struct store_leases *fenced, struct error *e)
{
    int r = look(path, e);
    if (r == STORE_NO_SUCH && may_make) {
        error_clear(e);
        r = explain(make_parent(path), "make the directories above", path, e);
        if (r == 0)
            r = make_directory(path, e);
    }
    if (r == 0 && (r = make_sync(sync, owner, fenced)) < 0)
        r = r == -EEXIST || r == -ENOTDIR ? join_sync(path, sync, owner, fenced, e)
                                          : explain(r, "make", sync, e);
    return r == 0 ? explain(file_sync_parent(sync), "sync the directory of", sync, e) : r;
}

int store_reclaim(const char *path, const char *owner, bool may_make,
                  const struct store_leases *fenced, struct error *e)
{
    char *sync = mem_printf("%s.sync", path);
    int r = reclaim(path, sync, owner, may_make, fenced, e);
    free(sync);
    return r;
}

void store_unreclaim(const char *path, const char *owner)
{
    char *sync = mem_printf("%s.sync", path);
    if (check_mark(path, sync, owner, NULL) == 0) {
        remove_locks(sync);
        rmdir(path);
    }
    free(sync);
}

int store_claim_again(const char *path, const char *owner, struct error *e)
{
    char *sync = mem_printf("%s.sync", path);
    int r = check_mark(path, sync, owner, e);
    if (r == STORE_NO_SUCH) {
        error_clear(e);
        r = make_parent(path);
        if (r == 0)
            r = mkdir(sync, 0777) < 0 && errno != EEXIST ? -errno : write_mark(sync, owner);
        r = explain(r, "make", sync, e);
    }
    if (r == 0)
        r = make_directory(path, e);
    free(sync);
    return r;
}

int store_release(const char *path, const char *owner, struct error *e)
{
    char *sync = mem_printf("%s.sync", path);
    int r = check_mark(path, sync, owner, e);
    if (r == 0 || r == STORE_NO_SUCH) {
        error_clear(e);
        rmdir(path); /* where nothing was ever stored */
        r = look(sync, NULL) == STORE_CONFLICT ? 0 : remove_locks(sync);
        if (r == 0)
            r = file_sync_parent(sync);
        r = explain(r == -ENOENT ? 0 : r, "remove", sync, e);
    }
    free(sync);
    return r;
}
