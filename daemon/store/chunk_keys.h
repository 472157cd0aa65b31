/* SPDX-License-Identifier: Apache-2.0 */
/* The chunks of an array of which there is any trace: a file, or the file of a lock. Internal. */
#ifndef STORE_CHUNK_KEYS_H
#define STORE_CHUNK_KEYS_H

#include "store/group.h"

struct chunk_keys {
    char **list; /* sorted, each once */
    size_t n, capacity;
};

/* 0 or -errno; to be cleared either way. */
int chunk_keys_read(const struct store *s, const struct store_array *a, struct chunk_keys *ret);
void chunk_keys_clear(struct chunk_keys *k);

/* "3.0.1" of an array of 3 dims; false where it is none. */
bool chunk_keys_parse(const char *key, int ndim, int64_t *ret_index);

#endif
