/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/program.h"

#include "base/json.h"
#include "base/mem.h"
#include "stage/company.h"

#include <stdlib.h>
#include <string.h>

simlab_stage_fn program_stage_function(const struct simlab_process *code, int stage)
{
    switch (stage) {
    case SIMLAB_INITIALIZE:
        return code->initialize;
    case SIMLAB_RUN_STEP:
        return code->run_step;
    case SIMLAB_FINALIZE_STEP:
        return code->finalize_step;
    case SIMLAB_FINALIZE:
        return code->finalize;
    default:
        return NULL;
    }
}

/* ---- slots ---- */

static void make_slots(struct program *p)
{
    p->slots = mem_array((size_t)p->model->n_slots, sizeof *p->slots);
    for (int i = 0; i < p->model->n_slots; i++) {
        const struct variable *v = p->model->slots[i].declared;
        struct program_slot *s = &p->slots[i];
        s->compute.level = -1;
        if (v->kind == SIMLAB_OBJECT)
            *s = (struct program_slot){PROGRAM_OBJECT, p->n_objects++, s->compute};
        else if (v->kind == SIMLAB_ON_DEMAND && v->is_cached)
            *s = (struct program_slot){PROGRAM_CACHED, p->n_cached++, s->compute};
        else if (v->kind == SIMLAB_ON_DEMAND)
            *s = (struct program_slot){PROGRAM_UNCACHED, p->n_uncached++, s->compute};
    }
}

static void find_compute(struct program *p)
{
    for (int i = 0; i < p->model->n_slots; i++) {
        const struct slot *slot = &p->model->slots[i];
        if (slot->declared->kind == SIMLAB_ON_DEMAND)
            p->slots[i].compute =
                program_function(p, slot->process, slot->variable, PROGRAM_COMPUTE);
    }
}

/* ---- levels ---- */

static bool stage_allows(uint32_t mask, int stage)
{
    return mask == 0 || mask >> stage & 1;
}

static uint8_t access_of(const struct program *p, const struct variable *v, int slot, int phase)
{
    if (slot < 0)
        return SIMLAB_BY_HOST;
    int kind = p->model->slots[slot].declared->kind;
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
    } else if (phase == PHASE_RESTORE) {
        write = writable && kind == SIMLAB_OBJECT;
    }
    bool by_host = kind == SIMLAB_ON_DEMAND || kind == SIMLAB_OBJECT;
    return (uint8_t)((read ? SIMLAB_CAN_READ : 0) |
                     (write ? SIMLAB_CAN_WRITE | SIMLAB_CAN_PUT : 0) |
                     (by_host ? SIMLAB_BY_HOST : 0));
}

static void make_level(const struct program *p, int process, const struct type *type,
                       const struct stage_code *code, struct program_level *ret)
{
    const struct model_process *m = &p->model->processes[process];
    size_t n = (size_t)type->n_own;
    int *merged = mem_array(n, sizeof *merged);
    uint8_t *access = mem_array(2 * n * N_PHASES, 1), *in_loop = access + n * N_PHASES;
    *ret = (struct program_level){.code = code->process,
                                  .type = type->name,
                                  .guard = code->guard,
                                  .n_rows = type->n_own,
                                  .merged = merged};
    ret->variables = mem_array(n, sizeof *ret->variables);
    ret->bindings = mem_array(n, sizeof *ret->bindings);
    for (int phase = 0; phase < N_PHASES; phase++) {
        ret->access[phase] = access + (size_t)phase * n;
        ret->access_in_loop[phase] = in_loop + (size_t)phase * n;
    }
    for (int row = 0; row < type->n_own; row++) {
        merged[row] = type_variable(m->type, type->variables[type->own[row]].name);
        ret->variables[row] = &m->type->variables[merged[row]];
        ret->bindings[row] = &m->bindings[merged[row]];
        for (int phase = 0; phase < N_PHASES; phase++)
            access[(size_t)phase * n + (size_t)row] =
                access_of(p, ret->variables[row], ret->bindings[row]->slot, phase);
    }
    for (size_t i = 0; i < n * N_PHASES; i++)
        in_loop[i] = access[i] & (uint8_t)~SIMLAB_CAN_PUT;
}

static bool touches_object(const struct program *p, const struct program_level *level)
{
    for (int row = 0; row < level->n_rows; row++) {
        int slot = level->bindings[row]->slot;
        if (slot >= 0 && p->slots[slot].kind == PROGRAM_OBJECT)
            return true;
    }
    return false;
}

static int make_process(const struct program *p, int process, const struct stage_code *code,
                        struct error *e)
{
    struct program_process *ret = &p->processes[process];
    const struct type *own = p->model->processes[process].type;
    int depth = 0;
    for (const struct type *type = own; type; type = type->parent)
        depth++;
    ret->levels = mem_array((size_t)depth, sizeof *ret->levels);
    ret->is_pinned = own->is_pinned;
    ret->keeps_floating = true;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        ret->stage_level[stage] = -1;
    for (const struct type *type = own; type; type = type->parent, code = code->parent) {
        if (!code || code->process->n_variables != type->n_own)
            return error_set(e, STAGE_FAILED, NULL,
                             "the library of type %s is not the one that the model was built with",
                             type->name);
        int level = ret->n_levels++;
        make_level(p, process, type, code, &ret->levels[level]);
        if (code->process->instance_size > ret->instance_size)
            ret->instance_size = code->process->instance_size;
        for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
            if (ret->stage_level[stage] < 0 && program_stage_function(code->process, stage))
                ret->stage_level[stage] = level;
        ret->is_pinned |= type->not_thread_safe || touches_object(p, &ret->levels[level]);
        ret->keeps_floating &= code->keeps_floating;
    }
    return 0;
}

static bool level_writes(const struct program_level *l, int slot)
{
    for (int row = 0; row < l->n_rows; row++)
        for (int stage = 0; l->bindings[row]->slot == slot && stage < SIMLAB_N_STAGES; stage++)
            if (l->access[stage][row] & SIMLAB_CAN_WRITE)
                return true;
    return false;
}

bool program_is_written(const struct program *p, int slot)
{
    for (int i = 0; i < p->model->n_processes; i++)
        for (int level = 0; level < p->processes[i].n_levels; level++)
            if (level_writes(&p->processes[i].levels[level], slot))
                return true;
    return false;
}

struct program_function program_function(const struct program *p, int process, int variable,
                                         enum program_about about)
{
    const struct program_process *pp = &p->processes[process];
    for (int level = 0; level < pp->n_levels; level++)
        for (int row = 0; row < pp->levels[level].n_rows; row++) {
            const struct simlab_variable *v = &pp->levels[level].code->variables[row];
            if (pp->levels[level].merged[row] == variable &&
                (about == PROGRAM_COMPUTE    ? v->compute
                 : about == PROGRAM_VALIDATE ? v->validate
                                             : v->convert))
                return (struct program_function){level, row};
        }
    return (struct program_function){-1, -1};
}

/* ---- plans ---- */

static bool has_process_hook(const struct job *job, const struct simlab_hook *const *hooks,
                             int stage)
{
    for (int i = 0; i < job->n_hooks; i++)
        if (hooks[i]->level == SIMLAB_PROCESS_LEVEL && hooks[i]->stage == stage)
            return true;
    return false;
}

/* What a process has set is validated by a function, which may read all of the variable's owner. */
static bool validates_by_function(const struct job *job)
{
    for (int i = 0; i < job->model->n_slots && job->validate == JOB_VALIDATE_ALL; i++)
        if (job->model->slots[i].declared->has_validate)
            return true;
    return false;
}

static void make_plans(struct program *p, const struct simlab_hook *const *hooks)
{
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        bool has_hooks = has_process_hook(p->job, hooks, stage);
        unsigned how = has_hooks ? PLAN_HOOKS | PLAN_ORDERED : 0;
        if (validates_by_function(p->job))
            how |= PLAN_ORDERED;
        plan_new(p, stage, how, &p->plans[stage]);
    }
}

/* Two programs of one hash give their states the same layout and meaning. What a job may say
 * otherwise (inputs, clocks, outputs) is not in it, so that one job may go on from another's. */
static void make_hash(struct program *p)
{
    json_t *libraries = job_libraries(p->job);
    json_t *all = json_pack("{s:s, s:O}", "model", p->model->hash, "libraries", libraries);
    char *text = json_canonical(all);
    hash_bytes(text, strlen(text), p->hash);
    free(text);
    json_decref(all);
    json_decref(libraries);
}

int program_new(const struct job *job, const struct stage_code *const *codes,
                const struct simlab_hook *const *hooks, struct program **ret_program,
                struct error *e)
{
    struct program *p = mem_new(sizeof *p);
    p->job = job;
    p->model = job->model;
    p->processes = mem_array((size_t)p->model->n_processes, sizeof *p->processes);
    for (int i = 0; i < job->n_inputs; i++)
        p->has_forcing = p->has_forcing || job->inputs[i].has_clock;
    make_slots(p);
    int r = 0;
    for (int i = 0; i < p->model->n_processes && r == 0; i++)
        r = make_process(p, i, codes[i], e);
    if (r) {
        program_free(p);
        return r;
    }
    find_compute(p);
    p->companies = mem_array((size_t)p->model->n_processes, sizeof *p->companies);
    p->n_companies = company_find(p, p->companies);
    make_plans(p, hooks);
    make_hash(p);
    *ret_program = p;
    return 0;
}

static void process_clear(struct program_process *p)
{
    for (int level = 0; level < p->n_levels; level++) {
        free((void *)p->levels[level].merged);
        free(p->levels[level].variables);
        free(p->levels[level].bindings);
        free((void *)p->levels[level].access[0]);
    }
    free(p->levels);
}

struct program *program_free(struct program *p)
{
    if (!p)
        return NULL;
    for (int i = 0; i < p->model->n_processes; i++)
        process_clear(&p->processes[i]);
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        plan_clear(&p->plans[stage]);
    free(p->processes);
    free(p->slots);
    free(p->companies);
    free(p);
    return NULL;
}
