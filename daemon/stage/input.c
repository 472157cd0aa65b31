/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs into slots: copied, converted, validated. */
#include "stage/simulation.h"

#include "model/check.h"
#include <stdio.h>
#include <string.h>

/* The level and row whose descriptor has the function that `pick` takes from it. */
static struct context *find_row(struct simulation *s, int slot, bool convert, int32_t *ret_row)
{
    const struct slot *declared = &s->model->slots[slot];
    for (struct context *c = s->runs[declared->process].context; c; c = c->parent) {
        for (int row = 0; row < c->shared.n_variables; row++) {
            const struct simlab_variable *v = &c->code->process->variables[row];
            if (c->merged[row] == declared->variable && (convert ? v->convert : v->validate)) {
                *ret_row = row;
                return c;
            }
        }
    }
    return NULL;
}

static int call_function(struct simulation *s, int slot, bool convert, struct error *e)
{
    int32_t row;
    struct context *c = find_row(s, slot, convert, &row);
    if (!c)
        return 0;
    const struct simlab_variable *v = &c->code->process->variables[row];
    struct process_run *run = c->run;
    int phase = run->phase;
    run->failed = false;
    context_enter(run, convert ? PHASE_CONVERT : PHASE_VALIDATE);
    int r = convert ? v->convert(&c->shared, row) : v->validate(&c->shared, row);
    if (r < 0 && !run->failed)
        context_refuse(run, "refused without saying why");
    int result = 0;
    if (run->failed) {
        char message[sizeof run->message];
        snprintf(message, sizeof message, "variable '%s': %.600s", v->name, run->message);
        memcpy(run->message, message, sizeof message);
        result = context_report(s, c->process, e);
        run->failed = false;
    }
    context_enter(run, phase);
    return result;
}

/* Declarative bounds and choices of a value that is set. */
static int check_declared(const struct simulation *s, int slot, struct error *e)
{
    const struct slot *declared = &s->model->slots[slot];
    const struct simlab_view *view = &s->values[slot].view;
    size_t at;
    char why[256];
    if (!view->data ||
        check_values(declared->declared, view->data, (size_t)view->size, &at, why, sizeof why))
        return 0;
    const struct model_process *p = &s->model->processes[declared->process];
    return error_set(e, ERROR_FAILED, NULL, "process '%s' (%s), variable '%s', element %zu: %s",
                     p->name, p->type->name, declared->declared->name, at, why);
}

static int check_slot(struct simulation *s, int slot, struct error *e)
{
    int r = check_declared(s, slot, e);
    return r || !s->values[slot].view.data || !s->model->slots[slot].declared->has_validate
               ? r
               : call_function(s, slot, false, e);
}

static int set_one(struct simulation *s, const struct job_input *input, int64_t step,
                   struct error *e)
{
    const void *data = job_input_at(s->job, input, s->member, step);
    if (!data)
        return 0;
    int lead = input->has_batch + input->has_clock;
    struct value *v = &s->values[input->slot];
    v->view.itemsize = (int32_t)input->value.itemsize;
    if (value_shape(s, input->slot, input->ndim, input->value.shape + lead) < 0)
        return error_set(e, ERROR_FAILED, NULL, "no memory for the input %s",
                         s->model->slots[input->slot].name);
    memcpy(v->view.data, data, (size_t)v->view.size * (size_t)v->view.itemsize);
    const struct variable *declared = s->model->slots[input->slot].declared;
    int r = declared->has_convert ? call_function(s, input->slot, true, e) : 0;
    bool checked_before = !declared->has_convert && !declared->has_validate;
    if (r == 0 && s->job->validate != JOB_VALIDATE_NONE && !checked_before)
        r = check_slot(s, input->slot, e);
    return r;
}

int input_set(struct simulation *s, int64_t step, struct error *e)
{
    for (int i = 0; i < s->job->n_inputs; i++) {
        const struct job_input *input = &s->job->inputs[i];
        if (input->has_clock != (step >= 0))
            continue;
        int r = set_one(s, input, step, e);
        if (r)
            return r;
    }
    return 0;
}

int input_check_written(struct simulation *s, int process, struct error *e)
{
    const struct model_process *p = &s->model->processes[process];
    for (int i = 0; i < p->type->n_variables; i++) {
        int slot = p->bindings[i].slot;
        if (slot < 0 || p->type->variables[i].intent == SIMLAB_IN ||
            s->model->slots[slot].declared->kind != SIMLAB_VARIABLE)
            continue;
        int r = check_slot(s, slot, e);
        if (r)
            return r;
    }
    return 0;
}
