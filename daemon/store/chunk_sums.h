/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of an array's chunks, noted while the end of its job has their bytes at hand, so that
 * they need not be read again (checksums.h). What is not there was not noted. Zeroed is empty.
 * Internal. */
#ifndef STORE_CHUNK_SUMS_H
#define STORE_CHUNK_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk_sum {
    char *key;
    int64_t size;
    uint64_t sum;
};

struct chunk_sums {
    struct chunk_sum *list;
    size_t n, capacity;
    bool is_sorted;
};

/* Of a chunk that has none yet. */
void chunk_sums_add(struct chunk_sums *s, const char *key, const void *bytes, size_t size);
/* All of `from`, which is empty then. */
void chunk_sums_move(struct chunk_sums *from, struct chunk_sums *to);
/* NULL: none was noted. Borrowed until more are added. */
const struct chunk_sum *chunk_sums_find(struct chunk_sums *s, const char *key);
void chunk_sums_clear(struct chunk_sums *s);

#endif
