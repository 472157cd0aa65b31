/* SPDX-License-Identifier: Apache-2.0 */
/* How the calls of a stage are run. All that they mean (who is skipped, which error is told, where
 * lines go) is call.c's; a scheduler only says where and when.
 *
 * Invariant: `run` has each call of the plan made once (call_task, call_in_order), after all those
 * that the plan has before it, and returns when all were made: under every scheduler. */
#ifndef STAGE_SCHEDULER_H
#define STAGE_SCHEDULER_H

#include "stage/program.h"

struct lane;
struct simulation;

struct scheduler_statistics {
    uint64_t tasks;  /* that were run */
    uint64_t stolen; /* by another thread than the one that made them ready */
    uint64_t loops;  /* parallel loops, and blocks of them */
    uint64_t blocks;
    uint64_t sleeps;      /* times that a thread slept */
    uint64_t ns_searched; /* by all threads, for something to do */
    uint64_t ns_slept;
};

/* Runs block `block` of a parallel loop. */
typedef void (*scheduler_block_fn)(void *loop, struct lane *lane, int64_t block);

struct scheduler {
    const char *name;
    bool is_shared; /* the state is to lie in memory that other workers can map */
    /* A simulation with its lanes. 0, or a negative errno with words. */
    int (*open)(struct simulation *s, void **ret_state, struct error *e);
    /* By the time loop's thread, like open and close. */
    void (*run)(void *state, const struct plan *plan);
    /* Blocks 0 … n - 1, from within a call in `lane`; returns when all are done. */
    void (*loop)(void *state, struct lane *lane, int64_t n, scheduler_block_fn fn, void *loop);
    void (*statistics)(const void *state, struct scheduler_statistics *ret);
    /* Where instances may be in other workers, else NULL: a member begins, all of it is the lead's;
     * and, before it is saved, all instances are the lead's again: 0, or STAGE_FAILED with words.
     */
    void (*begin)(void *state);
    int (*gather)(void *state, struct error *e);
    void *(*close)(void *state);
};

extern const struct scheduler scheduler_serial, scheduler_threads, scheduler_processes,
    scheduler_auto;

/* NULL: there is none of that name. */
const struct scheduler *scheduler_named(const char *name);

/* What a scheduler calls: the calls of a task, in any lane. */
void call_task(struct lane *lane, int task);
/* Before calls are run in another order than the plan's: their lines wait for the end. */
void call_gather(struct simulation *s);
/* All calls in order, in the time loop's lane. *ret_ns: how long each took. */
void call_in_order(struct simulation *s);
void call_in_order_timed(struct simulation *s, int64_t *ret_ns);

#endif
