/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that run the tasks of a graph, each after its predecessors, and the blocks of parallel
 * loops that tasks run in their midst. Knows nothing of simulations.
 *
 * The threads are those that the pool begins; or (options.arena) the one that made it and one each
 * of other processes, which join. What they share, the board, then lies in memory that all of them
 * have at one address; all else (functions, graphs, loops) each process has for itself.
 *
 * How a graph is run
 *  - Each task has a count of predecessors that are through. It is never set back: in the n-th run
 *    the task is ready when the count is n times their number.
 *  - Who finishes a task makes its successors ready: of those that are, it runs the one with the
 *    longest path ahead of it at once, and puts the others into its deque, where idle threads steal
 *    them. Roots are put there by the thread that begins the run.
 *  - Tasks of a company are for the thread that is its home: they go into a set of its own.
 *  - The run is over when all tasks without successors are through.
 *
 * How a loop is run
 *  - Its blocks are numbered; who takes the next number runs that block. The thread that began the
 *    loop takes them too, and when none is left waits for those that others still run; meanwhile it
 *    takes blocks of loops that lie deeper than its own, never tasks. So what a thread waits for is
 *    always run by somebody who waits for nothing that lies above it, and stacks are as deep as
 *    loops are nested.
 *
 * Invariants
 *  1. No allocation and no lock from the beginning to the end of a run.
 *  2. What a task has written is seen by its successors, what a loop's blocks have by who began it,
 *     and all by who began the run.
 *  3. Threads that find nothing search for about as long as a wake-up takes, then they sleep:
 * within a run, between runs, and while a loop ends (stage/rest.h). */
#ifndef STAGE_TASK_POOL_H
#define STAGE_TASK_POOL_H

#include "base/errors.h"
#include "stage/plan.h"
#include "stage/scheduler.h"

struct arena;
struct pool_board;
struct task_pool;

typedef void (*task_pool_fn)(void *userdata, int thread, int task);
typedef void (*task_pool_block_fn)(void *loop, void *userdata, int thread, int64_t block);

enum { TASK_POOL_GRAPHS = 5 }; /* that a pool can have */

struct task_pool_options {
    int n_threads;  /* that of the caller included: 1 … REST_MOST */
    int most_tasks; /* of any graph */
    task_pool_fn run;
    /* Called by a thread before and after tasks or blocks that it runs one after the other. May be
     * NULL. */
    void (*enter)(void *userdata, int thread), (*leave)(void *userdata, int thread);
    void *userdata;
    /* NULL: the pool begins the threads. Else the board is made there, and never given back. */
    struct arena *arena;
};

/* 0, or a negative errno with words. */
int task_pool_new(const struct task_pool_options *o, struct task_pool **ret_pool, struct error *e);
struct task_pool *task_pool_free(struct task_pool *p);

/* Which tasks of a graph are for one thread. Borrowed. */
struct task_homes {
    const int *companies; /* by task: a number, or below 0: any thread. NULL: so are all */
    const int32_t *homes; /* by company: its thread; changed between two runs only */
};

/* A graph that is to be run, again and again: its counts. The graph is borrowed. `homes`: NULL
 * where any thread may run all tasks. They belong to the pool. Every process makes the same ones,
 * in the same order. */
struct graph_run;
struct graph_run *task_pool_graph_new(struct task_pool *p, const struct task_graph *graph,
                                      const struct task_homes *homes);

/* Runs it, on the thread that made the pool (number 0) and the others. */
void task_pool_run(struct task_pool *p, struct graph_run *g);

/* From within a task, or where none is run, on `thread`: blocks 0 … n - 1. n: at most 2^20. */
void task_pool_loop(struct task_pool *p, int thread, int64_t n, task_pool_block_fn fn, void *loop);

void task_pool_statistics(const struct task_pool *p, struct scheduler_statistics *ret);

/* ---- threads of other processes ---- */

struct pool_board *task_pool_board(struct task_pool *p);
/* Joins a pool, in another process than that which made it; the options are the same. */
struct task_pool *task_pool_join(const struct task_pool_options *o, struct pool_board *board);
/* Works as `thread`, of which there is one at a time, until the pool is freed by the one who made
 * it, or (from any thread of this process) task_pool_leave, between two tasks. */
void task_pool_help(struct task_pool *p, int thread);
void task_pool_leave(struct task_pool *p, int thread);

#endif
