/* SPDX-License-Identifier: Apache-2.0 */
/* What a job's members have logged. */
#ifndef CLIENT_LOG_H
#define CLIENT_LOG_H

#include <jansson.h>

struct server;
struct options;

/* One line: its object, and the same as it came. Borrowed. */
typedef void (*log_line_fn)(void *userdata, const json_t *line, const char *data);
/* Calls fn for each line, from the first, until the job ends. An exit code. */
int log_follow(struct server *s, const char *id, log_line_fn fn, void *userdata);

/* `simlab log` */
int log_show(struct server *s, const struct options *o);

#endif
