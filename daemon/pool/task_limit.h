/* SPDX-License-Identifier: Apache-2.0 */
/* How many processes and threads a worker may have, with all that it starts: a control group of its
 * own below the daemon's, where the kernel's controller "pids" can be had there (of version 1, or 2
 * where groups below the daemon's have it), and the daemon may make one. Internal to pool/. */
#ifndef POOL_TASK_LIMIT_H
#define POOL_TASK_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* The directory of a group, for processes of that scratch directory; it is not made yet. NULL:
 * there is no controller. */
char *task_limit_directory(const char *scratch);
/* Makes the group, or takes the one that is there. False where it cannot be made. The worker's
 * guard removes it. */
bool task_limit_make(const char *directory, int64_t most);

#endif
