/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/debug.h"

#include "base/c_locale.h"
#include "stage/simulation.h"

#include <string.h>

/* ---- memory that nobody has written ---- */

static const uint64_t unwritten_f8 = 0x7ff8dead0badbeef;
static const uint32_t unwritten_f4 = 0x7fc0dead;
static const uint64_t unwritten_i8 = 0xdead0badbeefdead;
static const uint32_t unwritten_i4 = 0xdeadbeef;

/* NULL: of this dtype new memory is zero, and nothing can be told. */
static const void *pattern_of(int dtype, size_t *ret_size)
{
    switch (dtype) {
    case SIMLAB_F8:
    case SIMLAB_C16:
        *ret_size = sizeof unwritten_f8;
        return &unwritten_f8;
    case SIMLAB_F4:
    case SIMLAB_C8:
        *ret_size = sizeof unwritten_f4;
        return &unwritten_f4;
    case SIMLAB_I8:
    case SIMLAB_U8:
        *ret_size = sizeof unwritten_i8;
        return &unwritten_i8;
    case SIMLAB_I4:
    case SIMLAB_U4:
        *ret_size = sizeof unwritten_i4;
        return &unwritten_i4;
    default:
        return NULL;
    }
}

void debug_fill(struct value *v, size_t from, size_t to)
{
    size_t size = 1;
    const void *pattern = pattern_of(v->view.dtype, &size);
    char *buffer = v->buffer;
    if (!pattern)
        memset(buffer + from, 0, to - from);
    for (size_t at = from; pattern && at < to; at += size)
        memcpy(buffer + at, pattern, size);
    v->is_fresh = pattern != NULL;
}

/* Elements that still hold it; *ret_first: the first of them. */
static int64_t count_unwritten(const struct simlab_view *view, int64_t *ret_first)
{
    size_t size = 1, itemsize = (size_t)view->itemsize;
    const void *pattern = pattern_of(view->dtype, &size);
    int64_t n = 0;
    for (int64_t i = view->size - 1; i >= 0; i--)
        if (memcmp((const char *)view->data + (size_t)i * itemsize, pattern, size) == 0) {
            *ret_first = i;
            n++;
        }
    return n;
}

static void say(struct lane *lane, int process, const char *what)
{
    const struct model_process *p = &lane->simulation->model->processes[process];
    char line[640];
    c_locale_print(line, sizeof line, "debug: process '%s' (%s): %s", p->name, p->type->name, what);
    lane_log(lane, line);
}

static void look_at_fresh(struct lane *lane, int process, struct value *v, const char *name)
{
    int64_t first = 0, n = count_unwritten(&v->view, &first);
    char text[320];
    v->is_fresh = false;
    if (n == 0)
        return;
    c_locale_print(text, sizeof text,
                   "%lld of the %lld elements of '%.200s' were not written, the first is number "
                   "%lld",
                   (long long)n, (long long)v->view.size, name, (long long)first);
    say(lane, process, text);
}

/* ---- what was written beside a value ---- */

/* The first byte that changed, counted from the value's start; false where none did. */
__attribute__((no_sanitize("address"))) static bool find_stray(const struct value *v,
                                                               int64_t *ret_at)
{
    const unsigned char *start = v->buffer, *begin, *end;
    int64_t bytes = v->view.size * v->view.itemsize;
    if (!v->buffer || !v->view.data)
        return false;
    arena_guarded_pages(v->buffer, v->capacity, (void **)&begin, (void **)&end);
    for (const unsigned char *at = start + bytes; at < end; at++)
        if (*at != DEBUG_CANARY) {
            *ret_at = at - start;
            return true;
        }
    for (const unsigned char *at = start - 1; at >= begin; at--)
        if (*at != DEBUG_CANARY) {
            *ret_at = at - start;
            return true;
        }
    return false;
}

static void refuse_stray(struct process_run *run, const char *name, const struct value *v,
                         int64_t at)
{
    long long bytes = (long long)v->view.size * v->view.itemsize;
    if (at >= bytes)
        context_refuse(
            run, "memory behind variable '%s' was written, %lld bytes after its end (it has %lld)",
            name, (long long)at - bytes, bytes);
    else
        context_refuse(run, "memory before variable '%s' was written, %lld bytes before its begin",
                       name, -(long long)at);
}

static void check_slot(struct process_run *run, int slot)
{
    const struct simulation *s = run->lane->simulation;
    struct value *v = context_value(run, slot);
    int64_t at;
    if (s->program->slots[slot].kind != PROGRAM_OBJECT && find_stray(v, &at))
        refuse_stray(run, s->model->slots[slot].name, v, at);
}

/* ---- */

int debug_check_call(struct lane *lane, int process, struct error *e)
{
    struct simulation *s = lane->simulation;
    const struct model_process *p = &s->model->processes[process];
    struct process_run *run = &s->runs[process];
    for (int i = 0; i < p->type->n_variables; i++) {
        const struct binding *b = &p->bindings[i];
        if (b->slot >= 0)
            check_slot(run, b->slot);
        for (int k = 0; k < b->n_members; k++)
            check_slot(run, b->members[k]);
        struct value *v = b->slot >= 0 ? context_value(run, b->slot) : NULL;
        if (v && v->view.data && v->is_fresh && p->type->variables[i].intent != SIMLAB_IN)
            look_at_fresh(lane, process, v, p->type->variables[i].name);
    }
    if (!run->failed)
        return 0;
    run->failed = false;
    return context_report(run, e);
}

void debug_end_member(struct simulation *s)
{
    for (int p = 0; p < s->model->n_processes; p++) {
        const struct model_process *process = &s->model->processes[p];
        for (int i = 0; i < process->type->n_variables; i++) {
            const struct variable *v = &process->type->variables[i];
            int slot = process->bindings[i].slot;
            bool is_value = v->kind != SIMLAB_OBJECT && v->kind != SIMLAB_ON_DEMAND;
            char text[320];
            if (slot < 0 || v->intent != SIMLAB_OUT || !is_value || s->values[slot].view.data)
                continue;
            c_locale_print(text, sizeof text, "'%.200s' was never set", v->name);
            say(s->lanes[0], p, text);
        }
    }
}

/* ---- in a dying process: nothing is allocated ---- */

static bool explain(const struct simulation *s, int slot, const char *address, char *ret,
                    size_t size)
{
    const struct value *v = &s->values[slot];
    char *begin, *end;
    if (!v->buffer || !v->view.data)
        return false;
    arena_guarded_pages(v->buffer, v->capacity, (void **)&begin, (void **)&end);
    if (address < begin - ARENA_GUARD || address >= end + ARENA_GUARD)
        return false;
    const char *start = v->buffer;
    long long bytes = (long long)v->view.size * v->view.itemsize;
    bool is_behind = address >= start + bytes;
    snprintf(ret, size, "it touched memory %s variable '%.100s' (%lld bytes), %lld bytes %s",
             is_behind ? "behind" : "before", s->model->slots[slot].name, bytes,
             is_behind ? (long long)(address - start) - bytes : (long long)(start - address),
             is_behind ? "after its end" : "before its begin");
    return true;
}

void simulation_explain_address(const struct simulation *s, const void *address, char *ret,
                                size_t size)
{
    const char *a = address, *begin = (const char *)s->state;
    for (int i = 0; i < s->model->n_slots; i++)
        if (explain(s, i, a, ret, size))
            return;
    if (a >= begin && a < begin + s->state->arena.used)
        snprintf(ret, size,
                 "it touched memory that a variable had before it was given another "
                 "shape");
}
