/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks in several workers: the lead's side (stage/share.h). Until a helper has come, calls are
 * made in order. Each worker has one lane, so parallel loops inside a process are plain loops: what
 * they hand over lies on the stack of their worker. */
#include "stage/share.h"

#include "base/mem.h"
#include "stage/brief.h"

#include <limits.h>
#include <stdlib.h>

struct processes {
    struct simulation *simulation;
    struct share *share;
    struct task_pool *pool;
    struct graph_run *graphs[SIMLAB_N_STAGES]; /* NULL: nothing to run side by side */
    struct choice choices[SIMLAB_N_STAGES];
};

static void run_task(void *userdata, int thread, int task)
{
    struct processes *p = userdata;
    call_task(p->simulation->lanes[thread], task);
}

static void *processes_close(void *state)
{
    struct processes *p = state;
    if (p)
        task_pool_free(p->pool);
    free(p);
    return NULL;
}

static struct share *new_share(const struct simulation *s)
{
    size_t capacity, bytes = sizeof *s->stage.flags + (size_t)s->model->n_processes;
    struct share *share = state_beside(s->state);
    arena_init(&share->arena, s->state->beside, sizeof *share);
    share->n_lanes = s->n_lanes;
    for (int i = 0; i < REST_MOST; i++)
        share->reports[i].failed_call = INT_MAX;
    share->flags = arena_take(&share->arena, bytes, &capacity);
    mem_assert(share->flags);
    if (s->job->profile) {
        share->profile =
            arena_take(&share->arena, profile_bytes(s->program, s->most_spans), &capacity);
        mem_assert(share->profile);
    }
    return share;
}

static int processes_open(struct simulation *s, void **ret_state, struct error *e)
{
    struct processes *p = mem_new(sizeof *p);
    struct task_pool_options options;
    p->simulation = s;
    p->share = new_share(s);
    s->stage.flags = p->share->flags;
    if (p->share->profile)
        s->profile = profile_new(s->program, s->most_spans, p->share->profile);
    share_pool_options(s, &options);
    options.run = run_task;
    options.userdata = p;
    options.arena = &p->share->arena;
    int r = task_pool_new(&options, &p->pool, e);
    if (r < 0) {
        processes_close(p);
        return r;
    }
    share_graphs(s, p->pool, p->graphs);
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        brief_init(&p->choices[stage]);
    p->share->pool = task_pool_board(p->pool);
    *ret_state = p;
    return 0;
}

static void processes_run(void *state, const struct plan *plan)
{
    struct processes *p = state;
    struct simulation *s = p->simulation;
    struct graph_run *graph = p->graphs[plan->stage];
    struct brief_run run;
    if (!graph || atomic_load(&p->share->n_helpers) == 0) {
        call_in_order(s);
        return;
    }
    if (brief_begin(&p->choices[plan->stage], &run)) {
        call_in_order(s);
        brief_end(&run, plan, s->n_lanes);
        return;
    }
    p->share->stage = plan->stage;
    p->share->n_begun = s->n_begun;
    p->share->has_log = s->events && s->events->log;
    call_gather(s);
    task_pool_run(p->pool, graph);
    share_collect(p->share, s);
    brief_end(&run, plan, s->n_lanes);
}

int simulation_helpers(const struct simulation *s)
{
    struct share *share = s->scheduler->is_shared ? state_beside(s->state) : NULL;
    return share ? atomic_load(&share->n_helpers) : 0;
}

static void processes_loop(void *state, struct lane *lane, int64_t n, scheduler_block_fn fn,
                           void *loop)
{
    (void)state;
    scheduler_serial.loop(NULL, lane, n, fn, loop);
}

static void processes_statistics(const void *state, struct scheduler_statistics *ret)
{
    const struct processes *p = state;
    task_pool_statistics(p->pool, ret);
}

const struct scheduler scheduler_processes = {.name = "processes",
                                              .is_shared = true,
                                              .open = processes_open,
                                              .run = processes_run,
                                              .loop = processes_loop,
                                              .statistics = processes_statistics,
                                              .close = processes_close};
