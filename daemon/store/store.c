/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing, and whether all is on the disk. */
#include "store/store.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/format.h"
#include "store/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Which format it is; that of a new one was given, or is the default. */
static int settle_format(struct store *s, struct error *e)
{
    if (!s->format)
        s->format = format_found(s);
    if (!s->format && s->mode == STORE_ANEW)
        s->format = store_format(STORE_FORMAT_DEFAULT);
    return s->format
               ? 0
               : error_set(e, STORE_NO_SUCH, NULL,
                           "%s is no Zarr group: it has neither .zgroup nor zarr.json", s->path);
}

/* Bears the mark of an owner: then what is in it is ours to overwrite. */
static bool is_claimed(const struct store *s)
{
    char *mark = file_join(s->sync, "owner");
    bool is = access(mark, F_OK) == 0;
    free(mark);
    return is;
}

/* A directory that holds something else is not made a store. */
static int refuse_foreign(struct store *s, struct error *e)
{
    DIR *d = opendir(s->path);
    if (!d)
        return error_errno(e, -errno, "open the store");
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry)
        if (entry->d_name[0] != '.' || !strcmp(entry->d_name, ".zarray"))
            r = error_set(e, STORE_CONFLICT, NULL,
                          "%s is a directory that holds something other than a Zarr group",
                          s->path);
    closedir(d);
    return r;
}

static int make_group(struct store *s, struct error *e)
{
    int r = format_check_group(s, e);
    if (r == STORE_NO_SUCH && !is_claimed(s)) {
        error_clear(e);
        r = refuse_foreign(s, e);
    } else if (r > 0) {
        error_clear(e);
        r = 0;
    }
    return r ? r : format_make_group(s, e);
}

/* Beside the locks: each write of rows has been logged since the store began (store/chunk_log.h).
 * Those of a former version did not log all, nor does that of a job that was retried. */
static char *logged_mark(const struct store *s)
{
    return file_join(s->sync, "logged");
}

static bool is_logged(const struct store *s)
{
    char *mark = logged_mark(s);
    bool is = access(mark, F_OK) == 0;
    free(mark);
    return is;
}

static int mark_logged(const struct store *s)
{
    char *mark = logged_mark(s);
    int fd;
    int r = file_create(mark, 0666, &fd);
    if (r == 0)
        close(fd);
    free(mark);
    return r;
}

static int make_directories(struct store *s, struct error *e)
{
    int r = file_make_directories(s->path);
    if (r == 0 && mkdir(s->sync, 0777) < 0 && errno != EEXIST)
        r = -errno;
    if (r == 0)
        r = mark_logged(s);
    return error_errno(e, r, "make the store's directories");
}

/* A directory that is no link, or STORE_NO_SUCH, STORE_CONFLICT. */
static int look_at(const char *path, struct stat *ret, struct error *e)
{
    if (lstat(path, ret) < 0)
        return errno == ENOENT || errno == ENOTDIR
                   ? error_set(e, STORE_NO_SUCH, NULL, "%s is not there", path)
                   : error_errno(e, -errno, "look for the store");
    if (S_ISDIR(ret->st_mode))
        return 0;
    return error_set(e, STORE_CONFLICT, NULL, "%s is %s: a store is a directory", path,
                     S_ISLNK(ret->st_mode) ? "a symbolic link" : "no directory");
}

/* The descriptor is opened before anything is written: it is told of every failure to write that
 * comes after. */
static int open_directory(struct store *s, struct error *e)
{
    struct stat st;
    int r = look_at(s->sync, &st, e);
    if (r == 0)
        r = look_at(s->path, &st, e);
    if (r != 0)
        return r;
    s->directory = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->directory < 0)
        return error_errno(e, -errno, "open the store");
    s->device = st.st_dev;
    s->inode = st.st_ino;
    return 0;
}

static int open_group(struct store *s, struct error *e)
{
    int r = s->mode == STORE_ANEW ? make_directories(s, e) : 0;
    if (r == 0 && s->mode != STORE_READ)
        r = open_directory(s, e);
    if (r != 0)
        return r;
    s->is_logged = s->mode != STORE_READ && is_logged(s);
    r = settle_format(s, e);
    if (r != 0)
        return r;
    return s->mode == STORE_ANEW ? make_group(s, e) : format_check_group(s, e);
}

int store_open(const char *path, enum store_mode mode, struct store **ret_store, struct error *e)
{
    return store_open_format(path, mode, NULL, ret_store, e);
}

int store_open_format(const char *path, enum store_mode mode, const struct store_format *format,
                      struct store **ret_store, struct error *e)
{
    struct store *s = mem_new(sizeof *s);
    s->path = mem_strdup(path);
    size_t n = strlen(s->path);
    while (n > 1 && s->path[n - 1] == '/')
        s->path[--n] = '\0';
    s->sync = mem_printf("%s.sync", s->path);
    s->mode = mode;
    s->format = format;
    s->is_durable = true;
    s->directory = -1;
    int r = open_group(s, e);
    if (r != 0) {
        store_close(s);
        return r;
    }
    *ret_store = s;
    return 0;
}

struct store *store_close(struct store *s)
{
    if (!s)
        return NULL;
    staging_clear(s);
    tdestroy(s->arrays, array_free);
    codec_space_clear(&s->space);
    codec_space_clear(&s->chunk);
    if (s->directory >= 0)
        close(s->directory);
    free(s->chunk_path);
    free(s->fence);
    free(s->mark);
    free(s->path);
    free(s->sync);
    free(s);
    return NULL;
}

const char *store_path(const struct store *s)
{
    return s->path;
}

void store_set_durable(struct store *s, bool durable)
{
    s->is_durable = durable;
}

void store_set_resumable(struct store *s)
{
    s->is_resumable = true;
}

void store_join(struct store *s)
{
    s->mode = STORE_JOIN;
}

void store_be_alone(struct store *s)
{
    s->is_alone = true;
}

/* ---- the disk ----------------------------------------------------------------------------------
 */

int store_sync(struct store *s, struct error *e)
{
    int r = group_check_writable(s, e);
    if (r != 0)
        return r;
    r = file_fault("fsync");
    if (r == 0 && syncfs(s->directory) < 0)
        r = -errno;
    if (r == 0)
        r = group_check_place(s);
    return error_errno(e, r, "bring the store to the disk");
}
