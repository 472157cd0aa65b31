/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of queue/ share. All of it writes into the turn's transaction (database.h), and
 * returns as queue.h says. The files, from the lowest; each uses only those before it:
 * database, checkpoint; texts; counts, ranges; live; events; moves; leases, rests, layouts;
 * reports; holds, jobs, models; removals, retry, appends, recovery; queue. */
#ifndef QUEUE_QUEUE_INTERNAL_H
#define QUEUE_QUEUE_INTERNAL_H

#include "queue/checkpoint.h"
#include "queue/database.h"
#include "queue/live.h"
#include "queue/queue.h"

#include <stddef.h>

enum {
    QUEUE_REASON_MAX = 2000,
    QUEUE_TOLD_DEAD = 10000,
    QUEUE_LOG_LINE_MAX = 4000,
    QUEUE_LOG_LINES_MAX = 10000
};

/* Numbers kept in memory. A commit copies them to `committed`, a rollback copies them back. */
struct queue_numbers {
    int64_t last_job;
    int64_t last_event;
    int64_t fences_reserved; /* on disk: up to this one may be given out */
};

struct queue {
    struct database database;
    char *path;  /* of the database */
    char *root;  /* of the stores */
    char *texts; /* directory, or NULL */
    char identity[QUEUE_IDENTITY_SIZE];
    char *witness; /* path, or NULL */
    char *loss;    /* what was lost and accepted, or NULL */
    struct queue_numbers numbers, committed;
    int64_t last_fence; /* never goes back, not even by a rollback: invariant 4 of queue.h */
    struct live live;
    struct id_list touched; /* whose counts changed in this turn, to be told by the commit */
    bool written;           /* something was committed since the last tick */
    int64_t last_write;     /* as of the ticks */
    int64_t probe_due;      /* while the database fails; 0: it works, as of the last tick */
    struct checkpoint *checkpoint;
    int64_t reopen_due; /* while the database cannot be opened anew */
    int64_t backoff_ms, backoff_max_ms;
    int64_t epoch;     /* the queue's time is this and loop_now (rests.c) */
    bool has_removals; /* queue_has_removals */
    int64_t rest_due;  /* no rest ends before this of loop_now; 0: not known */
};

/* ---- counts.c: a job's row, less its texts ---- */

struct queue_counts {
    int64_t id;
    enum job_state state;
    int64_t members, done, dead, free, frontier;
    int64_t suspects; /* of those free: to be leased alone */
    int64_t resting;  /* likewise, to be leased later */
    int64_t proposed; /* the lowest member that proposed an addition to the layout; -1: none */
    int64_t layouts;  /* how often the layout was decided or added to */
    int64_t priority, max_attempts, log_lines;
    double member_timeout;
    bool is_held;   /* by people … */
    int64_t awaits; /* … or so many jobs are to succeed before: it is not leased */
};
/* QUEUE_NO_SUCH where there is no such job. */
int queue_counts(struct queue *q, int64_t job, struct queue_counts *ret, struct error *e);
/* Adds to the row's counts. */
int queue_counts_add(struct queue *q, int64_t job, int64_t done, int64_t dead, int64_t free,
                     struct error *e);
int queue_no_such_job(struct error *e, int64_t job);

/* ---- texts.c ---- */

/* Of a long text; a new string. */
char *texts_path(const struct queue *q, const char *name);
/* Removes files that no row names. */
int texts_clean(struct queue *q, struct error *e);

/* ---- libraries.c ---- */

int queue_pin_job(struct queue *q, int64_t job, const json_t *libraries, struct error *e);
/* Live jobs that have none wait for queue_pin_unpinned. */
int queue_await_libraries(struct queue *q, struct error *e);

/* ---- ranges.c ---- */

/* Rows of members. CUT: free, to be leased as it is. ALONE: a member that is free, to be leased
 * while nothing else is. RESTING: a member that is free, and CUT after a while. */
enum range_state { RANGE_DONE, RANGE_DEAD, RANGE_FREE, RANGE_CUT, RANGE_ALONE, RANGE_RESTING };

struct queue_range {
    int64_t begin, end;
};
struct queue_ranges {
    struct queue_range *items;
    size_t n, capacity;
};
void queue_ranges_add(struct queue_ranges *ranges, int64_t begin, int64_t end);
int64_t queue_ranges_members(const struct queue_ranges *ranges);

/* All rows of a state, ascending, added to `ret`. */
int queue_ranges_of(struct queue *q, int64_t job, enum range_state state, struct queue_ranges *ret,
                    struct error *e);
/* JSON [[begin, end], …]; a new string. */
char *queue_ranges_text(const struct queue_ranges *ranges);

/* Adds a row, joined with neighbours that are alike (never those that are cut, alone or resting).
 * [begin, end) is in no row of this state yet. */
int queue_range_add(struct queue *q, int64_t job, enum range_state state, int64_t begin,
                    int64_t end, struct error *e);
/* The same of members that are dead. */
int queue_range_bury(struct queue *q, int64_t job, int64_t begin, int64_t end, int64_t attempts,
                     const struct queue_death *death, struct error *e);
/* The first and the last row of this state; QUEUE_NO_SUCH with `e` as it was. */
int queue_range_first(struct queue *q, int64_t job, enum range_state state, struct queue_range *ret,
                      struct error *e);
int queue_range_last(struct queue *q, int64_t job, enum range_state state, struct queue_range *ret,
                     struct error *e);
/* Adds to `ret`, in order, the members of [begin, end) that are neither done nor dead. */
int queue_range_unfinished(struct queue *q, int64_t job, int64_t begin, int64_t end,
                           struct queue_ranges *ret, struct error *e);
/* *ret_finished: all members of [begin, end) are done or dead. */
int queue_range_finished(struct queue *q, int64_t job, int64_t begin, int64_t end,
                         bool *ret_finished, struct error *e);

/* The members to lease next, and where they come from. */
struct queue_pick {
    struct queue_range range;
    struct queue_range from; /* the row; for the frontier, [frontier, members) */
    enum range_state state;  /* of the row: FREE, CUT, ALONE */
    bool frontier;
};
/* As queue_lease, queue_lease_ahead and queue_lease_alone say; QUEUE_NO_SUCH with `e` as it was. */
int queue_pick(struct queue *q, const struct queue_counts *c, int64_t want, int64_t align,
               struct queue_pick *ret, struct error *e);
int queue_pick_ahead(struct queue *q, const struct queue_counts *c, int64_t want,
                     struct queue_pick *ret, struct error *e);
/* The lowest free member, whichever way it is to be leased; all members where there is none. */
int queue_lowest_free(struct queue *q, const struct queue_counts *c, int64_t *ret_member,
                      struct error *e);
int queue_pick_alone(struct queue *q, const struct queue_counts *c, struct queue_pick *ret,
                     struct error *e);

/* ---- events.c ---- */

int queue_event_add(struct queue *q, int64_t job, const char *kind, const char *data,
                    struct error *e);
/* Its counts of done and dead changed. */
void queue_event_touch(struct queue *q, int64_t job);
/* The progress events of the turn: one for each job that was touched and still runs. */
int queue_event_flush(struct queue *q, struct error *e);

/* ---- moves.c ---- */

/* By the table in job_state.c (QUEUE_REFUSED, nothing written). A final move ends the job's leases,
 * frees what only a live job needs, and tells `reason` (NULL: none). */
int queue_move(struct queue *q, const struct queue_counts *counts, enum job_state to,
               const char *reason, struct error *e);

/* ---- leases.c ---- */

/* A lease as the queue knows it; what the caller's struct says of members is not believed. */
struct queue_live_lease {
    int64_t fence, job;
    struct queue_range range;
    enum range_state from; /* FREE, CUT, ALONE: what is left of it will be so again */
};
/* QUEUE_NOT_LIVE with words. */
int queue_live_lease(struct queue *q, const struct queue_lease *lease, struct queue_live_lease *ret,
                     struct error *e);
/* Gives ranges back, and counts their members as free. */
int queue_give_back(struct queue *q, int64_t job, const struct queue_ranges *ranges,
                    enum range_state state, struct error *e);
/* Its row goes; what it held was given back, or is done or dead. */
int queue_end_lease(struct queue *q, const struct queue_live_lease *live, struct error *e);
/* The first member of the job's live leases, and where that lease came from; INT64_MAX and
 * RANGE_FREE where there is none. */
int queue_first_lease(struct queue *q, int64_t job, int64_t *ret_begin, enum range_state *ret_from,
                      struct error *e);

/* ---- rests.c ---- */

/* The member's worker died, and its attempts were counted: it is given back, to be leased after a
 * while, the longer the more there were. */
struct queue_attempts;
int queue_rest(struct queue *q, int64_t job, int64_t member, const struct queue_attempts *a,
               struct error *e);
/* At an open: nobody rests for longer than he would have to from now on. */
int queue_rests_load(struct queue *q, const struct queue_options *o, struct error *e);
/* Unix time in milliseconds, by the clock as it goes now, of an attempt's rests_until. */
int64_t queue_rest_unix(const struct queue *q, int64_t rests_until);

/* ---- jobs.c ---- */

/* As a row says it: a new string, the whole path. */
char *queue_absolute_store(const struct queue *q, const char *store);

/* ---- layouts.c ---- */

/* Decides the lowest proposal where nothing below it is open any more. */
int queue_settle_layouts(struct queue *q, int64_t job, struct error *e);

/* ---- removals.c ---- */

int queue_removal_of(struct queue *q, int64_t job, bool *ret_sync_left, bool *ret_is_removing,
                     struct error *e);

/* ---- holds.c ---- */

/* Of a job whose row was added. */
int queue_add_holds(struct queue *q, const struct queue_submission *s, int64_t job,
                    struct error *e);

/* ---- retry.c: a job that has ended goes on ---- */

/* QUEUE_REFUSED where the job is being removed, or a later one was given its store (as its row says
 * it). */
int queue_check_store_is_kept(struct queue *q, int64_t job, const char *store, struct error *e);
/* A later job that was given it; 0: none was. */
int queue_later_store(struct queue *q, int64_t job, const char *store, int64_t *ret_later,
                      struct error *e);
/* Has `how` claim it again. */
int queue_claim_again(struct queue *q, const struct queue_counts *c, const char *store,
                      const char *model_hash, const struct queue_retry *how, struct error *e);

/* ---- appends.c ---- */

/* Adds what was appended to the job to its document. */
int appends_of(struct queue *q, int64_t job, struct queue_text *document, struct error *e);

/* ---- reports.c ---- */

int queue_release_lease(struct queue *q, const struct queue_live_lease *live, struct error *e);
/* A lease of many that was lost: the open ones are given back as two halves. */
int queue_halve_lease(struct queue *q, const struct queue_live_lease *live, struct error *e);
/* The member of a lease died: one more attempt. At max_attempts it is dead of that, else
 * *ret_lives, and it is still to be given back. */
int queue_count_attempt(struct queue *q, int64_t job, int64_t member,
                        const struct queue_death *death, bool *ret_lives, struct error *e);
struct queue_attempts {
    int64_t attempts, suspicion;
    int64_t earlier;     /* attempts before the job was retried; those have no bound */
    int64_t rests_until; /* by the queue's time; 0: it does not rest */
};
int queue_attempts(struct queue *q, int64_t job, int64_t member, struct queue_attempts *ret,
                   struct error *e);
int queue_attempts_set(struct queue *q, int64_t job, int64_t member, const struct queue_attempts *a,
                       struct error *e);

/* ---- recovery.c ---- */

/* Ends the leases of the former daemon; `died`: not in order, and not with the machine (invariant 6
 * of queue.h). */
int queue_recover(struct queue *q, const struct queue_options *o, bool died, struct error *e);

#endif
