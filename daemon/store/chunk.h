/* SPDX-License-Identifier: Apache-2.0 */
/* One chunk file: where it is, what is in it, how it is replaced. Internal. */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include "store/group.h"

/* Areas of store.chunk: a chunk's elements, its file's bytes, a box of elements. */
enum chunk_area { CHUNK_ELEMENTS, CHUNK_FILE, CHUNK_BOX };

/* Paths, which live until the next call for another chunk. */
struct chunk_names {
    char *path, *temporary, *lock;
};
struct chunk_names chunk_names(struct store *s, const struct store_array *a, const char *key);
/* Where what row `row` saves is until it has ended (store/staging.h). Likewise. */
char *chunk_staged_name(struct store *s, const struct store_array *a, const char *key, int64_t row);

/* Room for a chunk's elements. */
int chunk_need(struct store *s, const struct store_array *a, struct error *e);

void chunk_fill(const struct store_meta *m, void *data, size_t n);
/* Of one element. */
bool chunk_is_fill(const struct store_meta *m, const char *element);

/* The elements of the chunk file at `path`, in this machine's byte order and the chunk's own order;
 * its *ret_size bytes stay in CHUNK_FILE until the next one is loaded. 0, -ENOENT, STORE_BROKEN,
 * -errno; without words. */
int chunk_load(struct store *s, const struct store_array *a, const char *path, void *ret_elements,
               size_t *ret_size);

/* The bytes of a file with these elements, which are in this machine's byte order, and are no
 * longer where they lie in CHUNK_ELEMENTS. *ret lives until the next call. 0 or -errno. */
int chunk_encode(struct store *s, const struct store_array *a, const void *elements,
                 const void **ret, size_t *ret_size);

/* Under the chunk's lock: elements (as above) become the chunk. */
int chunk_replace(struct store *s, const struct store_array *a, const struct chunk_names *n,
                  const char *key, const void *elements, enum file_sync sync, struct error *e);

/* With words that name the chunk: STORE_BROKEN; for r < 0, that `doing` it failed. Returns r. */
int chunk_broken(const struct store_array *a, const char *key, struct error *e);
int chunk_explain(int r, const char *doing, const struct store_array *a, const char *key,
                  struct error *e);

#endif
