/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of parallel loops, as the threads of a pool take them (stage/task_pool.h).
 *
 * Each thread has a place for each depth of nesting, where its loop stands. `word` is the number of
 * the loop that stood there last (40 bits) and of the block that comes next (24 bits; all ones:
 * there is no loop).
 *
 * Invariants
 *  1. What else is in a place changes only while `word` says that there is no loop. So who has read
 *     it, and then could count `word` up by one, has read what belongs to the block that it got:
 *     the loop cannot end before this block is through.
 *  2. A block is taken once. */
#ifndef STAGE_TASK_LOOPS_H
#define STAGE_TASK_LOOPS_H

#include "stage/rest.h"
#include "stage/task_pool.h"

enum { TASK_LOOPS_DEEP = 8 };

struct loop_place {
    _Alignas(64) _Atomic uint64_t word;
    _Atomic int64_t n; /* blocks */
    _Atomic(task_pool_block_fn) fn;
    _Atomic(void *) loop;
    _Alignas(64) _Atomic uint32_t through; /* blocks */
    _Atomic uint32_t is_awaited;           /* its thread sleeps until all are */
};

struct task_loops {
    int n;                    /* threads */
    _Atomic int32_t n_open;   /* loops that may have blocks left */
    _Atomic int32_t deepest;  /* loops stood here at most so deep, less 1 */
    int32_t depth[REST_MOST]; /* by thread, its own: loops that it is in */
    struct loop_place places[TASK_LOOPS_DEEP][REST_MOST];
};

struct task_block {
    task_pool_block_fn fn;
    void *loop;
    int64_t n, number;
    struct loop_place *place;
    int depth;
};

void task_loops_init(struct task_loops *l, int n_threads);

/* Whether a loop at this depth or deeper has a block left. */
bool task_loops_has(struct task_loops *l, int depth);
bool task_loops_take(struct task_loops *l, int depth, struct task_block *ret_block);
void task_loops_run(struct task_loops *l, const struct task_block *b, void *userdata, int thread);

/* Runs a loop from its begin to its end. */
void task_loops_loop(struct task_loops *l, struct rest *rest, int thread, int64_t n,
                     task_pool_block_fn fn, void *loop, void *userdata, bool is_crowded);

#endif
