/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher's state, shared by dispatch/'s files. */
#ifndef DISPATCH_DISPATCH_INTERNAL_H
#define DISPATCH_DISPATCH_INTERNAL_H

#include "dispatch/dispatch.h"
#include "dispatch/job_progress.h"
#include "dispatch/report.h"
#include "dispatch/router.h"
#include "dispatch/worker_session.h"

enum {
    SESSIONS_MAX = 4096,
    DEAD_NAMES = 1024,         /* names of the latest dead, whose HELLO may still arrive */
    FINISH_ATTEMPTS = 3,       /* workers that may die of finishing one store */
    STORAGE_FAILURES = 6,      /* in a row, until the job fails */
    STORAGE_PAUSE_MS = 500,    /* after the first of them; doubles */
    DISK_FULL_PAUSE_MS = 5000, /* for all jobs */
    QUEUE_PAUSE_MS = 1000,     /* after the queue failed */
};

struct dispatch {
    struct queue *queue;
    struct dispatch_options options;
    struct router *router;
    struct worker_session *sessions;
    int n_sessions;
    int64_t without_worker; /* since when no worker is ready; INT64_MAX: one is */
    char *dead[DEAD_NAMES]; /* a ring */
    size_t n_dead;
    struct job_progress *jobs;
    struct reports reports;
    int64_t now;          /* of the last tick */
    int64_t due;          /* the next tick, as we told the loop */
    int64_t last_event;   /* of the queue, when jobs' ends were last looked for */
    int64_t paused_until; /* nothing is leased before */
    char disk_full[512];  /* why nothing is leased, until a store was written again; "": it is */
    bool is_recovered;    /* jobs that a former daemon left complete were looked for */
    int64_t retry_at;     /* after the queue failed: it is left alone before */
};

/* ---- dispatch.c ---- */

/* NULL where nothing is remembered of the job. A job with a live lease is always remembered; one
 * whose store is being finished may have ended, and be forgotten. */
struct job_progress *dispatch_find(const struct dispatch *d, int64_t job);
/* Reads it where it is not remembered: 0, or as queue_job. */
int dispatch_progress(struct dispatch *d, int64_t job, struct job_progress **ret_progress);
/* Posts to a session. */
int dispatch_post(struct dispatch *d, const struct worker_session *s, const struct wire_message *m,
                  bool rests);
/* Takes a task from a session, and says to the queue what became of it: RELEASE, or LOST with
 * `reason`. A finish that is lost is tried again. */
void dispatch_end_task(struct dispatch *d, struct worker_session *s, struct task *t,
                       const char *reason);
/* Has the worker killed; its tasks end when its death is told. */
__attribute__((format(printf, 3, 4))) void
dispatch_stop(struct dispatch *d, struct worker_session *s, const char *format, ...);

/* Reports that a job as a whole has failed. */
void dispatch_fail_job(struct dispatch *d, int64_t job, const char *reason);

/* ---- disk_pause.c ---- */

/* A store could not be written, for this errno. A full disk pauses all, as long as it takes;
 * another fault its own job, which fails where it does not pass. */
void disk_pause_failed(struct dispatch *d, struct job_progress *p, uint32_t error,
                       const char *reason, int64_t now);
/* A store was written; `p` may be NULL. What was under way when the disk was full shows nothing. */
void disk_pause_works(struct dispatch *d, struct job_progress *p, int64_t now);
/* Where nothing waits for room any more, nothing will show that there is some. 0, or -errno
 * where the queue failed. */
int disk_pause_settle(struct dispatch *d);

/* ---- receive.c ---- */

void receive_all(struct dispatch *d, int64_t now);

/* ---- grant.c: 0, or -errno where the queue failed; then the rest is for another turn ---- */

/* Gives leases, and stores to be finished, to workers that have room. */
int grant_tasks(struct dispatch *d, int64_t now);
/* Tells workers of the tasks that it is time to tell them of. */
int grant_send(struct dispatch *d);
/* Cancels leases that live no more, and finds jobs that ended. */
int grant_cancel(struct dispatch *d, int64_t now);
/* After the commit: forgets those. */
void grant_forget(struct dispatch *d);

#endif
