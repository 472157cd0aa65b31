/* SPDX-License-Identifier: Apache-2.0 */
#include "store/group.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/fence.h"
#include "store/format.h"
#include "store/meta.h"
#include "store/sync_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    int r = fence_check(s, e);
    if (r < 0)
        return r;
    char *path = path_of(s->path, array, key);
    char *temporary_key = mem_printf(".%s.partial", key);
    char *temporary = path_of(s->path, array, temporary_key);
    r = file_replace(path, temporary, text, strlen(text), 0666, group_sync_of(s));
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

int group_renew_text(struct store *s, const char *array, const char *key, const char *text,
                     struct error *e)
{
    struct buffer there = {0};
    size_t size = strlen(text);
    bool stands = group_get_text(s, array, key, &there) == 0 && there.size == size &&
                  memcmp(there.data, text, size) == 0;
    buffer_free(&there);
    return stands ? 0 : group_put_text(s, array, key, text, e);
}

int group_fault(const char *array, const char *key, const struct error *why, struct error *e)
{
    return error_set(e, STORE_BROKEN, NULL, "%.255s%s%s: %.600s%s%.100s", array ? array : "",
                     array ? "/" : "", key, why->message, *why->pointer ? ", at " : "",
                     why->pointer);
}

int group_get_json(struct store *s, const char *array, const char *key, json_t **ret,
                   struct error *e)
{
    struct buffer text = {0};
    struct error why = {0};
    int r = group_get_text(s, array, key, &text);
    json_t *value = r < 0 ? NULL : meta_json(text.data ? text.data : "", text.size, &why);
    buffer_free(&text);
    if (r < 0)
        return r == -ENOENT || r == -ENOTDIR ? r : group_explain(r, "read", array, key, e);
    if (value && !json_is_object(value))
        error_set(&why, STORE_INVALID, NULL, "is no JSON object");
    if (!json_is_object(value)) {
        json_decref(value);
        return group_fault(array, key, &why, e);
    }
    *ret = value;
    return 0;
}

int group_lock(struct store *s, const char *array, const char *key, int *ret_fd, struct error *e)
{
    char *path = path_of(s->sync, array, key);
    int r = sync_lock_take(path, array != NULL, ret_fd, NULL);
    free(path);
    return r < 0 ? group_explain(r, "lock", array, key, e) : 0;
}

/* ---- what may be written, and how ------------------------------------------------------------ */

enum file_sync group_sync_of(const struct store *s)
{
    bool others_rely = s->mode == STORE_JOIN || s->is_resumable;
    return others_rely && s->is_durable ? FILE_SYNC_CONTENT : FILE_SYNC_NONE;
}

int group_check_writable(const struct store *s, struct error *e)
{
    if (s->mode == STORE_READ)
        return error_set(e, STORE_CONFLICT, NULL, "the store %s was opened to be read only",
                         s->path);
    return 0;
}

/* ---- whether it is where it was opened ------------------------------------------------------- */

/* The descriptor may be another's by now (a library closed it), the path too (it was moved). */
int group_check_place(const struct store *s)
{
    struct stat open, now;
    if (fstat(s->directory, &open) < 0)
        return -errno;
    if (open.st_dev != s->device || open.st_ino != s->inode)
        return -EBADF;
    if (lstat(s->sync, &now) < 0 || lstat(s->path, &now) < 0)
        return -errno;
    return now.st_dev == s->device && now.st_ino == s->inode ? 0 : -ENOENT;
}

/* By the descriptor: the store may have been away for just the moment in which it was looked for.
 */
int group_check_missing(const struct store *s, const char *array, const char *key)
{
    struct stat st;
    int r = s->directory < 0 ? 0 : group_check_place(s);
    if (s->directory < 0 || r < 0)
        return r;
    if (array && fstatat(s->directory, array, &st, 0) < 0)
        return -errno;
    char *name = array ? mem_printf("%s/%s", array, key) : mem_strdup(key);
    r = fstatat(s->directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? -ENOENT
        : errno == ENOENT                                          ? 0
                                                                   : -errno;
    free(name);
    return r;
}

/* ---- the root's attributes --------------------------------------------------------------------
 */

int store_attributes(struct store *s, json_t **ret_attrs, struct error *e)
{
    return format_read_attributes(s, NULL, ret_attrs, e);
}

int store_set_attributes(struct store *s, const json_t *attrs, struct error *e)
{
    int attributes = -1,
        group = -1; /* in version 3 they are in one file with what is consolidated */
    int r = group_check_writable(s, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zattrs", &attributes, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zgroup", &group, e);
    if (r == 0)
        r = format_write_attributes(s, NULL, attrs, e);
    sync_lock_release(group);
    sync_lock_release(attributes);
    return r;
}

json_t *store_provenance(const json_t *attrs)
{
    json_t *told = json_object_get(attrs, STORE_PROVENANCE);
    const char *text = json_string_value(told);
    told = text ? json_read(text, strlen(text), NULL) : json_incref(told);
    if (json_is_object(told))
        return told;
    json_decref(told);
    return NULL;
}
