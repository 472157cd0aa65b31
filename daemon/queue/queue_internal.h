/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of queue/ share. All of it writes into the turn's transaction (database.h), and
 * returns as queue.h says. */
#ifndef QUEUE_QUEUE_INTERNAL_H
#define QUEUE_QUEUE_INTERNAL_H

#include "queue/database.h"
#include "queue/queue.h"

#include <stddef.h>

/* Numbers kept in memory. A commit copies them to `committed`, a rollback copies them back. */
struct queue_numbers {
    int64_t last_job;
    int64_t last_event;
    int64_t fences_reserved; /* on disk: up to this one may be given out */
};

struct queue_progress_entry {
    int64_t job, step, nsteps;
};

struct queue {
    struct database database;
    struct queue_numbers numbers, committed;
    char identity[40];
    int64_t last_fence; /* never goes back, not even by a rollback: invariant 4 of queue.h */
    /* Jobs whose counts changed in this turn (with repeats), to be told as progress by the commit.
     */
    int64_t *touched;
    size_t n_touched, touched_capacity;
    /* As last heard, of running jobs without a batch. Those that ended go at the commit. */
    struct queue_progress_entry *progress;
    size_t n_progress, progress_capacity;
    bool ended;               /* some job ended in this turn */
    bool written;             /* something was committed since the last tick */
    int64_t last_write;       /* as of the ticks */
    int64_t checkpoint_retry; /* not before */
    int64_t probe_due;        /* while the database fails; 0: it works, as of the last tick */
};

/* Makes room for one more in an array that grows by doubling. */
void *queue_grow(void *items, size_t n, size_t *capacity, size_t size);
/* Unix time in milliseconds. */
int64_t queue_time(void);
/* At most `limit` bytes of a text from outside as valid UTF-8; NULL gives "". The caller frees. */
char *queue_clean_text(const char *text, size_t limit);
enum { QUEUE_REASON_MAX = 2000, QUEUE_LOG_LINE_MAX = 4000, QUEUE_LOG_LINES_MAX = 10000 };

/* ---- jobs.c ---- */

struct queue_counts {
    enum job_state state;
    int64_t members, done, dead, free, frontier, max_attempts, log_lines;
    bool has_layout;
};
/* QUEUE_NO_SUCH where there is no such job. */
int queue_job_counts(struct queue *q, int64_t job, struct queue_counts *ret, struct error *e);

/* By the table in state.c (QUEUE_REFUSED, nothing written). A final move ends the job's leases,
 * frees what only a live job needs, and tells `reason` (NULL: none). */
int queue_job_move(struct queue *q, int64_t job, const struct queue_counts *counts,
                   enum job_state to, const char *reason, struct error *e);

/* ---- ranges.c ---- */

enum range_state { RANGE_DONE, RANGE_DEAD, RANGE_FREE, RANGE_CUT };

struct queue_range {
    int64_t begin, end;
};
struct queue_ranges {
    struct queue_range *items;
    size_t n, capacity;
};
void queue_ranges_add(struct queue_ranges *ranges, int64_t begin, int64_t end);
int64_t queue_ranges_members(const struct queue_ranges *ranges);

/* Adds a row, joined with neighbours that are alike. [begin, end) is in no row of this state yet.
 * Attempts and reason are 0 and NULL except for RANGE_DEAD. */
int queue_range_add(struct queue *q, int64_t job, enum range_state state, int64_t begin,
                    int64_t end, int64_t attempts, const char *reason, struct error *e);
/* The first and the last row of this state; QUEUE_NO_SUCH with `e` as it was. */
int queue_range_first(struct queue *q, int64_t job, enum range_state state, struct queue_range *ret,
                      struct error *e);
int queue_range_last(struct queue *q, int64_t job, enum range_state state, struct queue_range *ret,
                     struct error *e);
/* Adds to `ret`, in order, the members of [begin, end) that are neither done nor dead. */
int queue_range_unfinished(struct queue *q, int64_t job, int64_t begin, int64_t end,
                           struct queue_ranges *ret, struct error *e);

/* ---- reports.c ---- */

/* Ends every live lease as if it had been released. */
int queue_release_all(struct queue *q, struct error *e);

/* ---- events.c ---- */

int queue_event_add(struct queue *q, int64_t job, const char *kind, const char *data,
                    struct error *e);
void queue_event_touch(struct queue *q, int64_t job);
/* The progress events of the turn: one for each job that was touched and still runs. */
int queue_event_flush(struct queue *q, struct error *e);
/* Forgets the progress of jobs that no longer run. */
void queue_progress_prune(struct queue *q);
void queue_progress_get(const struct queue *q, int64_t job, int64_t *ret_step, int64_t *ret_nsteps);

#endif
