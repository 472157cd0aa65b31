/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of worker/sandbox.h: only sandbox.c installs it. */
#ifndef WORKER_SANDBOX_CALLS_H
#define WORKER_SANDBOX_CALLS_H

#include <sys/types.h>

/* For all threads of the process, from now on; PR_SET_NO_NEW_PRIVS holds. 0; -errno, -ENOSYS where
 * the filter is not made for this processor. */
int sandbox_calls_refuse(pid_t daemon, pid_t guard);

#endif
