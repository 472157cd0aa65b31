/* SPDX-License-Identifier: Apache-2.0 */
/* The time loop. */
#include "stage/process_api.h"

#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Address space, not memory: large for any member. */
#define ARENA_RESERVE       ((size_t)1 << 40)
#define ARENA_RESERVE_LEAST ((size_t)1 << 24)

/* Where addresses are limited (RLIMIT_AS), half of what can be had is left to all else: buffers of
 * outputs, threads' stacks, what libraries allocate. */
static int new_arena(struct arena **ret_arena, struct error *e)
{
    struct arena *a = NULL;
    size_t size = ARENA_RESERVE;
    int r = arena_new(size, &a);
    while (r < 0 && size > ARENA_RESERVE_LEAST) {
        size /= 2;
        r = arena_new(size, &a);
    }
    if (r == 0 && size < ARENA_RESERVE) {
        arena_free(a);
        r = arena_new(size / 2, &a);
    }
    if (r == 0)
        *ret_arena = a;
    return error_errno(e, r, "reserve addresses for the state");
}

static int new_values(struct simulation *s, struct error *e)
{
    size_t capacity;
    size_t bytes = (size_t)s->model->n_slots * sizeof *s->values;
    s->values = arena_take(s->arena, bytes, &capacity);
    if (!s->values)
        return error_set(e, -ENOMEM, NULL, "no memory for the state");
    memset(s->values, 0, bytes);
    for (int i = 0; i < s->model->n_slots; i++) {
        s->values[i].view.dtype = s->model->slots[i].declared->dtype;
        s->values[i].view.itemsize = (int32_t)s->model->slots[i].declared->itemsize;
    }
    return 0;
}

static void new_plans(struct simulation *s)
{
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        if (hook_has_process_level(s, stage))
            for (int p = 0; p < s->model->n_processes; p++)
                s->has_stage[stage][p] = true;
        s->plans[stage] = (struct stage_plan){.stage = stage,
                                              .n = s->model->n_processes,
                                              .order = s->model->order,
                                              .model = s->model,
                                              .has_stage = s->has_stage[stage]};
    }
}

int simulation_new(const struct job *job, const struct stage_code *const *codes,
                   const struct simlab_hook *const *hooks, struct simulation **ret_simulation,
                   struct error *e)
{
    struct simulation *s = mem_new(sizeof *s);
    s->job = job;
    s->model = job->model;
    s->hooks = hooks;
    s->scheduler = &scheduler_serial;
    s->saved = mem_array((size_t)job->n_clocks, sizeof *s->saved);
    s->broken = mem_array((size_t)s->model->n_processes, sizeof *s->broken);
    for (int i = 0; i < job->n_inputs; i++)
        s->has_forcing = s->has_forcing || job->inputs[i].has_clock;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        s->has_stage[stage] = mem_array((size_t)s->model->n_processes, sizeof(bool));
    int r = new_arena(&s->arena, e);
    if (r == 0)
        r = new_values(s, e);
    if (r == 0)
        r = context_new_all(s, codes, e);
    if (r) {
        simulation_free(s);
        return r;
    }
    new_plans(s);
    *ret_simulation = s;
    return 0;
}

struct simulation *simulation_free(struct simulation *s)
{
    if (!s)
        return NULL;
    if (s->values)
        value_reset_all(s);
    context_free_all(s);
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        free(s->has_stage[stage]);
    free(s->broken);
    free(s->saved);
    arena_free(s->arena);
    free(s);
    return NULL;
}

/* From the type itself up the types it extends: the first that has the stage. */
static int call_stage(struct process_run *run, int stage)
{
    for (struct context *c = run->context; c; c = c->parent) {
        simlab_stage_fn fn = process_api_stage_function(c->code->process, stage);
        if (fn)
            return fn(&c->shared);
    }
    return SIMLAB_NONE;
}

static int call_process(struct simulation *s, int process, int stage, int *ret_signal,
                        struct error *e)
{
    struct process_run *run = &s->runs[process];
    run->failed = false;
    run->called = true;
    random_begin(&run->random, (uint32_t)stage, s->runtime.step, 0);
    context_enter(run, stage);
    int r = call_stage(run, stage);
    if (r < 0)
        context_refuse(run, "failed without saying why");
    else if (r > SIMLAB_BREAK)
        context_refuse(run, "returned %d, which is no signal", r);
    if (!run->failed) {
        *ret_signal = r;
        return 0;
    }
    run->failed = false; /* of this call; others may still compute its on-demand values */
    return context_report(s, process, e);
}

int simulation_call(struct simulation *s, int process, int stage, int *ret_signal, struct error *e)
{
    bool is_plain = s->job->n_hooks == 0 && s->job->validate != JOB_VALIDATE_ALL;
    if (is_plain) /* most calls of most jobs */
        return call_process(s, process, stage, ret_signal, e);
    int signal = SIMLAB_NONE, after = SIMLAB_NONE;
    int r = hook_call(s, stage, SIMLAB_BEFORE, process, &signal, e);
    if (r == 0 && signal == SIMLAB_NONE) {
        r = call_process(s, process, stage, &signal, e);
        if (r == 0)
            r = hook_call(s, stage, SIMLAB_AFTER, process, &after, e);
        if (r == 0 && s->job->validate == JOB_VALIDATE_ALL)
            r = input_check_written(s, process, e);
    }
    if (r == 0)
        *ret_signal = after > signal ? after : signal;
    return r;
}

/* *ret_signal is that of the hooks at model level: what processes signal stays within the stage. */
static int run_stage(struct simulation *s, int stage, int *ret_signal, struct error *e)
{
    s->stamp++;
    s->runtime.stage = stage;
    int r = hook_call(s, stage, SIMLAB_BEFORE, -1, ret_signal, e);
    if (r || *ret_signal != SIMLAB_NONE)
        return r;
    r = s->scheduler->run(s->scheduler_state, &s->plans[stage], s, e);
    return r ? r : hook_call(s, stage, SIMLAB_AFTER, -1, ret_signal, e);
}

/* Every process whose initialize was called, or that has none, is finalized, whatever came before;
 * the first error is the one that is told. */
static int finalize(struct simulation *s, int result, struct error *e)
{
    int signal = SIMLAB_NONE;
    s->stamp++;
    s->runtime.stage = SIMLAB_FINALIZE;
    int r = hook_call(s, SIMLAB_FINALIZE, SIMLAB_BEFORE, -1, &signal, result ? NULL : e);
    if (result == 0)
        result = r;
    for (int i = 0; i < s->model->n_processes && (r || signal == SIMLAB_NONE); i++) {
        int p = s->model->order[i], ignored;
        if (!s->has_stage[SIMLAB_FINALIZE][p] ||
            (!s->runs[p].called && s->has_stage[SIMLAB_INITIALIZE][p]))
            continue;
        r = simulation_call(s, p, SIMLAB_FINALIZE, &ignored, result ? NULL : e);
        if (result == 0)
            result = r;
    }
    r = hook_call(s, SIMLAB_FINALIZE, SIMLAB_AFTER, -1, &signal, result ? NULL : e);
    return result ? result : r;
}

static void begin_member(struct simulation *s, int64_t member)
{
    const struct clock *clock = &s->job->clocks[s->job->main_clock];
    value_reset_all(s);
    s->member = member;
    for (int c = 0; c < s->job->n_clocks; c++)
        s->saved[c] = 0;
    s->runtime = (struct simlab_runtime){.step = -1,
                                         .nsteps = clock->n - 1,
                                         .step_start = NAN,
                                         .step_end = NAN,
                                         .step_delta = NAN,
                                         .sim_start = clock->values[0],
                                         .sim_end = clock->values[clock->n - 1],
                                         .batch = member,
                                         .batch_size = s->job->n_members,
                                         .main_clock = clock->values,
                                         .main_clock_size = clock->n};
    for (int p = 0; p < s->model->n_processes; p++) {
        struct process_run *run = &s->runs[p];
        run->called = false;
        random_seed(&run->random, s->job->seed, member, s->model->processes[p].name);
        size_t size = 0;
        for (struct context *c = run->context; c; c = c->parent)
            if (c->code->process->instance_size > size)
                size = c->code->process->instance_size;
        if (size)
            memset(run->context->shared.instance, 0, size);
    }
}

static void begin_step(struct simulation *s, int64_t step)
{
    const double *labels = s->runtime.main_clock;
    s->runtime.step = step;
    s->runtime.step_start = labels[step];
    s->runtime.step_end = labels[step + 1];
    s->runtime.step_delta = labels[step + 1] - labels[step];
}

/* One step; *ret_signal BREAK: no more steps. The order of saving and signals is xarray-simlab's.
 */
static int one_step(struct simulation *s, int64_t step, int *ret_signal, struct error *e)
{
    begin_step(s, step);
    int signal = SIMLAB_NONE, watched = SIMLAB_NONE;
    int r = s->has_forcing ? input_set(s, step, e) : 0;
    if (r == 0)
        r = run_stage(s, SIMLAB_RUN_STEP, &signal, e);
    if (r == 0)
        r = watch_step(s, step, &watched, e);
    if (watched > signal)
        signal = watched;
    *ret_signal = signal;
    if (r || signal == SIMLAB_BREAK)
        return r;
    r = output_save_step(s, step, e);
    if (r == 0 && signal != SIMLAB_CONTINUE)
        r = run_stage(s, SIMLAB_FINALIZE_STEP, ret_signal, e);
    if (r == 0 && s->events->step)
        r = s->events->step(s->events->userdata, s->member, step);
    return r;
}

int simulation_run(struct simulation *s, int64_t member, const struct stage_events *events,
                   struct error *e)
{
    s->events = events;
    begin_member(s, member);
    int r = input_set(s, -1, e);
    if (r)
        return r;
    int signal = SIMLAB_NONE;
    r = run_stage(s, SIMLAB_INITIALIZE, &signal, e);
    signal = SIMLAB_NONE;
    for (int64_t step = 0; r == 0 && step < s->runtime.nsteps && signal != SIMLAB_BREAK; step++)
        r = one_step(s, step, &signal, e);
    if (r == 0)
        r = output_save_last(s, e);
    r = finalize(s, r, e);
    value_reset_all(s);
    return r;
}
