/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers (of jobs, leases …), a few of them or of one turn. Zeroed is empty. */
#ifndef BASE_ID_LIST_H
#define BASE_ID_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_list {
    int64_t *items;
    size_t n, capacity;
};

/* At the end, also what is there already. */
void id_list_add(struct id_list *l, int64_t id);
/* These two look at all of them. What is removed leaves its place to the last. */
bool id_list_has(const struct id_list *l, int64_t id);
void id_list_remove(struct id_list *l, int64_t id);
/* Ascending, each once. */
void id_list_sort(struct id_list *l);
void id_list_free(struct id_list *l);

#endif
