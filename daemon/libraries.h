/* SPDX-License-Identifier: Apache-2.0 */
/* Process libraries: described by a child each, so that one that crashes harms nobody. */
#ifndef LIBRARIES_H
#define LIBRARIES_H

#include "model/registry.h"

enum libraries_result { LIBRARIES_INVALID = 1 };

/* Describes each .so of the directories (NULL at the end), by name, with `worker`. What crashes,
 * hangs or is refused is left out: ret_refused is [{"path", "reason"}], a new reference. Where two
 * libraries have one name, the first counts. Takes a few milliseconds each: before the loop only.
 */
int libraries_describe(const char *worker, const char *const *directories,
                       struct registry **ret_registry, json_t **ret_refused, struct error *e);

#endif
