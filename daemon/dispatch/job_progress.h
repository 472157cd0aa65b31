/* SPDX-License-Identifier: Apache-2.0 */
/* What dispatch remembers of a job that it leases: how long its members take, how its chunks lie,
 * what has gone wrong. It only steers; the truth is in the queue. Internal. */
#ifndef DISPATCH_JOB_PROGRESS_H
#define DISPATCH_JOB_PROGRESS_H

#include "queue/queue.h"

struct job_progress {
    int64_t job;
    json_t *libraries;    /* {name: hash}: what its workers load; NULL: not yet read … */
    int64_t threads;      /* … like these: of OpenMP and its like */
    int64_t most_workers; /* that have leases of it at a time; 0: all */
    int64_t unfit_since;  /* when no idle worker fitted it first, since one was found; 0: one is */
    int64_t passed;       /* the last round (dispatch.fit) in which it was passed over */
    int64_t members, priority;
    double member_timeout;      /* seconds; 0: none */
    int64_t layouts;            /* how often the layout was decided or added to; 0: not yet */
    int64_t layouts_read;       /* `align` is of this one */
    int64_t align;              /* members per chunk row; 1 where unknown */
    double seconds, n_measured; /* of the members measured, the older the less */
    int n_leases;               /* live */
    int64_t led_since;          /* while it has no layout: when a lease was given that decides it */
    bool is_recalled;           /* a worker that waited for the layout was wanted elsewhere */
    bool has_ended;             /* to be forgotten once that is committed, and no lease is live */
    bool is_end_fresh;          /* it is not committed */

    bool is_complete, is_given; /* its store is to be closed; FINISH was given to a worker */
    int64_t closing_best;       /* chunks that were looked at, at most */
    bool closing_came_further;  /* than ever before, since FINISH was given last */
    int closing_failures;       /* workers that died of it in a row, without that */

    int64_t paused_until;  /* of loop_now; 0: it is not */
    bool is_vanished;      /* its store is not there */
    int storage_failures;  /* in a row; makes the pauses longer */
    int storage_faults;    /* of these, with other jobs' stores written between */
    int64_t storage_works; /* dispatch.works at the last of them */
    int helpers_killed;    /* in a row, without a member that was done between */
    int worker_troubles;   /* workers in a row that could not run it */
};

struct job_progress *job_progress_new(const struct queue_outline *o);
struct job_progress *job_progress_free(struct job_progress *p);
/* What may change of it. */
void job_progress_update(struct job_progress *p, const struct queue_outline *o);

/* Takes the chunk rows from a layout; one that cannot be read changes nothing. */
void job_progress_set_layout(struct job_progress *p, const char *layout);

/* `n` members took `seconds`. */
void job_progress_measured(struct job_progress *p, double seconds, int64_t n);
/* Seconds that n members will take; 0 where nothing was measured. */
double job_progress_expected(const struct job_progress *p, int64_t n);

/* How many of `free` members the next lease should have: `lease_seconds` of work; near the end
 * less, so that all workers end together, but not less than is worth a lease (some 10 ms), nor so
 * that less is left; whole chunk rows where that is near. At least 1. */
int64_t job_progress_want(const struct job_progress *p, int64_t free, double lease_seconds,
                          int n_workers);

#endif
