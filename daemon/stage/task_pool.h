/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that run the tasks of a graph, each after its predecessors, and the blocks of parallel
 * loops that tasks run in their midst. Knows nothing of simulations.
 *
 * How a graph is run
 *  - Each task has a count of predecessors that are through. It is never set back: in the n-th run
 *    the task is ready when the count is n times their number.
 *  - Who finishes a task makes its successors ready: of those that are, it runs the one with the
 *    longest path ahead of it at once, and puts the others into its deque, where idle threads steal
 *    them. Roots are put there by the thread that begins the run.
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

struct task_pool;

typedef void (*task_pool_fn)(void *userdata, int thread, int task);
typedef void (*task_pool_block_fn)(void *loop, void *userdata, int thread, int64_t block);

struct task_pool_options {
    int n_threads;  /* that of the caller included: 1 … REST_MOST */
    int most_tasks; /* of any graph */
    task_pool_fn run;
    /* Called by a thread before and after tasks or blocks that it runs one after the other. May be
     * NULL. */
    void (*enter)(void *userdata, int thread), (*leave)(void *userdata, int thread);
    void *userdata;
};

/* 0, or a negative errno with words. */
int task_pool_new(const struct task_pool_options *o, struct task_pool **ret_pool, struct error *e);
struct task_pool *task_pool_free(struct task_pool *p);

/* A graph that is to be run, again and again: its counts. The graph is borrowed. */
struct graph_run;
struct graph_run *task_pool_graph_new(const struct task_graph *graph);
struct graph_run *task_pool_graph_free(struct graph_run *g);

/* Runs it, on the thread that made the pool (number 0) and the others. */
void task_pool_run(struct task_pool *p, struct graph_run *g);

/* From within a task, or where none is run, on `thread`: blocks 0 … n - 1. n: at most 2^20. */
void task_pool_loop(struct task_pool *p, int thread, int64_t n, task_pool_block_fn fn, void *loop);

void task_pool_statistics(const struct task_pool *p, struct scheduler_statistics *ret);

#endif
