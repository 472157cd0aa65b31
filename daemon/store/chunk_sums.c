/* SPDX-License-Identifier: Apache-2.0 */
#include "store/chunk_sums.h"

#include "base/checksum.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static struct chunk_sum *make_room(struct chunk_sums *s)
{
    s->list = mem_grow(s->list, s->n, &s->capacity, sizeof *s->list);
    s->is_sorted = false;
    return &s->list[s->n++];
}

void chunk_sums_add(struct chunk_sums *s, const char *key, const void *bytes, size_t size)
{
    *make_room(s) = (struct chunk_sum){mem_strdup(key), (int64_t)size, checksum_of(bytes, size)};
}

void chunk_sums_move(struct chunk_sums *from, struct chunk_sums *to)
{
    for (size_t i = 0; i < from->n; i++)
        *make_room(to) = from->list[i];
    from->n = 0;
    chunk_sums_clear(from);
}

static int compare(const void *a, const void *b)
{
    const struct chunk_sum *x = a, *y = b;
    return strcmp(x->key, y->key);
}

const struct chunk_sum *chunk_sums_find(struct chunk_sums *s, const char *key)
{
    const struct chunk_sum wanted = {.key = (char *)key};
    if (s->n == 0)
        return NULL;
    if (!s->is_sorted)
        qsort(s->list, s->n, sizeof *s->list, compare);
    s->is_sorted = true;
    return bsearch(&wanted, s->list, s->n, sizeof *s->list, compare);
}

void chunk_sums_clear(struct chunk_sums *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->list[i].key);
    free(s->list);
    *s = (struct chunk_sums){0};
}
