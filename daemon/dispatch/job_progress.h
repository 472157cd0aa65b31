/* SPDX-License-Identifier: Apache-2.0 */
/* What dispatch remembers of a job that it leases: how long its members take, how its chunks lie.
 * It only steers; the truth is in the queue. Internal. */
#ifndef DISPATCH_JOB_PROGRESS_H
#define DISPATCH_JOB_PROGRESS_H

#include "queue/queue.h"

struct job_progress {
    int64_t job;
    int64_t members, priority;
    double member_timeout; /* seconds; 0: none */
    int64_t free;          /* members not done, dead or leased, about */
    bool has_layout;
    int64_t align;              /* members per chunk row; 1 where unknown */
    double seconds, n_measured; /* of the members measured, the older the less */
    int n_leases;               /* live */
    bool is_fresh;              /* made in this turn */
    bool has_ended;             /* in this turn: to be forgotten once that is committed */
    bool is_touched;            /* to be looked at: it may be complete */
    bool is_complete, is_given; /* to be finished; FINISH was given to a worker */
    int finish_attempts;        /* workers that died of it */
    int storage_failures;       /* in a row */
    int64_t paused_until;       /* of loop_now: after a failure of its store */
    struct job_progress *next;
};

/* 0, or as queue_job. */
int job_progress_new(struct queue *q, int64_t job, struct job_progress **ret_plan);

/* Takes the chunk rows from a layout; one that cannot be read changes nothing. */
void job_progress_set_layout(struct job_progress *p, const char *layout);

/* `n` members took `seconds`. */
void job_progress_measured(struct job_progress *p, double seconds, int64_t n);
/* Seconds that n members will take; 0 where nothing was measured. */
double job_progress_expected(const struct job_progress *p, int64_t n);

/* How many members the next lease should have: `lease_seconds` of work; near the end less, so that
 * all workers end together; whole chunk rows where that is near. At least 1. */
int64_t job_progress_want(const struct job_progress *p, double lease_seconds, int n_workers);

#endif
