/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead child may have left running. A guard (worker/guard.h) leaves nothing; where it was
 * killed, or there was none, this finds all that
 *  - is in the child's session, or
 *  - has become our child as an orphan, and bears its mark: it has the lock's file open, which
 *    workers inherit, or was started with the given assignment in its environment.
 * Nothing else is ever killed: children that we had before, and other orphans of a container whose
 * process 1 we are, have neither. Internal to pool/. */
#ifndef POOL_SWEEP_H
#define POOL_SWEEP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct sweep {
    pid_t leader;            /* dead, and not reaped */
    const struct stat *lock; /* of the lock's file; NULL: none */
    const char *mark;        /* "NAME=value"; NULL: none */
};

/* Kills all that is found. False where there is nothing; else *ret_pid is one of them, and
 * *ret_pidfd (the caller's) tells when that is dead: then, again. -1 where there is no descriptor
 * to be had. */
bool sweep_kill(const struct sweep *s, pid_t *ret_pid, int *ret_pidfd);
/* The same until there is nothing; 0, or one that is still there after `timeout_ms`. */
pid_t sweep_wait(const struct sweep *s, int timeout_ms);

#endif
