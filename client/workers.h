/* SPDX-License-Identifier: Apache-2.0 */
/* The command about workers. */
#ifndef CLIENT_WORKERS_H
#define CLIENT_WORKERS_H

struct server;
struct options;

int workers_list(struct server *s, const struct options *o);

#endif
