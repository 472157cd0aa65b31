/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers that run one simulation share beside its state: the pool of their lanes, what
 * the calls of a stage tell each other, and the lines and errors of helpers.
 *
 * The *lead* runs the time loop, in lane 0. A *helper* runs tasks, in a lane of its own; it comes
 * and goes between two of them. All map the state, and this behind it, at the same addresses;
 * functions of libraries lie elsewhere in each of them: what is here speaks of graphs, tasks, calls
 * and slots by number.
 *
 * Invariants
 *  1. A lane is used by one helper at a time.
 *  2. What a helper's calls have logged, and the earliest error of a stage, are in its report
 *     before the task counts as done. So the lead finds all of them when the stage is through.
 *  3. A task of a company is run by the lane that is its home (stage/home.h).
 *  4. Whoever dies may have left anything half done, a lock held, a task without an end: then the
 *     lead's process ends too, and the member starts again. Nothing here is ever repaired. */
#ifndef STAGE_SHARE_H
#define STAGE_SHARE_H

#include "stage/rest.h"
#include "stage/simulation.h"
#include "stage/task_pool.h"

/* Lines, one piece of memory. */
struct parcel {
    struct parcel *next;
    size_t capacity;
    int cached;  /* the cached value that they belong to; -1: the lane */
    size_t n;    /* lines; their texts follow them */
    size_t text; /* bytes of these */
    struct line at[];
};

struct report {
    _Alignas(64) struct parcel *first;
    struct parcel *last;
    int failed_call; /* INT_MAX: none */
    int result;
    struct error error;
};

/* Whether a lane has a helper. */
enum lane_presence { LANE_ABSENT, LANE_THERE, LANE_CLAIMED };

/* What a move has each worker do (stage/errand.h). */
enum errand { ERRAND_NONE, ERRAND_SAVE, ERRAND_RESTORE, ERRAND_FORGET };

/* An instance on its way; in the arena. */
struct moved_bytes {
    void *bytes;
    size_t n, capacity;
};

struct share {
    struct arena arena; /* first: of the memory behind the state */
    struct pool_board *pool;
    struct stage_flags *flags;
    struct profile_board *profile; /* NULL: it is not profiled */
    int n_lanes;
    _Atomic int32_t n_helpers; /* that have come, and not gone */
    int stage;                 /* that runs */
    int64_t n_begun;           /* members: who has seen another number looks at all anew */
    bool has_log;              /* lines are wanted */
    _Atomic int32_t presence[REST_MOST]; /* enum lane_presence, by lane */
    /* Written by the lead, between two runs of the pool; by company, process, or task of run_step.
     */
    int32_t *homes;
    bool has_times; /* task_ns is wanted */
    int64_t *task_ns;
    enum errand errand;
    int32_t errand_homes[REST_MOST]; /* by lane, of its task */
    int32_t *errand_lanes;           /* whose errand a company is; -1: nobody's */
    bool *errand_failed;             /* by who did it, like the next two */
    struct error *errand_why;
    struct moved_bytes *moved;
    struct report reports[REST_MOST];
};

/* What a lane has logged, and its error, go into its report. By whoever runs in it, after a task.
 */
void share_report(struct share *share, struct lane *lane);
/* The lead's: all of it goes to where its own would be. Between two stages. */
void share_collect(struct share *share, struct simulation *s);

/* A task of the graph that runs, or an errand; its time, where it is wanted. */
void share_run_task(struct share *share, struct lane *lane, int task);

/* The same in each process: the pool is made by the lead, and joined by helpers. */
void share_pool_options(const struct simulation *s, struct task_pool_options *ret);
void share_graphs(const struct simulation *s, const struct share *share, struct task_pool *pool,
                  struct graph_run *ret_graphs[SIMLAB_N_STAGES]);

#endif
