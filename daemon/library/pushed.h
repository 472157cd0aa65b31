/* SPDX-License-Identifier: Apache-2.0 */
/* Modules in Python that clients push: each becomes a library, in a directory of its own.
 *
 *   ROOT/NAME/NAME.so     a link to the host of the environment (library/environments.h)
 *   ROOT/NAME/NAME.files  what belongs to it, with all that is listed beside it
 *
 * Invariants
 *  1. A directory ROOT/NAME is whole, on the disk, and was described well; the next one takes its
 *     place at once, and it goes at once. Hidden names are not finished, or not yet gone.
 *  2. Names come from outside: each is checked before it is joined to a path, and all are made in a
 *     new directory.
 *
 * Any thread may call these, one push or removal at a time. */
#ifndef LIBRARY_PUSHED_H
#define LIBRARY_PUSHED_H

#include "base/errors.h"
#include "base/hash.h"
#include "library/copies.h"

#include <jansson.h>

/* Makes the directory where absent, and removes what a former daemon left unfinished. 0 or
 * -errno. */
int pushed_open(const char *root);

/* "name" of {"name": NAME, "files": {RELATIVE NAME: TEXT}}, which may be anything; borrowed from
 * it. LIBRARY_REFUSED with words and a pointer where it is no name of a module. */
int pushed_name(const json_t *module, const char **ret_name, struct error *e);

/* Takes a module, as above, whose name was checked, hosted by `host`: it is written, copied and
 * described, and then takes the place of what was pushed under its name. LIBRARY_REFUSED, -errno:
 * with words, and nothing has changed. `ret_path` is new. */
int pushed_take(const char *root, const char *host, const json_t *module, struct copies *copies,
                char **ret_path, char ret_signature[HASH_TEXT_SIZE], char ret_hash[HASH_TEXT_SIZE],
                json_t **ret_document, struct error *e);

/* Removes what was pushed under the name of a module, where it is there: at once, for who looks. 0;
 * -errno with words, and nothing has changed. */
int pushed_remove(const char *root, const char *name, struct error *e);

#endif
