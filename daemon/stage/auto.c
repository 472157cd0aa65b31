/* SPDX-License-Identifier: Apache-2.0 */
/* In order or by threads, whichever is faster, as measured (stage/choice.h), for each stage of its
 * own. Threads are tried where the times of calls and parallel loops, and the critical path, leave
 * something to gain. What comes once in a member (initialize, finalize) runs in order.
 *
 * Invariant: nothing but time depends on the choice. */
#include "stage/auto.h"

#include "base/mem.h"
#include "stage/choice.h"
#include "stage/company.h"
#include "stage/rest.h"
#include "stage/simulation.h"

#include <stdlib.h>

enum {
    WORTH_NS = 10000, /* shorter stages are not worth a try */
    SPOILT_TIMES = 2, /* so many times as long as it was without clocks: somebody interrupted it */
    SPOILT_MOST = 4,  /* in a row: then it has become longer */
    CLOCK_NS = 100,
    HAND_OVER_NS = 5000
};

enum way { IN_ORDER, BY_THREADS };

struct stage_times {
    struct choice choice;
    bool times_calls;             /* the next run does */
    int n_spoilt;                 /* of those that did, in a row */
    int64_t *calls_ns, *loops_ns; /* by call: of one run; loops are within calls */
};

struct automatic {
    struct simulation *simulation;
    void *threads; /* state of scheduler_threads; NULL: one lane */
    struct stage_times stages[SIMLAB_N_STAGES];
    struct stage_times *timed; /* whose calls run now, in order, and are timed; or NULL */
    bool in_order;             /* the stage that runs now */
};

/* ---- what there is to gain ---- */

static int64_t shared(const struct stage_times *k, int call, int n_lanes)
{
    return k->calls_ns[call] - k->loops_ns[call] + k->loops_ns[call] / n_lanes;
}

static int64_t task_ns(const struct stage_times *k, const struct plan *plan, int task, int n_lanes)
{
    int64_t ns = 0;
    for (int i = plan->first_call[task]; i < plan->first_call[task + 1]; i++)
        ns += shared(k, plan->task_calls[i], n_lanes);
    return ns;
}

static int64_t critical_path(const struct stage_times *k, const struct plan *plan, int n_lanes)
{
    int64_t *ns = mem_array((size_t)plan->n_calls, sizeof *ns);
    for (int i = 0; i < plan->n_calls; i++)
        ns[i] = shared(k, i, n_lanes);
    int64_t longest = plan_longest_path(plan, ns);
    free(ns);
    return longest;
}

/* What is the time loop's thread's alone, whatever depends on what: calls into Python, say. */
static int64_t in_companies(const struct stage_times *k, const struct plan *plan, int n_lanes)
{
    int64_t ns = 0;
    for (int t = 0; t < plan->graph.n_tasks && plan->companies; t++)
        if (plan->companies[t] != COMPANY_NONE)
            ns += task_ns(k, plan, t, n_lanes);
    return ns;
}

static int64_t in_sequence(const struct stage_times *k, const struct plan *plan, int n_lanes)
{
    int64_t ns = 0;
    for (int i = 0; i < plan->n_calls; i++)
        ns += shared(k, i, n_lanes);
    return ns;
}

bool auto_may_gain(const struct plan *plan, const int64_t *calls_ns, const int64_t *loops_ns,
                   int n_lanes)
{
    const struct stage_times k = {.calls_ns = (int64_t *)(uintptr_t)calls_ns,
                                  .loops_ns = (int64_t *)(uintptr_t)loops_ns};
    int64_t all = in_sequence(&k, plan, 1), least = all / n_lanes;
    int64_t path = critical_path(&k, plan, n_lanes);
    int64_t alone = in_companies(&k, plan, n_lanes);
    path = path > alone ? path : alone;
    int64_t expected = (path > least ? path : least) + HAND_OVER_NS;
    return all >= WORTH_NS && expected < all - all / 10;
}

/* ---- one stage's choice ---- */

/* By an interruption, which would look like a call that nothing can run beside. */
static bool is_spoilt(const struct stage_times *k, const struct plan *plan)
{
    return in_sequence(k, plan, 1) >
           SPOILT_TIMES * k->choice.ns[IN_ORDER] + (int64_t)plan->n_calls * CLOCK_NS;
}

/* Clocks around each call cost as much as short calls: so it is a run of its own, which counts for
 * nothing else. */
static void time_calls(struct automatic *a, struct stage_times *k, const struct plan *plan)
{
    for (int i = 0; i < plan->n_calls; i++)
        k->loops_ns[i] = 0;
    a->timed = k;
    call_in_order_timed(a->simulation, k->calls_ns);
    a->timed = NULL;
    if (is_spoilt(k, plan) && ++k->n_spoilt < SPOILT_MOST)
        return;
    k->n_spoilt = 0;
    k->times_calls = false;
    bool may_gain = auto_may_gain(plan, k->calls_ns, k->loops_ns, a->simulation->n_lanes);
    choice_try(&k->choice, may_gain ? 1u << BY_THREADS : 0);
}

static void run(struct automatic *a, const struct plan *plan)
{
    if (a->in_order)
        call_in_order(a->simulation);
    else
        scheduler_threads.run(a->threads, plan);
}

static void run_timed(struct automatic *a, struct stage_times *k, const struct plan *plan)
{
    int64_t began = rest_now();
    run(a, plan);
    if (!choice_learn(&k->choice, rest_now() - began))
        return;
    k->times_calls = k->choice.ns[IN_ORDER] >= WORTH_NS;
    if (!k->times_calls)
        choice_try(&k->choice, 0);
}

static void auto_run(void *state, const struct plan *plan)
{
    struct automatic *a = state;
    struct stage_times *k = &a->stages[plan->stage];
    bool is_once = plan->stage == SIMLAB_INITIALIZE || plan->stage == SIMLAB_FINALIZE;
    a->in_order = !a->threads || is_once || k->times_calls || k->choice.way == IN_ORDER;
    if (!a->threads || is_once) {
        run(a, plan);
    } else if (k->times_calls) {
        time_calls(a, k, plan);
    } else if (choice_is_timed(&k->choice)) {
        run_timed(a, k, plan);
    } else {
        choice_count(&k->choice);
        run(a, plan);
    }
}

/* Of loops within loops the outer one is timed. */
static void auto_loop(void *state, struct lane *lane, int64_t n, scheduler_block_fn fn, void *loop)
{
    struct automatic *a = state;
    if (!a->in_order) {
        scheduler_threads.loop(a->threads, lane, n, fn, loop);
        return;
    }
    bool is_timed = a->timed && n > 1 && lane->n_loops == 1;
    int64_t began = is_timed ? rest_now() : 0;
    scheduler_serial.loop(NULL, lane, n, fn, loop);
    if (is_timed)
        a->timed->loops_ns[lane->call] += rest_now() - began;
}

/* ---- the scheduler ---- */

static void *auto_close(void *state)
{
    struct automatic *a = state;
    if (a) {
        scheduler_threads.close(a->threads);
        for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
            free(a->stages[stage].calls_ns);
    }
    free(a);
    return NULL;
}

static int auto_open(struct simulation *s, void **ret_state, struct error *e)
{
    struct automatic *a = mem_new(sizeof *a);
    a->simulation = s;
    int r = s->n_lanes > 1 ? scheduler_threads.open(s, &a->threads, e) : 0;
    if (r < 0) {
        auto_close(a);
        return r;
    }
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        size_t n = (size_t)s->program->plans[stage].n_calls;
        struct stage_times *k = &a->stages[stage];
        k->calls_ns = mem_array(2 * n, sizeof *k->calls_ns);
        k->loops_ns = k->calls_ns + n;
        choice_init(&k->choice, IN_ORDER);
    }
    *ret_state = a;
    return 0;
}

static void auto_statistics(const void *state, struct scheduler_statistics *ret)
{
    const struct automatic *a = state;
    if (a->threads)
        scheduler_threads.statistics(a->threads, ret);
    else
        scheduler_serial.statistics(NULL, ret);
}

const struct scheduler scheduler_auto = {.name = "auto",
                                         .open = auto_open,
                                         .run = auto_run,
                                         .loop = auto_loop,
                                         .statistics = auto_statistics,
                                         .close = auto_close};
