/* SPDX-License-Identifier: Apache-2.0 */
/* Which way is chosen from given times; and that `threads` and `processes` do not hand over what is
 * too short for it. */
#include "support.h"

#include "stage/choice.h"
#include "stage/simulation.h"

#include <criterion/criterion.h>

enum { FIRST, SECOND, THIRD };

/* Runs until `choice_try` or the end of n runs; each takes what its way does. Returns how many. */
static int run(struct choice *k, int n, const int64_t ns[])
{
    for (int i = 1; i <= n; i++) {
        if (!choice_is_timed(k))
            choice_count(k);
        else if (choice_learn(k, ns[k->way]))
            return i;
    }
    return n;
}

/* All that is wanted was measured, and the fastest is in use. */
static void settle(struct choice *k, unsigned ways, const int64_t ns[])
{
    cr_assert_lt(run(k, 100, ns), 100);
    choice_try(k, ways);
    for (int i = 0; i < 100 && k->doing != CHOICE_IS_SETTLED; i++)
        cr_assert_not(choice_learn(k, ns[k->way]));
    cr_assert_eq(k->doing, CHOICE_IS_SETTLED);
}

Test(choice, takes_the_fastest_of_those_that_are_wanted)
{
    static const struct {
        int64_t ns[3];
        unsigned ways;
        int wanted;
    } cases[] = {
        {{100000, 60000, 50000}, 1u << SECOND | 1u << THIRD, THIRD},
        {{100000, 50000, 60000}, 1u << SECOND | 1u << THIRD, SECOND},
        {{100000, 50000, 40000}, 1u << SECOND, SECOND},
        {{100000, 97000, 98000}, 1u << SECOND | 1u << THIRD, FIRST}, /* not worth the change */
        {{100000, 50000, 50000}, 0, FIRST},
        {{200, 100, 150}, 1u << SECOND | 1u << THIRD, SECOND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct choice k;
        choice_init(&k, FIRST);
        settle(&k, cases[i].ways, cases[i].ns);
        cr_assert_eq(k.way, cases[i].wanted, "case %zu", i);
    }
}

Test(choice, looks_again_after_more_and_more_runs)
{
    static const int64_t ns[] = {100000, 50000, 0};
    struct choice k;
    choice_init(&k, FIRST);
    settle(&k, 1u << SECOND, ns);
    for (int round = 0, runs = 16; round < 10; round++, runs = runs < 1024 ? 2 * runs : runs) {
        cr_assert_eq(run(&k, runs - 1, ns), runs - 1);
        cr_assert_eq(k.way, SECOND);
        run(&k, 1, ns);
        cr_assert_eq(k.way, FIRST, "round %d", round);
        settle(&k, 1u << SECOND, ns);
    }
}

Test(choice, begins_again_where_times_have_changed)
{
    static const int64_t ns[] = {100000, 50000, 0}, longer[] = {0, 500000, 0};
    struct choice k;
    choice_init(&k, FIRST);
    settle(&k, 1u << SECOND, ns);
    run(&k, 1, longer);
    run(&k, 1, ns);
    run(&k, 1, longer);
    cr_assert_eq(k.way, SECOND); /* now and then is not always */
    run(&k, 1, longer);
    cr_assert_eq(k.way, FIRST);
}

Test(choice, times_few_of_short_runs)
{
    static const int64_t ns[] = {500, 400, 0};
    struct choice k;
    int timed = 0;
    choice_init(&k, FIRST);
    settle(&k, 1u << SECOND, ns);
    for (int i = 0; i < 16; i++) {
        timed += choice_is_timed(&k);
        run(&k, 1, ns);
    }
    cr_assert_eq(timed, 1);
}

/* This thread may be interrupted by others: then the long run is theirs. */
Test(choice, who_is_wary_goes_back_for_long)
{
    static const int64_t ns[] = {100000, 50000, 0}, longer[] = {0, 5000000, 0};
    struct choice k;
    int i = 0;
    choice_init(&k, FIRST);
    k.is_wary = true;
    settle(&k, 1u << SECOND, ns);
    for (; i < 100 && k.way == SECOND; i++) {
        k.n_off = 0;
        run(&k, 1, longer);
    }
    cr_assert_lt(i, 100);
    cr_assert_eq(k.doing, CHOICE_IS_SETTLED);
    cr_assert_eq(run(&k, 1000, ns), 1000);
    cr_assert_eq(k.way, FIRST);
}

/* ---- calls that are too short to be handed over ---- */

enum { VALUE, STEPS = 3000 };

static int run_step(simlab_context *c)
{
    simlab_f8_put(c, VALUE, (double)simlab_now(c)->step);
    return 0;
}
static const struct simlab_variable variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};
static const struct simlab_process Short = {
    .name = "Short", SIMLAB_VARIABLES(variables), .run_step = run_step};
static const struct support_type types[] = {{&Short, "[{'name': 'value', 'intent': 'out'}]"}};

Test(choice, short_calls_are_run_in_order)
{
    static const char job[] =
        "{'model': {'processes': {'a': 't.Short', 'b': 't.Short', 'c': 't.Short'}},"
        " 'inputs': {}, 'outputs': {'a__value': null}}";
    struct support s;
    struct scheduler_statistics n;
    support_open(&s, types, 1, STEPS, job, "threads", 2);
    cr_assert_str_eq(support_run(&s), "");
    s.simulation->scheduler->statistics(s.simulation->scheduler_state, &n);
    support_close(&s);
    cr_assert_gt(n.tasks, 0);
    cr_assert_lt(n.tasks, STEPS * 3 / 2);
}
