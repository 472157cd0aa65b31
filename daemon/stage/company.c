/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/company.h"

#include "base/mem.h"
#include "stage/instance.h"
#include "stage/plan_parts.h"

#include <stdlib.h>

struct finding {
    const struct program *program;
    int *first;     /* by process: an earlier one of its company, or itself */
    int *last_user; /* by object: a process that uses it, plus one */
    bool *stays;    /* by process: with the lead */
    int process;    /* that is being looked at */
};

static int root_of(const struct finding *f, int process)
{
    while (f->first[process] != process)
        process = f->first[process];
    return process;
}

static void unite(struct finding *f, int a, int b)
{
    a = root_of(f, a);
    b = root_of(f, b);
    if (a < b)
        f->first[b] = a;
    else
        f->first[a] = b;
}

static void use(void *userdata, int thing)
{
    struct finding *f = userdata;
    if (thing >= f->program->n_objects) /* a library: whoever calls into it stays anyway */
        return;
    if (f->last_user[thing])
        unite(f, f->process, f->last_user[thing] - 1);
    f->last_user[thing] = f->process + 1;
}

static void meet(void *userdata, int process)
{
    struct finding *f = userdata;
    if (f->program->processes[process].is_pinned)
        unite(f, f->process, process);
}

static void look_at_stage(struct finding *f, int stage)
{
    struct exclusive things, owners;
    exclusive_init(&things, f->program);
    exclusive_init(&owners, f->program);
    for (f->process = 0; f->process < f->program->model->n_processes; f->process++) {
        exclusive_of(&things, f->process, stage, use, f);
        exclusive_owners(&owners, f->process, stage, meet, f);
    }
    exclusive_clear(&things);
    exclusive_clear(&owners);
}

/* ---- who stays ---- */

static bool can_move(const struct program *p, int process)
{
    return p->model->processes[process].type->is_movable &&
           (!instance_is_outside(p, process) || instance_can_be_saved(p, process));
}

static bool has_functions(const struct type *type)
{
    for (int i = 0; i < type->n_variables; i++)
        if (type->variables[i].has_convert || type->variables[i].has_validate)
            return true;
    return false;
}

/* Values that the time loop asks for, and functions that it calls at each step. */
static void keep_what_the_loop_calls(struct finding *f)
{
    const struct program *p = f->program;
    const struct job *job = p->job;
    for (int i = 0; i < job->n_outputs; i++)
        if (p->slots[job->outputs[i].slot].kind != PROGRAM_PLAIN)
            f->stays[p->model->slots[job->outputs[i].slot].process] = true;
    for (int i = 0; i < job->n_stop_when; i++)
        f->stays[p->model->slots[job->stop_when[i].slot].process] = true;
    for (int i = 0; i < job->n_inputs; i++) {
        int process = p->model->slots[job->inputs[i].slot].process;
        if (job->inputs[i].has_clock && has_functions(p->model->processes[process].type))
            f->stays[process] = true;
    }
}

static void find_who_stays(struct finding *f)
{
    const struct program *p = f->program;
    bool all = p->job->n_hooks > 0 || p->job->debug || p->job->validate == JOB_VALIDATE_ALL;
    for (int i = 0; i < p->model->n_processes; i++)
        f->stays[i] = p->processes[i].is_pinned && (all || !can_move(p, i));
    keep_what_the_loop_calls(f);
}

/* ---- their numbers ---- */

static int number_them(const struct finding *f, int *ret)
{
    const struct program *p = f->program;
    int n = COMPANY_LEAD + 1, n_processes = p->model->n_processes;
    for (int i = 0; i < n_processes; i++)
        ret[i] = COMPANY_NONE;
    for (int i = 0; i < n_processes; i++)
        if (p->processes[i].is_pinned && f->stays[i])
            ret[root_of(f, i)] = COMPANY_LEAD;
    for (int i = 0; i < n_processes; i++)
        if (p->processes[i].is_pinned && ret[root_of(f, i)] == COMPANY_NONE)
            ret[root_of(f, i)] = n++;
    for (int i = 0; i < n_processes; i++)
        ret[i] = ret[root_of(f, i)];
    return n;
}

int company_find(const struct program *p, int *ret_companies)
{
    size_t n = (size_t)p->model->n_processes;
    struct finding f = {.program = p,
                        .first = mem_array(n, sizeof *f.first),
                        .last_user = mem_array((size_t)p->n_objects, sizeof *f.last_user),
                        .stays = mem_array(n, sizeof *f.stays)};
    for (int i = 0; i < p->model->n_processes; i++)
        f.first[i] = i;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        look_at_stage(&f, stage);
    find_who_stays(&f);
    int n_companies = number_them(&f, ret_companies);
    free(f.first);
    free(f.last_user);
    free(f.stays);
    return n_companies;
}
