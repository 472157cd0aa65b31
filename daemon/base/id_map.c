/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing; a removal moves back what it would cut off. */
#include "base/id_map.h"

#include "base/mem.h"

#include <stdlib.h>

static size_t home(const struct id_map *m, int64_t id)
{
    return (size_t)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 32) & (m->capacity - 1);
}

/* Where it stands, or could. */
static struct id_map_entry *place(const struct id_map *m, int64_t id)
{
    size_t i = home(m, id);
    while (m->entries[i].id != 0 && m->entries[i].id != id)
        i = (i + 1) & (m->capacity - 1);
    return &m->entries[i];
}

void *id_map_get(const struct id_map *m, int64_t id)
{
    return m->capacity > 0 ? place(m, id)->value : NULL;
}

static void grow(struct id_map *m)
{
    struct id_map larger = {.n = m->n, .capacity = m->capacity ? m->capacity * 2 : 16};
    larger.entries = mem_array(larger.capacity, sizeof *larger.entries);
    for (size_t i = 0; i < m->capacity; i++)
        if (m->entries[i].id != 0)
            *place(&larger, m->entries[i].id) = m->entries[i];
    free(m->entries);
    *m = larger;
}

void id_map_set(struct id_map *m, int64_t id, void *value)
{
    mem_assert(id > 0 && value);
    if ((m->n + 1) * 4 > m->capacity * 3)
        grow(m);
    struct id_map_entry *e = place(m, id);
    m->n += e->id == 0;
    *e = (struct id_map_entry){id, value};
}

void *id_map_remove(struct id_map *m, int64_t id)
{
    struct id_map_entry *gap = m->capacity > 0 ? place(m, id) : NULL;
    if (!gap || gap->id == 0)
        return NULL;
    void *value = gap->value;
    size_t mask = m->capacity - 1, at = (size_t)(gap - m->entries);
    for (size_t i = (at + 1) & mask; m->entries[i].id != 0; i = (i + 1) & mask) {
        size_t from_home = (i - home(m, m->entries[i].id)) & mask;
        if (from_home < ((i - at) & mask)) /* it is found without the gap */
            continue;
        m->entries[at] = m->entries[i];
        at = i;
    }
    m->entries[at] = (struct id_map_entry){0};
    m->n--;
    return value;
}

void id_map_free(struct id_map *m)
{
    free(m->entries);
    *m = (struct id_map){0};
}

void *id_map_next(const struct id_map *m, size_t *i)
{
    while (*i < m->capacity)
        if (m->entries[(*i)++].id != 0)
            return m->entries[*i - 1].value;
    return NULL;
}
