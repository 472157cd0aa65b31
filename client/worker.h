/* SPDX-License-Identifier: Apache-2.0 */
/* simlab-worker: what reads stores is a role of it. */
#ifndef CLIENT_WORKER_H
#define CLIENT_WORKER_H

/* Becomes it, with these arguments (NULL at the end): the one beside this program, or that of
 * $PATH. Returns only where there is none, after a complaint. */
void worker_exec(const char *const *arguments);

#endif
