/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a job's store, when all members are done or dead: FINISH. It is verified, nothing is
 * left in it of members that are dead, in whatever way they died, and it gets its consolidated
 * metadata. No code of a library is needed, nothing is run.
 *
 * It may be done again, after a death or a failure, and comes to the same store: equal to that of
 * an undisturbed run, byte for byte. */
#ifndef WORKER_CLOSING_H
#define WORKER_CLOSING_H

#include "model/job.h"
#include "worker/job_store.h"

struct closing {
    const struct job *job;
    struct job_store store;
    const int64_t (*dead)[2]; /* members that are dead: [begin, end), ascending */
    size_t n_dead;
    const int64_t (*kept)[2]; /* of a job that was retried: that were done before, likewise */
    size_t n_kept;
    bool repairs; /* clocks, coordinates and inputs are written again, whatever stands there */
    bool has_checksums; /* they are written beside the locks (store/checksums.h) */
    /* After each chunk that was looked at: `done` of about `total`. Other than 0 ends it, and is
     * returned. NULL: none. */
    int (*look)(void *userdata, int64_t done, int64_t total);
    void *userdata;
};

/* Ranges as FINISH has them: JSON [[begin, end], …], ascending, within n_members; the caller frees
 * them. WORKER_REFUSED. */
int closing_read_ranges(const char *text, int64_t n_members, int64_t (**ret_ranges)[2],
                        size_t *ret_n, struct error *e);

/* 0; WORKER_STORE with words that name what is missing, broken or lost: it can never be closed; a
 * negative errno, of the store with words (-ENOENT: it has vanished), or of `look`. */
int closing_run(const struct closing *c, struct error *e);

#endif
