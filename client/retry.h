/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab retry`: a job that has ended goes on. Returns an exit code. */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

struct server;
struct options;

int retry_run(struct server *s, const struct options *o);

#endif
