/* SPDX-License-Identifier: Apache-2.0 */
/* From numbers (of jobs, leases …) above 0 to pointers. Zeroed is empty. */
#ifndef BASE_ID_MAP_H
#define BASE_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct id_map {
    struct id_map_entry {
        int64_t id; /* 0: empty */
        void *value;
    } * entries;
    size_t n, capacity; /* capacity: 0 or a power of two, at most three quarters full */
};

/* NULL where there is none. */
void *id_map_get(const struct id_map *m, int64_t id);
/* `value` is not NULL; it replaces what was there. */
void id_map_set(struct id_map *m, int64_t id, void *value);
/* What was there, or NULL. */
void *id_map_remove(struct id_map *m, int64_t id);
void id_map_free(struct id_map *m); /* not the values */

/* All of them, in no order: for (size_t i = 0; (v = id_map_next(m, &i));). Nothing is set or
 * removed meanwhile. */
void *id_map_next(const struct id_map *m, size_t *i);

#endif
