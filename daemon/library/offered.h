/* SPDX-License-Identifier: Apache-2.0 */
/* ROOT/offered.json, {path: hash}: what is on offer, so that the next daemon begins with it, and
 * keeps to the last good content of a library whose newest is bad. It may be missing. */
#ifndef LIBRARY_OFFERED_H
#define LIBRARY_OFFERED_H

#include "library/copies.h"
#include "library/originals.h"

/* Adds to `ret` (empty) what was on offer from files of these directories (as originals_look has
 * them), as far as its copies are intact. */
void offered_read(const char *root, const char *const *directories, const char *const *pushed,
                  struct copies *copies, struct originals *ret);
/* 0 or -errno. */
int offered_write(const char *root, const char *text);

#endif
