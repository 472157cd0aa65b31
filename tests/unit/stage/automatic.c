/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduler auto: what it tries, and that nothing but time depends on it. */
#include "support.h"

#include "stage/auto.h"
#include "stage/simulation.h"

#include <criterion/criterion.h>

enum { VALUE };
enum { CELLS = 4096 };

static double work(double x, int n)
{
    for (int i = 0; i < n; i++)
        x = x / 3 + 0.25;
    return x;
}

static int run_step(simlab_context *c)
{
    simlab_f8_put(c, VALUE, work((double)simlab_now(c)->step, 50000)); /* 0.2 ms, about */
    return 0;
}

static int block(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)c;
    for (int64_t i = begin; i < end; i++)
        *((double *)userdata + i) = work((double)i, 50);
    return 0;
}

static int run_loop(simlab_context *c)
{
    static double cells[CELLS];
    int r = simlab_parallel_for(c, CELLS, 64, block, cells);
    simlab_f8_put(c, VALUE, cells[CELLS - 1]);
    return r;
}

static const struct simlab_variable variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};
static const struct simlab_process Works = {
    .name = "Works", SIMLAB_VARIABLES(variables), .run_step = run_step};
static const struct simlab_process Loops = {
    .name = "Loops", SIMLAB_VARIABLES(variables), .run_step = run_loop};
static const char declared[] = "[{'name': 'value', 'intent': 'out'}]";
static const struct support_type types[] = {{&Works, declared}, {&Loops, declared}};

static void open(struct support *s, const char *model, const char *scheduler)
{
    char job[512];
    snprintf(job, sizeof job,
             "{'model': {'processes': %s}, 'inputs': {}, 'outputs': {'a__value': 'time'}}", model);
    support_open(s, types, 2, 60, job, scheduler, 2);
}

/* What was done by a run of 59 steps, whose outputs are those of a run in order. */
static struct scheduler_statistics done_by_auto(const char *model)
{
    struct support in_order, measured;
    struct scheduler_statistics n;
    open(&in_order, model, "serial");
    open(&measured, model, "auto");
    cr_assert_str_eq(support_run(&in_order), "");
    cr_assert_str_eq(support_run(&measured), "");
    cr_assert_str_eq(measured.told.data, in_order.told.data);
    struct simulation *s = measured.simulation;
    s->scheduler->statistics(s->scheduler_state, &n);
    support_close(&in_order);
    support_close(&measured);
    return n;
}

Test(automatic, tries_threads_where_processes_are_independent)
{
    cr_assert_gt(done_by_auto("{'a': 't.Works', 'b': 't.Works'}").tasks, 0);
}

Test(automatic, tries_threads_where_a_loop_is_long)
{
    cr_assert_gt(done_by_auto("{'a': 't.Loops'}").loops, 0);
}

Test(automatic, stays_in_order_where_there_is_nothing_to_gain)
{
    struct scheduler_statistics n =
        done_by_auto("{'a': 't.Works', 'b': 't.Works'}, 'after': {'b': ['a']}");
    cr_assert(n.tasks == 0 && n.loops == 0);
}

Test(automatic, gains_are_foreseen_from_times)
{
    static const struct {
        const char *model;
        int64_t calls[2], loops[2];
        bool wanted;
    } cases[] = {
        {"{'a': 't.Works', 'b': 't.Works'}", {50000, 50000}, {0, 0}, true},
        {"{'a': 't.Works', 'b': 't.Works'}", {100000, 1000}, {0, 0}, false},
        {"{'a': 't.Works', 'b': 't.Works'}", {100000, 1000}, {90000, 0}, true},
        {"{'a': 't.Works', 'b': 't.Works'}", {4000, 4000}, {0, 0}, false},
        {"{'a': 't.Works', 'b': 't.Works'}, 'after': {'b': ['a']}", {50000, 50000}, {0, 0}, false},
        {"{'a': 't.Works', 'b': 't.Works'}, 'after': {'b': ['a']}",
         {50000, 50000},
         {0, 40000},
         true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct support s;
        open(&s, cases[i].model, "serial");
        const struct plan *plan = &s.simulation->program->plans[SIMLAB_RUN_STEP];
        cr_assert_eq(auto_may_gain(plan, cases[i].calls, cases[i].loops, 2), cases[i].wanted,
                     "case %zu", i);
        support_close(&s);
    }
}

Test(automatic, what_has_one_worker_gains_nothing)
{
    static const int64_t calls[2] = {50000, 50000}, loops[2] = {0};
    struct support s;
    int companies[2] = {0, 1};
    open(&s, "{'a': 't.Works', 'b': 't.Works'}", "serial");
    struct plan plan = s.simulation->program->plans[SIMLAB_RUN_STEP];
    cr_assert(auto_may_gain(&plan, calls, loops, 2));
    plan.companies = companies;
    cr_assert_not(auto_may_gain(&plan, calls, loops, 2));
    support_close(&s);
}
