/* SPDX-License-Identifier: Apache-2.0 */
/* Values as stage functions get them, and what they are told when they ask for something else. */
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

enum { LENGTH_MOST = 65536 }; /* bytes of one text */

/* The member is given up: its code would go on to write more than there can be. The first to do so
 * is told; others wait for the end. */
static void abandon(struct context *c)
{
    struct simulation *s = context_simulation(c);
    struct error why = {.message = ""};
    if (!s->events || !s->events->abandon)
        return;
    lock_hold(&s->giving_up, (uint32_t)c->run->lane->number + 1);
    context_report(c->run, &why);
    s->events->abandon(s->events->userdata, s->state->member, &why);
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
    struct lane *lane = c->run->lane;
    size_t area = 65536; /* powers of two, so that all areas ever made are at most twice the last */
    while (area < bytes)
        area *= 2;
    if (area <= lane->scratch_bytes) {
        madvise(lane->scratch.data, lane->scratch_bytes, MADV_DONTNEED); /* zeroes again */
        return;
    }
    void *data = mmap(NULL, area, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        abandon(c);
    mem_assert(data != MAP_FAILED);
    lane->scratch.data = data;
    lane->scratch_bytes = area;
}

/* Zeroed memory in the place of a value that cannot be given; the mistake was recorded. */
static struct simlab_view *scratch(struct context *c, int ndim, const int64_t *shape,
                                   int64_t itemsize)
{
    struct simlab_view *view = &c->run->lane->scratch;
    size_t size, bytes;
    if (!scratch_size(ndim, shape, itemsize, &size, &bytes)) {
        abandon(c);
        bytes = SCRATCH_MOST;
    }
    scratch_map(c, bytes);
    view->ndim = ndim;
    view->size = (int64_t)size;
    memset(view->shape, 0, sizeof view->shape);
    for (int i = 0; i < ndim; i++)
        view->shape[i] = shape[i];
    return view;
}

/* With the shape of the slot's value; not that of an on_demand variable, which is what the lane or
 * another one came to compute last, or is computing now. */
static struct simlab_view *instead_of(struct context *c, int slot)
{
    if (slot < 0 || context_simulation(c)->model->slots[slot].declared->kind == SIMLAB_ON_DEMAND)
        return scratch(c, 0, NULL, 16);
    const struct simlab_view *v = &context_value(c->run, slot)->view;
    return scratch(c, v->ndim, v->shape, v->itemsize);
}

const struct variable *process_api_variable(struct context *c, int32_t row)
{
    if (row >= 0 && row < c->shared.n_variables)
        return c->level->variables[row];
    context_refuse(c->run, "variable number %d was asked for, but its table has %d", row,
                   c->shared.n_variables);
    return NULL;
}

bool process_api_is_group(const struct variable *v)
{
    return v->kind == SIMLAB_GROUP || v->kind == SIMLAB_GROUP_DICT;
}

struct simlab_view *process_values_wrong_size(simlab_context *shared, int32_t row, int64_t k,
                                              int32_t dtype, int64_t n)
{
    (void)dtype; /* scratch serves any */
    if (n < 0)
        n = 0;
    struct context *c = process_api_context(shared);
    const struct variable *v = process_api_variable(c, row);
    if (!v)
        return scratch(c, 1, &n, 16);
    const struct binding *b = c->level->bindings[row];
    int slot = k < 0 ? b->slot : k < b->n_members ? b->members[k] : -1;
    const char *name =
        k >= 0 && slot >= 0 ? context_simulation(c)->model->slots[slot].name : v->name;
    context_refuse(c->run, "variable '%s' has %lld elements, where %lld were expected", name,
                   slot < 0 ? 0LL : (long long)context_value(c->run, slot)->view.size,
                   (long long)n);
    return scratch(c, 1, &n, (int64_t)v->itemsize);
}

static bool dtype_fits(struct context *c, const char *name, int slot, const struct simlab_view *v,
                       int32_t dtype)
{
    bool is_any = context_simulation(c)->model->slots[slot].declared->dtype == SIMLAB_ANY;
    if (dtype < 0 || v->dtype == dtype)
        return true;
    context_refuse(c->run, "variable '%s' has dtype %s%s, but is used as %s", name,
                   dtype_name(v->dtype), is_any ? " since its first value" : "",
                   dtype < SIMLAB_N_DTYPES ? dtype_name(dtype) : "an unknown dtype");
    return false;
}

/* Whether an on_demand value could be made current, here; one that is being computed here is its
 * own affair. */
static bool demand_here(struct context *c, int slot)
{
    const struct computing *computing = c->run->lane->computing;
    int kind = context_simulation(c)->program->slots[slot].kind;
    if (kind == PROGRAM_PLAIN || kind == PROGRAM_OBJECT)
        return true;
    if (!process_api_may(c, "on_demand variables are not read"))
        return false;
    return (computing && computing->slot == slot) || demand(c->run, slot);
}

static void refuse_unset(struct context *c, const char *name, int slot)
{
    const struct slot *s = &context_simulation(c)->model->slots[slot];
    c->run->lacks_input |= s->is_input && s->process == c->run->process;
    if (s->is_input)
        context_refuse(c->run,
                       "variable '%s' has no value here: the input %s varies in time, and has its "
                       "first value in the first step",
                       name, s->name);
    else
        context_refuse(
            c->run, "variable '%s' has no value yet: process '%s' must set it before", name,
            context_simulation(c)->model->processes[s->setter >= 0 ? s->setter : s->process].name);
}

bool process_api_may_write(struct context *c, int32_t row, const struct variable *v)
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

struct simlab_view *process_values_view(simlab_context *shared, int32_t row, int32_t dtype,
                                        int32_t access)
{
    struct context *c = process_api_context(shared);
    const struct variable *v = process_api_variable(c, row);
    if (!v)
        return instead_of(c, -1);
    if (process_api_is_group(v) || v->kind == SIMLAB_OBJECT) {
        context_refuse(c->run, "variable '%s' is %s", v->name,
                       process_api_is_group(v)
                           ? "a group: its members are read with simlab_…_member"
                           : "an object: it is read with simlab_object");
        return instead_of(c, -1);
    }
    int slot = c->level->bindings[row]->slot;
    struct simlab_view *view = &context_value(c->run, slot)->view;
    if (access == SIMLAB_CAN_WRITE && !process_api_may_write(c, row, v))
        return instead_of(c, slot);
    if (access == SIMLAB_CAN_READ && !(c->shared.access[row] & SIMLAB_CAN_READ)) {
        context_refuse(c->run,
                       "variable '%s' cannot be read here: this stage is not among those "
                       "that its declaration says read it",
                       v->name);
        return instead_of(c, slot);
    }
    if (access == SIMLAB_CAN_READ && !demand_here(c, slot))
        return instead_of(c, slot);
    if (!view->data) {
        refuse_unset(c, v->name, slot);
        return instead_of(c, slot);
    }
    return dtype_fits(c, v->name, slot, view, dtype) ? view : instead_of(c, slot);
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
    const struct value *v = context_value(c->run, slot);
    int itemsize = v->view.itemsize;
    double elements = 1, most = (double)memory_limit();
    double others = (double)(context_simulation(c)->state->bytes - v->asked);
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

/* Whether a value of this dtype may come next; the first one of a variable of any dtype settles it.
 */
static bool settle_dtype(struct context *c, const char *name, int slot, int32_t dtype,
                         int32_t length)
{
    const struct variable *declared = context_simulation(c)->model->slots[slot].declared;
    struct simlab_view *view = &context_value(c->run, slot)->view;
    bool is_text = dtype == SIMLAB_STR;
    if (view->dtype == SIMLAB_ANY) {
        if (dtype < 0 || dtype >= SIMLAB_N_DTYPES || length < is_text || length > LENGTH_MOST) {
            context_refuse(c->run, "variable '%s' was given dtype %d with length %d: no dtype",
                           name, dtype, length);
            return false;
        }
        view->dtype = dtype;
        view->itemsize = is_text ? length : (int32_t)dtype_size(dtype);
    }
    if (!dtype_fits(c, name, slot, view, dtype))
        return false;
    if (is_text && length > view->itemsize) {
        context_refuse(c->run, "variable '%s' has texts of %d bytes%s, but was given some of %d",
                       name, view->itemsize,
                       declared->dtype == SIMLAB_ANY ? " since its first value" : "", length);
        return false;
    }
    return true;
}

/* Whether it may have that many dimensions: those of its first value, once a process has set it. */
static bool settle_ndim(struct context *c, const char *name, int slot, int ndim)
{
    const struct variable *declared = context_simulation(c)->model->slots[slot].declared;
    const struct value *value = context_value(c->run, slot);
    char dims[256];
    if (!accepts_ndim(declared, ndim)) {
        describe_dims(declared, dims, sizeof dims);
        context_refuse(c->run, "variable '%s' was given %d dimension%s, but accepts %s", name, ndim,
                       ndim == 1 ? "" : "s", dims);
        return false;
    }
    if (!value->is_settled || !value->view.data || value->view.ndim == ndim)
        return true;
    context_refuse(c->run,
                   "variable '%s' has %d dimension%s since its first value, but was given %d", name,
                   value->view.ndim, value->view.ndim == 1 ? "" : "s", ndim);
    return false;
}

struct simlab_view *process_values_create(simlab_context *shared, int32_t row, int32_t dtype,
                                          int32_t length, int32_t ndim, const int64_t *shape)
{
    struct context *c = process_api_context(shared);
    const struct variable *v = process_api_variable(c, row);
    if (ndim < 0 || ndim > SIMLAB_MAX_DIMS) {
        context_refuse(c->run, "%d dimensions were asked for; there may be up to %d", ndim,
                       SIMLAB_MAX_DIMS);
        return instead_of(c, -1);
    }
    int64_t itemsize = v ? (int64_t)v->itemsize : 16;
    if (!v || process_api_is_group(v) || v->kind == SIMLAB_OBJECT) {
        if (v)
            context_refuse(c->run, "variable '%s' is %s and cannot be given a shape", v->name,
                           process_api_is_group(v) ? "a group" : "an object");
        return scratch(c, ndim, shape, itemsize);
    }
    int slot = c->level->bindings[row]->slot;
    struct value *value = context_value(c->run, slot);
    struct simlab_view *view = &value->view;
    if (!process_api_may(c, "no variable is given a shape") || !process_api_may_write(c, row, v) ||
        !settle_dtype(c, v->name, slot, dtype, length) || !settle_ndim(c, v->name, slot, ndim))
        return scratch(c, ndim, shape, length > view->itemsize ? length : view->itemsize);
    for (int i = 0; i < ndim; i++) {
        if (shape[i] < 0) {
            context_refuse(c->run, "variable '%s' was given an extent of %lld", v->name,
                           (long long)shape[i]);
            return scratch(c, 0, NULL, view->itemsize);
        }
    }
    if (value_shape(context_simulation(c)->state, value, ndim, shape) < 0) {
        refuse_size(c, v->name, slot, ndim, shape);
        abandon(c);
        return scratch(c, ndim, shape, view->itemsize);
    }
    value->is_settled = true;
    return view;
}

struct simlab_view *process_values_member(simlab_context *shared, int32_t row, int64_t k,
                                          int32_t dtype)
{
    struct context *c = process_api_context(shared);
    const struct binding *b = process_api_group(c, row);
    if (!b)
        return instead_of(c, -1);
    const char *name = c->level->variables[row]->name;
    if (k < 0 || k >= b->n_members) {
        context_refuse(c->run, "member %lld of group '%s' was asked for, which has %d",
                       (long long)k, name, b->n_members);
        return instead_of(c, -1);
    }
    int slot = b->members[k];
    struct simlab_view *view = &context_value(c->run, slot)->view;
    if (!demand_here(c, slot))
        return instead_of(c, slot);
    name = context_simulation(c)->model->slots[slot].name;
    if (!view->data) {
        refuse_unset(c, name, slot);
        return instead_of(c, slot);
    }
    return dtype_fits(c, name, slot, view, dtype) ? view : instead_of(c, slot);
}
