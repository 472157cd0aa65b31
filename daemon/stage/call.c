/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage means, whoever runs it: who is called, what its signal does, which error is told, in
 * which order lines come out.
 *
 * Invariants
 *  1. After a call has failed, those that come after it in the model's order are not begun, and
 *     those before it all run; of several errors the earliest is told. So it is the one that a run
 *     in order would have met.
 *  2. Lines of calls after the one that failed are dropped: in order they would not have run. Those
 *     that did, since they were faster, are finalized; where this was their `initialize`, without a
 *     word. (What such a process did to its own state in the step that failed may still be seen in
 *     what it logs in `finalize`. Nothing else of it is seen.) */
#include "stage/simulation.h"

#include "base/mem.h"
#include "stage/debug.h"
#include "stage/rest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- one call ---- */

static inline struct process_run *begin_call(struct lane *lane, const struct plan_call *call,
                                             int stage)
{
    struct process_run *run = &lane->simulation->runs[call->process];
    /* Lines of memory that need not change stay in the caches of all. */
    if (run->lane != lane)
        run->lane = lane;
    if (run->drawn)
        run->drawn = 0;
    if (run->phase != stage)
        context_enter(run, stage);
    return run;
}

/* After anything but SIMLAB_NONE, or a mistake. 0, or STAGE_FAILED with words in `e`. */
static int end_call(struct process_run *run, int r, struct error *e)
{
    context_check_result(run, r);
    if (!run->failed)
        return 0;
    run->failed = false;
    return context_report(run, e);
}

/* The stage function, from the first level that has it. */
static int call_stage_function(struct lane *lane, const struct plan_call *call, int *ret_signal,
                               struct error *e)
{
    struct simulation *s = lane->simulation;
    struct process_run *run = begin_call(lane, call, s->stage.plan->stage);
    if (s->stage.plan->stage == SIMLAB_INITIALIZE)
        s->state->processes[call->process].called = true;
    int r = call->fn ? program_call(call->guard, call->fn, &run->contexts[call->level].shared)
                     : SIMLAB_NONE;
    thread_environment_keep(&s->environment);
    *ret_signal = r;
    return end_call(run, r, e);
}

/* With hooks and checks around it. */
static int call_watched(struct lane *lane, const struct plan_call *call, int *ret_signal,
                        struct error *e)
{
    const struct simulation *s = lane->simulation;
    int signal = SIMLAB_NONE, after = SIMLAB_NONE, stage = s->stage.plan->stage;
    int r = hook_call(lane, stage, SIMLAB_BEFORE, call->process, &signal, e);
    if (r == 0 && signal == SIMLAB_NONE) {
        r = call_stage_function(lane, call, &signal, e);
        if (r == 0)
            r = hook_call(lane, stage, SIMLAB_AFTER, call->process, &after, e);
        if (r == 0 && s->job->validate == JOB_VALIDATE_ALL)
            r = input_check_written(lane, call->process, e);
        if (r == 0 && s->job->debug)
            r = debug_check_call(lane, call->process, e);
    }
    *ret_signal = after > signal ? after : signal;
    return r;
}

static void fail(struct lane *lane, int call, int result)
{
    struct stage_run *run = &lane->simulation->stage;
    lane_fail(lane, call, result);
    int earliest = atomic_load(&run->flags->failed_call);
    while (call < earliest &&
           !atomic_compare_exchange_weak(&run->flags->failed_call, &earliest, call))
        ;
    atomic_store_explicit(&run->flags->is_eventful, true, memory_order_relaxed);
}

static void give_break(struct simulation *s, int call)
{
    s->stage.flags->is_broken[call] = true;
    atomic_store_explicit(&s->stage.flags->has_broken, true, memory_order_relaxed);
    atomic_store_explicit(&s->stage.flags->is_eventful, true, memory_order_relaxed);
}

/* An earlier call, along the model's edges, gave BREAK or was itself skipped for one. It is
 * through, so what it did is seen. */
static bool is_skipped(struct simulation *s, const struct plan_call *call, int number)
{
    for (int i = 0; i < call->n_broken_by; i++)
        if (s->stage.flags->is_broken[call->broken_by[i]])
            s->stage.flags->is_broken[number] = true;
    return s->stage.flags->is_broken[number];
}

/* In finalize: whose initialize was not called is not finalized. */
static bool is_begun(const struct simulation *s, int process)
{
    const struct plan *first = &s->program->plans[SIMLAB_INITIALIZE];
    bool has_initialize =
        first->has_hooks || s->program->processes[process].stage_level[SIMLAB_INITIALIZE] >= 0;
    return !has_initialize || s->state->processes[process].called;
}

static bool is_due(struct simulation *s, const struct plan_call *call, int number)
{
    if (s->stage.goes_on)
        return is_begun(s, call->process);
    if (atomic_load_explicit(&s->stage.flags->failed_call, memory_order_relaxed) < number)
        return false;
    if (atomic_load_explicit(&s->stage.flags->has_broken, memory_order_relaxed) &&
        is_skipped(s, call, number))
        return false;
    return !call->is_empty;
}

/* Where there is more to it than to call a function. */
static void call_eventful(struct lane *lane, const struct plan_call *call, int number)
{
    struct simulation *s = lane->simulation;
    int signal = SIMLAB_NONE, r;
    if (!is_due(s, call, number))
        return;
    int64_t began = profile_begin(s->profile);
    r = s->is_plain ? call_stage_function(lane, call, &signal, &lane->why)
                    : call_watched(lane, call, &signal, &lane->why);
    profile_add_call(s->profile, lane, number, began);
    if (r)
        fail(lane, number, r);
    else if (signal == SIMLAB_BREAK && !s->stage.goes_on)
        give_break(s, number);
}

static void end_ordinary(struct lane *lane, struct process_run *run, int number, int r)
{
    int failure = end_call(run, r, &lane->why);
    if (failure)
        fail(lane, number, failure);
    else if (r == SIMLAB_BREAK)
        give_break(lane->simulation, number);
}

/* Most calls of most jobs: some ten nanoseconds, the function's own aside. `now`: a copy of the
 * stage, which stays in registers from call to call. */
static inline __attribute__((always_inline)) void call_one(struct lane *lane,
                                                           const struct stage_run *now, int number)
{
    const struct plan_call *call = &now->calls[number];
    lane->call = number;
    position_set(lane->position, now->position | (uint32_t)call->process);
    if (atomic_load_explicit(&now->flags->is_eventful, memory_order_relaxed)) {
        call_eventful(lane, call, number);
        return;
    }
    struct process_run *run = begin_call(lane, call, now->stage);
    int r = program_call(call->guard, call->fn, &run->contexts[call->level].shared);
    if (!call->keeps_floating)
        thread_environment_keep(&lane->simulation->environment);
    if (__builtin_expect(r != SIMLAB_NONE || run->failed, 0))
        end_ordinary(lane, run, number, r);
}

void call_task(struct lane *lane, int task)
{
    const struct stage_run now = lane->simulation->stage;
    const int *at = now.plan->task_calls + now.plan->first_call[task];
    const int *end = now.plan->task_calls + now.plan->first_call[task + 1];
    for (; at < end; at++)
        call_one(lane, &now, *at);
    position_set(lane->position, 0);
}

void call_in_order(struct simulation *s)
{
    const struct stage_run now = s->stage;
    int n = now.plan->n_calls;
    struct lane *lane = s->lanes[0];
    for (int i = 0; i < n; i++)
        call_one(lane, &now, i);
    position_set(lane->position, 0);
}

void call_in_order_timed(struct simulation *s, int64_t *ret_ns)
{
    const struct stage_run stage = s->stage;
    int n = stage.plan->n_calls;
    int64_t began = rest_now();
    for (int i = 0; i < n; i++) {
        call_one(s->lanes[0], &stage, i);
        int64_t now = rest_now();
        ret_ns[i] = now - began;
        began = now;
    }
    position_set(s->lanes[0]->position, 0);
}

/* ---- all calls of a stage ---- */

struct telling {
    struct simulation *s;
    int last;   /* calls after it are not heard */
    bool *told; /* by number of a cached slot: its lines came already */
};

struct place { /* of a line of some lane */
    const struct lane *lane;
    size_t i;
};

/* Lines of one call are all in one lane, in order. */
static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int p = x->lane->lines.at[x->i].call, q = y->lane->lines.at[y->i].call;
    return p != q ? (p > q) - (p < q) : (x->i > y->i) - (x->i < y->i);
}

/* The lines of a cached value's computation come where it was first read in order, whoever computed
 * it. */
static void tell(struct telling *t, const struct lines *from, size_t i)
{
    const struct stage_events *events = t->s->events;
    const struct line *l = &from->at[i];
    if (l->cached < 0) {
        events->log(events->userdata, t->s->state->member, from->text.data + l->text);
        return;
    }
    if (t->told[l->cached])
        return;
    t->told[l->cached] = true;
    const struct lines *within = &t->s->cached_lines[l->cached];
    for (size_t k = 0; k < within->n; k++)
        tell(t, within, k);
}

static void tell_all(struct telling *t, size_t n)
{
    struct place *places = mem_array(n, sizeof *places);
    size_t k = 0;
    for (int i = 0; i < t->s->n_lanes; i++)
        for (size_t line = 0; line < t->s->lanes[i]->lines.n; line++)
            places[k++] = (struct place){t->s->lanes[i], line};
    qsort(places, n, sizeof *places, compare_places);
    for (k = 0; k < n; k++)
        if (places[k].lane->lines.at[places[k].i].call <= t->last)
            tell(t, &places[k].lane->lines, places[k].i);
    free(places);
}

static void tell_lines(struct simulation *s)
{
    size_t n = 0;
    for (int i = 0; i < s->n_lanes; i++)
        n += s->lanes[i]->lines.n;
    if (n) {
        struct telling t = {.s = s,
                            .last = s->stage.goes_on ? INT_MAX : s->stage.flags->failed_call,
                            .told = mem_array((size_t)s->program->n_cached, sizeof *t.told)};
        tell_all(&t, n);
        free(t.told);
    }
    for (int i = 0; i < s->n_lanes; i++)
        lines_clear(&s->lanes[i]->lines);
    for (int i = 0; i < s->program->n_cached; i++)
        lines_clear(&s->cached_lines[i]);
}

/* The earliest error, where there is one. */
static int take_error(struct simulation *s, struct error *e)
{
    struct lane *first = s->lanes[0];
    for (int i = 1; i < s->n_lanes; i++)
        if (s->lanes[i]->failed_call < first->failed_call)
            first = s->lanes[i];
    int r = first->failed_call < INT_MAX ? first->result : 0;
    if (r && e)
        *e = first->error;
    for (int i = 0; i < s->n_lanes; i++)
        s->lanes[i]->failed_call = INT_MAX;
    return r;
}

/* Those that only ran because they were faster than the one that failed. */
static void hush(struct simulation *s)
{
    const struct plan *plan = s->stage.plan;
    for (int i = s->stage.flags->failed_call + 1; i < plan->n_calls; i++)
        s->state->processes[plan->calls[i].process].is_hushed = true;
}

void call_gather(struct simulation *s)
{
    for (int i = 0; i < s->n_lanes; i++)
        s->lanes[i]->gathers = true;
}

static void stop_gathering(struct simulation *s)
{
    tell_lines(s);
    for (int i = 0; i < s->n_lanes; i++)
        s->lanes[i]->gathers = false;
}

static void forget_breaks(struct simulation *s)
{
    memset(s->stage.flags->is_broken, 0,
           (size_t)s->model->n_processes * sizeof *s->stage.flags->is_broken);
    atomic_store_explicit(&s->stage.flags->has_broken, false, memory_order_relaxed);
}

static inline void join(struct simulation *s, const struct plan *plan)
{
    struct stage_run *run = &s->stage;
    run->plan = plan;
    run->calls = plan->calls;
    run->stage = plan->stage;
    run->position = position_pack(plan->stage, 0);
    run->goes_on = plan->stage == SIMLAB_FINALIZE;
}

void call_join(struct simulation *s, int stage)
{
    join(s, &s->program->plans[stage]);
}

static inline void begin_stage(struct simulation *s, const struct plan *plan)
{
    struct stage_run *run = &s->stage;
    join(s, plan);
    atomic_store_explicit(&run->flags->is_eventful, !s->is_plain || plan->is_eventful || s->profile,
                          memory_order_relaxed);
    atomic_store_explicit(&run->flags->failed_call, INT_MAX, memory_order_relaxed);
    if (atomic_load_explicit(&run->flags->has_broken, memory_order_relaxed))
        forget_breaks(s);
}

/* The call that this lane is still in has ended: it jumped over the host's functions. */
static void tell_jump(struct lane *lane)
{
    struct simulation *s = lane->simulation;
    struct process_run *run = &s->runs[s->stage.calls[lane->entered].process];
    lane->n_loops = 0;
    lane->computing = NULL;
    lane->into = &lane->lines;
    run->lane = lane;
    context_enter(run, s->stage.stage);
    context_refuse(run, "left a block of a parallel loop, or a compute function, by longjmp");
    fail(lane, lane->entered, context_report(run, &lane->why));
    run->failed = false;
}

/* Lines and errors, where there were any. */
static int end_stage(struct simulation *s, int stage, struct error *e)
{
    for (int i = 0; i < s->n_lanes; i++)
        if (lane_was_jumped_from(s->lanes[i]))
            tell_jump(s->lanes[i]);
    if (s->lanes[0]->gathers)
        stop_gathering(s);
    if (atomic_load_explicit(&s->stage.flags->failed_call, memory_order_relaxed) == INT_MAX)
        return 0;
    if (stage == SIMLAB_INITIALIZE)
        hush(s);
    return take_error(s, e);
}

/* In order, by one lane: whether the calls have left anything to do or to tell. */
static bool run_quietly(struct simulation *s)
{
    call_in_order(s);
    return !atomic_load_explicit(&s->stage.flags->is_eventful, memory_order_relaxed) &&
           !lane_was_jumped_from(s->lanes[0]);
}

int call_stage(struct simulation *s, int stage, struct error *e)
{
    const struct plan *plan = &s->program->plans[stage];
    if (plan->n_calls == 0)
        return 0;
    begin_stage(s, plan);
    if (s->scheduler == &scheduler_serial && !s->profile)
        return run_quietly(s) ? 0 : end_stage(s, stage, e);
    int64_t began = profile_begin(s->profile);
    s->scheduler->run(s->scheduler_state, plan);
    profile_end_stage(s->profile, plan, began);
    return end_stage(s, stage, e);
}
