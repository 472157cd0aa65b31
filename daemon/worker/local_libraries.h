/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries of `simlab-worker run`: those files of directories that a job names, loaded where
 * they lie. */
#ifndef WORKER_LOCAL_LIBRARIES_H
#define WORKER_LOCAL_LIBRARIES_H

#include "worker/library.h"

#include <stdbool.h>

/* Loads the libraries that the job's document names, in its model and its hooks, and those that
 * their types extend or refer to; of two directories the first counts that has a good one. What
 * cannot be loaded, and types that are bad, are left out alone, with a word in the log where the
 * job may need them, unless another process has said all that (`is_quiet`). The caller has a
 * reference to the registry. */
void local_libraries_open(struct libraries *l, const char *const *directories,
                          const json_t *document, bool is_quiet,
                          const struct registry **ret_registry);

#endif
