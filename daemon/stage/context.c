/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/process_api.h"

#include "base/c_locale.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const phase_names[N_PHASES] = {
    "initialize", "run_step", "finalize_step", "finalize", "compute", "validate", "convert"};

void context_refuse(struct process_run *run, const char *format, ...)
{
    if (run->failed)
        return;
    run->failed = true;
    va_list arguments;
    va_start(arguments, format);
    c_locale_vprint(run->message, sizeof run->message, format, arguments);
    va_end(arguments);
}

int context_report(const struct simulation *s, int process, struct error *e)
{
    const struct process_run *run = &s->runs[process];
    const struct model_process *p = &s->model->processes[process];
    char step[64] = "";
    if (s->runtime.step >= 0)
        snprintf(step, sizeof step, " of step %lld", (long long)s->runtime.step);
    return error_set(e, STAGE_FAILED, NULL, "process '%s' (%s), %s%s: %s", p->name, p->type->name,
                     phase_names[run->phase], step, run->message);
}

void context_enter(struct process_run *run, int phase)
{
    run->phase = phase;
    for (struct context *c = run->context; c; c = c->parent)
        c->shared.access = c->access[phase];
}

static bool stage_allows(uint32_t mask, int stage)
{
    return mask == 0 || mask >> stage & 1;
}

static uint8_t access_of(const struct context *c, int row, int phase)
{
    const struct variable *v = c->variables[row];
    const struct binding *b = c->bindings[row];
    if (b->slot < 0)
        return SIMLAB_BY_HOST;
    int kind = c->simulation->model->slots[b->slot].declared->kind;
    bool writable =
        v->intent != SIMLAB_IN && v->kind != SIMLAB_ON_DEMAND && kind != SIMLAB_ON_DEMAND;
    bool read = true, write = false;
    if (phase < SIMLAB_N_STAGES) {
        write = writable && stage_allows(v->writes, phase);
        read = stage_allows(v->reads, phase) || write;
    } else if (phase == PHASE_COMPUTE) {
        write = v->kind == SIMLAB_ON_DEMAND;
    } else if (phase == PHASE_CONVERT) {
        write = v->kind == SIMLAB_VARIABLE;
    }
    bool by_host = kind == SIMLAB_ON_DEMAND || kind == SIMLAB_OBJECT;
    return (uint8_t)((read ? SIMLAB_CAN_READ : 0) | (write ? SIMLAB_CAN_WRITE : 0) |
                     (by_host ? SIMLAB_BY_HOST : 0));
}

static struct context *context_free(struct context *c)
{
    while (c) {
        struct context *parent = c->parent;
        free(c->merged);
        free((void *)c->variables);
        free((void *)c->bindings);
        free(c->access[0]);
        free((void *)c->shared.views);
        free(c);
        c = parent;
    }
    return NULL;
}

/* The context of one level; `type` is the process's type or one that it extends. */
static struct context *context_new(struct simulation *s, int process, const struct type *type,
                                   const struct stage_code *code)
{
    const struct model_process *p = &s->model->processes[process];
    size_t n = (size_t)type->n_own;
    struct context *c = mem_new(sizeof *c);
    c->simulation = s;
    c->run = &s->runs[process];
    c->process = process;
    c->code = code;
    c->merged = mem_array(n, sizeof *c->merged);
    c->variables = mem_array(n, sizeof *c->variables);
    c->bindings = mem_array(n, sizeof *c->bindings);
    struct simlab_view **views = mem_array(n, sizeof *views);
    uint8_t *access = mem_array(n * N_PHASES, 1);
    c->shared = (struct simlab_context){.struct_size = sizeof c->shared,
                                        .n_variables = type->n_own,
                                        .host = &process_api_functions,
                                        .views = views,
                                        .runtime = &s->runtime};
    for (int phase = 0; phase < N_PHASES; phase++)
        c->access[phase] = access + (size_t)phase * n;
    for (int row = 0; row < type->n_own; row++) {
        c->merged[row] = type_variable(p->type, type->variables[type->own[row]].name);
        c->variables[row] = &p->type->variables[c->merged[row]];
        c->bindings[row] = &p->bindings[c->merged[row]];
        int slot = c->bindings[row]->slot;
        views[row] = slot >= 0 ? &s->values[slot].view : NULL;
        for (int phase = 0; phase < N_PHASES; phase++)
            c->access[phase][row] = access_of(c, row, phase);
    }
    return c;
}

static int new_levels(struct simulation *s, int process, const struct stage_code *code,
                      struct error *e)
{
    const struct model_process *p = &s->model->processes[process];
    struct context **link = &s->runs[process].context;
    size_t instance_size = 0;
    const struct type *type = p->type;
    for (; type; type = type->parent, code = code->parent, link = &(*link)->parent) {
        if (!code || code->process->n_variables != type->n_own)
            return error_set(e, STAGE_FAILED, NULL,
                             "the library of type %s is not the one that the model was built with",
                             type->name);
        *link = context_new(s, process, type, code);
        if (code->process->instance_size > instance_size)
            instance_size = code->process->instance_size;
        for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
            if (process_api_stage_function(code->process, stage))
                s->has_stage[stage][process] = true;
    }
    if (instance_size) {
        size_t capacity;
        void *instance = arena_take(s->arena, instance_size, &capacity);
        if (!instance)
            return error_set(e, -ENOMEM, NULL, "no memory for the %zu bytes of process '%s'",
                             instance_size, p->name);
        for (struct context *c = s->runs[process].context; c; c = c->parent)
            c->shared.instance = instance;
    }
    return 0;
}

int context_new_all(struct simulation *s, const struct stage_code *const *codes, struct error *e)
{
    s->runs = mem_array((size_t)s->model->n_processes, sizeof *s->runs);
    for (int p = 0; p < s->model->n_processes; p++) {
        int r = new_levels(s, p, codes[p], e);
        if (r)
            return r;
    }
    return 0;
}

void context_free_all(struct simulation *s)
{
    for (int p = 0; s->runs && p < s->model->n_processes; p++) {
        context_free(s->runs[p].context);
        if (s->runs[p].scratch.data)
            munmap(s->runs[p].scratch.data, s->runs[p].scratch_bytes);
    }
    free(s->runs);
}

/* The level and row that give the compute function of a merged variable. */
static struct context *find_compute(struct process_run *run, int variable, int32_t *ret_row)
{
    for (struct context *c = run->context; c; c = c->parent)
        for (int row = 0; row < c->shared.n_variables; row++)
            if (c->merged[row] == variable && c->code->process->variables[row].compute) {
                *ret_row = row;
                return c;
            }
    return NULL;
}

static void compute(struct simulation *s, int slot)
{
    const struct slot *declared = &s->model->slots[slot];
    struct process_run *owner = &s->runs[declared->process];
    int32_t row;
    struct context *c = find_compute(owner, declared->variable, &row);
    if (!c) {
        context_refuse(owner, "on_demand variable '%s' has no compute function",
                       declared->declared->name);
        return;
    }
    int phase = owner->phase;
    /* A stream of its own: what is drawn does not depend on who asks, how often, and when. */
    struct random_stream stream = owner->random;
    random_begin(&owner->random, (uint32_t)s->runtime.stage, s->runtime.step,
                 1 + (uint32_t)declared->variable);
    context_enter(owner, PHASE_COMPUTE);
    s->values[slot].view.data = NULL;
    int r = c->code->process->variables[row].compute(&c->shared, row);
    if (r < 0)
        context_refuse(owner, "computing '%s' failed, without saying why",
                       declared->declared->name);
    else if (!s->values[slot].view.data)
        context_refuse(owner, "the compute function of '%s' did not set it",
                       declared->declared->name);
    context_enter(owner, phase);
    owner->random = stream;
}

bool context_demand(struct simulation *s, int slot, struct process_run *caller)
{
    const struct slot *declared = &s->model->slots[slot];
    struct value *v = &s->values[slot];
    struct process_run *owner = &s->runs[declared->process];
    if (declared->declared->is_cached && v->view.data && v->stamp == s->stamp)
        return true;
    if (v->computing) {
        context_refuse(caller, "on_demand variable %s depends on itself", declared->name);
        return false;
    }
    bool was_failed = owner->failed;
    v->computing = true;
    compute(s, slot);
    v->computing = false;
    v->stamp = s->stamp;
    if (!owner->failed)
        return true;
    if (owner != caller) {
        context_refuse(caller, "reading %s: %.600s", declared->name, owner->message);
        owner->failed = was_failed;
    }
    return false;
}
