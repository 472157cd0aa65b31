/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of a session (proto/PROTOCOL.md, section 2). A thread of its own owns the
 * DEALER socket, greets, sends heartbeats also while a member computes, and ends the process when
 * the daemon has not been heard of for `silence_ms`, or when a message of either side was lost:
 * what it would still write may be another's.
 *
 * All functions are called by the thread that runs members. */
#ifndef WORKER_DAEMON_SESSION_H
#define WORKER_DAEMON_SESSION_H

#include "base/errors.h"
#include "proto/where.h"
#include "proto/wire.h"

#include <stdatomic.h>

#include <stdbool.h>
#include <stdint.h>

/* Exit status of a process that lost its daemon. */
#define DAEMON_SESSION_EXIT_LOST 3

struct daemon_session;

/* Connects and says HELLO; the texts are copied, `secret` only until that is said. `where`
 * (borrowed) is what heartbeats say, and only the functions below write there. */
int daemon_session_new(const char *endpoint, const char *name, const char *fingerprint,
                       const char *secret, struct where *where, struct daemon_session **ret_session,
                       struct error *e);
/* Until the daemon has said WELCOME: the connection stands. */
void daemon_session_await_welcome(struct daemon_session *l);
/* Waits while the daemon takes what was sent, and a second more. */
struct daemon_session *daemon_session_free(struct daemon_session *l);

/* The next message for this thread: JOB, LEASE, HELP, LAID_OUT, FINISH, DROP, QUIT. Blocks. Its
 * texts live until the next call. 0 or -errno. */
int daemon_session_receive(struct daemon_session *l, struct wire_message *ret_message);
/* 0; -EMSGSIZE where a text is too long or not UTF-8. Where it cannot be sent for any other reason,
 * the process ends. */
int daemon_session_send(struct daemon_session *l, const struct wire_message *m);

/* What heartbeats and the where page say (where_set_lease). A member's clock starts when the member
 * begins, and stops at its end, while its outputs are put away. */
void daemon_session_set_lease(struct daemon_session *l, int64_t job, int64_t lease, int64_t nsteps);
void daemon_session_begin_member(struct daemon_session *l, int64_t member);
void daemon_session_end_member(struct daemon_session *l);
/* True where the current lease was cancelled or the worker is to quit. Costs a few nanoseconds. */
bool daemon_session_stopped(struct daemon_session *l);
/* The same for any thread. Borrowed. */
const atomic_bool *daemon_session_is_cancelled(const struct daemon_session *l);
/* A descriptor that can be read while it is so. Borrowed. */
int daemon_session_stop_event(const struct daemon_session *l);
/* The same between two steps, and notes progress. */
bool daemon_session_step(struct daemon_session *l, int64_t step);
/* Whether that was since the worker is to quit. */
bool daemon_session_quits(struct daemon_session *l);
/* What LAID_OUT has said of the current lease; it lives until another is set. 0; -EAGAIN: nothing
 * yet, only where it need not wait; -ECANCELED where it is stopped. LAID_OUT is received besides.
 */
int daemon_session_laid_out(struct daemon_session *l, bool waits, const char **ret_layout);

#endif
