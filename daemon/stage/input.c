/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs into slots: copied, converted, validated. */
#include "stage/kept.h"
#include "stage/simulation.h"

#include "model/check.h"
#include <stdio.h>
#include <string.h>

/* One of a process's functions about one variable; run->failed and message tell how it went. */
static void call_about(struct process_run *run, int slot, struct program_function f, bool convert)
{
    struct context *c = &run->contexts[f.level];
    const struct simlab_variable *v = &c->level->code->variables[f.row];
    run->failed = false;
    run->lacks_input = false;
    run->drawn_by = 1 + (uint32_t)run->lane->simulation->model->slots[slot].variable;
    run->drawn = 0;
    int phase = convert ? PHASE_CONVERT : PHASE_VALIDATE;
    struct position *position = run->lane->position;
    uint64_t stood = position_get(position);
    context_enter(run, phase);
    position_set(position, position_pack(phase, run->process));
    int r =
        program_call_about(c->level->guard, convert ? v->convert : v->validate, &c->shared, f.row);
    position_set(position, stood);
    thread_environment_keep(&run->lane->simulation->environment);
    if (r == SIMLAB_ERROR)
        context_refuse(run, "refused without saying why");
    context_check_result(run, r);
}

static int call_function(struct lane *lane, int slot, bool convert, struct error *e)
{
    const struct simulation *s = lane->simulation;
    const struct slot *declared = &s->model->slots[slot];
    struct program_function f = program_function(s->program, declared->process, declared->variable,
                                                 convert ? PROGRAM_CONVERT : PROGRAM_VALIDATE);
    if (f.level < 0)
        return 0;
    struct process_run *run = context_of_lane(lane, declared->process);
    call_about(run, slot, f, convert);
    int result = 0;
    if (!convert && run->lacks_input && s->state->runtime.step < 0)
        run->failed = false; /* asked again in the first step, with the input that it lacks */
    if (run->failed) {
        char message[MESSAGE_SIZE];
        snprintf(message, sizeof message, "variable '%s': %.600s", declared->declared->name,
                 run->message);
        memcpy(run->message, message, sizeof message);
        result = context_report(run, e);
        run->failed = false;
    }
    return result;
}

/* Declarative bounds and choices of a value that is set. */
static int check_declared(const struct simulation *s, int slot, struct error *e)
{
    const struct slot *declared = &s->model->slots[slot];
    const struct simlab_view *view = &s->values[slot].view;
    size_t at;
    char why[256];
    if (!view->data || check_values(declared->declared, view->dtype, (size_t)view->itemsize,
                                    view->data, (size_t)view->size, &at, why, sizeof why))
        return 0;
    const struct model_process *p = &s->model->processes[declared->process];
    char step[40] = "";
    if (s->state->runtime.step >= 0)
        snprintf(step, sizeof step, " in step %lld", (long long)s->state->runtime.step);
    return error_set(e, STAGE_FAILED, NULL, "process '%s' (%s), variable '%s'%s, element %zu: %s",
                     p->name, p->type->name, declared->declared->name, step, at, why);
}

static int check_slot(struct lane *lane, int slot, struct error *e)
{
    const struct simulation *s = lane->simulation;
    int r = check_declared(s, slot, e);
    return r || !s->values[slot].view.data || !s->model->slots[slot].declared->has_validate
               ? r
               : call_function(lane, slot, false, e);
}

static int set_one(struct simulation *s, const struct job_input *input, int64_t step,
                   struct error *e)
{
    const void *data;
    int r = job_input_at(s->job, input, s->state->member, step,
                         s->rooms ? &s->rooms[input - s->job->inputs] : NULL, &data);
    if (r < 0)
        return error_set(e, r, NULL, "cannot read the input %s from its upload: %s",
                         s->model->slots[input->slot].name, strerror(-r));
    if (!data)
        return 0;
    int lead = input->has_batch + input->has_clock;
    struct value *v = &s->values[input->slot];
    kept_leave(s->state, v);
    v->view.dtype = input->value.dtype;
    v->view.itemsize = (int32_t)input->value.itemsize;
    if (value_shape(s->state, v, input->ndim, input->value.shape + lead) < 0)
        return error_set(e, STAGE_FAILED, NULL, "there is no memory for the input %s",
                         s->model->slots[input->slot].name);
    memcpy(v->view.data, data, (size_t)v->view.size * (size_t)v->view.itemsize);
    const struct slot *slot = &s->model->slots[input->slot];
    s->state->processes[slot->process].has_new_inputs = true;
    return slot->declared->has_convert ? call_function(s->lanes[0], input->slot, true, e) : 0;
}

/* Bounds of what a converter has made, and functions: those of all inputs of a process that has a
 * new one, since they may compare them. */
static int validate_one(struct simulation *s, const struct job_input *input, struct error *e)
{
    const struct slot *slot = &s->model->slots[input->slot];
    if (!s->state->processes[slot->process].has_new_inputs || !s->values[input->slot].view.data)
        return 0;
    if (!slot->declared->has_convert && !slot->declared->has_validate)
        return 0; /* its bounds were checked with the job */
    return check_slot(s->lanes[0], input->slot, e);
}

/* Of those that are wanted: `step` as job_input_at has it. */
typedef bool (*wanted_fn)(const struct simulation *s, const struct job_input *input);

static int set_all(struct simulation *s, int64_t step, wanted_fn is_wanted, struct error *e)
{
    int r = 0;
    s->state->stamp++; /* what was computed from the inputs before is not current any more */
    for (int p = 0; p < s->model->n_processes; p++)
        s->state->processes[p].has_new_inputs = false;
    for (int i = 0; i < s->job->n_inputs && r == 0; i++)
        if (is_wanted(s, &s->job->inputs[i]))
            r = set_one(s, &s->job->inputs[i], step, e);
    if (s->job->validate == JOB_VALIDATE_NONE)
        return r;
    for (int i = 0; i < s->job->n_inputs && r == 0; i++)
        r = validate_one(s, &s->job->inputs[i], e);
    return r;
}

static bool is_constant(const struct simulation *s, const struct job_input *input)
{
    (void)s;
    return !input->has_clock;
}

static bool is_forcing(const struct simulation *s, const struct job_input *input)
{
    (void)s;
    return input->has_clock;
}

static bool is_set_from_outside(const struct simulation *s, const struct job_input *input)
{
    return !input->has_clock && !program_is_written(s->program, input->slot);
}

int input_set(struct simulation *s, int64_t step, struct error *e)
{
    return set_all(s, step, step < 0 ? is_constant : is_forcing, e);
}

int input_set_branch(struct simulation *s, struct error *e)
{
    return set_all(s, -1, is_set_from_outside, e);
}

int input_check_written(struct lane *lane, int process, struct error *e)
{
    const struct simulation *s = lane->simulation;
    const struct model_process *p = &s->model->processes[process];
    for (int i = 0; i < p->type->n_variables; i++) {
        int slot = p->bindings[i].slot;
        if (slot < 0 || p->type->variables[i].intent == SIMLAB_IN ||
            s->model->slots[slot].declared->kind != SIMLAB_VARIABLE)
            continue;
        int r = check_slot(lane, slot, e);
        if (r)
            return r;
    }
    return 0;
}
