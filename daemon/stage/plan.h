/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of one stage: which processes are called, and which must be through before which.
 *
 * An edge A → B (B is called after A has returned) stands where
 *  - the model has it (`before`), also through processes that have not this stage;
 *  - the two touch a variable, at least one of them writing, and the model gives no order
 *    (model->unordered: also what readers of on_demand variables read through the owner): then as
 *    the model's order has them;
 *  - both touch one object, whose inside nobody knows: likewise;
 *  - both may call into one library of which a type is not thread-safe (its own stage, or that of
 * an on_demand variable's owner): likewise, so that no lock is needed. Of movable types this is
 * left to companies, whose tasks never overlap within a worker.
 *
 * Invariants
 *  1. Every edge leads from an earlier to a later call of the model's order: the calls in order are
 *     a right way to run a plan, and the one whose results all others give.
 *  2. Between two calls without a path between them nothing is written that the other touches. So
 *     what a call computes depends on the plan only, not on what runs beside it.
 *  3. `broken_by` has the model's edges only: BREAK passes along these, also through processes that
 *     have not this stage.
 *  4. Tasks hold every call once; a task's calls are in order, and each but the first has the one
 *     before it as its only predecessor, and is its only successor. They are of one company at
 *     most. */
#ifndef STAGE_PLAN_H
#define STAGE_PLAN_H

#include "stage/stage.h"

#include <stdbool.h>
#include <stdint.h>

struct program;

/* A call of one process, or (`is_empty`) a knot of edges that BREAK passes through. */
struct plan_call {
    int process;
    int level;            /* of the process's, that has the stage's function */
    simlab_stage_fn fn;   /* NULL: there is none; hooks alone are called */
    stage_guard_fn guard; /* as program_call has it */
    bool is_empty;
    bool keeps_floating; /* the process's code cannot change the floating-point control */
    int n_broken_by;     /* calls whose BREAK, or brokenness, skips this one */
    const int *broken_by;
};

/* What depends on what: tasks by number, in the model's order of their first calls. */
struct task_graph {
    int n_tasks;
    const int *n_before;    /* predecessors */
    const int *first_after; /* the successors of t: after[first_after[t]] … [first_after[t + 1]] */
    const int *after;       /* those with the longest path ahead of them first */
    int n_roots;            /* tasks without predecessors */
    const int *roots;       /* likewise */
    int n_leaves;           /* tasks without successors */
};

enum plan_how {
    PLAN_ORDERED = 1, /* always run in order: tasks are not made */
    PLAN_HOOKS = 2    /* hooks are called for each process, also for those without the stage */
};

struct plan {
    int stage; /* enum simlab_stage */
    bool is_ordered, has_hooks;
    bool is_eventful; /* there is more to its calls than to call functions */
    int n_calls;
    struct plan_call *calls; /* in the model's order */
    struct task_graph graph; /* of an ordered plan: no tasks */
    const int *first_call;   /* of task t: calls task_calls[first_call[t]] … */
    const int *task_calls;
    int *companies;         /* by task (stage/company.h); NULL: none is of any */
    int *broken_by, *tasks; /* what the pointers above lead to */
};

/* Of a program whose processes and slots are there. `how`: enum plan_how. */
void plan_new(const struct program *p, int stage, unsigned how, struct plan *ret_plan);
void plan_clear(struct plan *p);

/* The longest path through the tasks, where call i takes ns[i]; without tasks, all calls. */
int64_t plan_longest_path(const struct plan *plan, const int64_t *ns);

#endif
