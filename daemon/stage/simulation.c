/* SPDX-License-Identifier: Apache-2.0 */
/* The time loop. */
#include "stage/simulation.h"
#include "stage/helper.h"
#include "stage/instance.h"

#include "base/mem.h"
#include "stage/debug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct scheduler *const schedulers[] = {&scheduler_serial, &scheduler_threads,
                                                     &scheduler_processes, &scheduler_auto};

const struct scheduler *scheduler_named(const char *name)
{
    for (size_t i = 0; i < sizeof schedulers / sizeof *schedulers; i++)
        if (!strcmp(schedulers[i]->name, name))
            return schedulers[i];
    return NULL;
}

static void new_lanes(struct simulation *s, int n)
{
    s->lanes = mem_array((size_t)n, sizeof *s->lanes);
    for (; s->n_lanes < n; s->n_lanes++)
        s->lanes[s->n_lanes] = lane_new(s, s->n_lanes);
}

/* What needs no state yet. */
static struct simulation *new_without_state(const struct job *job,
                                            const struct simlab_hook *const *hooks,
                                            struct position_board *board)
{
    struct simulation *s = mem_new(sizeof *s);
    s->job = job;
    s->model = job->model;
    s->hooks = hooks;
    s->board = board;
    s->is_plain = job->n_hooks == 0 && job->validate != JOB_VALIDATE_ALL && !job->debug;
    s->is_watched = job->n_stop_when > 0 || job->log_every > 0;
    s->flags = mem_lines(1, sizeof *s->flags + (size_t)s->model->n_processes);
    s->stage.flags = s->flags;
    return s;
}

static struct job_room *new_rooms(const struct job *job)
{
    for (int i = 0; i < job->n_inputs; i++)
        if (job->inputs[i].series)
            return mem_array((size_t)job->n_inputs, sizeof(struct job_room));
    return NULL;
}

static void free_rooms(struct simulation *s)
{
    for (int i = 0; s->rooms && i < s->job->n_inputs; i++)
        job_room_clear(&s->rooms[i]);
    free(s->rooms);
}

static void new_parts(struct simulation *s, int n_lanes)
{
    s->values = s->state->values;
    s->objects = mem_array((size_t)s->program->n_objects, sizeof *s->objects);
    s->cached_lines = mem_array((size_t)s->program->n_cached, sizeof *s->cached_lines);
    new_lanes(s, n_lanes);
    context_new_all(s);
}

void simulation_take_board(struct simulation *s)
{
    size_t at = 0;
    if (!s->board)
        return;
    position_clear(s->board, (uintptr_t)s);
    for (int i = 0; i < s->model->n_processes; i++)
        position_add_name(s->board, &at, s->model->processes[i].name,
                          s->model->processes[i].type->name);
}

void simulation_set_step(const struct simulation *s, int64_t step)
{
    if (s->board && !s->is_beside)
        atomic_store_explicit(&s->board->step, step, memory_order_relaxed);
}

int simulation_new(const struct job *job, const struct stage_code *const *codes,
                   const struct simlab_hook *const *hooks, const struct stage_options *options,
                   struct simulation **ret_simulation, struct error *e)
{
    static const struct stage_options none = {.scheduler = "serial", .threads = 1};
    const struct stage_options *o = options ? options : &none;
    struct simulation *s = new_without_state(job, hooks, o->board);
    s->is_beside = o->is_beside;
    s->first_lane = o->first_lane;
    s->rooms = new_rooms(job);
    s->scheduler = scheduler_named(o->scheduler);
    mem_assert(s->scheduler);
    int r = program_new(job, codes, hooks, &s->program, e);
    if (r == 0)
        r = state_new(s->program, s->scheduler->is_shared ? STATE_SHARED : STATE_PRIVATE, &s->state,
                      e);
    if (r == 0) {
        s->state->is_debug = job->debug;
        new_parts(s, o->threads);
        if (job->profile && !s->scheduler->is_shared)
            s->profile = profile_new(s->program, o->most_spans, NULL);
        s->most_spans = o->most_spans;
        r = s->scheduler->open(s, &s->scheduler_state, e);
    }
    if (r) {
        simulation_free(s);
        return r;
    }
    *ret_simulation = s;
    return 0;
}

int simulation_join(const struct job *job, const struct stage_code *const *codes,
                    const struct simlab_hook *const *hooks, const struct helper_options *options,
                    struct simulation **ret_simulation, struct error *e)
{
    struct simulation *s = new_without_state(job, hooks, options->board);
    const struct stage_share *share = &options->share;
    const struct state_share from = {share->descriptor, share->address, share->size};
    s->is_helper = true;
    s->scheduler = &scheduler_serial; /* of parallel loops */
    int r = program_new(job, codes, hooks, &s->program, e);
    if (r == 0)
        r = state_attach(s->program, &from, &s->state, e);
    if (r) {
        simulation_free(s);
        return r;
    }
    new_parts(s, share->n_lanes);
    simulation_take_board(s);
    *ret_simulation = s;
    return 0;
}

bool simulation_share(const struct simulation *s, struct stage_share *ret)
{
    struct state_share state;
    if (!s->scheduler->is_shared || s->n_lanes < 2)
        return false;
    state_share(s->state, &state);
    *ret = (struct stage_share){state.descriptor, state.address, state.size, s->n_lanes};
    return true;
}

static void destroy_objects(struct simulation *s)
{
    for (int i = 0; i < s->program->n_objects; i++) {
        struct object *o = &s->objects[i];
        if (o->object && o->destroy)
            o->destroy(o->object);
        *o = (struct object){0};
    }
}

struct simulation *simulation_free(struct simulation *s)
{
    if (!s)
        return NULL;
    if (s->scheduler_state)
        s->scheduler->close(s->scheduler_state);
    if (s->board && s->board->owner == (uintptr_t)s)
        s->board->owner = 0;
    if (s->objects)
        destroy_objects(s);
    context_free_all(s);
    for (int i = 0; i < s->n_lanes; i++)
        lane_free(s->lanes[i]);
    for (int i = 0; s->cached_lines && i < s->program->n_cached; i++)
        lines_free(&s->cached_lines[i]);
    free(s->lanes);
    free(s->cached_lines);
    free(s->objects);
    free(s->flags);
    free_rooms(s);
    free(s->missing_at_first);
    profile_free(s->profile);
    buffer_free(&s->instances);
    if (s->is_helper)
        state_detach(s->state);
    else
        state_free(s->state);
    program_free(s->program);
    free(s);
    return NULL;
}

/* Those at model level. Most jobs have none. */
static inline int call_hooks(struct simulation *s, int stage, int when, int *ret_signal,
                             struct error *e)
{
    *ret_signal = SIMLAB_NONE;
    return s->job->n_hooks ? hook_call(s->lanes[0], stage, when, -1, ret_signal, e) : 0;
}

/* *ret_signal is that of the hooks at model level: what processes signal stays within the stage. */
static inline int run_stage(struct simulation *s, int stage, int *ret_signal, struct error *e)
{
    s->state->stamp++;
    s->state->runtime.stage = stage;
    int r = call_hooks(s, stage, SIMLAB_BEFORE, ret_signal, e);
    if (r || *ret_signal != SIMLAB_NONE)
        return r;
    r = call_stage(s, stage, e);
    return r ? r : call_hooks(s, stage, SIMLAB_AFTER, ret_signal, e);
}

/* Every process whose initialize was called, or that has none, is finalized, whatever came before;
 * the first error is the one that is told. */
static int finalize(struct simulation *s, int result, struct error *e)
{
    int signal = SIMLAB_NONE;
    s->state->stamp++;
    s->state->runtime.stage = SIMLAB_FINALIZE;
    int r = call_hooks(s, SIMLAB_FINALIZE, SIMLAB_BEFORE, &signal, result ? NULL : e);
    if (result == 0)
        result = r;
    if (r || signal == SIMLAB_NONE) {
        r = call_stage(s, SIMLAB_FINALIZE, result ? NULL : e);
        if (result == 0)
            result = r;
    }
    r = call_hooks(s, SIMLAB_FINALIZE, SIMLAB_AFTER, &signal, result ? NULL : e);
    return result ? result : r;
}

static void begin_member(struct simulation *s, int64_t member)
{
    if (s->board && !s->is_beside && s->board->owner != (uintptr_t)s)
        simulation_take_board(s);
    simulation_set_step(s, -1);
    lane_take(s->lanes[0]);
    destroy_objects(s);
    s->n_begun++;
    s->began = profile_begin(s->profile);
    if (s->scheduler->begin)
        s->scheduler->begin(s->scheduler_state);
    thread_environment_note(&s->environment, s->n_lanes > 1);
    state_reset(s->state, s->program, member);
    for (int i = 0; i < s->n_lanes; i++)
        lane_reset(s->lanes[i]);
}

static void begin_step(struct simulation *s, int64_t step)
{
    struct simlab_runtime *t = &s->state->runtime;
    t->step = step;
    t->step_start = t->main_clock[step];
    t->step_end = t->main_clock[step + 1];
    t->step_delta = t->main_clock[step + 1] - t->main_clock[step];
    s->state->next = step + 1;
    simulation_set_step(s, step);
}

static int save_step(struct simulation *s, int64_t step, struct error *e)
{
    s->state->stamp++;
    if (!output_is_due(s, step))
        return 0;
    int64_t began = profile_begin(s->profile);
    int r = output_save_step(s, step, e);
    profile_add_output(s->profile, s->lanes[0], began);
    return r;
}

static int save_last(struct simulation *s, struct error *e)
{
    int64_t began = profile_begin(s->profile);
    int r = output_save_last(s, e);
    profile_add_output(s->profile, s->lanes[0], began);
    return r;
}

/* One step; *ret_signal BREAK: no more steps. The order of saving and signals is xarray-simlab's.
 */
static int one_step(struct simulation *s, int64_t step, int *ret_signal, struct error *e)
{
    begin_step(s, step);
    int signal = SIMLAB_NONE, watched = SIMLAB_NONE;
    int r = s->program->has_forcing ? input_set(s, step, e) : 0;
    if (r == 0)
        r = run_stage(s, SIMLAB_RUN_STEP, &signal, e);
    if (r == 0 && s->is_watched)
        r = watch_step(s, step, &watched, e);
    if (watched > signal)
        signal = watched;
    *ret_signal = signal;
    if (r || signal == SIMLAB_BREAK)
        return r;
    r = save_step(s, step, e);
    if (r == 0 && signal != SIMLAB_CONTINUE)
        r = run_stage(s, SIMLAB_FINALIZE_STEP, ret_signal, e);
    if (r == 0 && s->events->step)
        r = s->events->step(s->events->userdata, s->state->member, step);
    return r;
}

/* The steps that are left, and the end. */
static int run_rest(struct simulation *s, int r, struct error *e)
{
    int signal = SIMLAB_NONE;
    while (r == 0 && s->state->next < s->state->runtime.nsteps && signal != SIMLAB_BREAK)
        r = one_step(s, s->state->next, &signal, e);
    if (r == 0)
        r = save_last(s, e);
    r = finalize(s, r, e);
    if (r == 0 && s->state->is_debug)
        debug_end_member(s);
    destroy_objects(s);
    profile_end_member(s->profile, s->began);
    bool is_cancelled = s->events->is_cancelled && atomic_load(s->events->is_cancelled);
    return r > 0 && is_cancelled ? error_set(e, -ECANCELED, NULL, "cancelled") : r;
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
    return run_rest(s, r, e);
}

/* ---- saving and resuming ---- */

int simulation_save_instances(struct simulation *s, struct error *e)
{
    buffer_clear(&s->instances);
    if (s->state->is_debug) /* between its values lies what nobody may touch */
        return error_set(e, STAGE_FAILED, NULL, "a debug run is not saved");
    int r = s->scheduler->gather ? s->scheduler->gather(s->scheduler_state, e) : 0;
    if (r == 0)
        r = instance_save_all(s, &s->instances, e);
    if (r)
        buffer_clear(&s->instances);
    return r;
}

size_t simulation_saved_bytes(const struct simulation *s)
{
    return state_bytes(s->state) + s->instances.size;
}

void simulation_save(struct simulation *s, void *ret)
{
    state_save(s->state, ret);
    if (s->instances.size)
        memcpy((char *)ret + state_bytes(s->state), s->instances.data, s->instances.size);
    buffer_clear(&s->instances);
}

/* The state, which says how long it is, and the instances behind it. */
static struct saved_state state_part(const struct stage_start *start, struct saved_state *ret_rest)
{
    struct state head;
    struct saved_state whole = {start->saved, start->n};
    *ret_rest = (struct saved_state){0};
    if (start->n < sizeof head)
        return whole;
    memcpy(&head, start->saved, sizeof head);
    if (head.arena.used > start->n)
        return whole;
    *ret_rest = (struct saved_state){(const char *)start->saved + head.arena.used,
                                     start->n - head.arena.used};
    return (struct saved_state){start->saved, head.arena.used};
}

int64_t simulation_saved_steps(const struct simulation *s, const struct stage_start *start,
                               struct error *e)
{
    struct saved_state rest;
    const struct saved_state from = state_part(start, &rest);
    struct state head;
    if (state_check(s->state, s->program, &from, e))
        return -1;
    memcpy(&head, start->saved, sizeof head);
    return head.next;
}

bool simulation_is_kept(const struct simulation *s)
{
    return s->state->n_kept > 0;
}

int simulation_resume(struct simulation *s, int64_t member, const struct stage_start *start,
                      const struct stage_events *events, struct error *e)
{
    struct saved_state rest;
    const struct saved_state from = state_part(start, &rest);
    s->events = events;
    begin_member(s, member);
    int r = start->is_branch ? state_branch(s->state, s->program, member, &from, e)
                             : state_load(s->state, s->program, &from, e);
    if (r)
        return r;
    context_renew_all(s);
    for (int i = 0; i < s->n_lanes; i++)
        lane_forget_values(s->lanes[i]);
    r = start->is_branch ? input_set_branch(s, e) : 0;
    int restored = instance_restore_all(s, rest.bytes, rest.n, r ? NULL : e);
    return run_rest(s, r ? r : restored, e);
}

size_t simulation_memory(const struct simulation *s)
{
    return s->state->arena.used;
}
