/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of processes that touch one slot in one stage, one of them writing, with no order between
 * them. A slot's setter is ordered before all who touch it, and foreign and global variables are
 * never inout; so the writer of such a pair is the owner of an inout variable. */
#include "model/model_parts.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

uint32_t model_unordered_reads(const struct model_process *p, int variable)
{
    uint32_t reads = p->type->variables[variable].reads;
    return reads ? reads & p->type->stages : p->type->stages;
}

uint32_t model_unordered_writes(const struct model_process *p, int variable)
{
    const struct variable *v = &p->type->variables[variable];
    if (v->intent == SIMLAB_IN || v->kind == SIMLAB_ON_DEMAND)
        return 0;
    return v->writes ? v->writes & p->type->stages : p->type->stages;
}

struct access {
    int slot, process;
    uint32_t stages;
};

/* A pair whose order is in question: `owner` writes `slot` where `other` touches it. */
struct question {
    int slot, owner, other;
    uint32_t stages;
};

struct search {
    struct model *m;
    struct access *accesses;
    size_t n_accesses, capacity;
    struct question *questions;
    size_t n_questions;
    /* By process: the stages in which its on_demand variables are read by the process at hand. */
    uint32_t *computed;
    int *pending, n_pending;
    struct error *e;
};

static bool is_shared(const struct slot *slot)
{
    return slot->declared->intent == SIMLAB_INOUT;
}

static int add_access(struct search *s, int slot, int process, uint32_t stages)
{
    const struct slot *touched = &s->m->slots[slot];
    if (!is_shared(touched) || !stages)
        return 0;
    if (s->n_accesses == MODEL_MAX_TOUCHES)
        return error_set(s->e, MODEL_INVALID, "/processes",
                         "the model has more than %d dependencies", MODEL_MAX_TOUCHES);
    if (s->n_accesses == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->accesses = mem_resize(s->accesses, s->capacity, sizeof *s->accesses);
    }
    s->accesses[s->n_accesses++] = (struct access){slot, process, stages};
    return 0;
}

/* Who reads an on_demand variable reads what its owner reads to compute it. */
static void add_computed(struct search *s, int slot, int reader, uint32_t stages)
{
    const struct slot *touched = &s->m->slots[slot];
    if (touched->declared->kind != SIMLAB_ON_DEMAND || touched->process == reader)
        return;
    if ((s->computed[touched->process] | stages) == s->computed[touched->process])
        return;
    s->computed[touched->process] |= stages;
    s->pending[s->n_pending++] = touched->process; /* again for each stage that joins, at most */
}

/* All that process `p` declares, as read or written by `process` in `stages` at most. */
static int add_variables(struct search *s, int p, int process, uint32_t stages)
{
    const struct model_process *declares = &s->m->processes[p];
    int r = 0;
    for (int v = 0; r == 0 && v < declares->type->n_variables; v++) {
        const struct binding *b = &declares->bindings[v];
        uint32_t touched = stages;
        if (p == process)
            touched &= model_unordered_reads(declares, v) | model_unordered_writes(declares, v);
        for (int i = 0; r == 0 && i < model_touches(b); i++) {
            r = add_access(s, model_touched(b, i), process, touched);
            add_computed(s, model_touched(b, i), process, touched);
        }
    }
    return r;
}

static int find_accesses(struct search *s)
{
    int r = 0;
    for (int p = 0; r == 0 && p < s->m->n_processes; p++) {
        r = add_variables(s, p, p, s->m->processes[p].type->stages);
        /* The list grows while on_demand variables read others. */
        for (int i = 0; r == 0 && i < s->n_pending; i++)
            r = add_variables(s, s->pending[i], p, s->computed[s->pending[i]]);
        for (int i = 0; i < s->n_pending; i++)
            s->computed[s->pending[i]] = 0;
        s->n_pending = 0;
    }
    return r;
}

static int compare_access(const void *a, const void *b)
{
    const struct access *x = a, *y = b;
    if (x->slot != y->slot)
        return (x->slot > y->slot) - (x->slot < y->slot);
    return (x->process > y->process) - (x->process < y->process);
}

/* Accesses sorted by slot and process, those of one process joined. */
static void join_accesses(struct search *s)
{
    if (s->n_accesses)
        qsort(s->accesses, s->n_accesses, sizeof *s->accesses, compare_access);
    size_t n = 0;
    for (size_t i = 0; i < s->n_accesses; i++) {
        if (n && !compare_access(&s->accesses[n - 1], &s->accesses[i]))
            s->accesses[n - 1].stages |= s->accesses[i].stages;
        else
            s->accesses[n++] = s->accesses[i];
    }
    s->n_accesses = n;
}

static void find_questions(struct search *s)
{
    s->questions = mem_array(s->n_accesses, sizeof *s->questions);
    for (size_t i = 0; i < s->n_accesses; i++) {
        const struct access *a = &s->accesses[i];
        const struct slot *slot = &s->m->slots[a->slot];
        const struct model_process *owner = &s->m->processes[slot->process];
        uint32_t stages = a->stages & model_unordered_writes(owner, slot->variable);
        if (a->process == slot->process || a->process == slot->setter || !stages)
            continue;
        s->questions[s->n_questions++] =
            (struct question){a->slot, slot->process, a->process, stages};
    }
}

/* Of up to 64 owners at once: bit k of after[p]: p runs after owners[k]; of ahead[p]: before it. */
struct reach {
    int owners[64], n;
    uint64_t *mine, *after, *ahead;
};

static void reach_owners(const struct model *m, struct reach *r)
{
    size_t bytes = (size_t)m->n_processes * sizeof *r->mine;
    memset(r->mine, 0, bytes);
    memset(r->after, 0, bytes);
    memset(r->ahead, 0, bytes);
    for (int k = 0; k < r->n; k++)
        r->mine[r->owners[k]] |= UINT64_C(1) << k;
    for (int i = 0; i < m->n_processes; i++) {
        int p = m->order[i];
        for (int k = 0; k < m->processes[p].n_before; k++) {
            int earlier = m->processes[p].before[k];
            r->after[p] |= r->after[earlier] | r->mine[earlier];
        }
    }
    for (int i = m->n_processes - 1; i >= 0; i--) {
        int p = m->order[i];
        for (int k = 0; k < m->processes[p].n_before; k++)
            r->ahead[m->processes[p].before[k]] |= r->ahead[p] | r->mine[p];
    }
}

static void report(struct search *s, const struct question *q)
{
    struct model *m = s->m;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        if (!(q->stages >> stage & 1))
            continue;
        m->unordered[m->n_unordered++] = (struct unordered){
            .process_a = q->owner < q->other ? q->owner : q->other,
            .process_b = q->owner < q->other ? q->other : q->owner,
            .slot = q->slot,
            .stage = stage,
        };
    }
}

/* The questions come by slot, so those of one owner come together. */
static void answer_questions(struct search *s)
{
    size_t n = (size_t)s->m->n_processes;
    struct reach r = {.mine = mem_array(n, sizeof *r.mine),
                      .after = mem_array(n, sizeof *r.after),
                      .ahead = mem_array(n, sizeof *r.ahead)};
    s->m->unordered = mem_array(s->n_questions * SIMLAB_N_STAGES, sizeof *s->m->unordered);
    for (size_t begin = 0, end; begin < s->n_questions; begin = end) {
        r.n = 0;
        for (end = begin; end < s->n_questions; end++) {
            int owner = s->questions[end].owner;
            if (r.n && r.owners[r.n - 1] == owner)
                continue;
            if (r.n == 64)
                break;
            r.owners[r.n++] = owner;
        }
        reach_owners(s->m, &r);
        for (size_t i = begin; i < end; i++) {
            const struct question *q = &s->questions[i];
            if (!((r.after[q->other] | r.ahead[q->other]) & r.mine[q->owner]))
                report(s, q);
        }
    }
    free(r.mine);
    free(r.after);
    free(r.ahead);
}

int model_unordered_find(struct model *m, struct error *e)
{
    size_t n = (size_t)m->n_processes;
    struct search s = {.m = m,
                       .computed = mem_array(n, sizeof *s.computed),
                       .pending = mem_array(n * SIMLAB_N_STAGES, sizeof *s.pending),
                       .e = e};
    int r = find_accesses(&s);
    if (r == 0) {
        join_accesses(&s);
        find_questions(&s);
        answer_questions(&s);
    }
    free(s.accesses);
    free(s.questions);
    free(s.computed);
    free(s.pending);
    return r;
}
