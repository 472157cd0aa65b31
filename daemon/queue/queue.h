/* SPDX-License-Identifier: Apache-2.0 */
/* What was acknowledged: models, jobs, ranges of members, leases, events, in SQLite (WAL,
 * synchronous FULL). One connection, one thread.
 *
 * Invariants
 *  1. Changes go into one open transaction per turn of the loop; queue_commit ends it. Nothing may
 *     be acknowledged to anyone (HTTP or worker) before it has returned 0.
 *  2. A job's state moves only by the table in queue/job_state.c; each move is an event. Only
 *     queue_retry and queue_append take a job out of a final state, and take that event back.
 *  3. Done ranges of a job are disjoint and coalesced: adjacent ones are one row. Marking a member
 *     done twice is harmless. A batch of a million members is one row and a few ranges.
 *  4. Fencing numbers grow over the life of the database and are never used twice.
 *  5. A dead member is in `dead`, never in a done range; done + dead = members when a job ends.
 *  6. After an open, no lease is live: queue_open ends those of the former daemon. Where that
 *     stopped in order, or the machine went down with it, they are released. Where it died alone,
 *     each member that ran then (queue_sighting) is one death more suspicious, until it is done. A
 *     member with two such deaths is leased alone, while nothing else is (queue_lease_alone); each
 *     death of the daemon during that is one of its attempts. So a member dies of the daemon's
 *     deaths only where it was running at 2 + max_attempts of them, at the last max_attempts alone
 *     in the service, and never came to its end between. Random kills do not do that to a member
 *     which is shorter than the time between them.
 *  7. Members of a live job are a partition: done, dead, leased, free. What a lost lease was cut to
 *     is remembered on disk, and so is who is to be leased alone.
 *  8. A member whose worker died rests before it is leased again; others are leased meanwhile. How
 *     long does not change with the clock, but for what a restart finds of it, which is bounded.
 *  9. The layout of an output's array is decided by the lowest member that saves it, whatever the
 *     timing: queue_add_layout. */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/errors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct aside;
struct queue;

enum { QUEUE_IDENTITY_SIZE = 33 }; /* 32 hexadecimal digits and a NUL */

/* What the functions here find, with words. Where the database itself fails they return a negative
 * errno with words (EBUSY: another program holds its lock; ENOSPC, EROFS, EIO …): then nothing is
 * known, which is never a "no". Ask again later. */
enum queue_result {
    QUEUE_NO_SUCH = 1, /* job, model, or member to lease */
    QUEUE_INVALID,     /* what is asked for makes no sense, whatever the queue holds */
    QUEUE_REFUSED,     /* what is there does not allow it: another's name or store, a job's state */
    QUEUE_NOT_LIVE,    /* the lease has ended */
    QUEUE_BUSY,        /* not now: a moment later it may be */
    QUEUE_DAMAGED,     /* what the database should hold is not there, or cannot be read */
    QUEUE_RESULTS
};

/* A worker of the former daemon was running this member when it ended, as it said itself. */
struct queue_sighting {
    int64_t job, lease, member;
};

struct queue_options {
    const char *path;  /* of the database, made where absent */
    const char *root;  /* of the stores, absolute: rows say paths below it without it */
    const char *texts; /* directory of long texts, which is there; NULL: there are none */
    /* A small file that the queue keeps to know of a database that is lost; NULL: none. */
    const char *witness;
    struct aside *aside; /* for what takes long, until the last tick; NULL: on this thread */
    bool accept_loss;    /* a lost or damaged database is set aside, and a new one begun */
    const struct queue_sighting *sightings;
    size_t n_sightings;
    bool all_seen; /* of all workers that the former daemon had */
    /* Whether a worker of the former daemon, by its name, is dead for sure; NULL: all are. The
     * leases of others are to be fenced off: queue_next_fence. */
    bool (*is_dead)(const char *worker);
    /* A member whose worker died is not leased for backoff_ms, twice as long after each attempt
     * more, at most for backoff_max_ms; 0: it is at once. */
    int64_t backoff_ms, backoff_max_ms;
};

/* Opens or makes the database, migrates its schema, ends what leases there are. QUEUE_REFUSED where
 * it is newer than we are, or another process has it open; QUEUE_DAMAGED where there was one and
 * now is none, or where it cannot be read: with what is lost and what to do. */
int queue_open(const struct queue_options *o, struct queue **ret_queue, struct error *e);
/* NULL, or what was lost and accepted at queue_open; borrowed. */
const char *queue_loss(const struct queue *q);
/* No lease is being run any more: what is open now is nobody's death. Before queue_close, where the
 * daemon stops in order. */
int queue_stop(struct queue *q, struct error *e);
struct queue *queue_close(struct queue *q); /* what was not committed is dropped */

/* What marks this daemon's stores: 32 hexadecimal digits, made once, kept with the database. */
const char *queue_identity(const struct queue *q);
/* "simlabd <identity> job <id>\n": the mark of a job's store. Returns ret. */
enum { QUEUE_OWNER_SIZE = 128 };
const char *queue_owner(const struct queue *q, int64_t job, char ret[QUEUE_OWNER_SIZE]);

/* Ends the turn's transaction; 0 where nothing was written. On failure (negative) everything of the
 * turn is rolled back: callers answer 503 to all requests of the turn. Where the database failed
 * after the turn's first write, the commit fails too; refusals write nothing, and leave the turn as
 * it was. Reads see the turn's own changes, except queue_events and queue_last_event, which tell
 * only what is committed. */
int queue_commit(struct queue *q, struct error *e);
bool queue_dirty(const struct queue *q); /* something awaits queue_commit */
/* 0, or how the database failed last, where it was not written since: -errno with words. */
int queue_health(const struct queue *q, struct error *e);
/* Writes the WAL back when it has grown or nothing is written (checkpoint.h); where the database
 * has failed, tries once a second whether it can be written again. Returns when next due. */
int64_t queue_tick(struct queue *q, int64_t now);

/* ---- texts: documents and definitions ---- */

/* Those longer than QUEUE_TEXT_MAX are no part of the database: they would hold up the turn's
 * commit, and equal ones be stored again. They are files of the directory `texts`, named by their
 * SHA-256, whole or absent, never changed. A file is written before its row, and removed at an open
 * a day after, where no row names it. */
enum { QUEUE_TEXT_MAX = 32 * 1024 };

/* A text, or the path of the file that has it. Of a job's document: the list that its `appended`
 * goes on with, which stands apart. */
struct queue_text {
    char *text, *path;
    struct queue_text *appended;
    size_t n_appended;
};
void queue_text_clear(struct queue_text *t);
/* Both on any thread. A new string; QUEUE_DAMAGED where the file is gone. */
int queue_text_read(const struct queue_text *t, char **ret_text, struct error *e);
/* The text is on the disk when it returns 0; ret_name is its SHA-256, for the row. */
int queue_text_write(const char *directory, const char *text, size_t n, char ret_name[65],
                     struct error *e);

/* ---- models ---- */

/* Stores a definition (NULL: a long one, which was written) under its hash, and gives `name` (NULL:
 * none) to it. QUEUE_REFUSED where the name belongs to another hash: models are immutable. */
int queue_add_model(struct queue *q, const char *name, const char *hash, const char *definition,
                    struct error *e);
/* By name or by hash; or QUEUE_NO_SUCH. ret_hash: NULL or a new string. */
int queue_model(struct queue *q, const char *name_or_hash, struct queue_text *ret_definition,
                char **ret_hash, struct error *e);
/* [{"name", "hash", "created"}], a page: names after `after` (NULL: the first). New reference.
 * `created` is Unix time in milliseconds. */
int queue_models(struct queue *q, const char *after, int limit, json_t **ret_page, struct error *e);

/* Remembers the contents of libraries ({name: hash}) that a stored model was checked with last. */
int queue_pin_model(struct queue *q, const char *model_hash, const json_t *libraries,
                    struct error *e);
/* Adds, as keys, the hashes of all contents that live jobs, and models that have a name, need: some
 * thousand jobs at a time, from *cursor on, which is 0 at first, and again when that was all. */
int queue_needed_libraries(struct queue *q, int64_t *cursor, json_t *hashes, struct error *e);
/* Who needs this content: words such as "job 5 (running)", a new string; NULL: nobody. Live jobs
 * do; with `even_ended`, so do ended ones that could be retried for want of members, and models
 * that have a name. */
int queue_library_user(struct queue *q, const char *hash, bool even_ended, char **ret_user,
                       struct error *e);
/* Gives these libraries to live jobs of the schema before there were pins, less those of which
 * may_go_on says that they are to wait; *ret_all: to all of them. Until then those that stood there
 * at queue_open wait: queue_next_job passes them over. */
int queue_pin_unpinned(struct queue *q, const json_t *libraries,
                       bool (*may_go_on)(void *userdata, int64_t job), void *userdata,
                       bool *ret_all, struct error *e);

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
    int64_t threads;      /* of OpenMP and its like in its workers; 0: as these have it */
    int64_t most_workers; /* that may have leases of it at a time; 0: all */
    bool is_held;         /* by people: queue_set_held */
    bool is_open;         /* members may be appended: queue_append */
    bool is_removing;     /* queue_remove */
    int64_t from;         /* the job whose checkpoint its members start from; 0: none */
    char *name;           /* or NULL */
    char *store;          /* absolute path of the store */
    char *model_hash;
    char *labels;    /* JSON object or NULL */
    char *notes;     /* JSON list of texts for who submitted it, and warnings; or NULL */
    char *reason;    /* of failure or of a cancellation, or NULL */
    char *principal; /* who submitted it */
    int64_t created, started, ended; /* Unix time in milliseconds; 0: not yet */
    int64_t retries;                 /* how often it was retried */
    bool has_locks;                  /* it has ended, and its locks are still to be removed */
    int64_t step, nsteps; /* progress of a job without a batch, as last heard; not durable */
    char *waiting;        /* why it does not go on (queue_set_waiting), or NULL */
};
void queue_job_clear(struct queue_job *j); /* frees the strings */

struct queue_submission {
    const char *document;      /* the job, normalized, JSON text … */
    const char *document_file; /* … or NULL, and the name that queue_text_write gave */
    const char *name, *model_hash, *labels, *principal;
    const char *notes; /* JSON list of texts, or NULL */
    const char
        *store; /* a path, or NULL: "<id>.zarr" below the root, the first that is to be had */
    /* Takes the path for the job, so that nobody else does: 0; QUEUE_REFUSED with words where it is
     * another's; -errno. Who gave it takes back what it did where queue_submit, or the turn's
     * commit, fails. NULL: nothing may stand there. */
    int (*claim)(void *userdata, int64_t job, const char *path, struct error *e);
    void *userdata;
    const char *idempotency_key; /* or NULL */
    const char *document_hash;   /* to tell a repeated key with another body: QUEUE_REFUSED */
    const json_t *libraries;     /* {name: hash}: the contents that it was checked with; or NULL */
    int64_t members, priority, max_attempts, threads;
    int64_t most_workers, from; /* as queue_job */
    bool is_held, is_open;
    const int64_t *after; /* jobs, each once, that are to succeed before it is leased … */
    size_t n_after;       /* … it is cancelled where one of them ends in another way */
    double member_timeout;
};

/* Adds a queued job and its event. A known idempotency key (of the same principal) gives the first
 * job's id and *ret_existed = true. QUEUE_REFUSED where a live, succeeded or partial job has the
 * same store (pointer /store); a failed or cancelled one gave it free, once nothing stands there.
 */
int queue_submit(struct queue *q, const struct queue_submission *s, int64_t *ret_id,
                 bool *ret_existed, struct error *e);
int queue_job(struct queue *q, int64_t id, struct queue_job *ret_job, struct error *e);
/* QUEUE_DAMAGED where the job is there, and its text is not. */
int queue_job_text(struct queue *q, int64_t id, struct queue_text *ret_document, struct error *e);
/* New strings; the layout is NULL where it is not decided. QUEUE_DAMAGED likewise. */
int queue_job_document(struct queue *q, int64_t id, char **ret_document, struct error *e);
int queue_job_layout(struct queue *q, int64_t id, char **ret_layout, struct error *e);
/* The contents of libraries that a job was submitted with: JSON {name: hash}, by name; a new
 * string. */
int queue_job_libraries(struct queue *q, int64_t job, char **ret_libraries, struct error *e);
/* Newest first, ids below `before` (0: the newest), in `state` (-1: any). Calls fn for each, as
 * long as that returns true; fn calls nothing of the queue. */
int queue_jobs(struct queue *q, int state, int64_t before, int limit,
               bool (*fn)(void *userdata, const struct queue_job *job), void *userdata,
               struct error *e);
/* Whether a job can run after these: QUEUE_INVALID or QUEUE_REFUSED with a pointer, where it never
 * would. queue_submit asks, too. */
int queue_check_after(struct queue *q, const int64_t *after, size_t n, struct error *e);
/* A job that is held gets no more leases; those that it has go on. Released again: `is_held` false.
 * QUEUE_REFUSED where it has ended. */
int queue_set_held(struct queue *q, int64_t job, bool is_held, struct error *e);
/* Moves to cancelled where that is allowed, else QUEUE_REFUSED that names the state. */
int queue_cancel(struct queue *q, int64_t id, const char *reason, struct error *e);

/* A job's store, as it is to be claimed again. */
struct queue_retry_store {
    const char *path;
    const char *model_hash; /* what its root attributes say, where it has such */
    bool has_members;       /* that were done: the store is to be there */
    bool repairs;           /* something of it is damaged */
    const int64_t *fenced;  /* leases of former rounds that may still be written under */
    size_t n_fenced;
};
struct queue_retry {
    /* Members that are done, and are to be computed again: [begin, end), ascending. */
    const int64_t (*damaged)[2];
    size_t n_damaged;
    bool repairs; /* what is no member's is damaged: it is written again */
    /* Takes the store for the job again: 0; QUEUE_REFUSED with words; -errno. As in
     * queue_submission. NULL: nothing is done. */
    int (*claim)(void *userdata, int64_t job, const struct queue_retry_store *store,
                 struct error *e);
    void *userdata;
};
/* A job that has ended goes on, in the same store: members that are dead or missing are free again,
 * and so are those that are damaged; the others stay done. The layout stays, where a member does.
 * Each has all its attempts again; those before are added to what is told (of 10,000 members).
 * QUEUE_REFUSED where the job has not ended, or nothing is to be done, or its store was given to
 * another; QUEUE_BUSY while its locks are being removed; QUEUE_INVALID with a pointer. */
int queue_retry(struct queue *q, int64_t job, const struct queue_retry *how, struct error *e);
/* What FINISH says of a job that was retried: the members that stayed, as queue_dead_ranges (a new
 * string), and whether what is no member's is to be written again. */
int queue_job_kept(struct queue *q, int64_t job, char **ret_kept, bool *ret_repairs,
                   struct error *e);

/* Members for a job that is open. */
struct queue_append {
    int64_t job;
    int64_t count;             /* of them, at least 1 … */
    int64_t most;              /* … and members that the job may have with them */
    const char *document;      /* an item of the document's `appended`, JSON text … */
    const char *document_file; /* … or NULL, and the name that queue_text_write gave */
    const char *idempotency_key, *document_hash; /* as in queue_submission, but of this job */
    /* Where the job has ended: as in queue_retry. */
    int (*claim)(void *userdata, int64_t job, const struct queue_retry_store *store,
                 struct error *e);
    void *userdata;
};
struct queue_appended {
    int64_t first, count; /* the members' numbers are [first, first + count) */
    bool existed;         /* its key is known: they were appended before */
};
/* Gives the members the numbers behind the job's last one. A job that runs goes on with them; one
 * that is succeeded or partial goes on, in the same store: what is done stays done, what is dead
 * stays dead. QUEUE_REFUSED where it is not open, has failed or was cancelled; QUEUE_BUSY while its
 * store is being closed, or its locks are removed. */
int queue_append(struct queue *q, const struct queue_append *a, struct queue_appended *ret,
                 struct error *e);
/* The job is not open any more. */
int queue_close_batch(struct queue *q, int64_t job, struct error *e);

/* The job goes, with its store or without. Its row stays, and its store is nobody else's, until the
 * files are gone; but it is not retried or appended to any more. Again: with what was said first.
 * QUEUE_REFUSED where it has not ended, or a live job starts from its checkpoints; QUEUE_BUSY while
 * its locks are being removed. */
int queue_remove(struct queue *q, int64_t job, bool keep_store, struct error *e);
struct queue_removal {
    int64_t job;
    char *store;      /* an absolute path; NULL: it stays */
    bool is_anothers; /* that path was given to a later job */
    char *model_hash; /* what its root attributes say, or NULL */
};
/* The next job above `after` whose files are to be removed. QUEUE_NO_SUCH. */
int queue_next_removal(struct queue *q, int64_t after, struct queue_removal *ret, struct error *e);
void queue_removal_clear(struct queue_removal *removal);
/* queue_next_removal may tell one that it has not told yet. */
bool queue_has_removals(const struct queue *q);
/* They are gone. Removes some of its rows, as many as a turn has time for: *ret_more: call it again
 * in another. */
int queue_forget(struct queue *q, int64_t job, bool *ret_more, struct error *e);

/* The next job above `after` that has ended, and whose directory of locks (STORE.sync) is not known
 * to be gone. QUEUE_NO_SUCH. */
int queue_next_sync_left(struct queue *q, int64_t after, int64_t *ret_job, struct error *e);
int queue_sync_removed(struct queue *q, int64_t job, struct error *e);

/* ---- live jobs (for dispatch): from memory, without a query for what did not change ---- */

struct queue_outline {
    int64_t job;
    enum job_state state;
    int64_t members, done, dead;
    int64_t free;     /* neither done, dead nor leased */
    int64_t suspects; /* of these, to be leased alone */
    int64_t resting;  /* of these, whose worker died a while ago: to be leased later */
    int64_t layouts;  /* how often the layout was decided or added to; 0: not yet */
    int64_t priority;
    double member_timeout;
    bool is_complete; /* done + dead = members: its store is to be finished, then queue_finish */
};
/* QUEUE_NO_SUCH where it is not queued or running (any more). */
int queue_outline(struct queue *q, int64_t job, struct queue_outline *ret, struct error *e);

/* A job whose state, members, layouts, suspects or completeness may have changed since it was told
 * here; also one that is new, that ended, or that a failed commit took back. After an open, all
 * live ones. QUEUE_NO_SUCH where there is none. */
int queue_next_changed(struct queue *q, int64_t *ret_job, struct error *e);
bool queue_has_changed(const struct queue *q); /* it may tell some */

/* Jobs that queue_lease has members of, in the order in which they are served (highest priority,
 * then oldest): the one after job `after`, 0 for the first. QUEUE_NO_SUCH at the end. */
int queue_next_job(struct queue *q, int64_t after, int64_t *ret_job, struct error *e);
/* queue_next_job passes it over, until it is let go. Not durable. */
void queue_hold(struct queue *q, int64_t job, bool is_held);

/* Tells people why a job waits (NULL: it does not), or why all do that have no lease and no reason
 * of their own (job 0). Not durable; gone when the job ends. */
void queue_set_waiting(struct queue *q, int64_t job, const char *text);
/* Progress of a job without a batch, likewise. */
void queue_progress(struct queue *q, int64_t job, int64_t step, int64_t nsteps);

/* ---- leases (for dispatch) ---- */

struct queue_lease {
    int64_t id; /* its fencing number: invariant 4 */
    int64_t job;
    int64_t begin, end; /* members [begin, end) */
};

/* Leases the first free members of a job, at most `want`. A lease that leaves free members right
 * behind it ends at the last multiple of `align` (1: any) that it can reach, so that it holds whole
 * chunk rows. While the job has no layout, the lowest that is open must be among them: it decides;
 * from a member that asks for an addition to the layout on, none is until that is decided. A range
 * that a lost lease was cut to is leased as it was cut, whatever `want`. Moves a queued job to
 * running. QUEUE_NO_SUCH where no member is to be leased so. */
int queue_lease(struct queue *q, int64_t job, const char *worker, int64_t want, int64_t align,
                struct queue_lease *ret_lease, struct error *e);
/* Leases members of a job without a layout while others, the lowest one that is open among them,
 * are leased: their outputs have to wait for it. None where a member is, or is to be, alone. */
int queue_lease_ahead(struct queue *q, int64_t job, const char *worker, int64_t want,
                      struct queue_lease *ret_lease, struct error *e);
/* Whether the first member of such a lease has become the one to decide: none below it is open, or
 * in a live lease. QUEUE_NOT_LIVE. */
int queue_lease_leads(struct queue *q, const struct queue_lease *lease, bool *ret_leads,
                      struct error *e);
/* Leases the lowest member that is to run alone (invariant 6): the caller sees to it that nothing
 * else is leased meanwhile, and how long. *ret_suspicion: deaths of the daemon at which it ran. */
int queue_lease_alone(struct queue *q, int64_t job, const char *worker,
                      struct queue_lease *ret_lease, int64_t *ret_suspicion, struct error *e);

/* 0; QUEUE_NOT_LIVE once it ended, by whatever way, also by the end or cancellation of its job. */
int queue_lease_live(struct queue *q, const struct queue_lease *lease, struct error *e);

/* A member of the lease shows arrays (JSON {name: …}). Where the job has no layout, that is it.
 * Else what the layout lacks is added to it when all members below are done or dead, the lowest
 * member first; until then, members from that one on are not leased. Like all that take a lease:
 * QUEUE_NOT_LIVE where it has ended. QUEUE_INVALID where it is no such JSON, or the member is not
 * open. */
int queue_add_layout(struct queue *q, const struct queue_lease *lease, int64_t member,
                     const char *layout, struct error *e);

/* What ended a member: X(NAME, word). */
#define QUEUE_CAUSES(X)                                                                            \
    X(UNKNOWN, "unknown")                                                                          \
    X(ERROR, "error")     /* its code said so */                                                   \
    X(SIGNAL, "signal")   /* its worker was killed by one */                                       \
    X(EXIT, "exit")       /* its worker exited */                                                  \
    X(MEMORY, "memory")   /* its worker was killed by the system for want of memory */             \
    X(TIMEOUT, "timeout") /* it ran longer than its limit */                                       \
    X(SILENCE, "silence") /* its worker was not heard of any more */                               \
    X(DAEMON, "daemon")   /* the daemon died with it, again and again */
enum queue_cause {
#define X(name, word) QUEUE_CAUSE_##name,
    QUEUE_CAUSES(X)
#undef X
};
const char *queue_cause_name(enum queue_cause cause);
struct queue_death {
    enum queue_cause cause;
    const char *reason; /* for people, with process, stage and step where these are known */
    const char *log;    /* the end of its log: a JSON list of texts; NULL: there is none */
};

/* [begin, end) is stored. QUEUE_INVALID where it is not within the lease. Members that are dead
 * stay dead, those that are done stay done. */
int queue_done(struct queue *q, const struct queue_lease *lease, int64_t begin, int64_t end,
               struct error *e);
/* A member failed by its own code: it is dead at once (the same bits would fail again).
 * QUEUE_REFUSED where it is done or dead already. */
int queue_member_failed(struct queue *q, const struct queue_lease *lease, int64_t member,
                        const struct queue_death *death, struct error *e);
/* The lease ended well: what it did not finish is free again. */
int queue_release(struct queue *q, const struct queue_lease *lease, struct error *e);
/* Its worker died. A lease of many members is free again as two halves (of what was not done of
 * it); a lease of one member counts an attempt against it, and at max_attempts it is dead of
 * that. So neighbours are never blamed. Until then it rests (invariant 8). */
int queue_lost(struct queue *q, const struct queue_lease *lease, const struct queue_death *death,
               struct error *e);

/* Those that have rested for long enough at `now` of loop_now may be leased again. *ret_due: when
 * the next one has; INT64_MAX: none rests. */
int queue_end_rests(struct queue *q, int64_t now, int64_t *ret_due, struct error *e);

/* The lease is fenced off in its store, and will be in each that is made again for its job: it ends
 * while nobody knows that its worker is dead. */
int queue_fenced(struct queue *q, int64_t job, int64_t lease, struct error *e);
/* The next lease above `after` that queue_open found, and whose worker may live: it is to be fenced
 * off before anything is leased, and then told by queue_fenced. QUEUE_NO_SUCH. */
int queue_next_fence(struct queue *q, int64_t after, int64_t *ret_job, int64_t *ret_lease,
                     struct error *e);

/* After the store was finished: succeeded; partial with some members dead, failed with all.
 * QUEUE_REFUSED where the job is not complete. */
int queue_finish(struct queue *q, int64_t job, struct error *e);
/* The job as a whole cannot go on. */
int queue_fail(struct queue *q, int64_t job, const char *reason, struct error *e);

/* [{"member", "attempts", "state": "dead", "cause", "reason", "process"?, "type"?, "stage"?,
 * "step"?, "log"?}], by member, after `after` (-1: the first). Members that live are not in it.
 * Beyond the first 10,000 that died, reasons are those of their causes, without step and log. */
int queue_members(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                  struct error *e);

/* All members by what is known of them, those from `from` on: [{"begin", "end", "state"}] with
 * "done", "dead", "leased", "resting" and "waiting" (of a job that has ended: "missing"),
 * neighbours that are alike as one, at most `limit` of them. One that rests says "attempts" and
 * "next_try", RFC 3339. New reference. */
int queue_member_ranges(struct queue *q, int64_t job, int64_t from, int limit, json_t **ret_page,
                        struct error *e);

/* The members that are dead: JSON [[begin, end], …], ascending, as FINISH tells them; a new string.
 */
int queue_dead_ranges(struct queue *q, int64_t job, char **ret_ranges, struct error *e);

/* ---- events ---- */

/* Number of the last committed event: http/ compares it to know whether streams have news. */
int64_t queue_last_event(const struct queue *q);
/* Events of a job (0: all jobs) after number `after`: [{"id", "job", "time", "kind", "data"}].
 * Kinds: queued {"members"}, retried {"members"}, appended {"first", "members"}, running, progress
 * {"done", "dead", "members"} (one per commit at most, and the latest replaces the one before), log
 * {"member", "line"}, and succeeded, partial, failed, cancelled {"done", "dead", "members",
 * "reason"?}. */
int queue_events(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                 struct error *e);
/* Those of kind log of one job. */
int queue_log_lines(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                    struct error *e);
/* A line of a member's log; cut at 4000 bytes, and dropped after 10,000 lines of a job. `ordinal`:
 * of the member's own lines, 0, 1, …: a member that runs again, or goes on from a checkpoint, says
 * some again, which are dropped; -1: a line beside them. One that begins with QUEUE_WARNING stands
 * among the job's notes, too: the lowest member's. */
#define QUEUE_WARNING "warning: " /* proto/api.h has it for clients */
int queue_log(struct queue *q, int64_t job, int64_t member, int64_t ordinal, const char *line,
              struct error *e);

#endif
