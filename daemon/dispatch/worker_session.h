/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon knows of one worker: its state, what it was given, what it was told. Internal. */
#ifndef DISPATCH_WORKER_SESSION_H
#define DISPATCH_WORKER_SESSION_H

#include "dispatch/log_tail.h"
#include "dispatch/router.h"
#include "queue/queue.h"

enum worker_session_state {
    SESSION_STARTING, /* WELCOME was said */
    SESSION_IDLE,     /* READY, and nothing to do */
    SESSION_BUSY,     /* has tasks */
    SESSION_LEAVING,  /* was asked to leave (QUIT): nothing more is given to it */
    SESSION_STOPPING  /* to be killed: neither */
};

/* A lease, the finishing of a job's store, or help with another worker's lease. */
struct task {
    bool is_finish, is_help;
    struct queue_lease lease; /* of a finish: only `job`; of help: the other worker's */
    int64_t n_done;           /* members reported done or failed */
    bool is_sent;
    bool is_fresh;     /* not yet committed */
    bool is_cancelled; /* CANCEL was sent: to be released before cancel_due */
    bool is_cancel_fresh;
    int64_t cancel_due;
    bool is_ahead;      /* members below it decide the layout, and it is to be told … */
    bool waits;         /* … as it said … */
    bool is_laid_fresh; /* … and was, which is not yet committed */
    int asks;           /* helpers that it wants, at most … */
    char *socket;       /* … where they are offered lanes; of help: where it is; or NULL */
};

enum { SESSION_TASKS = 2, SESSION_KNOWN = 4 };

/* A job that the worker was told of. */
struct known_job {
    int64_t job;
    int64_t layouts; /* of the layout that it was told of */
    int64_t members; /* as many as the job had */
    bool is_fresh;
};

struct worker_session {
    struct route route;
    char *name, *host, *fingerprint, *sandbox;
    int64_t pid;
    int64_t since; /* Unix ms */
    enum worker_session_state state;
    int64_t last_heard;
    int64_t heard, said;              /* messages that came, and that were posted to it … */
    int64_t heard_at_once;            /* … since there was nothing more to hear */
    int64_t said_fresh;               /* … of those, such as rest on this turn's commit */
    bool is_unreachable;              /* its connection is gone */
    int64_t quit_due;                 /* while it is leaving: it is to be gone before */
    struct task tasks[SESSION_TASKS]; /* in the order in which they are worked */
    int n_tasks;
    struct known_job known[SESSION_KNOWN]; /* the latest used last */
    int n_known;
    json_t *loaded;         /* {library: hash}: what leases that it was given need … */
    int64_t threads;        /* … and the number of threads that these ask for */
    bool is_closer;         /* DISPATCH_STORES */
    bool has_run;           /* it was given a lease, or help: it may have loaded a library */
    bool is_gone;           /* dead, or has said BYE with nothing in hand */
    int n_fencing;          /* leases of it that are being fenced off … */
    int64_t fence_due;      /* … or when that is tried again; 0: it is not to be */
    bool has_left;          /* has said BYE */
    bool was_killed;        /* its death was by another's hand: SIGKILL, SIGTERM */
    int64_t helped;         /* the last lease that it gave back its help with */
    bool is_blameless;      /* its end is no fault of what it runs */
    int64_t ran;            /* after its death: the lease that it was running; 0: not known */
    int64_t closed;         /* chunks of a store to be closed that it had looked at */
    char reason[960];       /* why it was stopped, or died … */
    enum queue_cause cause; /* … for those that it ran */
    char *helpers_place;    /* the process that one that helped it was in then; or NULL */
    struct log_tail log;
    struct worker_session *next;
};

struct worker_session *worker_session_new(const struct route *route,
                                          const struct wire_hello *hello);
struct worker_session *worker_session_free(struct worker_session *s);

const char *worker_session_state_name(enum worker_session_state state);
/* What PROTOCOL.md's drawing says: whether a worker in this state may say that. */
bool worker_session_allows(enum worker_session_state state, enum wire_type type);
/* Moves by the table of allowed moves; staying is allowed. */
void worker_session_move(struct worker_session *s, enum worker_session_state to);

/* Why it ends, where that is not known yet. */
void worker_session_blame(struct worker_session *s, enum queue_cause cause);

/* A task that is alone: nothing is sent with it, so that a death is blamed on nobody else. */
bool task_is_alone(const struct task *t);

struct task *worker_session_add_task(struct worker_session *s, const struct task *t);
void worker_session_remove_task(struct worker_session *s, struct task *t);
/* By number; NULL where the session does not have it. */
struct task *worker_session_lease(struct worker_session *s, int64_t lease);
/* Its help with that lease, of which it was told or not. */
struct task *worker_session_help(struct worker_session *s, int64_t lease);
struct task *worker_session_finish(struct worker_session *s, int64_t job);

struct known_job *worker_session_known(struct worker_session *s, int64_t job);
void worker_session_forget(struct worker_session *s, int64_t job);

#endif
