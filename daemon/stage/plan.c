/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a stage and the edges between them. */
#include "stage/plan_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void lists_add(struct lists *l, int number)
{
    l->at = mem_grow(l->at, l->n, &l->capacity, sizeof *l->at);
    l->at[l->n++] = number;
}

void lists_clear(struct lists *l)
{
    free(l->first);
    free(l->at);
    *l = (struct lists){0};
}

/* An edge that the model does not have. */
struct extra {
    int earlier, later; /* calls */
};

struct building {
    const struct program *program;
    const struct model *model;
    struct plan *plan;
    int *call_of; /* by process: its call; -1: none */
    int *n_after; /* by process: how many name it in `before` */
    /* By process without a call: the calls that it leads back to. */
    struct lists through;
    int *through_first, *through_n;
    struct lists broken_by; /* by call */
    struct lists before;    /* by call: those, and the extra ones */
    int *seen;              /* by call: the last one whose list it was put into, plus one */
    int stamp;
    struct extra *extras;
    size_t n_extras, extras_capacity;
    int *last_user; /* by exclusive thing: the last call that uses it, plus one */
    int user;       /* the call whose things are being looked at */
};

static bool has_call(const struct building *b, int process)
{
    return b->plan->has_hooks || b->program->processes[process].stage_level[b->plan->stage] >= 0;
}

static void add_once(struct building *b, struct lists *l, int call)
{
    if (b->seen[call] == b->stamp)
        return;
    b->seen[call] = b->stamp;
    lists_add(l, call);
}

/* The calls before a process, along the model's edges. */
static void gather(struct building *b, int process, struct lists *ret)
{
    const struct model_process *p = &b->model->processes[process];
    b->stamp++;
    for (int i = 0; i < p->n_before; i++) {
        int earlier = p->before[i];
        if (b->call_of[earlier] >= 0) {
            add_once(b, ret, b->call_of[earlier]);
            continue;
        }
        for (int k = 0; k < b->through_n[earlier]; k++)
            add_once(b, ret, b->through.at[b->through_first[earlier] + k]);
    }
}

static void add_call(struct building *b, int process, bool is_empty)
{
    struct plan *plan = b->plan;
    const struct program_process *p = &b->program->processes[process];
    struct plan_call *call = &plan->calls[plan->n_calls];
    int level = is_empty ? -1 : p->stage_level[plan->stage];
    *call = (struct plan_call){.process = process, .is_empty = is_empty};
    if (level >= 0) {
        call->level = level;
        call->fn = program_stage_function(p->levels[level].code, plan->stage);
        call->guard = p->levels[level].guard;
        call->keeps_floating = p->keeps_floating;
    }
    plan->is_eventful |= is_empty;
    b->call_of[process] = plan->n_calls++;
    b->broken_by.first[plan->n_calls] = (int)b->broken_by.n;
}

/* A process that is not called: those after it come after those before it. Where that would make
 * many edges of few, it stands as an empty call. */
static void pass_through(struct building *b, int process)
{
    size_t begin = b->through.n, kept = b->broken_by.n;
    gather(b, process, &b->through);
    size_t n = b->through.n - begin, after = (size_t)b->n_after[process];
    if (n * after <= n + after) {
        b->through_first[process] = (int)begin;
        b->through_n[process] = (int)n;
        return;
    }
    for (size_t i = 0; i < n; i++)
        lists_add(&b->broken_by, b->through.at[begin + i]);
    mem_assert(b->broken_by.n == kept + n);
    b->through.n = begin;
    add_call(b, process, true);
}

static void make_calls(struct building *b)
{
    for (int p = 0; p < b->model->n_processes; p++)
        for (int i = 0; i < b->model->processes[p].n_before; i++)
            b->n_after[b->model->processes[p].before[i]]++;
    for (int i = 0; i < b->model->n_processes; i++) {
        int p = b->model->order[i];
        b->call_of[p] = -1;
        if (!has_call(b, p)) {
            pass_through(b, p);
            continue;
        }
        gather(b, p, &b->broken_by);
        add_call(b, p, false);
    }
}

static void point_to_lists(struct building *b)
{
    struct plan *plan = b->plan;
    plan->broken_by = b->broken_by.at;
    for (int i = 0; i < plan->n_calls; i++) {
        plan->calls[i].n_broken_by = b->broken_by.first[i + 1] - b->broken_by.first[i];
        plan->calls[i].broken_by = plan->broken_by ? plan->broken_by + b->broken_by.first[i] : NULL;
    }
}

/* ---- edges that the model does not have ---- */

static void add_extra(struct building *b, int a, int c)
{
    if (a < 0 || c < 0) /* is not called in this stage */
        return;
    b->extras = mem_grow(b->extras, b->n_extras, &b->extras_capacity, sizeof *b->extras);
    b->extras[b->n_extras++] = (struct extra){a < c ? a : c, a < c ? c : a};
}

static void order_unordered(struct building *b)
{
    for (int i = 0; i < b->model->n_unordered; i++) {
        const struct unordered *u = &b->model->unordered[i];
        if (u->stage == b->plan->stage)
            add_extra(b, b->call_of[u->process_a], b->call_of[u->process_b]);
    }
}

static void use(void *userdata, int thing)
{
    struct building *b = userdata;
    if (b->last_user[thing])
        add_extra(b, b->last_user[thing] - 1, b->user);
    b->last_user[thing] = b->user + 1;
}

static void order_exclusive(struct building *b)
{
    struct exclusive x;
    exclusive_init(&x, b->program);
    b->last_user = mem_array((size_t)x.n, sizeof *b->last_user);
    for (b->user = 0; b->user < b->plan->n_calls; b->user++)
        if (!b->plan->calls[b->user].is_empty)
            exclusive_of(&x, b->plan->calls[b->user].process, b->plan->stage, use, b);
    free(b->last_user);
    exclusive_clear(&x);
}

static int compare_extras(const void *a, const void *b)
{
    const struct extra *x = a, *y = b;
    return (x->later > y->later) - (x->later < y->later);
}

static void join_edges(struct building *b)
{
    size_t next = 0;
    if (b->n_extras)
        qsort(b->extras, b->n_extras, sizeof *b->extras, compare_extras);
    for (int i = 0; i < b->plan->n_calls; i++) {
        const struct plan_call *c = &b->plan->calls[i];
        b->stamp++;
        for (int k = 0; k < c->n_broken_by; k++)
            add_once(b, &b->before, c->broken_by[k]);
        for (; next < b->n_extras && b->extras[next].later == i; next++)
            add_once(b, &b->before, b->extras[next].earlier);
        b->before.first[i + 1] = (int)b->before.n;
    }
}

void plan_new(const struct program *p, int stage, unsigned how, struct plan *ret_plan)
{
    size_t n = (size_t)p->model->n_processes;
    *ret_plan = (struct plan){.stage = stage,
                              .is_eventful = stage == SIMLAB_INITIALIZE || stage == SIMLAB_FINALIZE,
                              .is_ordered = how & PLAN_ORDERED,
                              .has_hooks = how & PLAN_HOOKS,
                              .calls = mem_array(n, sizeof *ret_plan->calls)};
    struct building b = {.program = p,
                         .model = p->model,
                         .plan = ret_plan,
                         .call_of = mem_array(n, sizeof *b.call_of),
                         .n_after = mem_array(n, sizeof *b.n_after),
                         .through_first = mem_array(n, sizeof *b.through_first),
                         .through_n = mem_array(n, sizeof *b.through_n),
                         .seen = mem_array(n, sizeof *b.seen)};
    b.broken_by.first = mem_array(n + 1, sizeof *b.broken_by.first);
    b.before.first = mem_array(n + 1, sizeof *b.before.first);
    make_calls(&b);
    point_to_lists(&b);
    if (!ret_plan->is_ordered) {
        order_unordered(&b);
        order_exclusive(&b);
        join_edges(&b);
        plan_tasks(ret_plan, p, &b.before);
    }
    free(b.call_of);
    free(b.n_after);
    free(b.through_first);
    free(b.through_n);
    free(b.seen);
    free(b.extras);
    free(b.broken_by.first);
    lists_clear(&b.through);
    lists_clear(&b.before);
}

void plan_clear(struct plan *p)
{
    free(p->calls);
    free(p->broken_by);
    free(p->tasks);
    free(p->companies);
    *p = (struct plan){0};
}
