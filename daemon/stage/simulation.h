/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to stage/: what its files share.
 *
 * Invariants
 *  1. values[slot].view.data is NULL or values[slot].buffer: a value is set, or it is not.
 *  2. A process's contexts (one per level of `extends`) are used by one thread at a time, those of
 *     an on-demand variable's owner by the thread that computes it.
 *  3. run->failed is set by the first mistake of a call and kept to its end. */
#ifndef STAGE_SIMULATION_H
#define STAGE_SIMULATION_H

#include "stage/arena.h"
#include "stage/random.h"
#include "stage/scheduler.h"
#include "stage/stage.h"

/* What a context is being used for: the four stages, or about one variable. */
enum phase {
    PHASE_COMPUTE = SIMLAB_N_STAGES, /* an on-demand value */
    PHASE_VALIDATE,
    PHASE_CONVERT,
    N_PHASES
};

struct value {
    struct simlab_view view;
    void *buffer;
    size_t capacity;
    size_t asked;   /* bytes: the most that this member has asked for */
    uint64_t stamp; /* on_demand, cached: the stage it was computed in */
    bool computing;
    void *object; /* kind object */
    void (*destroy)(void *object);
};

struct process_run;

/* What a stage function sees, for the type itself (level 0) or a type it extends. */
struct context {
    struct simlab_context shared; /* first: what the library is given */
    struct simulation *simulation;
    struct process_run *run;
    int process;
    const struct stage_code *code;
    struct context *parent;            /* the next level; NULL */
    int *merged;                       /* own row → index in the process's type->variables */
    const struct variable **variables; /* by own row, like the two below */
    const struct binding **bindings;
    uint8_t *access[N_PHASES];
};

struct process_run {
    struct context *context; /* level 0 */
    struct random_stream random;
    int phase;
    bool called; /* initialize was called in this run */
    bool failed;
    bool has_new_inputs;        /* see input_set */
    bool lacks_input;           /* read one of its own that varies in time, before the first step */
    char message[768];          /* of the first mistake, without process and stage */
    struct simlab_view scratch; /* zeroed memory for accesses that went wrong */
    size_t scratch_bytes;
};

struct simulation {
    const struct job *job;
    const struct model *model;
    const struct simlab_hook *const *hooks; /* job->n_hooks of them */
    struct arena *arena;
    size_t bytes;         /* the sum of what values were asked for: at most memory_limit() */
    struct value *values; /* by slot */
    struct process_run *runs;
    struct stage_plan plans[SIMLAB_N_STAGES];
    bool *has_stage[SIMLAB_N_STAGES];
    bool *broken;     /* by process: of the serial scheduler, in a stage with a BREAK */
    bool has_forcing; /* some input varies in time */
    const struct scheduler *scheduler;
    void *scheduler_state;
    struct simlab_runtime runtime;
    int64_t member;
    uint64_t stamp; /* changes with every stage and every save */
    int64_t *saved; /* by clock: labels saved so far */
    const struct stage_events *events;
};

/* Contexts of all processes: s->runs. */
int context_new_all(struct simulation *s, const struct stage_code *const *codes, struct error *e);
void context_free_all(struct simulation *s);

/* Prepares all levels of a process for a phase. */
void context_enter(struct process_run *run, int phase);

/* "process 'advect' (reference.AdvectionLax), run_step of step 3: …" from run->message. */
int context_report(const struct simulation *s, int process, struct error *e);

/* Makes the value of an on-demand slot current. False where it failed: run->message of `caller`. */
bool context_demand(struct simulation *s, int slot, struct process_run *caller);

/* Records a mistake, the first of a call only. */
__attribute__((format(printf, 2, 3))) void context_refuse(struct process_run *run,
                                                          const char *format, ...);

/* Gives a slot's value this shape, reusing its buffer. Elements that it did not have are zero, so
 * that nothing of another member, or variable, is seen in them. -EOVERFLOW where no machine counts
 * so far; -ENOMEM where there cannot be, or is not, so much memory. */
int value_shape(struct simulation *s, int slot, int ndim, const int64_t *shape);
/* All values unset, objects destroyed; buffers are kept. */
void value_reset_all(struct simulation *s);

/* Puts a member's inputs into their slots: those that do not vary in time (step -1), or those that
 * do (step 0 …), converted and validated. */
int input_set(struct simulation *s, int64_t step, struct error *e);
/* validate: all — checks what a process may have set. */
int input_check_written(struct simulation *s, int process, struct error *e);

/* Saves the outputs whose clock has label `step` of the main clock. */
int output_save_step(struct simulation *s, int64_t step, struct error *e);
/* After the last step: the last labels, those without a clock, and index variables. */
int output_save_last(struct simulation *s, struct error *e);

/* Calls the job's hooks of a stage (`process` -1: those at model level). *ret_signal is the highest
 * that they give. Hooks at process level are called for processes without the stage too. */
int hook_call(struct simulation *s, int stage, int when, int process, int *ret_signal,
              struct error *e);
bool hook_has_process_level(const struct simulation *s, int stage);

/* What the job itself watches for after run_step: stop_when, log_every. *ret_signal as of a
 * model-level hook. */
int watch_step(struct simulation *s, int64_t step, int *ret_signal, struct error *e);

#endif
