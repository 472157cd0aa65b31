/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of a session (proto/PROTOCOL.md, section 2). A thread of its own owns the
 * DEALER socket, greets, sends heartbeats also while a member computes, and ends the process when
 * the daemon has not been heard of for `silence_ms`: what it would still write may be another's.
 *
 * All functions are called by the thread that runs members. */
#ifndef WORKER_LINK_H
#define WORKER_LINK_H

#include "base/errors.h"
#include "proto/wire.h"

#include <stdbool.h>
#include <stdint.h>

/* Exit status of a process that lost its daemon. */
#define LINK_EXIT_LOST 3

struct link;

/* Connects and says HELLO; the texts are copied. */
int link_new(const char *endpoint, const char *name, const char *fingerprint,
             struct link **ret_link, struct error *e);
/* Waits a second at most for what was sent to leave. */
struct link *link_free(struct link *l);

/* The next message for this thread: JOB, LEASE, FINISH, DROP, QUIT. Blocks. Its texts live until
 * the next call. 0 or -errno. */
int link_receive(struct link *l, struct wire_message *ret_message);
/* 0 or -errno; -EMSGSIZE where a text is too long or not UTF-8. */
int link_send(struct link *l, const struct wire_message *m);

/* What heartbeats say. lease 0, member -1: none. Starting a member starts its clock. */
void link_set_lease(struct link *l, int64_t lease, int64_t fence, int64_t nsteps);
void link_set_member(struct link *l, int64_t member);
/* Notes progress; true where the current lease was cancelled or the worker is to quit. Between
 * steps: costs a few nanoseconds. */
bool link_step(struct link *l, int64_t member, int64_t step);

#endif
