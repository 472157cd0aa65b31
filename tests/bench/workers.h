/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes that help a simulation under `processes`: forked, so that functions lie where
 * they do here. */
#ifndef BENCH_WORKERS_H
#define BENCH_WORKERS_H

#include "base/mem.h"
#include "stage/helper.h"
#include "stage/rest.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

static _Noreturn void workers_help(const struct job *job, const struct stage_code *const *codes,
                                   const struct stage_share *share, int lane)
{
    const struct helper_options options = {.share = *share, .lane = lane};
    struct helper *h;
    struct error e;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    munmap(share->address, share->size); /* inherited; to be mapped as another worker does */
    mem_assert(helper_new(job, codes, NULL, &options, &h, &e) == 0);
    helper_run(h);
    _exit(0);
}

/* On return all of them are there. Returns how many; ret_pids has room for REST_MOST, or is NULL.
 */
static int workers_begin(const struct simulation *s, const struct job *job,
                         const struct stage_code *const *codes, pid_t *ret_pids)
{
    struct stage_share share;
    mem_assert(simulation_share(s, &share));
    for (int lane = 1; lane < share.n_lanes; lane++) {
        pid_t pid = fork();
        mem_assert(pid >= 0);
        if (pid == 0)
            workers_help(job, codes, &share, lane);
        if (ret_pids)
            ret_pids[lane - 1] = pid;
    }
    while (simulation_helpers(s) < share.n_lanes - 1)
        sched_yield();
    return share.n_lanes - 1;
}

#endif
