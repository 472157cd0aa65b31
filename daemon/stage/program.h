/* SPDX-License-Identifier: Apache-2.0 */
/* What a job compiles to: which function is called for which process, what each row of a type's
 * table leads to and may do in each phase, and the plan of each stage. Each worker that runs the
 * job compiles the same; what differs between them are addresses of libraries' functions.
 *
 * Invariants
 *  1. A program never changes once it is compiled: any thread may read it.
 *  2. It depends on the job and the libraries only, never on member, threads or scheduler. */
#ifndef STAGE_PROGRAM_H
#define STAGE_PROGRAM_H

#include "base/hash.h"
#include "stage/plan.h"
#include "stage/stage.h"

/* What a context is being used for: the four stages, about one variable, or the instance. */
enum phase {
    PHASE_COMPUTE = SIMLAB_N_STAGES, /* an on-demand value */
    PHASE_VALIDATE,
    PHASE_CONVERT,
    PHASE_SAVE,
    PHASE_RESTORE,
    N_PHASES
};

/* A process's type (level 0), or one that it extends. */
struct program_level {
    const struct simlab_process *code;
    const char *type;                  /* its name */
    stage_guard_fn guard;              /* see program_call */
    int n_rows;                        /* of the type's own table */
    const int *merged;                 /* row → index in the process's type->variables */
    const struct variable **variables; /* by row, like the two below */
    const struct binding **bindings;
    const uint8_t *access[N_PHASES];         /* enum simlab_access */
    const uint8_t *access_in_loop[N_PHASES]; /* in blocks of parallel loops */
};

struct program_process {
    int n_levels;
    struct program_level *levels;
    size_t instance_size;             /* the largest of its levels' */
    int stage_level[SIMLAB_N_STAGES]; /* the first level that has the stage; -1: none has */
    /* Its instance, an object that it touches, or variables of its library that it changes, are of
     * one worker only. */
    bool is_pinned;
    bool keeps_floating; /* so does the code of all levels: they may call each other */
};

/* Where a function about one variable is. */
struct program_function {
    int level, row; /* level -1: there is none */
};

/* A slot's value may be… */
enum program_slot_kind {
    PROGRAM_PLAIN,    /* set by processes or inputs */
    PROGRAM_CACHED,   /* on_demand: computed once a stage, by whoever asks first, for all */
    PROGRAM_UNCACHED, /* on_demand: computed at each reading, in the lane that reads */
    PROGRAM_OBJECT
};
struct program_slot {
    int kind;
    int number; /* among those of its kind, but for plain ones */
    struct program_function compute;
};

struct program {
    const struct job *job;
    const struct model *model;
    char
        hash[HASH_TEXT_SIZE]; /* of what a state's layout and meaning depend on: model, libraries */
    struct program_process *processes;
    struct program_slot *slots;
    int n_cached, n_uncached, n_objects;
    int n_companies;  /* stage/company.h */
    int *companies;   /* by process; COMPANY_NONE: any worker runs it */
    bool has_forcing; /* some input varies in time */
    struct plan plans[SIMLAB_N_STAGES];
};

/* `codes`, `hooks`: as simulation_new has them. 0; STAGE_FAILED where a library is not the model's.
 */
int program_new(const struct job *job, const struct stage_code *const *codes,
                const struct simlab_hook *const *hooks, struct program **ret_program,
                struct error *e);
struct program *program_free(struct program *p);

/* Whether some stage of some process may set the slot. */
bool program_is_written(const struct program *p, int slot);

/* The function of the first level that has one for this variable of a process. */
enum program_about { PROGRAM_COMPUTE, PROGRAM_VALIDATE, PROGRAM_CONVERT };
struct program_function program_function(const struct program *p, int process, int variable,
                                         enum program_about about);

/* The stage's function of a level's own table; NULL where it has none. */
simlab_stage_fn program_stage_function(const struct simlab_process *code, int stage);

/* Functions of a level's library are called by these, so that nothing that it throws passes through
 * the host. */
static inline int program_call(stage_guard_fn guard, simlab_stage_fn fn, simlab_context *c)
{
    return guard ? guard(c, fn, NULL, 0) : fn(c);
}
static inline int program_call_about(stage_guard_fn guard, simlab_variable_fn fn, simlab_context *c,
                                     int32_t row)
{
    return guard ? guard(c, NULL, fn, row) : fn(c, row);
}

#endif
