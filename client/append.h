/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab append`: members for an open batch. Returns an exit code. */
#ifndef CLIENT_APPEND_H
#define CLIENT_APPEND_H

struct server;
struct options;

int append_run(struct server *s, const struct options *o);

#endif
