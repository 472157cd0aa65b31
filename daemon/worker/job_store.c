/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/job_store.h"

#include "store/claim.h"

#include <errno.h>
#include <stdio.h>

int job_store_explain(const struct job_store *j, int r, struct error *e)
{
    if (r != -ENOENT)
        return r;
    char why[sizeof e->message];
    snprintf(why, sizeof why, "%s", e->message);
    return error_set(e, r, NULL, "the store has vanished: %.500s (%.400s)", j->path, why);
}

/* It is not there where a link or a file stands in its place. */
static int join(const struct job_store *j, struct store **ret_store, struct error *e)
{
    int r = store_check_owner(j->path, j->owner, e);
    if (r != 0)
        return r;
    r = store_open_format(j->path, STORE_JOIN, store_format(j->zarr_format), ret_store, e);
    return r == STORE_CONFLICT ? STORE_NO_SUCH : r;
}

static int make(const struct job_store *j, struct store **ret_store, struct error *e)
{
    int r = store_claim_again(j->path, j->owner, e);
    return r ? r
             : store_open_format(j->path, STORE_ANEW, store_format(j->zarr_format), ret_store, e);
}

int job_store_open(const struct job_store *j, struct store **ret_store, struct error *e)
{
    int r = j->layout ? join(j, ret_store, e) : make(j, ret_store, e);
    if (r == 0) {
        store_set_durable(*ret_store, !j->is_unsynced);
        store_set_fence(*ret_store, j->lease ? *j->lease : 0);
    }
    return job_store_explain(j, worker_result_of_store(r), e);
}
