/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of a store's files: writing and keeping them. */
#include "store/checksums.h"

#include "base/checksum.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/checksums_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

/* ---- one file -------------------------------------------------------------------------------- */

int checksums_of_file(int directory, const char *name, struct checksums_file *ret)
{
    struct stat st;
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return -ELOOP;
    }
    char block[BLOCK];
    size_t n = sizeof block;
    int64_t size = 0;
    int r = 0;
    struct checksum *sum = checksum_new();
    for (off_t at = 0; r == 0 && n == BLOCK; at += (off_t)n) {
        r = file_read_at(fd, block, BLOCK, at, &n);
        if (r == 0) {
            checksum_add(sum, block, n);
            size += (int64_t)n;
        }
    }
    close(fd);
    if (r == 0)
        *ret = (struct checksums_file){size, checksum_value(sum)};
    checksum_free(sum);
    return r;
}

/* ---- the names in a directory ---------------------------------------------------------------- */

bool checksums_is_chunk(const char *name)
{
    return *name >= '0' && *name <= '9' && name[strspn(name, "0123456789.")] == '\0';
}

static bool is_of_store(const char *name)
{
    static const char *const known[] = {".zgroup", ".zattrs", ".zmetadata", ".zarray", "zarr.json"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i]))
            return true;
    return checksums_is_chunk(name);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void checksums_names_clear(struct checksums_names *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->list[i]);
    free(n->list);
    *n = (struct checksums_names){0};
}

int checksums_list(int directory, struct checksums_names *ret)
{
    int fd = dup(directory);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    int r = d ? 0 : -errno;
    if (d)
        rewinddir(d);
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry) {
        if (!is_of_store(entry->d_name))
            continue;
        ret->list = mem_grow(ret->list, ret->n, &ret->capacity, sizeof *ret->list);
        ret->list[ret->n++] = mem_strdup(entry->d_name);
    }
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    if (ret->n > 0)
        qsort(ret->list, ret->n, sizeof *ret->list, compare_names);
    return r;
}

int checksums_open_directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* `known`: of chunks; NULL: none is. */
static int find_sum(int directory, const char *name, struct chunk_sums *known,
                    struct checksums_file *ret)
{
    const struct chunk_sum *found = known ? chunk_sums_find(known, name) : NULL;
    if (!found)
        return checksums_of_file(directory, name, ret);
    *ret = (struct checksums_file){found->size, found->sum};
    return 0;
}

static int add_files(int directory, struct chunk_sums *known, struct buffer *text)
{
    struct checksums_names names = {0};
    struct checksums_file file;
    int r = checksums_list(directory, &names);
    for (size_t i = 0; i < names.n && r == 0; i++) {
        r = find_sum(directory, names.list[i], known, &file);
        if (r == 0)
            buffer_printf(text, "%s %" PRId64 " %016" PRIx64 "\n", names.list[i], file.size,
                          file.sum);
        else if (r == -EISDIR || r == -ELOOP) /* none of ours */
            r = 0;
    }
    checksums_names_clear(&names);
    return r;
}

static int add_array(const struct store *s, const struct checksums_array *a, struct buffer *text)
{
    struct store_array *array = array_known(s, a->name);
    int fd = checksums_open_directory(s->directory, a->name);
    if (fd < 0)
        return fd;
    buffer_printf(text, "array %" PRId64 " %" PRId64 " %s\n", a->rows, a->member, a->name);
    int r = add_files(fd, array ? &array->sums : NULL, text);
    close(fd);
    return r;
}

static int add_all(struct store *s, const struct checksums_array *arrays, size_t n,
                   struct buffer *text, struct error *e)
{
    json_t *names = NULL, *name;
    size_t i;
    int r = store_arrays(s, &names, e);
    if (r != 0)
        return r;
    buffer_text(text, CHECKSUMS_HEADING);
    r = add_files(s->directory, NULL, text);
    json_array_foreach(names, i, name)
    {
        struct checksums_array a = {json_string_value(name), 0, -1};
        for (size_t k = 0; k < n; k++)
            a = strcmp(arrays[k].name, a.name) ? a : arrays[k];
        if (r == 0)
            r = add_array(s, &a, text);
    }
    json_decref(names);
    return error_errno(e, r, "read the store's files again");
}

int checksums_write(struct store *s, const struct checksums_array *arrays, size_t n,
                    struct error *e)
{
    struct buffer text = {0};
    char hash[HASH_TEXT_SIZE];
    int r = add_all(s, arrays, n, &text, e);
    if (r == 0 && text.size < CHECKSUMS_MAX) {
        hash_bytes(text.data, text.size, hash);
        buffer_printf(&text, CHECKSUMS_END "%s\n", hash);
        char *path = file_join(s->sync, CHECKSUMS_NAME);
        char *temporary = file_join(s->sync, CHECKSUMS_NAME ".partial");
        r = error_errno(e,
                        file_replace(path, temporary, text.data, text.size, 0666, FILE_SYNC_NONE),
                        "write the store's checksums");
        free(temporary);
        free(path);
    }
    buffer_free(&text);
    return r;
}

/* ---- keeping --------------------------------------------------------------------------------- */

bool checksums_are_whole(const char *text, size_t size, size_t *ret_body)
{
    static const size_t end = sizeof CHECKSUMS_END - 1 + HASH_TEXT_SIZE - 1 + 1;
    char hash[HASH_TEXT_SIZE];
    if (size < end + sizeof CHECKSUMS_HEADING - 1 ||
        memcmp(text, CHECKSUMS_HEADING, sizeof CHECKSUMS_HEADING - 1) != 0)
        return false;
    size_t body = size - end;
    hash_bytes(text, body, hash);
    *ret_body = body;
    return !memcmp(text + body, CHECKSUMS_END, sizeof CHECKSUMS_END - 1) &&
           !memcmp(text + body + sizeof CHECKSUMS_END - 1, hash, HASH_TEXT_SIZE - 1) &&
           text[size - 1] == '\n';
}

/* Not through a link. */
static int read_file(const char *path, struct buffer *ret)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
    if (r == 0 && (!S_ISREG(st.st_mode) || st.st_size > CHECKSUMS_MAX + 4096))
        r = -ELOOP;
    size_t n = 0;
    if (r == 0) {
        ret->data = mem_new((size_t)st.st_size + 1);
        ret->capacity = (size_t)st.st_size + 1;
        r = file_read_at(fd, ret->data, (size_t)st.st_size, 0, &n);
        ret->size = n;
    }
    if (fd >= 0)
        close(fd);
    return r;
}

int checksums_keep(const char *path, const char *to, const char *temporary)
{
    struct buffer text = {0};
    size_t body;
    char *from = mem_printf("%s.sync/" CHECKSUMS_NAME, path);
    int r = read_file(from, &text);
    if (r == 0 && checksums_are_whole(text.data, text.size, &body))
        r = file_replace(to, temporary, text.data, text.size, 0600, FILE_SYNC_DATA);
    free(from);
    buffer_free(&text);
    return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
}
