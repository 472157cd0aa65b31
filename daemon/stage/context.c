/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/process_api.h"

#include "base/c_locale.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)POSITION_FUNCTIONS == (int)N_PHASES, "a name for each");

void context_vrefuse(struct process_run *run, const char *format, va_list arguments)
{
    if (run->failed)
        return;
    run->failed = true;
    if (!run->message)
        run->message = mem_new(MESSAGE_SIZE);
    c_locale_vprint(run->message, MESSAGE_SIZE, format, arguments);
}

void context_refuse(struct process_run *run, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    context_vrefuse(run, format, arguments);
    va_end(arguments);
}

void context_check_result(struct process_run *run, int result)
{
    if (result == SIMLAB_ERROR)
        context_refuse(run, "failed without saying why");
    else if (result != SIMLAB_NONE && (result < SIMLAB_SKIP || result > SIMLAB_BREAK))
        context_refuse(run,
                       "returned %d, which means nothing: return 0 to go on, SIMLAB_BREAK or "
                       "SIMLAB_CONTINUE as a signal, simlab_fail(c, \"why\") to fail",
                       result);
}

int context_report(const struct process_run *run, struct error *e)
{
    const struct simulation *s = run->lane->simulation;
    const struct model_process *p = &s->model->processes[run->process];
    char step[64] = "";
    if (s->state->runtime.step >= 0)
        snprintf(step, sizeof step, " of step %lld", (long long)s->state->runtime.step);
    return error_set(e, STAGE_FAILED, NULL, "process '%s' (%s), %s%s: %s", p->name, p->type->name,
                     position_function(run->phase), step, run->message);
}

struct value *context_value(const struct process_run *run, int slot)
{
    const struct simulation *s = run->lane->simulation;
    const struct program_slot *p = &s->program->slots[slot];
    return p->kind == PROGRAM_UNCACHED ? &run->lane->values[p->number] : &s->values[slot];
}

/* ---- making ---- */

/* Views of members that are computed on demand are left to the host. */
static void group_init(const struct simulation *s, const struct binding *b, struct simlab_group *g)
{
    struct simlab_view **views = mem_array((size_t)b->n_members, sizeof *views);
    for (int k = 0; k < b->n_members; k++)
        if (s->program->slots[b->members[k]].kind == PROGRAM_PLAIN)
            views[k] = &s->values[b->members[k]].view;
    *g = (struct simlab_group){.n = b->n_members, .views = views};
}

static void context_init(struct simulation *s, struct process_run *run, int level)
{
    struct context *c = &run->contexts[level];
    const struct program_level *l = &s->program->processes[run->process].levels[level];
    struct simlab_view **views = mem_array((size_t)l->n_rows, sizeof *views);
    struct simlab_group *groups = mem_array((size_t)l->n_rows, sizeof *groups);
    for (int row = 0; row < l->n_rows; row++) {
        int slot = l->bindings[row]->slot;
        views[row] = slot >= 0 ? &s->values[slot].view : NULL;
        if (process_api_is_group(l->variables[row]))
            group_init(s, l->bindings[row], &groups[row]);
    }
    c->run = run;
    c->level = l;
    c->shared = (struct simlab_context){.struct_size = sizeof c->shared,
                                        .n_variables = l->n_rows,
                                        .host = &process_api_functions,
                                        .views = views,
                                        .access = l->access[SIMLAB_INITIALIZE],
                                        .instance = s->state->processes[run->process].instance,
                                        .runtime = &s->state->runtime,
                                        .groups = groups,
                                        .process = s->model->processes[run->process].name,
                                        .type = l->type,
                                        .userdata = l->code->userdata};
}

static void context_clear(struct context *c)
{
    for (int row = 0; c->shared.groups && row < c->shared.n_variables; row++)
        free((void *)c->shared.groups[row].views);
    free((void *)c->shared.groups);
    free((void *)c->shared.views);
}

void context_new_all(struct simulation *s)
{
    size_t n = 0;
    for (int p = 0; p < s->model->n_processes; p++)
        n += (size_t)s->program->processes[p].n_levels;
    s->runs = mem_lines((size_t)s->model->n_processes, sizeof *s->runs);
    s->contexts = mem_lines(n, sizeof *s->contexts);
    struct context *next = s->contexts;
    for (int p = 0; p < s->model->n_processes; p++) {
        struct process_run *run = &s->runs[p];
        run->lane = s->lanes[0];
        run->process = p;
        run->n_levels = s->program->processes[p].n_levels;
        run->contexts = next;
        next += run->n_levels;
        for (int level = 0; level < run->n_levels; level++)
            context_init(s, run, level);
    }
}

void context_free_all(struct simulation *s)
{
    for (int p = 0; s->runs && p < s->model->n_processes; p++) {
        for (int level = 0; level < s->runs[p].n_levels; level++)
            context_clear(&s->runs[p].contexts[level]);
        free(s->runs[p].message);
    }
    free(s->runs);
    free(s->contexts);
}

static void renew(const struct simulation *s, struct process_run *run)
{
    for (int level = 0; run && level < run->n_levels; level++)
        run->contexts[level].shared.instance = s->state->processes[run->process].instance;
}

void context_renew_all(struct simulation *s)
{
    for (int p = 0; p < s->model->n_processes; p++) {
        renew(s, &s->runs[p]);
        for (int i = 0; i < s->n_lanes; i++)
            renew(s, s->lanes[i]->runs[p]);
    }
}

struct process_run *context_of_lane(struct lane *lane, int process)
{
    if (lane->runs[process])
        return lane->runs[process];
    const struct process_run *of_stages = &lane->simulation->runs[process];
    size_t bytes = (size_t)of_stages->n_levels * sizeof *of_stages->contexts;
    struct process_run *run = mem_lines(1, sizeof *run);
    *run = (struct process_run){.lane = lane, .process = process, .n_levels = of_stages->n_levels};
    run->contexts = mem_lines((size_t)of_stages->n_levels, sizeof *of_stages->contexts);
    memcpy(run->contexts, of_stages->contexts, bytes);
    for (int level = 0; level < run->n_levels; level++)
        run->contexts[level].run = run;
    lane->runs[process] = run;
    return run;
}

struct process_run *context_run_free(struct process_run *run)
{
    if (run) {
        free(run->contexts);
        free(run->message);
    }
    free(run);
    return NULL;
}
