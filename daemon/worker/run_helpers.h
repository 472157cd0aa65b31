/* SPDX-License-Identifier: Apache-2.0 */
/* The processes that help the one of a local run in which user code runs: each below a guard of its
 * own, beside that process, so that its clean room does not see them. */
#ifndef WORKER_RUN_HELPERS_H
#define WORKER_RUN_HELPERS_H

#include "worker/run_child.h"

#include <signal.h>

struct run_helper {
    pid_t pid; /* of its guard; 0: it was reaped */
    int status;
    char *members, *where_path;
    int where;
};

struct run_helpers {
    struct run_helper *at;
    int n;
    int share; /* the end of the socket where they are offered lanes; -1 */
};

/* `child` is as the process has it that they help; `mask` the signals that they are to have; the
 * descriptors (-1 at the end) are not theirs. Whoever cannot be started does not help. */
void run_helpers_start(struct run_helpers *h, int n, const struct run_child *child,
                       const sigset_t *mask, const int *descriptors);
/* The first that has ended by itself and not well; NULL: none has yet. */
const struct run_helper *run_helpers_ended(struct run_helpers *h);
/* How many have not ended yet. */
int run_helpers_left(struct run_helpers *h);
/* All end, and nothing of them is left; zeroed but for `share`, -1. */
void run_helpers_clear(struct run_helpers *h);

#endif
