/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to stage/: what its files share.
 *
 * Invariants
 *  1. A process_run (its contexts, one per level of `extends`) is used by one lane at a time. Those
 *     of simulation->runs are for the calls of a plan; functions about one variable (compute,
 *     validate, convert) are called with one that the lane has for itself, since several lanes may
 *     compute variables of one process at once.
 *  2. run->failed is set by the first mistake of a call and kept to its end; between calls it is
 *     false. */
#ifndef STAGE_SIMULATION_H
#define STAGE_SIMULATION_H

#include "stage/lane.h"
#include "stage/profile.h"
#include "stage/program.h"
#include "stage/scheduler.h"
#include "stage/state.h"
#include "stage/thread_environment.h"

#include <stdatomic.h>

struct instance_bytes;

/* What a stage function sees, for the type itself (level 0) or a type it extends. */
struct context {
    struct simlab_context shared; /* first: what the library is given */
    struct process_run *run;
    const struct program_level *level;
};

/* A process at work: one of its stages, or a function about one of its variables. */
struct process_run {
    _Alignas(64) struct lane *lane;
    struct context *contexts; /* by level */
    int process, n_levels;
    int phase;                    /* enum phase */
    uint32_t drawn_by;            /* struct random: 0, or 1 + the variable that it is about */
    uint64_t drawn;               /* words of its sequence */
    struct instance_bytes *bytes; /* in save and restore; else NULL */
    char *message; /* of the first mistake, without process and stage: MESSAGE_SIZE, or NULL */
    int call;      /* in a block of a loop: the call of the plan that the loop is in */
    int n_loops;   /* parallel loops that it is in, one within the other: see parallel.c */
    bool failed;
    bool lacks_input; /* read one of its own that varies in time, before the first step */
};
enum { MESSAGE_SIZE = STATE_WHY_SIZE };

static inline struct simulation *context_simulation(const struct context *c)
{
    return c->run->lane->simulation;
}

/* A kind object: lives outside the state, since it is a pointer of one process's own. */
struct object {
    void *object;
    void (*destroy)(void *object);
};

/* What the calls of the stage that runs tell each other: one for all lanes, also those of other
 * processes. */
struct stage_flags {
    /* There is more to a call than to call a function: hooks, checks, flags; or something has
     * happened. */
    _Atomic bool is_eventful;
    _Atomic bool has_broken; /* some call gave BREAK: is_broken means something */
    _Atomic int failed_call; /* the earliest so far; INT_MAX: none */
    bool is_broken[];        /* by call */
};

/* The stage that runs. */
struct stage_run {
    const struct plan *plan;
    const struct plan_call *calls; /* the plan's */
    int stage;
    uint64_t position; /* position_pack of this stage, process 0 */
    bool goes_on;      /* after a failure, as in finalize */
    struct stage_flags *flags;
};

struct simulation {
    struct program *program;
    struct state *state;
    struct value *values; /* the state's */
    const struct job *job;
    const struct model *model;
    const struct simlab_hook *const *hooks; /* job->n_hooks of them */
    struct process_run *runs;               /* by process */
    struct context *contexts;               /* of all runs */
    struct object *objects;                 /* by number of the slot */
    struct lines *cached_lines;             /* by number: of what was computed in this stage */
    int n_lanes;
    struct lane **lanes;          /* 0: the time loop's thread */
    struct job_room *rooms;       /* one for each input, where there are series; or NULL */
    struct position_board *board; /* or NULL … */
    bool is_beside;               /* … with others on it; its lanes stand from here on */
    int first_lane;
    struct stage_run stage;
    struct thread_environment environment; /* the member's */
    bool is_plain;               /* no hooks, nothing is validated that processes set: most jobs */
    bool is_watched;             /* watch_step has something to do */
    bool is_helper;              /* the state is another process's */
    int64_t began;               /* the member, for its profile */
    int64_t n_begun;             /* members, or starts from a saved state */
    int64_t save_step, save_due; /* output.c: in steps from the one to the other nothing is saved */
    /* finite.c: of member number `missing_in` of n_begun: how many elements of each output were NaN
     * or infinite when it was first saved, -1: not yet; whether it was said that there are more. */
    int64_t *missing_at_first, missing_in;
    bool missing_is_said;
    struct stage_flags *flags; /* of this process; stage.flags may be others' */
    const struct scheduler *scheduler;
    void *scheduler_state;
    const struct stage_events *events;
    struct profile *profile; /* NULL: nobody asks */
    int64_t most_spans;      /* of it */
    struct buffer instances; /* of instance_save_all, for the next save */
    struct lock giving_up;   /* held by the one that abandons the member */
};

/* ---- context.c ---- */

/* Of all processes: s->runs. */
void context_new_all(struct simulation *s);
void context_free_all(struct simulation *s);
/* Those of all lanes: after the state was replaced, instances may lie elsewhere. */
void context_renew_all(struct simulation *s);
/* A lane's own of one process, with `contexts`, made when it is first asked for. */
struct process_run *context_of_lane(struct lane *lane, int process);
struct process_run *context_run_free(struct process_run *run);
/* Prepares all levels for a phase, and for a new sequence of random numbers. */
static inline void context_enter(struct process_run *run, int phase)
{
    run->phase = phase;
    for (int level = 0; level < run->n_levels; level++)
        run->contexts[level].shared.access = run->contexts[level].level->access[phase];
}
/* Where the value of a slot is that is not on_demand, or where this lane has it. */
struct value *context_value(const struct process_run *run, int slot);

/* "process 'advect' (reference.AdvectionLax), run_step of step 3: …" from run->message. */
int context_report(const struct process_run *run, struct error *e);
/* Records a mistake, the first of a call only. */
__attribute__((format(printf, 2, 3))) void context_refuse(struct process_run *run,
                                                          const char *format, ...);
__attribute__((format(printf, 2, 0))) void context_vrefuse(struct process_run *run,
                                                           const char *format, va_list arguments);

/* Of a function of a library: a mistake where it failed without saying why, or returned what is
 * neither 0 nor a signal. */
void context_check_result(struct process_run *run, int result);

/* ---- demand.c ---- */

/* Makes the value of an on_demand slot current, for this run's lane. False where it failed: a
 * mistake of `caller`. */
bool demand(struct process_run *caller, int slot);
/* The same for the time loop, which saves or watches the value of any slot: it is then where
 * context_value says for its owner's run. 0, or STAGE_FAILED with words. */
int demand_for_loop(struct simulation *s, int slot, struct error *e);

/* ---- call.c ---- */

/* Runs a plan by the scheduler and tells lines and errors in the model's order. */
int call_stage(struct simulation *s, int stage, struct error *e);
/* Of a helper: the stage in which it makes calls from now on. */
void call_join(struct simulation *s, int stage);

/* ---- simulation.c ---- */

struct helper_options;
/* One without a time loop, for the state of another process's. Like simulation_new. */
int simulation_join(const struct job *job, const struct stage_code *const *codes,
                    const struct simlab_hook *const *hooks, const struct helper_options *options,
                    struct simulation **ret_simulation, struct error *e);
/* For the board. */
void simulation_set_step(const struct simulation *s, int64_t step);

/* ---- input.c, output.c, finite.c, hook.c, watch.c ---- */

/* Puts a member's inputs into their slots: those that do not vary in time (step -1), or those that
 * do (step 0 …), converted and validated. */
int input_set(struct simulation *s, int64_t step, struct error *e);
/* Those that do not vary in time, into the state that another job has saved: but for variables that
 * some process sets, since theirs are no inputs any more. */
int input_set_branch(struct simulation *s, struct error *e);
/* validate: all — checks what a process may have set. */
int input_check_written(struct lane *lane, int process, struct error *e);

/* A value that is saved before step `step` (-1: at the end): STAGE_FAILED with words where it has
 * to be finite and is not. */
int finite_check(struct simulation *s, int output, int64_t step, const struct simlab_view *view,
                 struct error *e);

/* Whether any clock may have label `step` of the main clock. */
static inline bool output_is_due(const struct simulation *s, int64_t step)
{
    return step <= s->save_step || s->save_due <= step;
}
/* Saves the outputs whose clock has that label. */
int output_save_step(struct simulation *s, int64_t step, struct error *e);
/* After the last step: the last labels, those without a clock, and index variables. */
int output_save_last(struct simulation *s, struct error *e);

/* Calls the job's hooks of a stage (`process` -1: those at model level). *ret_signal is the highest
 * that they give. */
int hook_call(struct lane *lane, int stage, int when, int process, int *ret_signal,
              struct error *e);

/* What the job itself watches for after run_step: stop_when, log_every. *ret_signal as of a
 * model-level hook. */
int watch_step(struct simulation *s, int64_t step, int *ret_signal, struct error *e);

#endif
