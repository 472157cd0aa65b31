/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to the pool of threads: what its files share. */
#ifndef STAGE_TASK_POOL_PARTS_H
#define STAGE_TASK_POOL_PARTS_H

#include "stage/deque.h"
#include "stage/ready_set.h"
#include "stage/rest.h"
#include "stage/task_loops.h"
#include "stage/task_pool.h"

#include <pthread.h>

/* ---- what all threads share: the board, and what it leads to ---- */

struct graph_counts {
    _Atomic uint32_t *through; /* by task: predecessors that are through, of all runs together */
    uint32_t n;                /* which run this is, from 1 */
    _Alignas(64) _Atomic uint32_t ended; /* tasks without successors, likewise */
};

/* What one thread has. Others touch the deque alone. */
struct pool_thread {
    struct deque deque;
    struct ready_set own; /* tasks that only this one may run */
    _Alignas(64) int number;
    uint32_t random;   /* whom to steal from first */
    int64_t backs_off; /* ns */
    int64_t steals_at; /* not before */
    /* Written by this thread, read by anybody. */
    _Atomic uint64_t tasks, stolen, loops, blocks, sleeps, ns_searched, ns_slept;
};

struct pool_board {
    _Atomic bool quits;
    _Atomic int32_t run;                /* the number of the graph that was begun last */
    _Alignas(64) _Atomic uint32_t done; /* runs that are over */
    uint32_t begun;
    struct rest rest;
    struct pool_thread *threads[REST_MOST];
    struct graph_counts *counts[TASK_POOL_GRAPHS];
};

/* ---- what each process has for itself ---- */

struct graph_run {
    const struct task_graph *graph;
    struct task_homes homes;
    struct graph_counts *counts;
    int number;
};

struct own_thread {
    struct task_pool *pool;
    pthread_t id;
    int number;
};

struct task_pool {
    struct task_pool_options options;
    struct pool_board *board;
    int n;           /* threads */
    bool is_crowded; /* more threads than processors: who searches yields */
    bool has_joined;
    _Atomic bool leaves; /* the thread that has joined */
    int n_graphs;
    struct graph_run graphs[TASK_POOL_GRAPHS];
    struct task_loops loops;
    struct own_thread own[REST_MOST];
};

/* ---- task_pool_board.c ---- */

struct pool_board *pool_board_new(const struct task_pool_options *o);
void pool_board_free(struct task_pool *p);

#endif
