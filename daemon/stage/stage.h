/* SPDX-License-Identifier: Apache-2.0 */
/* Running one member: the state, the stages, the time loop. Knows no store and no socket: results
 * leave through a callback.
 *
 * Invariants
 *  1. All values and instances of a run live in its arena, one reserved range of addresses; a run
 *     that is used again (simulation_run for the next member) allocates nothing once sizes are
 * settled.
 *  2. finalize runs for every process whose initialize was called, also after an error.
 *  3. What a member computes depends on the job and the member's number only. */
#ifndef STAGE_STAGE_H
#define STAGE_STAGE_H

#include "base/json.h"
#include "base/position.h"
#include "model/job.h"
#include "simlab/process.h"

#include <stdatomic.h>

struct simulation;

/* Code of a type: `process` as the library declares it (copied into structs of this host's size),
 * `parent` that of the type it extends, `guard` its library's (NULL: none). */
typedef int (*stage_guard_fn)(simlab_context *c, simlab_stage_fn stage, simlab_variable_fn about,
                              int32_t var);
struct stage_code {
    const struct simlab_process *process;
    const struct stage_code *parent;
    stage_guard_fn guard;
    bool keeps_floating; /* its functions cannot change the floating-point control */
};

/* What the functions here find, with words. */
enum stage_result {
    STAGE_FAILED = 1 /* user code: a process, variable, hook, or what a member saves */
};

/* Called by the time loop on its own thread. Any but `output` may be NULL. */
struct stage_events {
    /* Output job->outputs[output] of this member has `view` as its value at label `at` of its clock
     * (0 for those saved once). The view is valid during the call. Ends the member's
     * run with a stage_result, where the value cannot be saved, or a negative errno. */
    int (*output)(void *userdata, int64_t member, int output, int64_t at,
                  const struct simlab_view *view);
    void (*log)(void *userdata, int64_t member, const char *line);
    /* A member asks for more memory than there can be, and its code would go on to write there:
     * called in the midst of that code, with the words of STAGE_FAILED. It does not return: the
     * process is to end, without `finalize`. NULL: the member goes on, in memory that is not the
     * value's, and fails when it is through. */
    void (*abandon)(void *userdata, int64_t member, const struct error *why);
    /* After each step; a negative errno ends the run with that result (cancelled). */
    int (*step)(void *userdata, int64_t member, int64_t step);
    /* NULL, or true once the member is to stop: what runs is told so by simlab_cancelled, and what
     * fails then is no failure: the run ends with -ECANCELED. */
    const atomic_bool *is_cancelled;
    void *userdata;
};

/* How the processes of a stage are run. What is computed, told and saved does not depend on it. */
struct stage_options {
    const char *scheduler; /* of scheduler_named: "serial", "threads" … */
    int threads; /* that may be used, this one included: at least 1. Of `processes`: workers,
                  * which come and go (simulation_share) */
    /* Where its lanes say where they stand; NULL: nowhere. Borrowed. Simulations may share one, if
     * one of them runs at a time; or such as run beside others of the same job, each with lanes of
     * its own from `first_lane` on: before they run, simulation_take_board is called for one. */
    struct position_board *board;
    bool is_beside;
    int first_lane;
    int64_t most_spans; /* that simulation_trace is to have, of a job that is profiled */
};

/* 0, STAGE_FAILED where a library is not the model's, or -errno, with words. `codes[i]` is the code
 * of job->model->processes[i]; hooks[i] that of job->hooks[i]. All are borrowed and outlive it.
 * `options`: NULL is serial. */
int simulation_new(const struct job *job, const struct stage_code *const *codes,
                   const struct simlab_hook *const *hooks, const struct stage_options *options,
                   struct simulation **ret_simulation, struct error *e);
struct simulation *simulation_free(struct simulation *s);
/* Whoever stood on its board is gone, and the names there are of its job's processes. */
void simulation_take_board(struct simulation *s);

/* Of a debug run, in words, for whoever touched an address: "it touched memory behind variable
 * 'grid__u' …". Nothing is written to `ret` where it is none of ours. Safe in a process that dies
 * of it. */
void simulation_explain_address(const struct simulation *s, const void *address, char *ret,
                                size_t size);

/* What another worker needs to run tasks of this simulation (stage/helper.h). */
struct stage_share {
    int descriptor; /* of the memory, borrowed */
    void *address;  /* where it is mapped in all of them */
    size_t size;
    int n_lanes; /* lane 0 is the time loop's */
};
/* False where its scheduler shares nothing, or there is one lane only. */
bool simulation_share(const struct simulation *s, struct stage_share *ret);
/* How many help now. */
int simulation_helpers(const struct simulation *s);

/* Runs one member from initialize to finalize. 0; STAGE_FAILED with a message that names process,
 * variable and stage, or as a callback said; a callback's negative errno. May be called again for
 * another member. */
int simulation_run(struct simulation *s, int64_t member, const struct stage_events *events,
                   struct error *e);

/* Where the time went of all members so far (stage/profile.h), in seconds; NULL where it is not
 * profiled. For the caller:
 *   {"lanes": 2, "members": 1, "seconds": …, "outputs": …,
 *    "stages": [{"stage": "run_step", "runs": 100, "seconds": …, "work": …, "longest_path": …,
 *                "longest_path_without_loops": …}, …],
 *    "processes": [{"process": "advect", "type": …, "stage": …, "calls": 100, "seconds": …,
 *                   "loops": …, "work": …}, …]} */
json_t *simulation_profile(const struct simulation *s);
/* Calls on the clock, in Chrome's trace format (traceEvents; one tid for each lane). */
json_t *simulation_trace(const struct simulation *s);

/* Bytes of its state's arena that were used so far: all that a member has. */
size_t simulation_memory(const struct simulation *s);

/* ---- saving and resuming ---- */

/* Within stage_events.step, when all threads rest: what the rest of the member's run depends on, of
 * so many bytes. Before each save simulation_save_instances has types that the state does not hold
 * by itself (stage/instance.h) write what is theirs: 0, or STAGE_FAILED with words, where one
 * cannot: then there is nothing to save. */
int simulation_save_instances(struct simulation *s, struct error *e);
size_t simulation_saved_bytes(const struct simulation *s);
void simulation_save(struct simulation *s, void *ret);

/* Where a run begins that has no `initialize`. */
struct stage_start {
    const void *saved; /* by simulation_save; aligned as malloc aligns */
    size_t n;
    /* By another job of the same model and libraries, whose main clock has the same labels so far:
     * this one's inputs hold from here on, where no process has set the variable itself. */
    bool is_branch;
};

/* Steps of the saved run that were done; -1 where it is none of this simulation's model, with
 * words. */
int64_t simulation_saved_steps(const struct simulation *s, const struct stage_start *start,
                               struct error *e);

/* Whether somebody keeps memory of the state (simlab/process.h: keep), also when its member has
 * ended. Then it cannot go on from what was saved. */
bool simulation_is_kept(const struct simulation *s);

/* Like simulation_run, from where the saved member stood on. (STAGE_FAILED also where it does not
 * fit.) */
int simulation_resume(struct simulation *s, int64_t member, const struct stage_start *start,
                      const struct stage_events *events, struct error *e);

#endif
