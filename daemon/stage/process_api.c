/* SPDX-License-Identifier: Apache-2.0 */
/* The functions behind simlab/process.h, but for those that give values (process_values.c) and
 * parallel loops (parallel.c). */
#include "stage/process_api.h"

#include "base/c_locale.h"
#include "stage/instance.h"
#include "stage/kept.h"
#include "stage/variates.h"

#include <stdio.h>
#include <string.h>

/* ---- groups ---- */

const struct binding *process_api_group(struct context *c, int32_t row)
{
    const struct variable *v = process_api_variable(c, row);
    if (!v)
        return NULL;
    if (process_api_is_group(v))
        return c->level->bindings[row];
    context_refuse(c->run, "variable '%s' is not a group", v->name);
    return NULL;
}

static int64_t host_group_size(simlab_context *shared, int32_t row)
{
    const struct binding *b = process_api_group(process_api_context(shared), row);
    return b ? b->n_members : 0;
}

static const char *host_group_name(simlab_context *shared, int32_t row, int64_t k, int32_t which)
{
    struct context *c = process_api_context(shared);
    const struct binding *b = process_api_group(c, row);
    if (!b || k < 0 || k >= b->n_members)
        return "";
    const struct model_process *p = &context_simulation(c)->model->processes[b->member_process[k]];
    return which == 0 ? p->name : p->type->variables[b->member_variable[k]].name;
}

/* ---- objects ---- */

static struct object *object_at(struct context *c, int32_t row)
{
    const struct variable *v = process_api_variable(c, row);
    if (!v)
        return NULL;
    int slot = process_api_is_group(v) ? -1 : c->level->bindings[row]->slot;
    if (slot >= 0 && context_simulation(c)->program->slots[slot].kind == PROGRAM_OBJECT)
        return &context_simulation(c)->objects[context_simulation(c)->program->slots[slot].number];
    context_refuse(c->run, "variable '%s' is not an object", v->name);
    return NULL;
}

static void *host_object(simlab_context *shared, int32_t row)
{
    struct context *c = process_api_context(shared);
    struct object *o = object_at(c, row);
    if (o && !o->object)
        context_refuse(c->run, "object '%s' was not set yet", c->level->variables[row]->name);
    return o ? o->object : NULL;
}

static void host_set_object(simlab_context *shared, int32_t row, void *object,
                            void (*destroy)(void *))
{
    struct context *c = process_api_context(shared);
    struct object *o = object_at(c, row);
    if (!o || !process_api_may(c, "an object be set") ||
        !process_api_may_write(c, row, c->level->variables[row]))
        return;
    if (o->object && o->destroy && o->object != object)
        o->destroy(o->object);
    o->object = object;
    o->destroy = destroy;
}

/* ---- errors and lines ---- */

bool process_api_may(struct context *c, const char *what)
{
    if (c->run->n_loops > 0)
        context_refuse(c->run, "in a block of a parallel loop %s: do so before or after the loop",
                       what);
    return c->run->n_loops == 0;
}

__attribute__((format(printf, 2, 0))) static int host_fail(simlab_context *shared,
                                                           const char *format, va_list arguments)
{
    context_vrefuse(process_api_context(shared)->run, format, arguments);
    return SIMLAB_ERROR;
}

__attribute__((format(printf, 2, 0))) static void host_log(simlab_context *shared,
                                                           const char *format, va_list arguments)
{
    struct context *c = process_api_context(shared);
    const struct simulation *s = context_simulation(c);
    char text[1024], line[1280];
    if (!process_api_may(c, "nothing is logged") || s->state->processes[c->run->process].is_hushed)
        return;
    c_locale_vprint(text, sizeof text, format, arguments);
    snprintf(line, sizeof line, "%.200s: %s", s->model->processes[c->run->process].name, text);
    lane_log(c->run->lane, line);
}

/* ---- random numbers ---- */

static struct random random_of(const struct context *c, enum random_kind kind)
{
    const struct state *s = context_simulation(c)->state;
    return (struct random){.key = s->processes[c->run->process].random_key,
                           .step = s->runtime.step,
                           .stage = (uint32_t)s->runtime.stage,
                           .variable = c->run->drawn_by,
                           .kind = kind};
}

static void host_random(simlab_context *shared, uint64_t *ret_words, int64_t n)
{
    struct context *c = process_api_context(shared);
    struct random r = random_of(c, RANDOM_SEQUENCE);
    if (!process_api_may(c, "random numbers are drawn at an index only"))
        memset(ret_words, 0, n > 0 ? (size_t)n * sizeof *ret_words : 0);
    r.next = c->run->drawn;
    random_words(&r, ret_words, n);
    c->run->drawn = r.next;
}

static bool check_indices(struct context *c, int64_t index, int64_t n)
{
    bool ok = index >= 0 && n <= RANDOM_MOST && index <= RANDOM_MOST - (n > 0 ? n : 0);
    if (!ok)
        context_refuse(c->run, "random numbers were asked for at index %lld; there are %lld",
                       (long long)index, (long long)RANDOM_MOST);
    return ok;
}

static void host_random_at(simlab_context *shared, int64_t index, uint64_t *ret_words, int64_t n)
{
    struct context *c = process_api_context(shared);
    struct random r = random_of(c, RANDOM_INDEX);
    r.next = check_indices(c, index, n) ? (uint64_t)index : 0;
    random_words(&r, ret_words, n);
}

/* Of those that need one word each, and of the others. */
static void draw_at(const struct context *c, int32_t distribution, double a, double b,
                    int64_t index, double *ret, int64_t n)
{
    struct random r = random_of(c, RANDOM_INDEX);
    if (distribution == SIMLAB_NORMAL || distribution == SIMLAB_EXPONENTIAL) {
        r.next = (uint64_t)index;
        variates_draw(&r, distribution, a, b, ret, n);
        return;
    }
    r.kind = RANDOM_WITHIN;
    for (int64_t i = 0; i < n; i++) {
        r.index = index + i;
        r.next = 0;
        variates_draw(&r, distribution, a, b, ret + i, 1);
    }
}

static void draw_next(struct context *c, int32_t distribution, double a, double b, double *ret,
                      int64_t n)
{
    struct random r = random_of(c, RANDOM_SEQUENCE);
    r.next = c->run->drawn;
    variates_draw(&r, distribution, a, b, ret, n);
    c->run->drawn = r.next;
}

static void host_variates(simlab_context *shared, int32_t distribution, double a, double b,
                          int64_t index, double *ret, int64_t n)
{
    static const char *const names[] = {"normal", "exponential", "Poisson", "binomial"};
    struct context *c = process_api_context(shared);
    const char *wanted = variates_refuse(distribution, a, b);
    bool is_known = distribution >= 0 && distribution <= SIMLAB_BINOMIAL;
    if (wanted)
        context_refuse(c->run, "%s variates were asked for with %.17g and %.17g; right is %s",
                       is_known ? names[distribution] : "other", a, b, wanted);
    bool is_next = index == SIMLAB_NEXT;
    bool ok = !wanted && (is_next ? process_api_may(c, "random numbers are drawn at an index only")
                                  : check_indices(c, index, n));
    if (!ok)
        memset(ret, 0, n > 0 ? (size_t)n * sizeof *ret : 0);
    else if (is_next)
        draw_next(c, distribution, a, b, ret, n);
    else
        draw_at(c, distribution, a, b, index, ret, n);
}

/* ---- stages of parents ---- */

static int host_parent(simlab_context *shared, int32_t stage)
{
    struct context *c = process_api_context(shared), *end = c->run->contexts + c->run->n_levels;
    simlab_stage_fn fn = NULL;
    if (!process_api_may(c, "no stage is called"))
        return SIMLAB_ERROR;
    for (c++; c < end && !(fn = program_stage_function(c->level->code, stage)); c++)
        ;
    return fn ? program_call(c->level->guard, fn, &c->shared) : 0;
}

/* ---- the state of the call ---- */

/* Whether a process before this one in the model's order has failed: then nobody asks any more what
 * this one makes. If it was one after it, what this one says would still be told; and what is
 * computed on demand may be read by one before. */
static bool is_vain(const struct context *c)
{
    const struct stage_run *stage = &context_simulation(c)->stage;
    const struct lane *lane = c->run->lane;
    int call = c->run->n_loops > 0 ? c->run->call : lane->call;
    return !stage->goes_on && !lane->computing &&
           atomic_load_explicit(&stage->flags->failed_call, memory_order_relaxed) < call;
}

static int host_status(simlab_context *shared)
{
    const struct context *c = process_api_context(shared);
    const struct stage_events *events = context_simulation(c)->events;
    bool is_cancelled = events && events->is_cancelled &&
                        atomic_load_explicit(events->is_cancelled, memory_order_relaxed);
    return (c->run->failed ? SIMLAB_HAS_FAILED : 0) |
           (is_cancelled || is_vain(c) ? SIMLAB_IS_CANCELLED : 0);
}

const struct simlab_host process_api_functions = {
    .struct_size = sizeof(struct simlab_host),
    .view = process_values_view,
    .create = process_values_create,
    .group_size = host_group_size,
    .group_view = process_values_member,
    .group_name = host_group_name,
    .object = host_object,
    .set_object = host_set_object,
    .fail = host_fail,
    .log = host_log,
    .random = host_random,
    .parent = host_parent,
    .wrong_size = process_values_wrong_size,
    .random_at = host_random_at,
    .variates = host_variates,
    .loop = parallel_loop,
    .status = host_status,
    .put_bytes = instance_put_bytes,
    .get_bytes = instance_get_bytes,
    .keep = process_kept_keep,
    .let_go = kept_let_go,
    .leave = process_kept_leave,
};
