/* SPDX-License-Identifier: Apache-2.0 */
/* How the processes of a stage are called. A stage's plan is compiled once with the simulation and
 * used again at every step.
 *
 * Invariant: a process is called after all processes that must run before it, and not at all where
 * one of its ancestors in the plan gave BREAK in this stage: under every scheduler. */
#ifndef STAGE_SCHEDULER_H
#define STAGE_SCHEDULER_H

#include "stage/stage.h"

struct stage_plan {
    int stage; /* enum simlab_stage */
    int n;     /* processes, in the model's order; those without this stage stand too, since a
                * BREAK passes through them */
    const int *order;
    const struct model *model; /* for the edges: processes[i].before */
    const bool *has_stage;     /* by process */
};

/* Calls one process (hooks, the stage function, errors): a scheduler calls it for each process of
 * the plan. *ret_signal: enum simlab_signal. Processes without order between them may be called by
 * several threads at once. */
int simulation_call(struct simulation *s, int process, int stage, int *ret_signal, struct error *e);

extern const struct scheduler scheduler_serial;

#endif
