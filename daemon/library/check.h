/* SPDX-License-Identifier: Apache-2.0 */
/* What a daemon would offer of its directories of libraries, told without one: no copy is kept. */
#ifndef LIBRARY_CHECK_H
#define LIBRARY_CHECK_H

#include "model/registry.h"

/* Copies, and describes with `program` (simlab-worker; `arguments`: copies_open), all that lies in
 * the directories (NULL at the end). One reference to the registry; what is left out stands in it
 * (registry_left_out). -errno, with words. */
int check_libraries(const char *const *directories, const char *program,
                    const char *const *arguments, struct registry **ret_registry, struct error *e);

#endif
