/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks and blocks of parallel loops on a pool of threads, which begins with the simulation and
 * ends with it. Where there is one lane, nothing that could run side by side, or nothing worth it
 * (stage/brief.h), calls are made in order. */
#include "stage/simulation.h"

#include "base/mem.h"
#include "stage/brief.h"
#include "stage/rest.h"
#include "stage/task_pool.h"

#include <stdlib.h>

_Static_assert(JOB_MOST_LANES <= REST_MOST, "threads that a job may ask for");

struct thread_lane {
    _Alignas(64) uint32_t environment; /* the version that it has */
};

struct threads {
    struct simulation *simulation;
    struct task_pool *pool;                    /* NULL: one lane */
    struct graph_run *graphs[SIMLAB_N_STAGES]; /* NULL: nothing to run side by side */
    struct choice choices[SIMLAB_N_STAGES];
    int32_t *homes; /* by company: 0 */
    struct thread_lane lanes[REST_MOST];
};

/* What a task or block finds. */
static void enter(void *userdata, int thread)
{
    struct threads *t = userdata;
    thread_environment_take_over(&t->simulation->environment, &t->lanes[thread].environment);
    lane_take(t->simulation->lanes[thread]);
}

/* The next finds the member's locale, too, whatever this one has set. */
static void leave(void *userdata, int thread)
{
    const struct threads *t = userdata;
    (void)thread;
    if (uselocale((locale_t)0) != t->simulation->environment.locale)
        uselocale(t->simulation->environment.locale);
}

static void run_task(void *userdata, int thread, int task)
{
    struct threads *t = userdata;
    call_task(t->simulation->lanes[thread], task);
}

struct blocks {
    scheduler_block_fn fn;
    void *loop;
};

static void run_block(void *loop, void *userdata, int thread, int64_t block)
{
    struct threads *t = userdata;
    const struct blocks *b = loop;
    b->fn(b->loop, t->simulation->lanes[thread], block);
}

static void *threads_close(void *state)
{
    struct threads *t = state;
    if (t)
        task_pool_free(t->pool);
    if (t)
        free(t->homes);
    free(t);
    return NULL;
}

static int most_tasks(const struct program *p)
{
    int most = 1;
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        if (p->plans[stage].graph.n_tasks > most)
            most = p->plans[stage].graph.n_tasks;
    return most;
}

/* Companies are all the time loop's thread's. */
static struct graph_run *new_graph(struct threads *t, const struct plan *plan)
{
    const struct task_homes homes = {plan->companies, t->homes};
    return task_pool_graph_new(t->pool, &plan->graph, &homes);
}

static int threads_open(struct simulation *s, void **ret_state, struct error *e)
{
    struct threads *t = mem_lines(1, sizeof *t);
    *t = (struct threads){.simulation = s};
    t->homes = mem_array((size_t)s->program->n_companies, sizeof *t->homes);
    const struct task_pool_options options = {.n_threads = s->n_lanes,
                                              .most_tasks = most_tasks(s->program),
                                              .run = run_task,
                                              .enter = enter,
                                              .leave = leave,
                                              .userdata = t};
    int r = s->n_lanes > 1 ? task_pool_new(&options, &t->pool, e) : 0;
    if (r < 0) {
        threads_close(t);
        return r;
    }
    for (int stage = 0; stage < SIMLAB_N_STAGES && t->pool; stage++) {
        brief_init(&t->choices[stage]);
        if (s->program->plans[stage].graph.n_tasks > 1)
            t->graphs[stage] = new_graph(t, &s->program->plans[stage]);
    }
    *ret_state = t;
    return 0;
}

static void threads_run(void *state, const struct plan *plan)
{
    struct threads *t = state;
    struct graph_run *graph = t->graphs[plan->stage];
    struct brief_run run;
    if (!graph) {
        call_in_order(t->simulation);
        return;
    }
    if (brief_begin(&t->choices[plan->stage], &run)) {
        call_in_order(t->simulation);
    } else {
        call_gather(t->simulation);
        task_pool_run(t->pool, graph);
    }
    brief_end(&run, plan, t->simulation->n_lanes);
}

static void threads_loop(void *state, struct lane *lane, int64_t n, scheduler_block_fn fn,
                         void *loop)
{
    struct threads *t = state;
    struct blocks b = {.fn = fn, .loop = loop};
    if (t->pool && n > 1)
        task_pool_loop(t->pool, lane->number, n, run_block, &b);
    else
        scheduler_serial.loop(NULL, lane, n, fn, loop);
}

static void threads_statistics(const void *state, struct scheduler_statistics *ret)
{
    const struct threads *t = state;
    *ret = (struct scheduler_statistics){0};
    if (t->pool)
        task_pool_statistics(t->pool, ret);
}

const struct scheduler scheduler_threads = {.name = "threads",
                                            .open = threads_open,
                                            .run = threads_run,
                                            .loop = threads_loop,
                                            .statistics = threads_statistics,
                                            .close = threads_close};
