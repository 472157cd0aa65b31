/* SPDX-License-Identifier: Apache-2.0 */
/* `simlab replay`: simlab-worker makes the job out of its store. */
#ifndef CLIENT_REPLAY_H
#define CLIENT_REPLAY_H

struct server;
struct options;

/* Replaces this program by `simlab-worker replay` (worker_exec). */
int replay_run(struct server *s, const struct options *o);

#endif
