/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher's state, shared by dispatch/'s files. The files, from the lowest; each uses only
 * those before it: router, log_tail, worker_session, job_progress, report; task; fit; pause;
 * closing; alone, ahead; lend; grant, tell; changes, locks, fences; receive, workers; leave;
 * dispatch. */
#ifndef DISPATCH_DISPATCH_INTERNAL_H
#define DISPATCH_DISPATCH_INTERNAL_H

#include "base/id_list.h"
#include "base/id_map.h"
#include "dispatch/dispatch.h"
#include "dispatch/job_progress.h"
#include "dispatch/report.h"
#include "dispatch/router.h"
#include "dispatch/worker_session.h"

enum {
    SESSIONS_MAX = 4096,
    DEAD_NAMES = 1024,     /* names of the latest dead, whose HELLO may still arrive */
    QUEUE_PAUSE_MS = 1000, /* after the queue failed */
};
#define TASK_NEVER (INT64_MAX / 2) /* task.cancel_due: no deadline */

struct dispatch {
    struct queue *queue;
    struct dispatch_options options;
    struct router *router;
    struct worker_session *sessions;
    int n_sessions;
    int n_closers;          /* of those, the DISPATCH_STORES */
    int64_t without_worker; /* since when no worker is ready; INT64_MAX: one is */
    char *dead[DEAD_NAMES]; /* a ring */
    size_t n_dead;
    struct id_map jobs; /* struct job_progress */
    struct reports reports;
    int64_t now;            /* of the last tick */
    int64_t due;            /* the next tick, as we told the loop */
    bool is_leaving;        /* nothing is leased any more */
    int64_t retry_at;       /* after the queue failed: it is left alone before */
    int64_t rest_due;       /* when a member that rests has rested; INT64_MAX: none does */
    struct id_list ended;   /* jobs that are to be forgotten */
    struct id_list closing; /* complete jobs */
    struct {
        int64_t round;        /* of granting */
        int coming;           /* workers that are to come for those that were renewed … */
        int claimed;          /* … of which jobs count on so many in this round */
        int64_t coming_since; /* when the last one was renewed */
        int64_t due;          /* when another one may have to be */
    } fit;
    struct {
        int64_t disk_until;  /* nothing is leased before */
        char disk_full[512]; /* why nothing is leased, until a store was written again; "": it is */
        struct id_list jobs; /* that are paused */
        int64_t due;         /* when one of them goes on, or earlier; INT64_MAX: none is */
        int64_t works;       /* grows where a store was written */
    } pause;
    struct {
        struct id_list jobs; /* with members that are to run alone */
        int64_t since;       /* when one of them began to wait; 0: none does */
        int64_t lease;       /* of a member that runs alone; 0: none */
        int64_t until;       /* nothing is leased beside it before */
        bool is_held;        /* nothing else is leased now */
        char why[160];
    } alone;
    struct {
        struct id_list jobs; /* that have leases, and no layout */
        int64_t due;
        int64_t wanted_since; /* since when a worker is wanted while another waits; 0: none is */
    } ahead;
    struct {
        struct id_list jobs; /* whose locks are being removed, or could not be */
        int running;         /* removals under way */
        bool is_due;         /* there may be some whose locks are to be removed */
    } locks;
};

/* ---- task.c: what a worker was given, and its end ---- */

/* NULL where nothing is remembered of the job. A job with a live lease is always remembered. */
struct job_progress *task_find_job(const struct dispatch *d, int64_t job);
/* Remembers it where it is not: 0, or as queue_outline. */
int task_job(struct dispatch *d, int64_t job, struct job_progress **ret_progress);
/* NULL where it is nobody's. */
struct worker_session *task_session(const struct dispatch *d, const struct route *route);
/* Posts to a session. */
int task_post(struct dispatch *d, struct worker_session *s, const struct wire_message *m,
              bool rests);
/* Takes a lease from a session, and says to the queue what became of it: RELEASE, or LOST with
 * `reason` (NULL: none). A lease that was not sent, or was cancelled, is never lost. */
void task_end_lease(struct dispatch *d, struct worker_session *s, struct task *t,
                    const char *reason);
/* Has the worker killed; its tasks end when its death is told. `is_blamed`: on what it runs. */
__attribute__((format(printf, 4, 5))) void task_stop(struct dispatch *d, struct worker_session *s,
                                                     bool is_blamed, const char *format, ...);
/* Asks the worker to leave, between two steps; another is started in its place. Nobody is blamed.
 */
void task_renew(struct dispatch *d, struct worker_session *s, const char *reason);
/* Asks the worker to release it soon: what it was doing is not blamed on anybody. */
void task_cancel(struct dispatch *d, struct worker_session *s, struct task *t);
/* Asks those who help with that lease to come back; how many there were. With a deadline it has
 * ended, and who is not back soon is killed. */
int task_recall_help(struct dispatch *d, int64_t lease, bool has_deadline);
/* Reports that a job as a whole has failed. */
void task_fail_job(struct dispatch *d, int64_t job, const char *reason);
/* Live leases of all workers. */
int task_leases(const struct dispatch *d);
/* Workers that may run members. */
int task_workers(const struct dispatch *d);
/* A worker that has nothing to do; if possible one that knows the job. NULL: none. */
struct worker_session *task_idle_session(const struct dispatch *d, int64_t job);
/* It has nothing to do, and may have leases. */
bool task_is_idle(const struct worker_session *s);
/* It has nothing to do, and has run nothing. */
bool task_is_clean(const struct worker_session *s);
/* It has a task of that job. */
bool task_is_of(const struct worker_session *s, int64_t job);

/* ---- fit.c: which worker may run which job ---- */

/* Reads what the job's workers load: before it is asked for here. 0, or -errno where the queue
 * failed. */
int fit_read(struct dispatch *d, struct job_progress *p);
bool fit_fits(const struct worker_session *s, const struct job_progress *p);
/* Whether its number of workers lets this one (NULL: one that has nothing) have a lease of it. */
bool fit_may_work(const struct dispatch *d, const struct worker_session *s,
                  const struct job_progress *p);
/* The worker was given a lease of the job. */
void fit_load(struct worker_session *s, const struct job_progress *p);
/* An idle worker that fits; if possible one that knows the job, or has loaded what it needs. NULL:
 * none. */
struct worker_session *fit_idle_session(const struct dispatch *d, const struct job_progress *p);
/* A round of granting begins. */
void fit_begin(struct dispatch *d);
/* A job has members to lease, and no idle worker fits it: renews some where that is worth it.
 * `other` finds what an idle worker could be given instead (NULL: nothing). 0, or -errno where the
 * queue failed. */
typedef int (*fit_other_fn)(struct dispatch *d, const struct worker_session *s,
                            struct job_progress **ret_job);
int fit_pass(struct dispatch *d, struct job_progress *p, fit_other_fn other);
/* Renews an idle worker for a job that it does not fit. */
void fit_renew(struct dispatch *d, struct worker_session *s, const struct job_progress *p);
/* A worker has become ready. */
void fit_came(struct dispatch *d);
/* One is to come for one that was renewed. */
bool fit_is_coming(const struct dispatch *d);
int64_t fit_due(const struct dispatch *d);

/* ---- pause.c: what fails, and is tried again ---- */

/* A store could not be written, for this errno. */
void pause_store_failed(struct dispatch *d, struct job_progress *p, uint32_t error,
                        const char *reason);
/* A store was written; `p` may be NULL. */
void pause_works(struct dispatch *d, struct job_progress *p);
/* A worker could not run a job, for trouble of its own. */
void pause_worker_failed(struct dispatch *d, struct job_progress *p, const char *reason);
/* The job is left alone for a while: the longer, the more often it failed (1, 2 …). */
void pause_job(struct dispatch *d, struct job_progress *p, int failures);
/* Jobs whose time has come go on. */
void pause_tick(struct dispatch *d);
/* Where nothing waits for room any more, nothing will show that there is some. 0, or -errno where
 * the queue failed. */
int pause_settle(struct dispatch *d);
int64_t pause_due(const struct dispatch *d);

/* ---- closing.c: stores of complete jobs ---- */

/* The job is complete. */
void closing_add(struct dispatch *d, struct job_progress *p);
/* Gives stores to be closed to workers that have room. */
void closing_grant(struct dispatch *d);
/* There are stores that wait to be closed. */
bool closing_waits(const struct dispatch *d);
/* Such that a worker which runs members is to close. */
bool closing_wants_worker(const struct dispatch *d);
/* Its worker has looked at so many chunks. */
void closing_heard(struct job_progress *p, int64_t chunks);
/* The worker died of it, having looked at so many chunks. */
void closing_lost(struct dispatch *d, struct job_progress *p, int64_t chunks, const char *reason);
/* FINISH_FAILED. */
void closing_failed(struct dispatch *d, struct job_progress *p, const char *reason);

/* ---- alone.c: members that ran when the daemon died ---- */

/* The job has members that are to run alone. */
void alone_add(struct dispatch *d, int64_t job);
/* Leases one where nothing else is leased; says in d->alone.is_held whether others have to wait. 0,
 * or -errno where the queue failed. */
int alone_grant(struct dispatch *d);
/* A lease has ended. */
void alone_ended(struct dispatch *d, int64_t lease);
int64_t alone_due(const struct dispatch *d);

/* ---- ahead.c: members that run before the layout is known; 0, or -errno where the queue failed --
 */

/* A job without a layout was given a lease. */
void ahead_add(struct dispatch *d, struct job_progress *p);
/* Gives what is left of idle workers leases of such jobs. */
int ahead_grant(struct dispatch *d);
/* Tells such leases of the layout, or that they are to decide it. */
int ahead_tell(struct dispatch *d);
/* It was not told after all. */
void ahead_take_back(struct worker_session *s, struct task *t);
/* Takes one back that waits while its worker is wanted. */
int ahead_recall(struct dispatch *d);
int64_t ahead_due(const struct dispatch *d);

/* ---- lend.c: idle workers that help with another's simulation ---- */

/* Lends those for which nothing else waits, and asks some back where it does. 0, or -errno where
 * the queue failed. */
int lend_helpers(struct dispatch *d);
/* ASK. */
void lend_ask(struct worker_session *s, const struct wire_ask *m);
/* The helper is back; false where it was none. */
bool lend_returned(struct dispatch *d, struct worker_session *s, int64_t lease);
/* It has ended: whom it helped is to begin again. */
/* Its time is over: where it waits for a helper, that one's process is told. */
void lend_note_place(const struct dispatch *d, struct worker_session *lead, int64_t lease);
void lend_lost(struct dispatch *d, struct worker_session *s, struct task *t);

/* ---- grant.c, tell.c: 0, or -errno where the queue failed; then the rest is for another turn ----
 */

/* Gives leases to workers that have room. */
int grant_leases(struct dispatch *d);
/* Tells workers of the tasks that it is time to tell them of. */
int tell_tasks(struct dispatch *d);
void tell_drop(struct dispatch *d, struct worker_session *s, int64_t job);

/* ---- changes.c: what the queue says of jobs ---- */

/* Jobs that are complete, have a new layout, or have ended: then their leases are cancelled. */
int changes_apply(struct dispatch *d);
/* After the commit: forgets jobs that have ended. */
void changes_forget(struct dispatch *d);

/* ---- locks.c: the locks of jobs that have ended ---- */

/* After the commit: begins to remove them, beside the loop. */
void locks_remove(struct dispatch *d);

/* ---- fences.c: leases of workers that may live ---- */

/* Fences off all that it has; then it is gone. */
void fences_begin(struct dispatch *d, struct worker_session *s);
/* Tries again what failed. */
void fences_tick(struct dispatch *d);

/* ---- receive.c ---- */

/* As many as one turn hears; false where more have come, which turn the loop again. */
bool receive_some(struct dispatch *d);

#endif
