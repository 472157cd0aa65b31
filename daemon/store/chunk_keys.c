/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_keys.h"

#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool chunk_keys_parse(const char *key, int ndim, int64_t *ret_index)
{
    if (ndim == 0)
        return !strcmp(key, "0");
    for (int d = 0; d < ndim; d++) {
        size_t digits = strspn(key, "0123456789");
        if (digits == 0 || digits > 18 || (digits > 1 && *key == '0') ||
            key[digits] != (d + 1 < ndim ? '.' : '\0'))
            return false;
        ret_index[d] = strtoll(key, NULL, 10);
        key += digits + 1;
    }
    return true;
}

static void add(struct chunk_keys *k, const char *key)
{
    if (k->n == k->capacity) {
        k->capacity = k->capacity ? 2 * k->capacity : 64;
        k->list = mem_resize(k->list, k->capacity, sizeof *k->list);
    }
    k->list[k->n++] = mem_strdup(key);
}

/* An array has both directories since it was made. */
static int read_directory(const char *parent, const struct store_array *a, struct chunk_keys *k)
{
    int64_t index[SIMLAB_MAX_DIMS];
    char *path = mem_printf("%s/%s", parent, a->name);
    DIR *d = opendir(path);
    int r = d ? 0 : -errno;
    const struct dirent *entry;
    free(path);
    while (r == 0 && (r = file_next_entry(d, &entry)) == 0 && entry)
        if (chunk_keys_parse(entry->d_name, a->meta.ndim, index))
            add(k, entry->d_name);
    if (d)
        closedir(d);
    return r;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int chunk_keys_read(const struct store *s, const struct store_array *a, struct chunk_keys *ret)
{
    *ret = (struct chunk_keys){0};
    int r = read_directory(s->path, a, ret);
    if (r == 0)
        r = read_directory(s->sync, a, ret);
    if (r == -ENOENT && s->mode == STORE_READ)
        r = 0; /* its locks were removed when its job ended */
    if (ret->n > 0)
        qsort(ret->list, ret->n, sizeof *ret->list, compare);
    size_t kept = 0;
    for (size_t i = 0; i < ret->n; i++) {
        if (kept > 0 && !strcmp(ret->list[kept - 1], ret->list[i]))
            free(ret->list[i]);
        else
            ret->list[kept++] = ret->list[i];
    }
    ret->n = kept;
    return r;
}

void chunk_keys_clear(struct chunk_keys *k)
{
    for (size_t i = 0; i < k->n; i++)
        free(k->list[i]);
    free(k->list);
    *k = (struct chunk_keys){0};
}
