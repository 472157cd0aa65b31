/* SPDX-License-Identifier: Apache-2.0 */
/* What worker/'s functions find. */
#ifndef WORKER_RESULT_H
#define WORKER_RESULT_H

#include "store/result.h"

#include <errno.h>

enum worker_result {
    WORKER_REFUSED = 1, /* a library, a job, or a value that a member saves cannot be taken */
    WORKER_STORE,  /* the job's store, or the layout recorded for it, is not what it should be */
    WORKER_RENEW,  /* the next member needs another process; what was run is stored */
    WORKER_LAYOUT, /* a member saves what the layout lacks: that was told, and the range ended */
    WORKER_TROUBLE /* this worker's own, with a library: another may do better */
};

/* A result of the store, which was asked for nothing that it might refuse, as one of ours: what is
 * not there has vanished. */
static inline int worker_result_of_store(int r)
{
    return r <= 0 ? r : r == STORE_NO_SUCH ? -ENOENT : WORKER_STORE;
}

/* A result of base, model or stage as one of ours: user's documents and code are at fault. */
static inline int worker_result_of_user(int r)
{
    return r <= 0 ? r : WORKER_REFUSED;
}

#endif
