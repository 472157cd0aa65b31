/* SPDX-License-Identifier: Apache-2.0 */
/* A process above the one in which user code runs: so that nothing of it is left when that has
 * ended, whatever it started, however it hid it.
 *
 * The guard is the reaper of orphans of all that descends from it (PR_SET_CHILD_SUBREAPER): who
 * puts itself into another session, forks twice, closes its descriptors and clears its environment
 * is its child in the end. When the worker ends, or the guard is asked to end (SIGTERM; also where
 * the process that started it dies), it kills all its children until it has none, and ends as the
 * worker did, or of the signal that asked. Orphans that end by themselves are reaped at once. The
 * worker leads a process group of its own.
 *
 * What goes beyond it: user code that kills the guard (SIGKILL). Then the worker dies too, and the
 * pool kills what it can recognize (pool/pool.h, invariant 2). */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

/* `directory`: is removed at the end; `group`, of a control group that the worker enters, likewise;
 * NULL: none.
 *
 * Forks: returns 0 in the child, which goes on; the parent is the guard, and never returns. Call it
 * before any thread. -errno where nothing was done. */
int guard_start(const char *directory, const char *group);

#endif
