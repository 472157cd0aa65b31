/* SPDX-License-Identifier: Apache-2.0 */
/* The list of arrays, and consolidated metadata. */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/group.h"
#include "store/meta.h"
#include "store/sync_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the list of arrays -------------------------------------------------------------------- */

/* An array that cannot be seen is not an absent one: 0 or -errno. */
static int is_array(DIR *d, const char *name, bool *ret)
{
    *ret = false;
    if (!file_name_ok(name))
        return 0;
    char *path = file_join(name, ".zarray");
    struct stat st;
    int r = fstatat(dirfd(d), path, &st, 0) < 0 ? -errno : 0;
    free(path);
    *ret = r == 0 && S_ISREG(st.st_mode);
    return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

/* As Python sorts the keys "NAME/.zarray". */
static int compare_keys(const void *a, const void *b)
{
    const unsigned char *p = *(const unsigned char *const *)a,
                        *q = *(const unsigned char *const *)b;
    while (*p && *p == *q) {
        p++;
        q++;
    }
    return (*p ? *p : '/') - (*q ? *q : '/');
}

/* Adds to `ret_names`, whatever the result. */
static int read_names(DIR *d, char ***ret_names, size_t *ret_n)
{
    const struct dirent *entry;
    int r = 0;
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry) {
        bool is;
        r = is_array(d, entry->d_name, &is);
        if (is) {
            *ret_names = mem_resize(*ret_names, *ret_n + 1, sizeof **ret_names);
            (*ret_names)[(*ret_n)++] = mem_strdup(entry->d_name);
        }
    }
    return r;
}

int store_arrays(struct store *s, json_t **ret_names, struct error *e)
{
    DIR *d = opendir(s->path);
    if (!d)
        return error_errno(e, -errno, "list the store");
    char **names = NULL;
    size_t n = 0;
    int r = read_names(d, &names, &n);
    closedir(d);
    if (n > 0)
        qsort(names, n, sizeof *names, compare_keys);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, json_string(names[i]));
        free(names[i]);
    }
    free(names);
    if (r == 0)
        *ret_names = list;
    else
        json_decref(list);
    return error_errno(e, r, "list the store");
}

/* ---- consolidated metadata ----------------------------------------------------------------- */

/* Beyond ASCII only strings have characters; zarr-python wants them escaped. `text` is UTF-8. */
static size_t append_escaped(struct buffer *b, const unsigned char *text)
{
    size_t more = text[0] >= 0xf0 ? 3 : text[0] >= 0xe0 ? 2 : 1;
    uint32_t c = text[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        c = c << 6 | (text[i] & 0x3fu);
    if (c >= 0x10000)
        buffer_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    else
        buffer_printf(b, "\\u%04x", c);
    return more + 1;
}

/* Text of valid JSON, each line after the first 8 spaces deeper. */
static void append_indented(struct buffer *b, const char *text, size_t size)
{
    size_t from = 0, i = 0;
    while (i < size) {
        if (text[i] == '\n') {
            buffer_append(b, text + from, ++i - from);
            buffer_text(b, "        ");
            from = i;
        } else if ((unsigned char)text[i] >= 0x80) {
            buffer_append(b, text + from, i - from);
            i += append_escaped(b, (const unsigned char *)text + i);
            from = i;
        } else {
            i++;
        }
    }
    buffer_append(b, text + from, size - from);
}

/* One more file's text. The files' own texts are taken, not what our parser made of them: what
 * others wrote there (a bare NaN, large integers) stays as it is. */
static void append_member(struct buffer *b, const char *key, const char *text, size_t size)
{
    while (size > 0 && strchr(" \t\r\n", text[size - 1]))
        size--;
    json_t *name = json_string(key);
    char *quoted = json_write(name);
    buffer_text(b, b->size > 0 ? ",\n        " : "\n        ");
    append_indented(b, quoted, strlen(quoted));
    buffer_text(b, ": ");
    append_indented(b, text, size);
    free(quoted);
    json_decref(name);
}

/* A file that is absent is left out. */
static int add_file(struct store *s, const char *array, const char *file, struct buffer *b,
                    struct error *e)
{
    struct buffer text = {0};
    int r = group_get_text(s, array, file, &text);
    if (r < 0) {
        buffer_free(&text);
        r = r == -ENOENT ? group_check_missing(s, array, file) : r;
        return r < 0 ? group_explain(r, "read", array, file, e) : 0;
    }
    struct error why = {0};
    json_t *value = meta_json(text.data ? text.data : "", text.size, &why);
    if (json_is_object(value)) {
        char *key = array ? mem_printf("%s/%s", array, file) : mem_strdup(file);
        append_member(b, key, text.data, text.size);
        free(key);
    } else {
        r = error_set(e, STORE_BROKEN, NULL, "%.255s%s%s: %.600s", array ? array : "",
                      array ? "/" : "", file, value ? "is no JSON object" : why.message);
    }
    json_decref(value);
    buffer_free(&text);
    return r;
}

static int collect(struct store *s, struct buffer *b, struct error *e)
{
    json_t *names = NULL;
    int r = add_file(s, NULL, ".zattrs", b, e);
    if (r == 0)
        r = add_file(s, NULL, ".zgroup", b, e);
    if (r == 0)
        r = store_arrays(s, &names, e);
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        if (r == 0)
            r = add_file(s, json_string_value(name), ".zarray", b, e);
        if (r == 0)
            r = add_file(s, json_string_value(name), ".zattrs", b, e);
    }
    json_decref(names);
    return r;
}

static bool stands_already(struct store *s, const struct buffer *text)
{
    struct buffer there = {0};
    bool is_equal = group_get_text(s, NULL, ".zmetadata", &there) == 0 &&
                    there.size == text->size && memcmp(there.data, text->data, text->size) == 0;
    buffer_free(&there);
    return is_equal;
}

int store_consolidate(struct store *s, struct error *e)
{
    int fd = -1;
    int r = group_check_writable(s, e);
    if (r == 0)
        r = group_lock(s, NULL, ".zgroup", &fd, e);
    if (r != 0)
        return r;
    struct buffer members = {0}, text = {0};
    r = collect(s, &members, e);
    if (r == 0) {
        buffer_printf(&text, "{\n    \"metadata\": {%s\n    },\n", members.data);
        buffer_text(&text, "    \"zarr_consolidated_format\": 1\n}\n");
        if (!stands_already(s, &text)) /* bringing it to the disk is most of what closing takes */
            r = group_put_text(s, NULL, ".zmetadata", text.data, e);
    }
    buffer_free(&members);
    buffer_free(&text);
    sync_lock_release(fd);
    return r;
}
