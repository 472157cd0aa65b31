/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/helper.h"

#include "stage/errand.h"
#include "stage/share.h"

#include "base/mem.h"

#include <stdlib.h>

struct helper {
    struct simulation *simulation;
    struct share *share;
    struct task_pool *pool;
    struct task_graph errand_graph;
    struct lane *lane;
    struct stage_events events;
    int64_t n_begun; /* the member that it has seen */
    _Atomic bool is_at_work;
};

/* Where lines are kept for the lead, nobody is told. */
static void no_log(void *userdata, int64_t member, const char *line)
{
    (void)userdata, (void)member, (void)line;
}

/* Another member, or a state that was loaded. */
static void begin_member(struct helper *h)
{
    struct simulation *s = h->simulation;
    h->n_begun = h->share->n_begun;
    context_renew_all(s);
    lane_forget_values(h->lane);
    thread_environment_note(&s->environment, false);
}

static void enter(void *userdata, int thread)
{
    struct helper *h = userdata;
    struct simulation *s = h->simulation;
    (void)thread;
    atomic_store(&h->is_at_work, true);
    if (h->n_begun != h->share->n_begun)
        begin_member(h);
    h->events.log = h->share->has_log ? no_log : NULL;
    simulation_set_step(s, s->state->runtime.step);
    call_join(s, h->share->stage);
}

static void leave(void *userdata, int thread)
{
    struct helper *h = userdata;
    (void)thread;
    if (uselocale((locale_t)0) != LC_GLOBAL_LOCALE)
        uselocale(LC_GLOBAL_LOCALE);
    atomic_store(&h->is_at_work, false);
}

static void run_task(void *userdata, int thread, int task)
{
    struct helper *h = userdata;
    (void)thread;
    share_run_task(h->share, h->lane, task);
    share_report(h->share, h->lane);
}

static void join_pool(struct helper *h)
{
    struct graph_run *graphs[SIMLAB_N_STAGES];
    struct task_pool_options options;
    share_pool_options(h->simulation, &options);
    options.run = run_task;
    options.enter = enter;
    options.leave = leave;
    options.userdata = h;
    options.arena = &h->share->arena;
    h->pool = task_pool_join(&options, h->share->pool);
    share_graphs(h->simulation, h->share, h->pool, graphs);
    errand_graph_new(h->share, h->pool, &h->errand_graph);
}

int helper_new(const struct job *job, const struct stage_code *const *codes,
               const struct simlab_hook *const *hooks, const struct helper_options *options,
               struct helper **ret_helper, struct error *e)
{
    struct helper *h = mem_new(sizeof *h);
    int r = simulation_join(job, codes, hooks, options, &h->simulation, e);
    if (r) {
        free(h);
        return r;
    }
    h->share = state_beside(h->simulation->state);
    h->lane = h->simulation->lanes[options->lane];
    h->events = (struct stage_events){.abandon = options->abandon, .userdata = options->userdata};
    h->simulation->events = &h->events;
    h->simulation->stage.flags = h->share->flags;
    if (h->share->profile)
        h->simulation->profile = profile_join(h->share->profile);
    h->n_begun = -1;
    h->lane->gathers = true;
    lane_take(h->lane);
    join_pool(h);
    *ret_helper = h;
    return 0;
}

struct helper *helper_free(struct helper *h)
{
    if (h) {
        task_pool_free(h->pool);
        simulation_free(h->simulation);
    }
    free(h);
    return NULL;
}

void helper_run(struct helper *h)
{
    _Atomic int32_t *presence = &h->share->presence[h->lane->number];
    atomic_store(presence, LANE_THERE);
    atomic_fetch_add(&h->share->n_helpers, 1);
    task_pool_help(h->pool, h->lane->number);
    atomic_fetch_sub(&h->share->n_helpers, 1);
    atomic_store(presence, LANE_ABSENT);
}

void helper_leave(struct helper *h)
{
    task_pool_leave(h->pool, h->lane->number);
}

bool helper_try_leave(struct helper *h)
{
    int32_t is_there = LANE_THERE; /* not yet come, or instances are at home here: not now */
    if (!atomic_compare_exchange_strong(&h->share->presence[h->lane->number], &is_there,
                                        LANE_ABSENT))
        return false;
    helper_leave(h);
    return true;
}

bool helper_is_at_work(const struct helper *h)
{
    return atomic_load(&h->is_at_work);
}
