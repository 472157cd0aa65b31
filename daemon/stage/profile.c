/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/profile.h"

#include "base/mem.h"
#include "stage/rest.h"
#include "stage/simulation.h"

#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

static size_t n_calls_of(const struct program *p)
{
    size_t n = 0;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        n += (size_t)p->plans[stage].n_calls;
    return n;
}

static size_t head_bytes(void)
{
    size_t line = _Alignof(struct profile_call);
    return (sizeof(struct profile_board) + line - 1) / line * line;
}

size_t profile_bytes(const struct program *p, int64_t room)
{
    return head_bytes() + n_calls_of(p) * sizeof(struct profile_call) +
           (size_t)room * sizeof(struct profile_span);
}

struct profile *profile_new(const struct program *p, int64_t room, void *memory)
{
    struct profile *profile = mem_new(sizeof *profile);
    profile->is_owner = !memory;
    profile->board = memory ? memory : mem_lines(1, profile_bytes(p, room));
    struct profile_call *at =
        (struct profile_call *)(void *)((char *)profile->board + head_bytes());
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        size_t n = (size_t)p->plans[stage].n_calls;
        profile->board->calls[stage] = at;
        profile->seen[stage] = mem_lines(n, sizeof *at);
        at += n;
    }
    profile->board->room = room;
    profile->board->spans = (struct profile_span *)(void *)at;
    return profile;
}

struct profile *profile_join(struct profile_board *board)
{
    struct profile *profile = mem_new(sizeof *profile);
    profile->board = board;
    return profile;
}

struct profile *profile_free(struct profile *p)
{
    if (!p)
        return NULL;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        free(p->seen[stage]);
    if (p->is_owner)
        free(p->board);
    free(p);
    return NULL;
}

/* ---- counting ---- */

static void add_span(struct profile *p, const struct lane *lane, int stage, int process,
                     int64_t began, int64_t ended)
{
    struct profile_board *b = p->board;
    if (b->room == 0)
        return;
    int64_t i = atomic_fetch_add_explicit(&b->n_spans, 1, memory_order_relaxed);
    if (i < b->room)
        b->spans[i] = (struct profile_span){.begin = began,
                                            .end = ended,
                                            .member = lane->simulation->state->member,
                                            .step = lane->simulation->state->runtime.step,
                                            .process = process,
                                            .stage = (int16_t)stage,
                                            .lane = (int16_t)lane->number};
}

void profile_add_call(struct profile *p, const struct lane *lane, int call, int64_t began)
{
    if (!p)
        return;
    const struct stage_run *run = &lane->simulation->stage;
    struct profile_call *c = &p->board->calls[run->stage][call];
    int64_t now = rest_now();
    c->n++;
    c->ns += now - began;
    add_span(p, lane, run->stage, run->calls[call].process, began, now);
}

void profile_add_loop(struct profile *p, const struct lane *lane, int call, int64_t began)
{
    if (p)
        p->board->calls[lane->simulation->stage.stage][call].loops_ns += rest_now() - began;
}

void profile_add_block(struct profile *p, const struct lane *lane, int call, int64_t began)
{
    if (p)
        atomic_fetch_add_explicit(&p->board->calls[lane->simulation->stage.stage][call].blocks_ns,
                                  rest_now() - began, memory_order_relaxed);
}

void profile_add_output(struct profile *p, const struct lane *lane, int64_t began)
{
    if (!p)
        return;
    int64_t now = rest_now();
    p->output_ns += now - began;
    add_span(p, lane, SIMLAB_N_STAGES, -1, began, now);
}

void profile_end_member(struct profile *p, int64_t began)
{
    if (!p)
        return;
    p->n_members++;
    p->ns += rest_now() - began;
}

/* ---- one run of a stage ---- */

/* What each call took in this run. */
static void calls_ns(const struct profile *p, const struct plan *plan, bool with_loops,
                     int64_t *ret)
{
    for (int i = 0; i < plan->n_calls; i++) {
        const struct profile_call *now = &p->board->calls[plan->stage][i];
        const struct profile_call *seen = &p->seen[plan->stage][i];
        ret[i] = (now->ns - seen->ns) - (now->loops_ns - seen->loops_ns);
        if (with_loops)
            ret[i] += now->blocks_ns - seen->blocks_ns;
    }
}

void profile_end_stage(struct profile *p, const struct plan *plan, int64_t began)
{
    if (!p)
        return;
    struct profile_stage *stage = &p->stages[plan->stage];
    stage->ns += rest_now() - began;
    stage->n++;
    int64_t *ns = mem_array((size_t)plan->n_calls, sizeof *ns);
    calls_ns(p, plan, true, ns);
    for (int i = 0; i < plan->n_calls; i++)
        stage->work_ns += ns[i];
    stage->path_ns += plan_longest_path(plan, ns);
    calls_ns(p, plan, false, ns);
    stage->least_ns += plan_longest_path(plan, ns);
    free(ns);
    for (int i = 0; i < plan->n_calls; i++)
        p->seen[plan->stage][i] = p->board->calls[plan->stage][i];
}
