/* SPDX-License-Identifier: Apache-2.0 */
/* A job's store, as a worker opens it: what a layout says is there is joined, and must be there;
 * where there is no layout yet, nothing of it is committed, and it is made anew. */
#ifndef WORKER_JOB_STORE_H
#define WORKER_JOB_STORE_H

#include "store/store.h"
#include "worker/result.h"

struct job_store {
    const char *path;
    const char *owner;       /* the mark it bears (store/claim.h) */
    const char *zarr_format; /* the job's; NULL: the one that stands there, or 2 */
    const char *layout;      /* as recorded with the job; NULL: none is decided yet */
    const char *from;     /* beside which the checkpoints lie that members start from; NULL: none */
    bool is_unsynced;     /* nobody asks that it survive a power cut */
    int64_t first;        /* without a layout: the member that runs first, which may go on */
    const int64_t *lease; /* under whose number it is written (store/fence.h); NULL: none */
    bool is_ahead;        /* without a layout: others decide it, which range_events.await tells */
};

/* 0; WORKER_STORE; a negative errno, -ENOENT where the store has vanished, with its path. */
int job_store_open(const struct job_store *j, struct store **ret_store, struct error *e);

/* Words for -ENOENT, which names a file of a store that should be there: that it has vanished.
 * Returns r. */
int job_store_explain(const struct job_store *j, int r, struct error *e);

#endif
