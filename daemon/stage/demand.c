/* SPDX-License-Identifier: Apache-2.0 */
/* On-demand variables, computed when they are read.
 *
 * Cached ones: exactly once a stage, by the lane that asks first; the others wait for it. The lock
 * is the owner's, not the variable's: a process whose variables need one another in a circle is
 * then always found out by one lane alone, and since the processes that compute functions read from
 * come before their own in the model's order, which has no circle, no two lanes wait for each
 * other.
 *
 * Uncached ones: at each reading, in the lane that reads, whose value nobody else sees.
 *
 * A sequence of random numbers of its own for each variable: what is drawn does not depend on who
 * asks, how often, and when. */
#include "stage/simulation.h"

#include <string.h>

/* The number that the lock of an owner has while this lane computes. */
static uint32_t holder(const struct lane *lane)
{
    return (uint32_t)lane->number + 1;
}

static void call_compute(struct process_run *owner, int slot)
{
    const struct simulation *s = owner->lane->simulation;
    const struct program_function f = s->program->slots[slot].compute;
    const char *name = s->model->slots[slot].declared->name;
    if (f.level < 0) {
        context_refuse(owner, "on_demand variable '%s' has no compute function", name);
        return;
    }
    struct context *c = &owner->contexts[f.level];
    struct value *v = context_value(owner, slot);
    v->view.data = NULL;
    value_unsettle(v, s->model->slots[slot].declared);
    int r = program_call_about(c->level->guard, c->level->code->variables[f.row].compute,
                               &c->shared, f.row);
    thread_environment_keep(&s->environment);
    context_check_result(owner, r);
    if (!v->view.data)
        context_refuse(owner, "the compute function of '%s' did not set it", name);
}

/* The owner's run may be at work in this lane already, for another of its variables. */
static void compute(struct process_run *owner, int slot)
{
    struct lane *lane = owner->lane;
    struct computing here = {.slot = slot, .outer = lane->computing};
    int phase = owner->phase;
    uint64_t stood = position_get(lane->position);
    uint32_t drawn_by = owner->drawn_by;
    uint64_t drawn = owner->drawn;
    lane->entered = lane->call;
    lane->computing = &here;
    position_set(lane->position, position_pack(PHASE_COMPUTE, owner->process));
    context_enter(owner, PHASE_COMPUTE);
    owner->drawn_by = 1 + (uint32_t)lane->simulation->model->slots[slot].variable;
    owner->drawn = 0;
    call_compute(owner, slot);
    lane->computing = here.outer;
    position_set(lane->position, stood);
    context_enter(owner, phase);
    owner->drawn_by = drawn_by;
    owner->drawn = drawn;
}

/* Whoever finds a circle tells it by the same one of its variables. */
static bool is_circle(struct process_run *caller, int slot)
{
    int least = slot;
    const struct computing *c = caller->lane->computing;
    for (; c && c->slot != slot; c = c->outer)
        least = c->slot < least ? c->slot : least;
    if (!c)
        return false;
    context_refuse(caller, "on_demand variable %s depends on itself",
                   caller->lane->simulation->model->slots[least].name);
    return true;
}

static bool refuse(struct process_run *caller, int slot, const char *why)
{
    const struct slot *declared = &caller->lane->simulation->model->slots[slot];
    if (declared->process == caller->process)
        context_refuse(caller, "%s", why);
    else
        context_refuse(caller, "reading %s: %.600s", declared->name, why);
    return false;
}

static bool demand_uncached(struct process_run *caller, int slot)
{
    struct lane *lane = caller->lane;
    struct process_run *owner = context_of_lane(lane, lane->simulation->model->slots[slot].process);
    compute(owner, slot);
    if (!owner->failed)
        return true;
    if (owner == caller)
        return false;
    owner->failed = false;
    return refuse(caller, slot, owner->message);
}

/* Where a failure is kept for those who ask later. */
static void keep_why(struct state *s, struct computed *c, const char *message)
{
    size_t capacity;
    if (!c->why)
        c->why = arena_take(&s->arena, STATE_WHY_SIZE, &capacity);
    if (c->why)
        memcpy(c->why, message, STATE_WHY_SIZE);
}

/* Under the owner's lock. */
static void compute_cached(struct lane *lane, int slot, struct computed *c)
{
    struct simulation *s = lane->simulation;
    struct process_run *owner = context_of_lane(lane, s->model->slots[slot].process);
    struct lines *into = lane->into;
    lane->into = &s->cached_lines[s->program->slots[slot].number];
    compute(owner, slot);
    c->has_lines = lane->into->n > 0;
    lane->into = into;
    if (owner->failed)
        keep_why(s->state, c, owner->message);
    atomic_store_explicit(&c->done, 2 * s->state->stamp + owner->failed, memory_order_release);
    owner->failed = false;
}

static bool is_done(const struct simulation *s, struct computed *c)
{
    return atomic_load_explicit(&c->done, memory_order_acquire) / 2 == s->state->stamp;
}

static bool demand_cached(struct process_run *caller, int slot)
{
    struct lane *lane = caller->lane;
    struct simulation *s = lane->simulation;
    struct computed *c = &s->state->computed[s->program->slots[slot].number];
    if (!is_done(s, c)) {
        struct lock *lock = &s->state->processes[s->model->slots[slot].process].computing;
        bool is_ours = lock_holder(lock) == holder(lane);
        if (!is_ours)
            lock_hold(lock, holder(lane));
        if (!is_done(s, c))
            compute_cached(lane, slot, c);
        if (!is_ours)
            lock_release(lock);
    }
    lane_log_cached(lane, s->program->slots[slot].number);
    if (!(atomic_load_explicit(&c->done, memory_order_relaxed) & 1))
        return true;
    return refuse(caller, slot, c->why ? c->why : "there is no memory to say why");
}

bool demand(struct process_run *caller, int slot)
{
    if (caller->failed || is_circle(caller, slot)) /* its first mistake is the one that is told */
        return false;
    return caller->lane->simulation->program->slots[slot].kind == PROGRAM_CACHED
               ? demand_cached(caller, slot)
               : demand_uncached(caller, slot);
}

int demand_for_loop(struct simulation *s, int slot, struct error *e)
{
    struct process_run *owner = &s->runs[s->model->slots[slot].process];
    owner->lane = s->lanes[0];
    if (s->model->slots[slot].declared->kind != SIMLAB_ON_DEMAND || demand(owner, slot))
        return 0;
    owner->failed = false;
    owner->phase = PHASE_COMPUTE; /* where it stood before depends on who ran its stages */
    return context_report(owner, e);
}
