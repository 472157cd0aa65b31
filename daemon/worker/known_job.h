/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs that leases speak of, from JOB to DROP (proto/PROTOCOL.md). A list; NULL is none. */
#ifndef WORKER_KNOWN_JOB_H
#define WORKER_KNOWN_JOB_H

#include "base/errors.h"
#include "worker/job_store.h"

#include <stdint.h>

struct pinned;
struct wire_job;
struct wire_laid_out;

struct known_job {
    int64_t id;
    char *store, *owner, *layout; /* layout: NULL until it is decided */
    char *from;                   /* or NULL: struct job_store */
    struct job *job;              /* NULL where it cannot be built: why */
    struct range_runner *runner;  /* NULL until needed, and after a failure */
    int result;                   /* of building the job */
    struct error why;
    struct known_job *next;
};

/* Instead of one of that number. `uploads`: the directory of uploaded arrays, or NULL. */
void known_job_add(struct known_job **list, const struct wire_job *m, struct pinned *pinned,
                   const char *uploads);
/* Takes the layout, where there is none. */
void known_job_lay_out(struct known_job *list, const struct wire_laid_out *m);
/* Its store; borrowed from it. */
struct job_store known_job_store(const struct known_job *k);
struct known_job *known_job_find(struct known_job *list, int64_t id);
void known_job_drop(struct known_job **list, int64_t id);
void known_job_drop_all(struct known_job **list);

#endif
