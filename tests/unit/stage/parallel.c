/* SPDX-License-Identifier: Apache-2.0 */
/* Parallel loops: bounds, reductions, numbers at an index, and what a block may not do. Each case
 * under serial and under two threads, with the same result. */
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { N, GRAIN, CASE, X, TOTAL, COMPUTED };
enum what {
    FILLS,
    RANDOM,
    FAILS,
    FAILS_SILENTLY,
    LOGS,
    DRAWS,
    SHAPES,
    COMPUTES,
    DEEP,
    NO_FUNCTION,
    NEGATIVE
};

static int mark(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    double *x = userdata;
    for (int64_t i = begin; i < end; i++)
        x[i] += (double)(1000 * begin + end);
    return simlab_now(c)->step < -1;
}

static int draw(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    double *x = userdata;
    simlab_random_fill_at(c, begin, x + begin, end - begin);
    for (int64_t i = begin; i < end; i++)
        x[i] += simlab_normal(c, i, 0, 1) + (double)simlab_binomial(c, i, 100, 0.3);
    return 0;
}

static int add(simlab_context *c, int64_t begin, int64_t end, void *userdata, void *ret_part)
{
    (void)c;
    const double *x = userdata;
    for (int64_t i = begin; i < end; i++)
        *(double *)ret_part += 0.1 * x[i];
    return 0;
}

static int fails(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    double *x = userdata;
    x[begin] = -1; /* all blocks run, whatever */
    return begin >= 2 * (end - begin) ? simlab_fail(c, "from %d on", (int)begin) : 0;
}

static int fails_silently(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)c, (void)begin, (void)end, (void)userdata;
    return SIMLAB_ERROR;
}

static int misuse(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)begin, (void)end;
    switch (*(const int *)userdata) {
    case LOGS:
        simlab_log(c, "a line");
        break;
    case DRAWS:
        simlab_random_f8(c);
        break;
    case SHAPES:
        simlab_f8_1d(c, X, simlab_i8_get(c, N));
        break;
    default:
        simlab_f8_get(c, COMPUTED);
    }
    return 0;
}

static int deeper(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)begin, (void)end;
    return simlab_parallel_for(c, 2, 1, deeper, userdata);
}

static int run_step(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, N), grain = simlab_i8_get(c, GRAIN);
    int what = (int)simlab_i8_get(c, CASE);
    double *x = simlab_f8_1d(c, X, n > 0 ? n : 0);
    memset(x, 0, (size_t)(n > 0 ? n : 0) * sizeof *x);
    simlab_f8_put(c, TOTAL, 0);
    switch (what) {
    case FILLS:
    case NEGATIVE:
        simlab_parallel_for(c, n, grain, mark, x);
        break;
    case RANDOM:
        simlab_parallel_for(c, n, grain, draw, x);
        break;
    case FAILS:
        return simlab_parallel_for(c, n, grain, fails, x);
    case FAILS_SILENTLY:
        return simlab_parallel_for(c, n, grain, fails_silently, x);
    case DEEP:
        return simlab_parallel_for(c, n, grain, deeper, x);
    case NO_FUNCTION:
        return simlab_parallel_for(c, n, grain, NULL, x);
    default:
        return simlab_parallel_for(c, n, grain, misuse, &what);
    }
    simlab_f8_put(c, TOTAL, simlab_parallel_sum(c, n, grain, add, x));
    return 0;
}

static int compute(simlab_context *c, int32_t var)
{
    simlab_f8_put(c, var, 1);
    return 0;
}

static const struct simlab_variable variables[] = {
    [N] = {.name = "n", .dtype = SIMLAB_I8},
    [GRAIN] = {.name = "grain", .dtype = SIMLAB_I8},
    [CASE] = {.name = "case", .dtype = SIMLAB_I8},
    [X] = {.name = "x", .intent = SIMLAB_OUT, .dims = "i"},
    [TOTAL] = {.name = "total", .intent = SIMLAB_OUT},
    [COMPUTED] = {.name = "computed", .kind = SIMLAB_ON_DEMAND, .compute = compute},
};
static const struct simlab_process Loops = {
    .name = "Loops", SIMLAB_VARIABLES(variables), .run_step = run_step};
static const struct support_type types[] = {
    {&Loops, "[{'name': 'n', 'dtype': 'i8'}, {'name': 'grain', 'dtype': 'i8'},"
             " {'name': 'case', 'dtype': 'i8'}, {'name': 'x', 'intent': 'out', 'dims': 'i'},"
             " {'name': 'total', 'intent': 'out'},"
             " {'name': 'computed', 'kind': 'on_demand', 'has_compute': true}]"}};

/* The words of its failure, or what was saved; under either scheduler. */
static const char *run(int64_t n, int64_t grain, enum what what)
{
    static char seen[2][100000];
    for (int threads = 1; threads <= 2; threads++) {
        struct support s;
        char job[500];
        snprintf(job, sizeof job,
                 "{'model': {'processes': {'l': 't.Loops'}}, 'inputs': {'l__n': %d, 'l__grain': %d,"
                 " 'l__case': %d}, 'outputs': {'l__x': null, 'l__total': null}}",
                 (int)n, (int)grain, (int)what);
        support_open(&s, types, 1, 2, job, threads > 1 ? "threads" : "serial", threads);
        const char *why = support_run(&s);
        const char *told = *why ? why : s.told.data;
        snprintf(seen[threads - 1], sizeof seen[0], "%s", told);
        support_close(&s);
    }
    cr_assert_str_eq(seen[0], seen[1], "the same under both");
    return seen[0];
}

static const char *failure_of(int64_t n, int64_t grain, enum what what)
{
    const char *why = run(n, grain, what);
    const char *words = strstr(why, "process 'l' (t.Loops), run_step of step 0: ");
    cr_assert(words == why, "%s", why);
    return why + strlen("process 'l' (t.Loops), run_step of step 0: ");
}

Test(parallel, blocks_have_fixed_bounds)
{
    cr_assert(strstr(run(7, 3, FILLS), "l__x[0] 3 3 3 3006 3006 3006 6007\n"));
    cr_assert(strstr(run(2, 100, FILLS), "l__x[0] 2 2\n"));
    cr_assert(strstr(run(130, 0, FILLS), "l__x[0] 3 3 3 3006 "), "130 by 64, rounded up");
    cr_assert(strstr(run(0, 5, FILLS), "l__total[0] 0\n"));
}

/* 0.1 · (3 + 3 + 3), 0.1 · 3 · 3006, 0.1 · 6007: ((a + b) + c). */
Test(parallel, sums_are_joined_by_a_fixed_tree)
{
    double a = 0, b = 0, c = 0.1 * 6007;
    for (int i = 0; i < 3; i++) {
        a += 0.1 * 3;
        b += 0.1 * 3006;
    }
    char wanted[64];
    snprintf(wanted, sizeof wanted, "l__total[0] %.17g\n", (a + b) + c);
    cr_assert(strstr(run(7, 3, FILLS), wanted));
    run(3000, 1, FILLS);
}

Test(parallel, numbers_at_an_index_do_not_depend_on_the_blocks)
{
    char first[100000];
    snprintf(first, sizeof first, "%s", run(100, 7, RANDOM));
    *strstr(first, "l__total") = '\0';
    cr_assert_eq(strncmp(first, run(100, 1, RANDOM), strlen(first)), 0);
    cr_assert_eq(strncmp(first, run(100, 50, RANDOM), strlen(first)), 0);
}

Test(parallel, the_first_block_to_fail_is_told)
{
    cr_assert_str_eq(failure_of(100, 5, FAILS), "from 10 on");
    cr_assert_str_eq(failure_of(5, 5, FAILS_SILENTLY),
                     "a block of a parallel loop failed without saying why");
}

Test(parallel, what_a_block_may_not_do_is_told)
{
    static const char begin[] = "in a block of a parallel loop ",
                      end[] = ": do so before or after the loop";
    static const struct {
        enum what what;
        const char *words;
    } rows[] = {{LOGS, "nothing is logged"},
                {DRAWS, "random numbers are drawn at an index only"},
                {SHAPES, "no variable is given a shape"},
                {COMPUTES, "on_demand variables are not read"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char wanted[200];
        snprintf(wanted, sizeof wanted, "%s%s%s", begin, rows[i].words, end);
        cr_assert_str_eq(failure_of(10, 1, rows[i].what), wanted);
    }
    cr_assert_str_eq(failure_of(3, 1, DEEP), "parallel loops are nested more than 8 deep");
    cr_assert_str_eq(failure_of(3, 1, NO_FUNCTION),
                     "a parallel loop was asked for without a function");
    cr_assert_str_eq(failure_of(-4, 1, NEGATIVE), "a parallel loop of -4 iterations was asked for");
}
