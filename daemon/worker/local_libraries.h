/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries of `simlab-worker run`: those files of directories that a job names, loaded where
 * they lie. */
#ifndef WORKER_LOCAL_LIBRARIES_H
#define WORKER_LOCAL_LIBRARIES_H

#include "worker/library.h"

#include <stdbool.h>

/* A model that comes with a library. */
struct local_model {
    const char *library, *name;
};

/* Loads the libraries that the job's document names, in its model and its hooks, and those that
 * their types extend or refer to; of two directories the first counts that has a good one. What
 * cannot be loaded, and types that are bad, are left out alone, with a word in the log where the
 * job may need them, unless another process has said all that (`is_quiet`). The caller has a
 * reference to the registry.
 *
 * `model`: what becomes the document's model first, if it has names. 0, or WORKER_REFUSED with
 * words where there is none of that name: then there is a registry, too. */
int local_libraries_open(struct libraries *l, const char *const *directories, json_t *document,
                         const struct local_model *model, bool is_quiet,
                         const struct registry **ret_registry, struct error *e);

#endif
