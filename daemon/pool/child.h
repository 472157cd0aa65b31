/* SPDX-License-Identifier: Apache-2.0 */
/* One child process: its start, its end, and the children that we adopt. Internal to pool/.
 *
 * Invariants
 *  1. A child is reaped by who started it (child_reap), and by nobody else: until then its number,
 *     and that of its session, are nobody else's.
 *  2. All other children that end (orphans, of which we are the reaper: PR_SET_CHILD_SUBREAPER, or
 *     process 1 of a container) are reaped by child_reap_orphans. So the daemon starts no children
 *     but by child_start.
 * Thread safe. */
#ifndef POOL_CHILD_H
#define POOL_CHILD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

struct child_options {
    const char *const *argv; /* argv[0] is the path of the program */
    const char *directory;   /* to run in, and $TMPDIR; NULL: as we do */
    int output, error;       /* descriptors to become standard output and error */
    const int *inherit; /* descriptors that stay open, with their numbers; -1 at the end; or NULL */
};

/* Starts it as leader of a new session, with default signals, no input, and SIGKILL when the
 * calling thread ends. 0 once the program runs (execve succeeded), or -errno. */
int child_start(const struct child_options *o, pid_t *ret_pid, int *ret_pidfd);

/* Kills it and its process group; not what has left that (pool/sweep.h). */
void child_kill(pid_t pid);
/* Asks it to end (SIGTERM); kills it after `timeout_ms`. True when it is dead, not reaped. */
bool child_end(pid_t pid, int pidfd, int timeout_ms);
/* Waits for it. The status is waitpid's; `ret_usage` may be NULL. */
int child_reap(pid_t pid, struct rusage *ret_usage);

/* Nobody will wait for it. */
void child_abandon(pid_t pid);

/* Whether that is a child of ours that waits for child_reap. */
bool child_is_ours(pid_t pid);
/* Reaps those that nobody waits for, as far as they come before one that somebody does. */
void child_reap_orphans(void);

/* "exit status 3", "killed by signal 9 (Killed)". `ret` has room for 64 bytes. */
void child_status(int status, char *ret);

#endif
