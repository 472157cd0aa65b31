/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of copies, one for each content: ROOT/HASH/NAME.so (library/content.h).
 *
 * Invariants
 *  1. What stands under a HASH was copied whole, described, and is on the disk.
 *  2. A copy is never changed; it goes as a whole, by copies_sweep only.
 *
 * Any thread may call these; they take long. */
#ifndef LIBRARY_COPIES_H
#define LIBRARY_COPIES_H

#include "base/errors.h"
#include "base/hash.h"
#include "library/result.h"

#include <jansson.h>
#include <stdint.h>

struct copies;

/* Makes the directory where absent, and removes what a former daemon left unfinished. `program`:
 * simlab-worker; `arguments`: more that its describe is
 * given, how libraries are confined: NULL at the end, or NULL; borrowed. 0 or -errno with words. */
int copies_open(const char *root, const char *program, const char *const *arguments,
                struct copies **ret_copies, struct error *e);
struct copies *copies_free(struct copies *c);
/* What is being described, and all that will be, fails at once. */
void copies_stop(struct copies *c);

/* Sees to it that there is a good copy of the library at `path`, with its document (a new
 * reference). LIBRARY_REFUSED, LIBRARY_CHANGES, -errno: with words, and no copy was made. */
int copies_take(struct copies *c, const char *path, char ret_hash[HASH_TEXT_SIZE],
                json_t **ret_document, struct error *e);

/* The document of a copy that was made earlier, of the library at `path`. A new reference;
 * LIBRARY_REFUSED where there is no such copy. */
int copies_document(struct copies *c, const char *path, const char *hash, json_t **ret_document,
                    struct error *e);

/* Removes the copies that are no key of `needed` and were not for `seconds`: since a sweep, or
 * since they were made. Not beside a copies_take. -errno with words, and how many went. */
int copies_sweep(struct copies *c, const json_t *needed, int64_t seconds, int *ret_removed,
                 struct error *e);

#endif
