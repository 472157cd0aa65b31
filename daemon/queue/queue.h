/* SPDX-License-Identifier: Apache-2.0 */
/* What was acknowledged: models, jobs, ranges of members, leases, events, in SQLite (WAL,
 * synchronous FULL). One connection, one thread.
 *
 * Invariants
 *  1. Changes go into one open transaction per turn of the loop; queue_commit ends it. Nothing may
 *     be acknowledged to anyone (HTTP or worker) before it has returned 0.
 *  2. A job's state moves only by the table in queue/state.c; each move is an event.
 *  3. Done ranges of a job are disjoint and coalesced: adjacent ones are one row. Marking a member
 *     done twice is harmless. A batch of a million members is one row and a few ranges.
 *  4. Fencing numbers grow over the life of the database and are never used twice.
 *  5. A dead member is in `dead`, never in a done range; done + dead = members when a job ends.
 *  6. After an open, no lease is live: queue_open ends those of the former daemon. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;

/* Opens or makes the database, migrates its schema. ERROR_CONFLICT where it is newer than we are. */
int queue_open(const char *path, struct queue **ret_queue, struct error *e);
struct queue *queue_close(struct queue *q);

/* Ends the turn's transaction; 0 where nothing was written. On failure everything of the turn is
 * rolled back and the error says so: callers answer 503 to all requests of the turn. */
int queue_commit(struct queue *q, struct error *e);
bool queue_dirty(const struct queue *q); /* something awaits queue_commit */
/* Checkpoints the WAL when it has grown and nothing is written; returns when next due. */
int64_t queue_tick(struct queue *q, int64_t now);

/* ---- models ---- */

/* Stores a definition under its hash, and gives `name` (NULL: none) to it. ERROR_CONFLICT where the
 * name belongs to another hash: models are immutable. */
int queue_add_model(struct queue *q, const char *name, const char *hash, const char *definition,
                    struct error *e);
/* By name or by hash; a new string (free) or ERROR_NOT_FOUND. ret_hash: NULL or a new string. */
int queue_model(struct queue *q, const char *name_or_hash, char **ret_definition, char **ret_hash,
                struct error *e);
/* [{"name", "hash", "created"}], a page: names after `after` (NULL: the first). New reference. */
int queue_models(struct queue *q, const char *after, int limit, json_t **ret_page, struct error *e);

/* ---- jobs ---- */

enum job_state {
    JOB_QUEUED = 0,
    JOB_RUNNING,
    JOB_SUCCEEDED,
    JOB_PARTIAL,
    JOB_FAILED,
    JOB_CANCELLED
};
const char *job_state_name(enum job_state state);
bool job_state_from_name(const char *name, enum job_state *ret_state);
bool job_state_may_move(enum job_state from, enum job_state to);
bool job_state_is_final(enum job_state state);

struct queue_job {
    int64_t id; /* 1, 2, …; people see "1" */
    enum job_state state;
    int64_t members;
    int64_t done, dead; /* members */
    int64_t priority;
    int64_t max_attempts;
    double member_timeout;
    char *name;     /* or NULL */
    char *store;    /* path of the store */
    char *model_hash;
    char *layout;   /* JSON from the first lease, or NULL */
    char *labels;   /* JSON object or NULL */
    char *reason;   /* of failure or of a cancellation, or NULL */
    char *principal; /* who submitted it */
    int64_t created, started, ended; /* Unix time in milliseconds; 0: not yet */
    int64_t step, nsteps; /* progress of a job without a batch, as last heard; not durable */
};
void queue_job_clear(struct queue_job *j); /* frees the strings */

struct queue_submission {
    const char *document; /* the job, normalized, JSON text */
    const char *name, *model_hash, *store, *labels, *principal;
    /* A store's path may be picked from the id: where `store` is NULL, "<store_root>/<id>.zarr". */
    const char *store_root;
    const char *idempotency_key; /* or NULL */
    const char *document_hash;   /* to tell a repeated key with another body: ERROR_CONFLICT */
    int64_t members, priority, max_attempts;
    double member_timeout;
};

/* Adds a queued job and its event. A known idempotency key gives the first job's id and
 * *ret_existed = true. ERROR_CONFLICT where a live or finished job has the same store. */
int queue_submit(struct queue *q, const struct queue_submission *s, int64_t *ret_id,
                 bool *ret_existed, struct error *e);
int queue_job(struct queue *q, int64_t id, struct queue_job *ret_job, struct error *e);
int queue_job_document(struct queue *q, int64_t id, char **ret_document, struct error *e);
/* Newest first, ids below `before` (0: the newest), in `state` (-1: any). Calls fn for each. */
int queue_jobs(struct queue *q, int state, int64_t before, int limit,
               void (*fn)(void *userdata, const struct queue_job *job), void *userdata,
               struct error *e);
/* Moves to cancelled where that is allowed, else ERROR_CONFLICT that names the state. */
int queue_cancel(struct queue *q, int64_t id, const char *reason, struct error *e);

/* ---- leases (for dispatch) ---- */

struct queue_lease {
    int64_t id;    /* its row */
    int64_t fence; /* grows: invariant 4 */
    int64_t job;
    int64_t begin, end; /* members [begin, end) */
};

/* The next job that could use a worker: highest priority, then oldest; queued, or running with
 * members that are neither done, dead nor leased. false where there is none. */
bool queue_next_job(struct queue *q, int64_t *ret_job);

/* Leases the first free members of a job, at most `want`, within one chunk-row-aligned stretch: the
 * range ends at a multiple of `align` where one lies inside it. While the job has no layout, only
 * member 0 is leased. A range that a lost lease was cut to is leased as it was cut. Moves a queued
 * job to running. ERROR_NOT_FOUND where no member is free. */
int queue_lease(struct queue *q, int64_t job, const char *worker, int64_t want, int64_t align,
                struct queue_lease *ret_lease, struct error *e);

/* Records the layout that the first lease proposes; only the first counts. */
int queue_set_layout(struct queue *q, const struct queue_lease *lease, const char *layout,
                     struct error *e);

/* [begin, end) of a live lease is stored. ERROR_CONFLICT where the lease is not live (fence). */
int queue_done(struct queue *q, const struct queue_lease *lease, int64_t begin, int64_t end,
               struct error *e);
/* A member failed by its own code: it is dead at once (the same bits would fail again). */
int queue_member_failed(struct queue *q, const struct queue_lease *lease, int64_t member,
                        const char *reason, struct error *e);
/* The lease ended well: what it did not finish is free again. */
int queue_release(struct queue *q, const struct queue_lease *lease, struct error *e);
/* Its worker died. A lease of many members is free again as two halves (what was not done of it); a
 * lease of one member counts an attempt against it, and at max_attempts it is dead with `reason`.
 * So neighbours are never blamed. */
int queue_lost(struct queue *q, const struct queue_lease *lease, const char *reason,
               struct error *e);

/* done + dead = members: all that is left is to finish the store. */
bool queue_job_complete(struct queue *q, int64_t job);
/* After the store was finished: succeeded, or partial or failed by the dead members. */
int queue_finish(struct queue *q, int64_t job, struct error *e);
/* The job as a whole cannot go on. */
int queue_fail(struct queue *q, int64_t job, const char *reason, struct error *e);

/* [{"member", "attempts", "state": "dead", "reason"}], by member, after `after`. */
int queue_members(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                  struct error *e);

/* Progress that need not survive: kept in memory, shown by queue_job, told as an event of kind
 * "progress" to listeners only. */
void queue_progress(struct queue *q, int64_t job, int64_t step, int64_t nsteps);

/* ---- events ---- */

/* Number of the last committed event: http/ compares it to know whether streams have news. */
int64_t queue_last_event(const struct queue *q);
/* Events of a job (0: all jobs) after number `after`: [{"id", "job", "time", "kind", "data"}].
 * Kinds: queued, running, progress (durable ones on done ranges: {"done", "dead", "members"}), log,
 * succeeded, partial, failed, cancelled. */
int queue_events(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                 struct error *e);
/* A line of a member's log. */
int queue_log(struct queue *q, int64_t job, int64_t member, const char *line, struct error *e);

#endif
