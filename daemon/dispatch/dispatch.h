/* SPDX-License-Identifier: Apache-2.0 */
/* The ROUTER socket: worker sessions, heartbeats, leases. Protocol: proto/PROTOCOL.md. All on the
 * loop's thread.
 *
 * Invariants
 *  1. A lease is live in the queue before LEASE is sent; what a worker reports is committed before
 *     anything that rests on it is sent. A report whose commit fails is applied again by the next
 *     turn, until it is committed.
 *  2. A lease is given to another only when its worker is known dead (dispatch_worker_died), or has
 *     said RELEASE, or it was fenced off where its worker may live (fences.c). A worker that was
 * not heard of for lease_ms is killed: that is its leases' deadline, and its death is awaited.
 *  3. Messages of an unknown or foreign session change nothing. Who does not know the secret that
 *     goes with its name opens none.
 *  4. A worker's death is blamed on a member only where its lease was that member alone, and
 *     nothing else was with the worker; never where the worker left by itself, was asked to leave,
 *     or had not heard of us.
 *  5. A job fails by its own code, or by its own store while others' can be written; never by a
 *     worker's, a disk's or the daemon's trouble that passes (pause.c, closing.c, alone.c). Why it
 *     waits is told (queue_set_waiting).
 *  6. A store is closed and verified by a process that has loaded no library. */
#ifndef DISPATCH_DISPATCH_H
#define DISPATCH_DISPATCH_H

#include "base/loop.h"
#include "base/position.h"
#include "queue/queue.h"

struct aside;

/* What a worker is for. */
enum dispatch_role {
    DISPATCH_NOBODY,  /* it is turned away */
    DISPATCH_MEMBERS, /* leases; and stores to be closed, as long as it has run nothing */
    DISPATCH_STORES   /* those only: it loads no library, and is none of dispatch_workers' */
};

struct dispatch_options {
    const char *endpoint; /* ipc://<state>/run/workers */
    int heartbeat_ms;     /* 1000 */
    int lease_ms;         /* silence after which a worker is taken for hung: 15000 */
    double lease_seconds; /* work that a lease aims at: 1.0 */
    /* Who says that name and that secret. NULL: everybody is DISPATCH_MEMBERS, and stores are
     * closed by any of them. */
    enum dispatch_role (*admit)(void *userdata, const char *worker, const char *secret);
    /* Kills a worker that hangs or overran its member's time; its death comes back. */
    void (*kill)(void *userdata, const char *worker);
    /* A worker has become ready (pool_driver.ready); may be NULL. */
    void (*ready)(void *userdata, const char *worker);
    /* Which process a worker is in now (pool_driver.position); may be NULL. */
    void (*position)(void *userdata, const char *worker, char ret[POSITION_TEXT]);
    void *userdata;
    /* The job has ended: keeps what is to be kept of what stands beside its store, and removes
     * the locks there, and what else marks it. Called on a
     * thread of `aside`; NULL: it is not done. 0; positive where they are not the owner's; -errno.
     */
    int (*release_store)(void *userdata, int64_t job, const char *path, const char *owner,
                         struct error *e);
    /* Sees to it that the lease writes to the store no more, likewise. 0 or positive: it does not;
     * -errno: it may. NULL: a worker that nobody saw dead is taken for dead. */
    int (*fence_store)(const char *path, const char *owner, int64_t lease, struct error *e);
    struct aside *aside; /* freed before dispatch; NULL: this is done on the loop's thread */
};

struct dispatch;
int dispatch_new(struct loop *loop, struct queue *q, const struct dispatch_options *o,
                 struct dispatch **ret_dispatch, struct error *e);
struct dispatch *dispatch_free(struct dispatch *d);

/* Drains the socket, gives out leases, watches deadlines; returns when next due. Runs before the
 * queue's commit. After it, exactly one of these two: dispatch_flush sends what rests on the
 * commit; dispatch_rollback, where the commit failed, takes back the leases of this turn, and keeps
 * the reports for the next one, a second later. */
int64_t dispatch_tick(struct dispatch *d, int64_t now);
void dispatch_flush(struct dispatch *d);
void dispatch_rollback(struct dispatch *d);

/* What is known of a worker's death. */
struct dispatch_death {
    const char *reason; /* for who owns the job */
    const char *place;  /* the process and stage that it was in; NULL or "": not known */
    bool was_killed;    /* by SIGKILL or SIGTERM, as no code of its own does */
    bool is_blameless;  /* it left because it had not heard of us */
    bool is_unseen;     /* nobody saw it dead: its leases are fenced off before they end */
    enum queue_cause cause;
    int64_t lease;   /* that it was running; 0: not known, or a store was being closed */
    int64_t member;  /* likewise */
    const char *log; /* the last lines that it printed at that member, or NULL */
    int64_t chunks;  /* of such a store that it had looked at */
};
/* The pool says so: its leases end, and their members go to others. */
void dispatch_worker_died(struct dispatch *d, const char *worker,
                          const struct dispatch_death *death);

/* False while a full disk keeps jobs waiting, with words; borrowed. It goes on by itself. */
bool dispatch_ready(const struct dispatch *d, const char **ret_reason);

/* The daemon is to stop: nothing is leased any more, and workers that run members of jobs with
 * checkpoints are asked to save them and to leave. How many: until dispatch_has_left it goes on. */
int dispatch_leave(struct dispatch *d);
bool dispatch_has_left(const struct dispatch *d);

/* For how many milliseconds no worker has been ready; 0: one is. */
int64_t dispatch_without_worker(const struct dispatch *d);

/* Before a worker is started: the socket's file is to be there; it is made anew where somebody
 * removed it. 0 or -errno. */
int dispatch_renew_socket(struct dispatch *d, struct error *e);

/* [{"name", "pid", "host", "state", "job", "lease": [b, e], "fingerprint", "sandbox", "since"}];
 * job and lease are null where it has none, since is RFC 3339. */
json_t *dispatch_workers(const struct dispatch *d);

#endif
