/* SPDX-License-Identifier: Apache-2.0 */
/* What a call uses that no other may use at the same time. */
#include "stage/plan_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static int library_index(const struct exclusive *x, const char *name)
{
    for (int i = 0; i < x->n_libraries; i++)
        if (!strcmp(x->libraries[i], name))
            return i;
    return -1;
}

/* Of the others a company has one worker, and a worker one lane for all companies. */
static bool is_exclusive(const struct type *t)
{
    return t->not_thread_safe && !t->is_movable;
}

void exclusive_init(struct exclusive *x, const struct program *p)
{
    size_t n = (size_t)p->model->n_processes;
    *x = (struct exclusive){.program = p, .libraries = mem_array(n, sizeof *x->libraries)};
    for (int i = 0; i < p->model->n_processes; i++) {
        const struct type *type = p->model->processes[i].type;
        for (; type && x->n_libraries < p->model->n_processes; type = type->parent)
            if (is_exclusive(type) && library_index(x, type->library) < 0)
                x->libraries[x->n_libraries++] = type->library;
    }
    x->n = p->n_objects + x->n_libraries;
    x->seen_process = mem_array(n, sizeof *x->seen_process);
    x->seen_thing = mem_array((size_t)x->n, sizeof *x->seen_thing);
    x->pending = mem_array(n, sizeof *x->pending);
}

void exclusive_clear(struct exclusive *x)
{
    free(x->libraries);
    free(x->seen_process);
    free(x->seen_thing);
    free(x->pending);
}

struct looking {
    struct exclusive *x;
    int process, stage;
    int n_pending;
    void (*found)(void *userdata, int thing);
    void *userdata;
};

static void use(struct looking *l, int thing)
{
    if (l->x->seen_thing[thing] == l->process + 1)
        return;
    l->x->seen_thing[thing] = l->process + 1;
    l->found(l->userdata, thing);
}

static void call_into(struct looking *l, int process)
{
    const struct program *p = l->x->program;
    for (const struct type *t = p->model->processes[process].type; t; t = t->parent)
        if (is_exclusive(t))
            use(l, p->n_objects + library_index(l->x, t->library));
}

static void look_later(struct looking *l, int process)
{
    if (l->x->seen_process[process] == l->process + 1)
        return;
    l->x->seen_process[process] = l->process + 1;
    l->x->pending[l->n_pending++] = process;
}

static void touch(struct looking *l, int slot)
{
    const struct program_slot *s = &l->x->program->slots[slot];
    if (s->kind == PROGRAM_OBJECT)
        use(l, s->number);
    else if (s->kind != PROGRAM_PLAIN)
        look_later(l, l->x->program->model->slots[slot].process);
}

static bool is_touched(const struct variable *v, int stage)
{
    bool reads = v->reads == 0 || v->reads >> stage & 1;
    bool writes = v->intent != SIMLAB_IN && (v->writes == 0 || v->writes >> stage & 1);
    return reads || writes;
}

/* Who computes an on_demand value may touch all that its owner declares. */
static void look_at(struct looking *l, int process)
{
    const struct model_process *p = &l->x->program->model->processes[process];
    call_into(l, process);
    for (int v = 0; v < p->type->n_variables; v++) {
        const struct binding *b = &p->bindings[v];
        if (process == l->process && !is_touched(&p->type->variables[v], l->stage))
            continue;
        if (b->slot >= 0)
            touch(l, b->slot);
        for (int i = 0; i < b->n_members; i++)
            touch(l, b->members[i]);
    }
}

void exclusive_of(struct exclusive *x, int process, int stage,
                  void (*found)(void *userdata, int thing), void *userdata)
{
    struct looking l = {
        .x = x, .process = process, .stage = stage, .found = found, .userdata = userdata};
    if (x->n == 0)
        return;
    look_later(&l, process);
    for (int i = 0; i < l.n_pending; i++)
        look_at(&l, x->pending[i]);
}

static void ignore(void *userdata, int thing)
{
    (void)userdata, (void)thing;
}

void exclusive_owners(struct exclusive *x, int process, int stage,
                      void (*found)(void *userdata, int process), void *userdata)
{
    struct looking l = {.x = x, .process = process, .stage = stage, .found = ignore};
    look_later(&l, process);
    for (int i = 0; i < l.n_pending; i++) {
        look_at(&l, x->pending[i]);
        found(userdata, x->pending[i]);
    }
}
