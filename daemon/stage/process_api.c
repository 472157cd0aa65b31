/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind simlab/process.h: what a stage function may do, and what it is told when it
 * does something else. */
#include "stage/process_api.h"

#include "base/c_locale.h"
#include "base/mem.h"
#include "base/memory_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const char *const intents[] = {"in", "out", "inout"};

#define SCRATCH_MOST ((size_t)1 << 32) /* bytes of addresses */

static struct context *self(simlab_context *c)
{
    return (struct context *)(void *)c;
}

/* The member is given up: its code would go on to write more than there can be. */
static void abandon(struct context *c)
{
    const struct simulation *s = c->simulation;
    struct error why = {.message = ""};
    if (!s->events || !s->events->abandon)
        return;
    context_report(s, c->process, &why);
    s->events->abandon(s->events->userdata, s->member, &why);
    mem_assert(false); /* it does not return */
}

/* 16 bytes an element serve any dtype but str, whose itemsize is told. False where they cannot be.
 */
static bool scratch_size(int ndim, const int64_t *shape, int64_t itemsize, size_t *ret_elements,
                         size_t *ret_bytes)
{
    size_t size = 1;
    bool fits = true;
    for (int i = 0; i < ndim; i++)
        fits = fits && shape[i] >= 0 && mem_mul(size, (size_t)shape[i], &size);
    *ret_elements = size;
    return fits && mem_mul(size, itemsize > 16 ? (size_t)itemsize : 16, ret_bytes) &&
           *ret_bytes <= memory_limit();
}

/* Untouched pages cost nothing. A smaller area stays mapped: the library may still hold a pointer
 * into it. */
static void scratch_map(struct context *c, size_t bytes)
{
    struct process_run *run = c->run;
    size_t area = 65536; /* powers of two, so that all areas ever made are at most twice the last */
    while (area < bytes)
        area *= 2;
    if (area <= run->scratch_bytes) {
        madvise(run->scratch.data, run->scratch_bytes, MADV_DONTNEED); /* zeroes again */
        return;
    }
    void *data = mmap(NULL, area, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        abandon(c);
    mem_assert(data != MAP_FAILED);
    run->scratch.data = data;
    run->scratch_bytes = area;
}

/* Zeroed memory in the place of a value that cannot be given; the mistake was recorded. */
static struct simlab_view *scratch(struct context *c, int ndim, const int64_t *shape,
                                   int64_t itemsize)
{
    struct simlab_view *view = &c->run->scratch;
    size_t size, bytes;
    if (!scratch_size(ndim, shape, itemsize, &size, &bytes)) {
        abandon(c);
        bytes = SCRATCH_MOST;
    }
    scratch_map(c, bytes);
    view->ndim = ndim;
    view->size = (int64_t)size;
    for (int i = 0; i < ndim; i++)
        view->shape[i] = shape[i];
    return view;
}

static struct simlab_view *instead_of(struct context *c, const struct simlab_view *v)
{
    if (v)
        return scratch(c, v->ndim, v->shape, v->itemsize);
    return scratch(c, 0, NULL, 16);
}

/* The variable of a row, or NULL and a mistake recorded. */
static const struct variable *variable_at(struct context *c, int32_t row)
{
    if (row >= 0 && row < c->shared.n_variables)
        return c->variables[row];
    context_refuse(c->run, "variable number %d was asked for, but its table has %d", row,
                   c->shared.n_variables);
    return NULL;
}

static bool is_group(const struct variable *v)
{
    return v->kind == SIMLAB_GROUP || v->kind == SIMLAB_GROUP_DICT;
}

static struct simlab_view *host_wrong_size(simlab_context *shared, int32_t row, int64_t k,
                                           int32_t dtype, int64_t n)
{
    (void)dtype; /* scratch serves any */
    if (n < 0)
        n = 0;
    struct context *c = self(shared);
    const struct variable *v = variable_at(c, row);
    if (!v)
        return scratch(c, 1, &n, 16);
    const struct binding *b = c->bindings[row];
    int slot = k < 0 ? b->slot : k < b->n_members ? b->members[k] : -1;
    const char *name = k >= 0 && slot >= 0 ? c->simulation->model->slots[slot].name : v->name;
    context_refuse(c->run, "variable '%s' has %lld elements, where %lld were expected", name,
                   slot < 0 ? 0LL : (long long)c->simulation->values[slot].view.size, (long long)n);
    return scratch(c, 1, &n, (int64_t)v->itemsize);
}

static bool dtype_fits(struct context *c, const char *name, const struct simlab_view *v,
                       int32_t dtype)
{
    if (dtype < 0 || v->dtype == dtype)
        return true;
    context_refuse(c->run, "variable '%s' has dtype %s, but is used as %s", name,
                   dtype_name(v->dtype),
                   dtype < SIMLAB_N_DTYPES ? dtype_name(dtype) : "an unknown dtype");
    return false;
}

static bool is_on_demand(struct context *c, int slot)
{
    return c->simulation->model->slots[slot].declared->kind == SIMLAB_ON_DEMAND;
}

static void refuse_unset(struct context *c, const char *name, int slot)
{
    const struct slot *s = &c->simulation->model->slots[slot];
    c->run->lacks_input |= s->is_input && s->process == c->process;
    if (s->is_input)
        context_refuse(c->run,
                       "variable '%s' has no value here: the input %s varies in time, and has its "
                       "first value in the first step",
                       name, s->name);
    else
        context_refuse(
            c->run, "variable '%s' has no value yet: process '%s' must set it before", name,
            c->simulation->model->processes[s->setter >= 0 ? s->setter : s->process].name);
}

static bool may_write(struct context *c, int32_t row, const struct variable *v)
{
    if (c->shared.access[row] & SIMLAB_CAN_WRITE)
        return true;
    if (v->kind == SIMLAB_ON_DEMAND)
        context_refuse(c->run, "variable '%s' is on_demand: only its compute function sets it",
                       v->name);
    else if (v->intent == SIMLAB_IN)
        context_refuse(
            c->run,
            "variable '%s' cannot be written: it is declared with intent in (out or inout "
            "would allow it)",
            v->name);
    else
        context_refuse(c->run,
                       "variable '%s' (intent %s) cannot be written here: this stage is not among "
                       "those that its declaration says write it",
                       v->name, intents[v->intent]);
    return false;
}

static struct simlab_view *host_view(simlab_context *shared, int32_t row, int32_t dtype,
                                     int32_t access)
{
    struct context *c = self(shared);
    const struct variable *v = variable_at(c, row);
    if (!v)
        return instead_of(c, NULL);
    if (is_group(v) || v->kind == SIMLAB_OBJECT) {
        context_refuse(c->run, "variable '%s' is %s", v->name,
                       is_group(v) ? "a group: its members are read with simlab_…_member"
                                   : "an object: it is read with simlab_object");
        return instead_of(c, NULL);
    }
    int slot = c->bindings[row]->slot;
    struct simlab_view *view = &c->simulation->values[slot].view;
    if (access == SIMLAB_CAN_WRITE && !may_write(c, row, v))
        return instead_of(c, view);
    if (access == SIMLAB_CAN_READ && !(c->shared.access[row] & SIMLAB_CAN_READ)) {
        context_refuse(c->run,
                       "variable '%s' cannot be read here: this stage is not among those "
                       "that its declaration says read it",
                       v->name);
        return instead_of(c, view);
    }
    if (access == SIMLAB_CAN_READ && is_on_demand(c, slot) &&
        !c->simulation->values[slot].computing && !context_demand(c->simulation, slot, c->run))
        return instead_of(c, view);
    if (!view->data) {
        refuse_unset(c, v->name, slot);
        return instead_of(c, view);
    }
    return dtype_fits(c, v->name, view, dtype) ? view : instead_of(c, view);
}

/* The accepted dims of a slot as text: "(), (x)". */
static void describe_dims(const struct variable *v, char *ret, size_t size)
{
    size_t n = 0;
    ret[0] = '\0';
    for (int i = 0; i < v->n_dims && n < size; i++) {
        n += (size_t)snprintf(ret + n, size - n, "%s(", i ? " or " : "");
        for (int d = 0; d < v->dims[i].ndim && n < size; d++)
            n += (size_t)snprintf(ret + n, size - n, "%s%s", d ? ", " : "", v->dims[i].names[d]);
        if (n < size)
            n += (size_t)snprintf(ret + n, size - n, ")");
    }
}

static bool accepts_ndim(const struct variable *v, int ndim)
{
    for (int i = 0; i < v->n_dims; i++)
        if (v->dims[i].ndim == ndim)
            return true;
    return false;
}

/* Why there is no memory for this shape. */
static void refuse_size(struct context *c, const char *name, int slot, int ndim,
                        const int64_t *shape)
{
    const struct simulation *s = c->simulation;
    int itemsize = s->values[slot].view.itemsize;
    double elements = 1, most = (double)memory_limit();
    double others = (double)(s->bytes - s->values[slot].asked);
    char size[MEMORY_LIMIT_TEXT], most_text[MEMORY_LIMIT_TEXT], others_text[MEMORY_LIMIT_TEXT];
    for (int i = 0; i < ndim; i++)
        elements *= (double)shape[i];
    memory_limit_text(elements * itemsize, size);
    memory_limit_text(most, most_text);
    memory_limit_text(others, others_text);
    char text[256];
    c_locale_print(text, sizeof text,
                   "variable '%s' was given %.15g elements of %d bytes, %s: ", name, elements,
                   itemsize, size);
    if (elements * itemsize > most)
        context_refuse(c->run, "%sthis is more than the %s of memory that there can be", text,
                       most_text);
    else if (elements * itemsize + others > most)
        context_refuse(c->run,
                       "%swith the %s of other values this is more than the %s of memory that "
                       "there can be",
                       text, others_text, most_text);
    else
        context_refuse(c->run, "%sbeside the %s of other values no addresses are left for it", text,
                       others_text);
}

static struct simlab_view *host_create(simlab_context *shared, int32_t row, int32_t dtype,
                                       int32_t ndim, const int64_t *shape)
{
    struct context *c = self(shared);
    const struct variable *v = variable_at(c, row);
    if (ndim < 0 || ndim > SIMLAB_MAX_DIMS) {
        context_refuse(c->run, "%d dimensions were asked for; there may be up to %d", ndim,
                       SIMLAB_MAX_DIMS);
        return instead_of(c, NULL);
    }
    int64_t itemsize = v ? (int64_t)v->itemsize : 16;
    if (!v || is_group(v) || v->kind == SIMLAB_OBJECT) {
        if (v)
            context_refuse(c->run, "variable '%s' is %s and cannot be given a shape", v->name,
                           is_group(v) ? "a group" : "an object");
        return scratch(c, ndim, shape, itemsize);
    }
    int slot = c->bindings[row]->slot;
    const struct variable *declared = c->simulation->model->slots[slot].declared;
    struct simlab_view *view = &c->simulation->values[slot].view;
    if (!may_write(c, row, v) || !dtype_fits(c, v->name, view, dtype))
        return scratch(c, ndim, shape, view->itemsize);
    if (!accepts_ndim(declared, ndim)) {
        char dims[256];
        describe_dims(declared, dims, sizeof dims);
        context_refuse(c->run, "variable '%s' was given %d dimension%s, but accepts %s", v->name,
                       ndim, ndim == 1 ? "" : "s", dims);
        return scratch(c, ndim, shape, view->itemsize);
    }
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) {
            context_refuse(c->run, "variable '%s' was given an extent of %lld", v->name,
                           (long long)shape[i]);
            return scratch(c, 0, NULL, view->itemsize);
        }
    }
    if (value_shape(c->simulation, slot, ndim, shape) < 0) {
        refuse_size(c, v->name, slot, ndim, shape);
        abandon(c);
        return scratch(c, ndim, shape, view->itemsize);
    }
    return view;
}

/* The group at a row, or NULL and a mistake recorded. */
static const struct binding *group_at(struct context *c, int32_t row)
{
    const struct variable *v = variable_at(c, row);
    if (!v)
        return NULL;
    if (is_group(v))
        return c->bindings[row];
    context_refuse(c->run, "variable '%s' is not a group", v->name);
    return NULL;
}

static int64_t host_group_size(simlab_context *shared, int32_t row)
{
    const struct binding *b = group_at(self(shared), row);
    return b ? b->n_members : 0;
}

static struct simlab_view *host_group_view(simlab_context *shared, int32_t row, int64_t k,
                                           int32_t dtype)
{
    struct context *c = self(shared);
    const struct binding *b = group_at(c, row);
    if (!b)
        return instead_of(c, NULL);
    const char *name = c->variables[row]->name;
    if (k < 0 || k >= b->n_members) {
        context_refuse(c->run, "member %lld of group '%s' was asked for, which has %d",
                       (long long)k, name, b->n_members);
        return instead_of(c, NULL);
    }
    int slot = b->members[k];
    struct simlab_view *view = &c->simulation->values[slot].view;
    if (is_on_demand(c, slot) && !context_demand(c->simulation, slot, c->run))
        return instead_of(c, view);
    if (!view->data) {
        refuse_unset(c, c->simulation->model->slots[slot].name, slot);
        return instead_of(c, view);
    }
    return dtype_fits(c, c->simulation->model->slots[slot].name, view, dtype) ? view
                                                                              : instead_of(c, view);
}

static const char *host_group_name(simlab_context *shared, int32_t row, int64_t k, int32_t which)
{
    struct context *c = self(shared);
    const struct binding *b = group_at(c, row);
    if (!b || k < 0 || k >= b->n_members)
        return "";
    const struct model_process *p = &c->simulation->model->processes[b->member_process[k]];
    return which == 0 ? p->name : p->type->variables[b->member_variable[k]].name;
}

static struct value *object_at(struct context *c, int32_t row)
{
    const struct variable *v = variable_at(c, row);
    if (!v)
        return NULL;
    int slot = is_group(v) ? -1 : c->bindings[row]->slot;
    if (slot >= 0 && c->simulation->model->slots[slot].declared->kind == SIMLAB_OBJECT)
        return &c->simulation->values[slot];
    context_refuse(c->run, "variable '%s' is not an object", v->name);
    return NULL;
}

static void *host_object(simlab_context *shared, int32_t row)
{
    struct context *c = self(shared);
    struct value *value = object_at(c, row);
    if (value && !value->object)
        context_refuse(c->run, "object '%s' was not set yet", c->variables[row]->name);
    return value ? value->object : NULL;
}

static void host_set_object(simlab_context *shared, int32_t row, void *object,
                            void (*destroy)(void *))
{
    struct context *c = self(shared);
    struct value *value = object_at(c, row);
    if (!value || !may_write(c, row, c->variables[row]))
        return;
    if (value->object && value->destroy && value->object != object)
        value->destroy(value->object);
    value->object = object;
    value->destroy = destroy;
}

__attribute__((format(printf, 2, 0))) static int host_fail(simlab_context *shared,
                                                           const char *format, va_list arguments)
{
    struct process_run *run = self(shared)->run;
    if (!run->failed)
        c_locale_vprint(run->message, sizeof run->message, format, arguments);
    run->failed = true;
    return SIMLAB_ERROR;
}

__attribute__((format(printf, 2, 0))) static void host_log(simlab_context *shared,
                                                           const char *format, va_list arguments)
{
    struct context *c = self(shared);
    const struct stage_events *events = c->simulation->events;
    if (!events || !events->log)
        return;
    char text[1024], line[1280];
    c_locale_vprint(text, sizeof text, format, arguments);
    snprintf(line, sizeof line, "%.200s: %s", c->simulation->model->processes[c->process].name,
             text);
    events->log(events->userdata, c->simulation->member, line);
}

static void host_random(simlab_context *shared, uint64_t *ret_words, int64_t n)
{
    random_words(&self(shared)->run->random, ret_words, n);
}

static int host_parent(simlab_context *shared, int32_t stage)
{
    struct context *c = self(shared)->parent;
    simlab_stage_fn fn = NULL;
    for (; c && !(fn = process_api_stage_function(c->code->process, stage)); c = c->parent)
        ;
    return fn ? fn(&c->shared) : 0;
}

simlab_stage_fn process_api_stage_function(const struct simlab_process *process, int stage)
{
    switch (stage) {
    case SIMLAB_INITIALIZE:
        return process->initialize;
    case SIMLAB_RUN_STEP:
        return process->run_step;
    case SIMLAB_FINALIZE_STEP:
        return process->finalize_step;
    case SIMLAB_FINALIZE:
        return process->finalize;
    default:
        return NULL;
    }
}

const struct simlab_host process_api_functions = {
    .struct_size = sizeof(struct simlab_host),
    .view = host_view,
    .create = host_create,
    .group_size = host_group_size,
    .group_view = host_group_view,
    .group_name = host_group_name,
    .object = host_object,
    .set_object = host_set_object,
    .fail = host_fail,
    .log = host_log,
    .random = host_random,
    .parent = host_parent,
    .wrong_size = host_wrong_size,
};
