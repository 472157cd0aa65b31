/* SPDX-License-Identifier: Apache-2.0 */
/* What a value may become: dtypes and dims that its first one settles; what stage functions may
 * return; whether they are told that they need not go on; what save and restore pass on. Most of it
 * under serial and under two threads, with the same result. */
#include "stage/instance.h"
#include "stage/simulation.h"
#include "support.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASE, V, S, FREE };
enum what {
    SETTLES,
    OTHER_DTYPE,
    OTHER_NDIM,
    LONGER_TEXT,
    NO_DTYPE,
    ONE,
    MINUS_ONE,
    ONE_ON_DEMAND,
    TEXTS,
    TEXT_OUTSIDE,
    TEXT_TOO_LONG,
    PUTS_IN_LOOP
};

static int put(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)begin, (void)end, (void)userdata;
    simlab_f8_put(c, V, 2);
    return 0;
}

static int texts(simlab_context *c, enum what what)
{
    static const char first[] = "abc", full[] = "defghi";
    int64_t two = 2;
    int32_t length, short_length;
    simlab_create(c, S, SIMLAB_STR, 6, 1, &two);
    simlab_str_set(c, S, 0, first);
    simlab_str_set(c, S, 1, what == TEXT_TOO_LONG ? "1234567" : full);
    const char *text = simlab_str_at(c, S, what == TEXT_OUTSIDE ? 2 : 1, &length);
    if (strncmp(simlab_str_at(c, S, 0, &short_length), first, 4) != 0 || short_length != 3)
        return simlab_fail(c, "the first is another");
    return length == 6 && !memcmp(text, full, 6) ? 0 : simlab_fail(c, "the second is another");
}

static int run_step(simlab_context *c)
{
    enum what what = (enum what)simlab_i8_get(c, CASE);
    int64_t step = simlab_now(c)->step, two = 2;
    switch (what) {
    case ONE:
        return 1;
    case MINUS_ONE:
        return -1;
    case ONE_ON_DEMAND:
        simlab_value(c, FREE);
        return 0;
    case TEXTS:
    case TEXT_OUTSIDE:
    case TEXT_TOO_LONG:
        return texts(c, what);
    case NO_DTYPE:
        simlab_create(c, V, SIMLAB_STR, 0, 0, &two);
        return 0;
    case LONGER_TEXT:
        simlab_create(c, V, SIMLAB_STR, 3 + (int32_t)step, 0, &two);
        return 0;
    case OTHER_DTYPE:
        simlab_create(c, V, step ? SIMLAB_F8 : SIMLAB_I8, 0, 0, &two);
        return 0;
    case OTHER_NDIM:
        simlab_create(c, V, SIMLAB_I8, 0, step > 0, &two);
        return 0;
    case PUTS_IN_LOOP:
        simlab_f8_put(c, V, 1);
        return simlab_parallel_for(c, 2, 1, put, NULL);
    default:
        if ((uintptr_t)simlab_value(c, CASE)->data % 64 != 0 ||
            (uintptr_t)simlab_create(c, V, SIMLAB_I2, 0, 0, &two) % 64 != 0 ||
            simlab_value(c, V)->place != SIMLAB_ON_HOST)
            return simlab_fail(c, "a value begins at no multiple of 64 bytes, or elsewhere");
        *(int16_t *)simlab_create(c, V, SIMLAB_I2, 0, 0, &two) = (int16_t)(step + 7);
        simlab_i2_put(c, V, (int16_t)(simlab_i2_get(c, V) + 1));
    }
    return 0;
}

static int compute(simlab_context *c, int32_t var)
{
    int64_t none = 0;
    simlab_create(c, var, simlab_now(c)->step % 2 ? SIMLAB_F4 : SIMLAB_U1, 0, 0, &none);
    return simlab_i8_get(c, CASE) == ONE_ON_DEMAND;
}

static const struct simlab_variable variables[] = {
    [CASE] = {.name = "case", .dtype = SIMLAB_I8},
    [V] = {.name = "v", .intent = SIMLAB_OUT, .dtype = SIMLAB_ANY, .dims = "()|x"},
    [S] = {.name = "s", .intent = SIMLAB_OUT, .dtype = SIMLAB_ANY, .dims = "x"},
    [FREE] = {.name = "free", .kind = SIMLAB_ON_DEMAND, .dtype = SIMLAB_ANY, .compute = compute},
};
static const struct simlab_process Values = {
    .name = "Values", SIMLAB_VARIABLES(variables), .run_step = run_step};
static const struct support_type values_types[] = {
    {&Values, "[{'name': 'case', 'dtype': 'i8'},"
              " {'name': 'v', 'intent': 'out', 'dtype': 'any', 'dims': '()|x'},"
              " {'name': 's', 'intent': 'out', 'dtype': 'any', 'dims': 'x'},"
              " {'name': 'free', 'kind': 'on_demand', 'dtype': 'any', 'has_compute': true}]"}};

/* The words of its failure without process and stage, or what was saved; under either scheduler. */
static const char *run(enum what what, const char *outputs)
{
    static char seen[2][2000];
    for (int threads = 1; threads <= 2; threads++) {
        struct support s;
        char job[500];
        snprintf(job, sizeof job,
                 "{'model': {'processes': {'a': 't.Values'}}, 'inputs': {'a__case': %d},"
                 " 'outputs': {%s}}",
                 (int)what, outputs);
        support_open(&s, values_types, 1, 4, job, threads > 1 ? "threads" : "serial", threads);
        const char *why = support_run(&s);
        snprintf(seen[threads - 1], sizeof seen[0], "%s", *why ? why : s.told.data);
        support_close(&s);
    }
    cr_assert_str_eq(seen[0], seen[1], "the same under both");
    return seen[0];
}

Test(values, the_first_value_settles_dtype_and_dims)
{
    cr_assert_str_eq(run(SETTLES, "'a__v': 'time'"),
                     "a__v[0] 8\na__v[1] 9\na__v[2] 10\na__v[3] 10\n");
    cr_assert_str_eq(run(OTHER_DTYPE, ""), "process 'a' (t.Values), run_step of step 1: variable "
                                           "'v' has dtype i8 since its first value, but is used "
                                           "as f8");
    cr_assert_str_eq(run(OTHER_NDIM, ""), "process 'a' (t.Values), run_step of step 1: variable "
                                          "'v' has 0 dimensions since its first value, but was "
                                          "given 1");
    cr_assert_str_eq(run(LONGER_TEXT, ""), "process 'a' (t.Values), run_step of step 1: variable "
                                           "'v' has texts of 3 bytes since its first value, but "
                                           "was given some of 4");
    cr_assert(strstr(run(NO_DTYPE, ""), "variable 'v' was given dtype 13 with length 0: no dtype"));
}

/* What is computed on demand is a new value each time. */
Test(values, on_demand_settles_nothing)
{
    cr_assert(strstr(run(SETTLES, "'a__free': 'time'"), "a__free[3] "));
}

Test(values, a_plain_number_is_no_signal)
{
    static const char words[] = ", which means nothing: return 0 to go on, SIMLAB_BREAK or "
                                "SIMLAB_CONTINUE as a signal, simlab_fail(c, \"why\") to fail";
    char wanted[300];
    snprintf(wanted, sizeof wanted, "process 'a' (t.Values), run_step of step 0: returned 1%s",
             words);
    cr_assert_str_eq(run(ONE, ""), wanted);
    snprintf(wanted, sizeof wanted, "process 'a' (t.Values), run_step of step 0: returned -1%s",
             words);
    cr_assert_str_eq(run(MINUS_ONE, ""), wanted);
    cr_assert(strstr(run(ONE_ON_DEMAND, ""), "returned 1, which means nothing"));
}

Test(values, texts_by_element)
{
    cr_assert_str_eq(run(TEXTS, ""), "");
    cr_assert(strstr(run(TEXT_OUTSIDE, ""), "variable 's' has 2 elements, where 3 were expected"));
    cr_assert(strstr(run(TEXT_TOO_LONG, ""),
                     "variable 's' has texts of 6 bytes since its first value, but was given some "
                     "of 7"));
}

Test(values, a_block_puts_no_scalar)
{
    cr_assert(strstr(run(PUTS_IN_LOOP, ""),
                     "in a block of a parallel loop no variable is given a shape"));
}

/* ---- cancelled ---- */

static atomic_bool is_cancelled;

static int asks(simlab_context *c)
{
    if (simlab_cancelled(c))
        return simlab_fail(c, "cancelled too early");
    simlab_f8_get(c, 99);
    if (!simlab_failed(c))
        return simlab_fail(c, "the mistake was not told");
    is_cancelled = true;
    return simlab_cancelled(c) ? SIMLAB_ERROR : 0;
}
static const struct simlab_process Asks = {.name = "Asks", .run_step = asks};
static const struct support_type asks_types[] = {{&Asks, "[]"}};

Test(values, who_asks_is_told)
{
    struct support s;
    struct error e = {.message = ""};
    const struct stage_events events = {.is_cancelled = &is_cancelled};
    support_open(&s, asks_types, 1, 4, "{'model': {'processes': {'a': 't.Asks'}}}", "serial", 1);
    is_cancelled = false;
    cr_assert_eq(simulation_run(s.simulation, 0, &events, &e), -ECANCELED);
    support_close(&s);
}

/* Two side by side, of which one fails once both are at work. */
static atomic_int n_begun;

static int fails(simlab_context *c)
{
    n_begun++;
    while (n_begun < 2)
        sched_yield();
    return simlab_fail(c, "this one");
}
static int goes_on(simlab_context *c)
{
    n_begun++;
    while (!simlab_cancelled(c))
        sched_yield();
    return simlab_fail(c, "of that one nobody hears");
}
static const struct simlab_process Fails = {.name = "Fails", .run_step = fails};
static const struct simlab_process GoesOn = {.name = "GoesOn", .run_step = goes_on};
static const struct support_type side_by_side[] = {{&Fails, "[]"}, {&GoesOn, "[]"}};

Test(values, who_works_beside_one_that_failed_is_told)
{
    struct support s;
    n_begun = 0;
    support_open(&s, side_by_side, 2, 3,
                 "{'model': {'processes': {'a': 't.Fails', 'b': 't.GoesOn'}}}", "threads", 2);
    cr_assert_str_eq(support_run(&s), "process 'a' (t.Fails), run_step of step 0: this one");
    support_close(&s);
}

/* ---- jumps ---- */

static jmp_buf out;

static int jumps(simlab_context *c, int64_t begin, int64_t end, void *userdata)
{
    (void)c, (void)begin, (void)end, (void)userdata;
    longjmp(out, 1);
}
static int jumper(simlab_context *c)
{
    if (setjmp(out) == 0)
        return simlab_parallel_for(c, 3, 1, jumps, NULL);
    return 0;
}
static const struct simlab_process Jumper = {.name = "Jumper", .run_step = jumper};
static const struct support_type jumper_types[] = {{&Jumper, "[]"}};

Test(values, who_jumps_over_the_host_is_told)
{
    struct support s;
    support_open(&s, jumper_types, 1, 3, "{'model': {'processes': {'j': 't.Jumper'}}}", "serial",
                 1);
    for (int i = 0; i < 2; i++)
        cr_assert_str_eq(support_run(&s),
                         "process 'j' (t.Jumper), run_step of step 0: left a block of a parallel "
                         "loop, or a compute function, by longjmp");
    support_close(&s);
}

/* ---- save and restore ---- */

struct holder {
    double *values; /* two */
};

static int holder_initialize(simlab_context *c)
{
    struct holder *self = simlab_self(c);
    self->values = calloc(2, sizeof *self->values);
    return 0;
}
static int holder_run_step(simlab_context *c)
{
    const struct holder *self = simlab_self(c);
    self->values[0] += 1;
    self->values[1] -= 1;
    simlab_f8_put(c, 0, self->values[0]);
    return 0;
}
static int holder_finalize(simlab_context *c)
{
    struct holder *self = simlab_self(c);
    free(self->values);
    self->values = NULL;
    return 0;
}
static int holder_save(simlab_context *c)
{
    const struct holder *self = simlab_self(c);
    return simlab_put_bytes(c, self->values, 2 * sizeof *self->values);
}
static int holder_restore(simlab_context *c)
{
    struct holder *self = simlab_self(c);
    if (self->values)
        return simlab_fail(c, "the instance is not zeroed");
    holder_initialize(c);
    int r = simlab_get_bytes(c, self->values, sizeof *self->values);
    if (simlab_bytes_left(c) == 0)
        return simlab_fail(c, "one value was lost");
    return r ? r : simlab_get_bytes(c, self->values + 1, sizeof *self->values);
}
static const struct simlab_variable holder_variables[] = {
    {.name = "v", .intent = SIMLAB_OUT},
};
static const struct simlab_process Holder = {.name = "Holder",
                                             SIMLAB_VARIABLES(holder_variables),
                                             .flags = SIMLAB_PINNED,
                                             .initialize = holder_initialize,
                                             .run_step = holder_run_step,
                                             .finalize = holder_finalize,
                                             .instance_size = sizeof(struct holder),
                                             .save = holder_save,
                                             .restore = holder_restore};
static const struct support_type holder_types[] = {{&Holder, "[{'name': 'v', 'intent': 'out'}]"}};

struct saved {
    _Alignas(64) char bytes[100000];
    struct support *support;
    size_t n;
};

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct saved *saved = userdata;
    struct error e = {.message = ""};
    (void)member;
    if (step != 1)
        return 0;
    cr_assert_eq(simulation_save_instances(saved->support->simulation, &e), 0, "%s", e.message);
    saved->n = simulation_saved_bytes(saved->support->simulation);
    cr_assert_leq(saved->n, sizeof saved->bytes);
    simulation_save(saved->support->simulation, saved->bytes);
    return 0;
}

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    const struct saved *saved = userdata;
    (void)member, (void)output;
    buffer_printf(&saved->support->told, "[%d] %g\n", (int)at, *(const double *)view->data);
    return 0;
}

/* In another simulation: what the pointers led to is there. */
Test(values, a_saved_run_has_what_pointers_lead_to)
{
    static const char job[] =
        "{'model': {'processes': {'h': 't.Holder'}}, 'outputs': {'h__v': 'time'}}";
    static struct saved saved;
    struct support first, second;
    struct error e = {.message = ""};
    support_open(&first, holder_types, 1, 6, job, "serial", 1);
    support_open(&second, holder_types, 1, 6, job, "serial", 1);
    saved.support = &first;
    const struct stage_events events = {.output = on_output, .step = on_step, .userdata = &saved};
    cr_assert_eq(simulation_run(first.simulation, 0, &events, &e), 0, "%s", e.message);
    saved.support = &second;
    const struct stage_events later = {.output = on_output, .userdata = &saved};
    struct stage_start start = {.saved = saved.bytes, .n = saved.n};
    cr_assert_eq(simulation_resume(second.simulation, 0, &start, &later, &e), 0, "%s", e.message);
    cr_assert_str_eq(second.told.data, "[2] 3\n[3] 4\n[4] 5\n[5] 5\n");
    start.n -= 24; /* as if the instances had not been saved */
    cr_assert_gt(simulation_resume(second.simulation, 0, &start, &later, &e), 0);
    cr_assert_str_eq(e.message, "the saved state lacks what process 'h' keeps outside it");
    start.n += 23;
    cr_assert_gt(simulation_resume(second.simulation, 0, &start, &later, &e), 0);
    start.n += 2;
    cr_assert_gt(simulation_resume(second.simulation, 0, &start, &later, &e), 0);
    cr_assert_str_eq(e.message, "the saved state is 1 bytes too long");
    support_close(&first);
    support_close(&second);
}

Test(values, save_and_restore_pass_bytes_on)
{
    struct support s;
    struct error e = {.message = ""};
    struct buffer bytes = {0};
    double more[3] = {5, 6, 7};
    support_open(&s, holder_types, 1, 4, "{'model': {'processes': {'h': 't.Holder'}}}", "serial",
                 1);
    cr_assert(instance_can_be_saved(s.simulation->program, 0));
    struct holder *instance = s.simulation->state->processes[0].instance;
    cr_assert_eq(instance_restore(s.simulation->lanes[0], 0, more, 2 * sizeof *more, &e), 0, "%s",
                 e.message);
    cr_assert_eq(instance->values[1], 6);
    cr_assert_eq(instance_save(s.simulation->lanes[0], 0, &bytes, &e), 0);
    cr_assert_eq(bytes.size, 2 * sizeof *more);
    cr_assert_eq(memcmp(bytes.data, more, bytes.size), 0);
    free(instance->values);
    cr_assert_gt(instance_restore(s.simulation->lanes[0], 0, more, sizeof more, &e), 0);
    cr_assert_str_eq(
        e.message,
        "process 'h' (t.Holder), restore of step 0: 8 of the bytes that it saved were not taken");
    free(instance->values);
    cr_assert_gt(instance_restore(s.simulation->lanes[0], 0, more, 12, &e), 0);
    cr_assert(strstr(e.message, "8 bytes were asked for, but it has saved only 4 more"), "%s",
              e.message);
    free(instance->values);
    buffer_free(&bytes);
    support_close(&s);
}
