/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks in several workers: the lead's side (stage/share.h). Until a helper has come, calls are
 * made in order. Each worker has one lane, so parallel loops inside a process are plain loops: what
 * they hand over lies on the stack of their worker. */
#include "stage/share.h"

#include "base/mem.h"
#include "stage/brief.h"
#include "stage/errand.h"
#include "stage/home.h"
#include "stage/rest.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct processes {
    struct simulation *simulation;
    struct share *share;
    struct task_pool *pool;
    struct graph_run *graphs[SIMLAB_N_STAGES]; /* NULL: nothing to run side by side */
    struct homes *homes;
    struct choice choices[SIMLAB_N_STAGES];
};

static void run_task(void *userdata, int thread, int task)
{
    struct processes *p = userdata;
    share_run_task(p->share, p->simulation->lanes[thread], task);
}

static void *processes_close(void *state)
{
    struct processes *p = state;
    if (p) {
        task_pool_free(p->pool);
        homes_free(p->homes);
    }
    free(p);
    return NULL;
}

static void *take(struct share *share, int n, size_t size)
{
    size_t capacity, bytes = ((size_t)n + 1) * size;
    void *block = arena_take(&share->arena, bytes, &capacity);
    mem_assert(block);
    return memset(block, 0, bytes);
}

static struct share *new_share(const struct simulation *s)
{
    const struct program *p = s->program;
    struct share *share = state_beside(s->state);
    arena_init(&share->arena, s->state->beside, sizeof *share);
    share->n_lanes = s->n_lanes;
    for (int i = 0; i < REST_MOST; i++)
        share->reports[i].failed_call = INT_MAX;
    share->flags = take(share, 1, sizeof *share->flags + (size_t)s->model->n_processes);
    share->homes = take(share, p->n_companies, sizeof *share->homes);
    share->errand_lanes = take(share, p->n_companies, sizeof *share->errand_lanes);
    share->errand_failed = take(share, p->n_companies, sizeof *share->errand_failed);
    share->errand_why = take(share, p->n_companies, sizeof *share->errand_why);
    share->moved = take(share, s->model->n_processes, sizeof *share->moved);
    share->task_ns = take(share, p->plans[SIMLAB_RUN_STEP].graph.n_tasks, sizeof *share->task_ns);
    if (s->job->profile)
        share->profile = take(share, 0, profile_bytes(s->program, s->most_spans));
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
    share_graphs(s, p->share, p->pool, p->graphs);
    p->homes = homes_new(s, p->share, p->pool);
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        brief_init(&p->choices[stage]);
    p->share->pool = task_pool_board(p->pool);
    *ret_state = p;
    return 0;
}

static void run_beside(struct processes *p, const struct plan *plan)
{
    struct simulation *s = p->simulation;
    p->share->stage = plan->stage;
    p->share->n_begun = s->n_begun;
    p->share->has_log = s->events && s->events->log;
    call_gather(s);
    task_pool_run(p->pool, p->graphs[plan->stage]);
    share_collect(p->share, s);
}

/* What is not all the lead's, or is timed, cannot be run in order. */
static bool has_to_be_beside(const struct processes *p, int stage)
{
    return homes_are_apart(p->homes) || (stage == SIMLAB_RUN_STEP && homes_have_times(p->homes));
}

static void processes_run(void *state, const struct plan *plan)
{
    struct processes *p = state;
    struct brief_run run;
    if (!p->graphs[plan->stage] || atomic_load(&p->share->n_helpers) == 0) {
        call_in_order(p->simulation);
        return;
    }
    if (plan->stage == SIMLAB_RUN_STEP)
        homes_settle(p->homes);
    if (has_to_be_beside(p, plan->stage)) {
        run_beside(p, plan);
        return;
    }
    if (brief_begin(&p->choices[plan->stage], &run))
        call_in_order(p->simulation);
    else
        run_beside(p, plan);
    brief_end(&run, plan, p->simulation->n_lanes);
}

static int processes_gather(void *state, struct error *e)
{
    const struct processes *p = state;
    return homes_gather(p->homes, e);
}

static void processes_begin(void *state)
{
    const struct processes *p = state;
    homes_forget(p->homes);
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
                                              .begin = processes_begin,
                                              .gather = processes_gather,
                                              .close = processes_close};
