/* SPDX-License-Identifier: Apache-2.0 */
/* Modules in Python that are pushed to the daemon, and removed there. */
#ifndef CLIENT_MODULES_H
#define CLIENT_MODULES_H

struct server;
struct options;

int modules_push(struct server *s, const struct options *o);
int modules_list(struct server *s, const struct options *o);
int modules_remove(struct server *s, const struct options *o);

#endif
