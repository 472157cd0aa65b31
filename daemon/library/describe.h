/* SPDX-License-Identifier: Apache-2.0 */
/* A library is described by a child, so that one that crashes or hangs harms nobody. */
#ifndef LIBRARY_DESCRIBE_H
#define LIBRARY_DESCRIBE_H

#include "base/errors.h"
#include "library/result.h"

#include <jansson.h>

/* The document of the copy (a path) of the library `original`, whose content has this hash.
 * `program`: simlab-worker, and `arguments` more for it (or NULL). A new reference.
 * LIBRARY_REFUSED with the reason, in which the original is named: also where the child crashed or
 * hung, where no type or hook is good, and where the library finds shared objects beside itself
 * that NAME.files does not list; -errno where no child can be run. Takes as long as the child,
 * which is killed after ten seconds, and where `stop` (a descriptor) can be read. Any thread may
 * call it. */
int describe_copy(const char *program, const char *const *arguments, int stop, const char *copy,
                  const char *original, const char *hash, json_t **ret_document, struct error *e);

#endif
