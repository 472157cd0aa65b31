/* SPDX-License-Identifier: Apache-2.0 */
/* One child process, and what it leaves behind. Internal to pool/. */
#ifndef POOL_CHILD_H
#define POOL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child_options {
    const char *const *argv; /* argv[0] is the path of the program */
    const char *directory;   /* to run in, and $TMPDIR; NULL: as we do */
    int output, error;       /* descriptors to become standard output and error */
    int inherit;             /* a descriptor that stays open, with its number; -1: none */
};

/* Starts it as leader of a new session, with default signals, no input, and SIGKILL when the
 * calling thread ends. 0 once the program runs (execve succeeded), or -errno. */
int child_start(const struct child_options *o, pid_t *ret_pid, int *ret_pidfd);

/* Kills the session of a leader that has not been reaped yet, then reaps the leader, waiting for
 * it. Returns its status. Members of the session may still be dying: child_sweep. */
int child_kill(pid_t leader);

/* Kills and reaps what a reaped leader left: its session, and our children of foreign sessions that
 * `is_ours` does not know. True when nothing is left. */
bool child_sweep(pid_t leader, bool (*is_ours)(const void *userdata, pid_t pid),
                 const void *userdata);

/* "exit status 3", "killed by signal 9 (Killed)". `ret` has room for 64 bytes. */
void child_status(int status, char *ret);

#endif
