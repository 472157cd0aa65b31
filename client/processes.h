/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about process types, and their summaries. */
#ifndef CLIENT_PROCESSES_H
#define CLIENT_PROCESSES_H

#include <jansson.h>

struct server;
struct options;

int processes_list(struct server *s, const struct options *o);
int processes_show(struct server *s, const struct options *o);

#endif
