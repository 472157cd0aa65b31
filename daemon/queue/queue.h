/* SPDX-License-Identifier: Apache-2.0 */
/* What was acknowledged: models, jobs, ranges of members, leases, events, in SQLite (WAL,
 * synchronous FULL). One connection, one thread.
 *
 * Invariants
 *  1. Changes go into one open transaction per turn of the loop; queue_commit ends it. Nothing may
 *     be acknowledged to anyone (HTTP or worker) before it has returned 0.
 *  2. A job's state moves only by the table in queue/job_state.c; each move is an event.
 *  3. Done ranges of a job are disjoint and coalesced: adjacent ones are one row. Marking a member
 *     done twice is harmless. A batch of a million members is one row and a few ranges.
 *  4. Fencing numbers grow over the life of the database and are never used twice.
 *  5. A dead member is in `dead`, never in a done range; done + dead = members when a job ends.
 *  6. After an open, no lease is live: queue_open ends those of the former daemon, as if they had
 *     been released (its death is not the members' fault).
 *  7. Members of a live job are a partition: done, dead, leased, free. What a lost lease was cut to
 *     is remembered on disk. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct queue;

/* What the functions here find, with words. Where the database itself fails they return a negative
 * errno with words (EBUSY: another program holds its lock; ENOSPC, EROFS, EIO …): then nothing is
 * known, which is never a "no". Ask again later. */
enum queue_result {
    QUEUE_NO_SUCH = 1, /* job, model, or member to lease */
    QUEUE_INVALID,     /* what is asked for makes no sense, whatever the queue holds */
    QUEUE_REFUSED,     /* what is there does not allow it: another's name or store, a job's state */
    QUEUE_NOT_LIVE     /* the lease has ended */
};

/* Opens or makes the database, migrates its schema. QUEUE_REFUSED where it is newer than we are,
 * is not ours, or another process has it open. */
int queue_open(const char *path, struct queue **ret_queue, struct error *e);
struct queue *queue_close(struct queue *q); /* what was not committed is dropped */

/* Ends the turn's transaction; 0 where nothing was written. On failure (negative) everything of the
 * turn is rolled back: callers answer 503 to all requests of the turn. Where the database failed
 * after the turn's first write, the commit fails too; refusals write nothing, and leave the turn as
 * it was. Reads see the turn's own changes, except queue_events and queue_last_event, which tell
 * only what is committed. */
int queue_commit(struct queue *q, struct error *e);
bool queue_dirty(const struct queue *q); /* something awaits queue_commit */
/* 0, or how the database failed last, where it was not written since: -errno with words. */
int queue_health(const struct queue *q, struct error *e);
/* Checkpoints the WAL when it has grown and nothing is written; where the database has failed,
 * tries once a second whether it can be written again. Returns when next due. */
int64_t queue_tick(struct queue *q, int64_t now);

/* ---- models ---- */

/* Stores a definition under its hash, and gives `name` (NULL: none) to it. QUEUE_REFUSED where the
 * name belongs to another hash: models are immutable. */
int queue_add_model(struct queue *q, const char *name, const char *hash, const char *definition,
                    struct error *e);
/* By name or by hash; a new string (free) or QUEUE_NO_SUCH. ret_hash: NULL or a new string. */
int queue_model(struct queue *q, const char *name_or_hash, char **ret_definition, char **ret_hash,
                struct error *e);
/* [{"name", "hash", "created"}], a page: names after `after` (NULL: the first). New reference.
 * `created` is Unix time in milliseconds. */
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
    char *name;  /* or NULL */
    char *store; /* path of the store */
    char *model_hash;
    char *layout;                    /* JSON from the first lease, or NULL */
    char *labels;                    /* JSON object or NULL */
    char *reason;                    /* of failure or of a cancellation, or NULL */
    char *principal;                 /* who submitted it */
    int64_t created, started, ended; /* Unix time in milliseconds; 0: not yet */
    int64_t step, nsteps; /* progress of a job without a batch, as last heard; not durable */
};
void queue_job_clear(struct queue_job *j); /* frees the strings */

struct queue_submission {
    const char *document; /* the job, normalized, JSON text */
    const char *name, *model_hash, *store, *labels, *principal;
    /* A store's path may be picked from the id: where `store` is NULL, "<store_root>/<id>.zarr". */
    const char *store_root;
    /* Makes the store's directory this job's own before the job is added; what it made is to be
     * taken back where the turn is not committed. 0; QUEUE_REFUSED where something stands there; a
     * negative errno. NULL: nobody makes it, and what stands there is refused. */
    int (*claim)(void *userdata, int64_t job, const char *store, struct error *e);
    void *userdata;
    const char *idempotency_key; /* or NULL */
    const char *document_hash;   /* to tell a repeated key with another body: QUEUE_REFUSED */
    int64_t members, priority, max_attempts;
    double member_timeout;
};

/* Adds a queued job and its event. A known idempotency key (of the same principal) gives the first
 * job's id and *ret_existed = true. QUEUE_REFUSED where a live, succeeded or partial job has the
 * same store (pointer /store); a failed or cancelled one gave it free, once nothing stands there.
 */
int queue_submit(struct queue *q, const struct queue_submission *s, int64_t *ret_id,
                 bool *ret_existed, struct error *e);
/* "simlabd IDENTITY job N\n": the mark of a job's store. The identity, 32 hexadecimal digits, was
 * made with the database, and goes where that goes. Returns ret. */
enum { QUEUE_OWNER_SIZE = 128 };
const char *queue_owner(const struct queue *q, int64_t job, char ret[QUEUE_OWNER_SIZE]);
int queue_job(struct queue *q, int64_t id, struct queue_job *ret_job, struct error *e);
int queue_job_document(struct queue *q, int64_t id, char **ret_document, struct error *e);
/* Newest first, ids below `before` (0: the newest), in `state` (-1: any). Calls fn for each; fn
 * calls nothing of the queue. */
int queue_jobs(struct queue *q, int state, int64_t before, int limit,
               void (*fn)(void *userdata, const struct queue_job *job), void *userdata,
               struct error *e);
/* Moves to cancelled where that is allowed, else QUEUE_REFUSED that names the state. */
int queue_cancel(struct queue *q, int64_t id, const char *reason, struct error *e);

/* ---- leases (for dispatch) ---- */

struct queue_lease {
    int64_t id; /* its fencing number: invariant 4 */
    int64_t job;
    int64_t begin, end; /* members [begin, end) */
};

/* The first job with an id above `after` that runs and is complete (queue_job_complete): its store
 * is to be finished, then queue_finish. After a restart, those that were left. QUEUE_NO_SUCH. */
int queue_next_complete(struct queue *q, int64_t after, int64_t *ret_job, struct error *e);

/* The next jobs that could use a worker, at most `limit`: highest priority, then oldest; queued, or
 * running with members that are neither done, dead nor leased. */
int queue_next_jobs(struct queue *q, int limit, int64_t *ret_jobs, int *ret_n, struct error *e);

/* Leases the first free members of a job, at most `want`. A lease that leaves free members right
 * behind it ends at the last multiple of `align` (1: any) that it can reach, so that it holds whole
 * chunk rows. While the job has no layout, one member is leased at a time. A range that a lost
 * lease was cut to is leased as it was cut, whatever `want`. Moves a queued job to running.
 * QUEUE_NO_SUCH where no member is to be leased. */
int queue_lease(struct queue *q, int64_t job, const char *worker, int64_t want, int64_t align,
                struct queue_lease *ret_lease, struct error *e);

/* 0; QUEUE_NOT_LIVE once it ended, by whatever way, also by the end or cancellation of its job. */
int queue_lease_live(struct queue *q, const struct queue_lease *lease, struct error *e);

/* Records the layout (JSON) that the first lease proposes; only the first counts. Like all that
 * take a lease: QUEUE_NOT_LIVE where it has ended. */
int queue_set_layout(struct queue *q, const struct queue_lease *lease, const char *layout,
                     struct error *e);

/* [begin, end) is stored. QUEUE_INVALID where it is not within the lease. Members that are dead
 * stay dead, those that are done stay done. */
int queue_done(struct queue *q, const struct queue_lease *lease, int64_t begin, int64_t end,
               struct error *e);
/* A member failed by its own code: it is dead at once (the same bits would fail again).
 * QUEUE_REFUSED where it is done or dead already. */
int queue_member_failed(struct queue *q, const struct queue_lease *lease, int64_t member,
                        const char *reason, struct error *e);
/* The lease ended well: what it did not finish is free again. */
int queue_release(struct queue *q, const struct queue_lease *lease, struct error *e);
/* Its worker died. A lease of many members is free again as two halves (of what was not done of
 * it); a lease of one member counts an attempt against it, and at max_attempts it is dead with
 * `reason`. So neighbours are never blamed. */
int queue_lost(struct queue *q, const struct queue_lease *lease, const char *reason,
               struct error *e);

/* *ret_complete: done + dead = members, all that is left is to finish the store. */
int queue_job_complete(struct queue *q, int64_t job, bool *ret_complete, struct error *e);
/* After the store was finished: succeeded; partial with some members dead, failed with all.
 * QUEUE_REFUSED where the job is not complete. */
int queue_finish(struct queue *q, int64_t job, struct error *e);
/* The job as a whole cannot go on. */
int queue_fail(struct queue *q, int64_t job, const char *reason, struct error *e);

/* [{"member", "attempts", "state": "dead", "reason"}], by member, after `after` (-1: the first).
 * Members that live are not in it. */
int queue_members(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                  struct error *e);

/* The members that are dead: JSON [[begin, end], …], ascending, as FINISH tells them; a new string.
 */
int queue_dead_ranges(struct queue *q, int64_t job, char **ret_ranges, struct error *e);

/* Progress that need not survive: kept in memory while the job runs, shown by queue_job. No event,
 * and no part of the turn. */
void queue_progress(struct queue *q, int64_t job, int64_t step, int64_t nsteps);

/* ---- events ---- */

/* Number of the last committed event: http/ compares it to know whether streams have news. */
int64_t queue_last_event(const struct queue *q);
/* Events of a job (0: all jobs) after number `after`: [{"id", "job", "time", "kind", "data"}].
 * Kinds: queued {"members"}, running, progress {"done", "dead", "members"} (one per commit at most,
 * and the latest replaces the one before), log {"member", "line"}, and succeeded, partial, failed,
 * cancelled {"done", "dead", "members", "reason"?}. */
int queue_events(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                 struct error *e);
/* A line of a member's log; cut at 4000 bytes, and dropped after 10,000 lines of a job. */
int queue_log(struct queue *q, int64_t job, int64_t member, const char *line, struct error *e);

#endif
