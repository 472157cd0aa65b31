/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/instance.h"

#include "stage/process_api.h"

#include <string.h>

enum { BYTES_MOST = 1 << 30 }; /* of one instance */

static bool sets_object(const struct program *p, int process)
{
    const struct type *type = p->model->processes[process].type;
    for (int i = 0; i < type->n_variables; i++)
        if (type->variables[i].kind == SIMLAB_OBJECT)
            return true;
    return false;
}

bool instance_is_outside(const struct program *p, int process)
{
    return p->model->processes[process].type->is_pinned || sets_object(p, process);
}

static simlab_stage_fn function_of(const struct simlab_process *code, int phase)
{
    return phase == PHASE_SAVE ? code->save : code->restore;
}

/* The first level that has it; -1: none. */
static int level_of(const struct program *p, int process, int phase)
{
    const struct program_process *pp = &p->processes[process];
    for (int level = 0; level < pp->n_levels; level++)
        if (function_of(pp->levels[level].code, phase))
            return level;
    return -1;
}

bool instance_can_be_saved(const struct program *p, int process)
{
    return level_of(p, process, PHASE_SAVE) >= 0 && level_of(p, process, PHASE_RESTORE) >= 0;
}

static int call(struct lane *lane, int process, int phase, struct instance_bytes *bytes,
                struct error *e)
{
    struct simulation *s = lane->simulation;
    struct process_run *run = &s->runs[process];
    int level = level_of(s->program, process, phase), r = SIMLAB_NONE;
    run->lane = lane;
    run->drawn = 0;
    run->bytes = bytes;
    context_enter(run, phase);
    uint64_t stood = position_get(run->lane->position);
    position_set(run->lane->position, position_pack(phase, process));
    if (level < 0)
        context_refuse(run, "its type has no function `%s`: it cannot be saved",
                       phase == PHASE_SAVE ? "save" : "restore");
    else
        r = program_call(run->contexts[level].level->guard,
                         function_of(run->contexts[level].level->code, phase),
                         &run->contexts[level].shared);
    position_set(run->lane->position, stood);
    thread_environment_keep(&s->environment);
    run->bytes = NULL;
    context_check_result(run, r);
    if (phase == PHASE_RESTORE && bytes->left > 0)
        context_refuse(run, "%zu of the bytes that it saved were not taken", bytes->left);
    if (!run->failed)
        return 0;
    run->failed = false;
    return context_report(run, e);
}

int instance_save(struct lane *lane, int process, struct buffer *ret_bytes, struct error *e)
{
    struct instance_bytes bytes = {.put = ret_bytes};
    return call(lane, process, PHASE_SAVE, &bytes, e);
}

int instance_restore(struct lane *lane, int process, const void *from, size_t n, struct error *e)
{
    struct instance_bytes bytes = {.get = from, .left = n};
    const struct simulation *s = lane->simulation;
    struct process_state *state = &s->state->processes[process];
    if (state->instance)
        memset(state->instance, 0, s->program->processes[process].instance_size);
    return call(lane, process, PHASE_RESTORE, &bytes, e);
}

void instance_forget(struct lane *lane, int process)
{
    struct simulation *s = lane->simulation;
    struct process_run *run = &s->runs[process];
    const struct program_process *pp = &s->program->processes[process];
    int level = 0;
    while (level < pp->n_levels && !pp->levels[level].code->forget)
        level++;
    if (level == pp->n_levels)
        return;
    run->lane = lane;
    context_enter(run, PHASE_SAVE);
    program_call(run->contexts[level].level->guard, pp->levels[level].code->forget,
                 &run->contexts[level].shared);
    thread_environment_keep(&s->environment);
    run->failed = false;
}

/* ---- all of them: for each in the model's order its size, and its bytes ---- */

int instance_save_all(struct simulation *s, struct buffer *ret, struct error *e)
{
    int r = 0;
    for (int i = 0; i < s->model->n_processes && r == 0; i++) {
        int p = s->model->order[i];
        uint64_t size = 0;
        size_t at = ret->size;
        if (!instance_is_outside(s->program, p))
            continue;
        buffer_append(ret, &size, sizeof size);
        r = instance_save(s->lanes[0], p, ret, e);
        size = ret->size - at - sizeof size;
        memcpy(ret->data + at, &size, sizeof size);
    }
    return r;
}

static void forget_all(struct simulation *s)
{
    for (int p = 0; p < s->model->n_processes; p++) {
        struct process_state *state = &s->state->processes[p];
        if (!instance_is_outside(s->program, p))
            continue;
        if (state->instance)
            memset(state->instance, 0, s->program->processes[p].instance_size);
        state->called = false;
    }
}

int instance_restore_all(struct simulation *s, const void *bytes, size_t n, struct error *e)
{
    const char *at = bytes;
    int r = 0;
    forget_all(s);
    for (int i = 0; i < s->model->n_processes && r == 0; i++) {
        int p = s->model->order[i];
        uint64_t size = 0;
        if (!instance_is_outside(s->program, p))
            continue;
        if (n >= sizeof size)
            memcpy(&size, at, sizeof size);
        if (n < sizeof size || size > n - sizeof size)
            return error_set(e, STAGE_FAILED, NULL,
                             "the saved state lacks what process '%s' keeps outside it",
                             s->model->processes[p].name);
        s->state->processes[p].called = true;
        r = instance_restore(s->lanes[0], p, at + sizeof size, (size_t)size, e);
        at += sizeof size + size;
        n -= sizeof size + (size_t)size;
    }
    return r == 0 && n > 0
               ? error_set(e, STAGE_FAILED, NULL, "the saved state is %zu bytes too long", n)
               : r;
}

int instance_put_bytes(simlab_context *shared, const void *from, size_t n)
{
    struct process_run *run = process_api_context(shared)->run;
    struct instance_bytes *bytes = run->bytes;
    if (!bytes || !bytes->put)
        context_refuse(run, "bytes are put in `save` only");
    else if (n > BYTES_MOST || bytes->put->size > BYTES_MOST - n)
        context_refuse(run, "more than %d bytes are put", BYTES_MOST);
    else if (n > 0)
        buffer_append(bytes->put, from, n);
    return run->failed ? SIMLAB_ERROR : 0;
}

int64_t instance_get_bytes(simlab_context *shared, void *ret, size_t n)
{
    struct process_run *run = process_api_context(shared)->run;
    struct instance_bytes *bytes = run->bytes;
    if (!bytes || bytes->put)
        context_refuse(run, "bytes are got in `restore` only");
    else if (n > bytes->left)
        context_refuse(run, "%zu bytes were asked for, but it has saved only %zu more", n,
                       bytes->left);
    if (!run->failed && ret && n > 0) {
        memcpy(ret, bytes->get, n);
        bytes->get += n;
        bytes->left -= n;
    } else if (ret && n > 0) {
        memset(ret, 0, n);
    }
    return run->failed ? -1 : (int64_t)bytes->left;
}
