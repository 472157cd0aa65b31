/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptor document of a library (proto/PROTOCOL.md, section 1), from its table. Whoever
 * changes what it says raises the number in library/document.h. */
#ifndef WORKER_DESCRIPTOR_H
#define WORKER_DESCRIPTOR_H

#include "simlab/process.h"
#include "worker/result.h"

#include <jansson.h>

/* `processes` are the table's, copied in this host's size. Types and hooks that cannot be told of
 * stand in `left_out`. A new reference, or WORKER_REFUSED where the library cannot be. */
int descriptor_document(const char *name, const char *path, const char *hash,
                        const struct simlab_library *table, const struct simlab_process *processes,
                        json_t **ret_document, struct error *e);

#endif
