/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id_list.h"

#include "base/mem.h"

#include <stdlib.h>

void id_list_add(struct id_list *l, int64_t id)
{
    l->items = mem_grow(l->items, l->n, &l->capacity, sizeof *l->items);
    l->items[l->n++] = id;
}

bool id_list_has(const struct id_list *l, int64_t id)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i] == id)
            return true;
    return false;
}

void id_list_remove(struct id_list *l, int64_t id)
{
    for (size_t i = l->n; i-- > 0;)
        if (l->items[i] == id)
            l->items[i] = l->items[--l->n];
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void id_list_sort(struct id_list *l)
{
    size_t kept = 0;
    if (l->n > 1)
        qsort(l->items, l->n, sizeof *l->items, by_number);
    for (size_t i = 0; i < l->n; i++)
        if (kept == 0 || l->items[i] != l->items[kept - 1])
            l->items[kept++] = l->items[i];
    l->n = kept;
}

void id_list_free(struct id_list *l)
{
    free(l->items);
    *l = (struct id_list){0};
}
