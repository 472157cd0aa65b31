/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that read stores: simlab-worker, and simlab-export. */
#ifndef CLIENT_WORKER_H
#define CLIENT_WORKER_H

#include "client/server.h"

/* The path of a store: that of the job where the operand is digits only ("./12" is a folder). The
 * caller frees. 0, or an exit code after a complaint. */
int worker_find_store(struct server *s, const char *operand, char **ret_store);

/* Becomes the one of the first argument's name, with these arguments (NULL at the end): that beside
 * this program, or of $PATH. Returns only where there is none, after a complaint. */
void worker_exec(const char *const *arguments);

#endif
