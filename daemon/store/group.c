/* SPDX-License-Identifier: Apache-2.0 */
#include "store/group.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/meta.h"
#include "store/sync_lock.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUP_MAX_TEXT = 64 << 20 }; /* of a metadata file */

/* ---- metadata files ------------------------------------------------------------------------ */

/* <path>/<array>/<key>, or <path>/<key>; the caller frees. */
static char *path_of(const char *path, const char *array, const char *key)
{
    return array ? mem_printf("%s/%s/%s", path, array, key) : file_join(path, key);
}

int group_explain(int r, const char *doing, const char *array, const char *key, struct error *e)
{
    char what[512];
    snprintf(what, sizeof what, "%s %.300s%s%s of the store", doing, array ? array : "",
             array ? "/" : "", key);
    return error_errno(e, r, what);
}

int group_get_text(struct store *s, const char *array, const char *key, struct buffer *ret)
{
    char *path = path_of(s->path, array, key);
    int r = file_read(path, GROUP_MAX_TEXT, ret);
    free(path);
    return r;
}

int group_put_text(struct store *s, const char *array, const char *key, const char *text,
                   struct error *e)
{
    char *path = path_of(s->path, array, key);
    char *temporary_key = mem_printf(".%s.partial", key);
    char *temporary = path_of(s->path, array, temporary_key);
    int r = file_replace(path, temporary, text, strlen(text), 0666, FILE_SYNC_NONE);
    free(temporary);
    free(temporary_key);
    free(path);
    return r < 0 ? group_explain(r, "write", array, key, e) : 0;
}

int group_put_json(struct store *s, const char *array, const char *key, const json_t *value,
                   struct error *e)
{
    char *text = json_pretty(value);
    int r = group_put_text(s, array, key, text, e);
    free(text);
    return r;
}

int group_lock(struct store *s, const char *array, const char *key, int *ret_fd, struct error *e)
{
    char *path = path_of(s->sync, array, key);
    int r = sync_lock_take(path, ret_fd);
    free(path);
    return r < 0 ? group_explain(r, "lock", array, key, e) : 0;
}

/* ---- opening ------------------------------------------------------------------------------- */

static int check_group(struct store *s, struct error *e)
{
    struct buffer text = {0};
    int r = group_get_text(s, NULL, ".zgroup", &text);
    if (r == -ENOENT || r == -ENOTDIR)
        return error_set(e, STORE_NO_SUCH, NULL, "%s is no Zarr group: it has no .zgroup", s->path);
    if (r < 0)
        return group_explain(r, "read", NULL, ".zgroup", e);
    struct error why = {0};
    json_t *group = meta_json(text.data ? text.data : "", text.size, &why);
    if (json_member_integer(group, "zarr_format", 0) != 2)
        r = error_set(e, STORE_BROKEN, NULL, "%s is no group of Zarr format 2", s->path);
    json_decref(group);
    buffer_free(&text);
    return r;
}

/* A directory that holds something else is not made a store. */
static int refuse_foreign(struct store *s, struct error *e)
{
    DIR *d = opendir(s->path);
    if (!d)
        return error_errno(e, -errno, "open the store");
    int r = 0;
    const struct dirent *entry;
    while (r == 0 && (entry = readdir(d)))
        if (entry->d_name[0] != '.' || !strcmp(entry->d_name, ".zarray"))
            r = error_set(e, STORE_CONFLICT, NULL,
                          "%s is a directory that holds something other than a Zarr group",
                          s->path);
    closedir(d);
    return r;
}

static int make_group(struct store *s, struct error *e)
{
    int r = file_make_directories(s->path);
    if (r < 0)
        return error_errno(e, r, "make the store's directory");
    if (check_group(s, NULL) == 0)
        return 0;
    int fd = -1;
    r = group_lock(s, NULL, ".zgroup", &fd, e);
    if (r != 0)
        return r;
    r = check_group(s, e);
    if (r == STORE_NO_SUCH) {
        error_clear(e);
        r = refuse_foreign(s, e);
        if (r == 0)
            r = group_put_text(s, NULL, ".zgroup", "{\n    \"zarr_format\": 2\n}\n", e);
    }
    sync_lock_release(fd);
    return r;
}

int store_open(const char *path, bool read_only, struct store **ret_store, struct error *e)
{
    struct store *s = mem_new(sizeof *s);
    s->path = mem_strdup(path);
    size_t n = strlen(s->path);
    while (n > 1 && s->path[n - 1] == '/')
        s->path[--n] = '\0';
    s->sync = mem_printf("%s.sync", s->path);
    s->read_only = read_only;
    int r = read_only ? check_group(s, e) : make_group(s, e);
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
    tdestroy(s->arrays, array_free);
    codec_space_clear(&s->space);
    codec_space_clear(&s->chunk);
    free(s->chunk_path);
    free(s->path);
    free(s->sync);
    free(s);
    return NULL;
}

const char *store_path(const struct store *s)
{
    return s->path;
}

void store_set_fence(struct store *s, store_fence_fn fn, void *userdata)
{
    s->fence = fn;
    s->fence_userdata = userdata;
}

int group_check_writable(const struct store *s, struct error *e)
{
    if (s->read_only)
        return error_set(e, STORE_CONFLICT, NULL, "the store %s was opened to be read only",
                         s->path);
    return 0;
}

int store_attributes(struct store *s, json_t **ret_attrs, struct error *e)
{
    struct buffer text = {0};
    json_t *attrs = NULL;
    int r = group_get_text(s, NULL, ".zattrs", &text);
    if (r == -ENOENT)
        attrs = json_object();
    else if (r < 0)
        r = group_explain(r, "read", NULL, ".zattrs", e);
    else
        attrs = meta_json(text.data ? text.data : "", text.size, e);
    buffer_free(&text);
    if (r < 0 && r != -ENOENT)
        return r;
    if (!json_is_object(attrs)) {
        json_decref(attrs);
        return error_set(e, STORE_BROKEN, NULL, "the attributes of %s are not an object", s->path);
    }
    *ret_attrs = attrs;
    return 0;
}

int store_set_attributes(struct store *s, const json_t *attrs, struct error *e)
{
    int fd = -1;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zattrs", &fd, e);
    if (r == 0)
        r = group_put_json(s, NULL, ".zattrs", attrs, e);
    sync_lock_release(fd);
    return r;
}
