/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that go on where another one was saved. */
#include "stage/simulation.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { RATE, X, LAST, SUM };

struct counter {
    int64_t steps;
    double last;
};

static int initialize(simlab_context *c)
{
    struct counter *self = simlab_self(c);
    simlab_random_fill(c, &self->last, 1);
    return 0;
}

static int run_step(simlab_context *c)
{
    struct counter *self = simlab_self(c);
    int64_t n = 10 + 200 * self->steps++; /* grows from block to block */
    double *x = simlab_f8_1d(c, X, n);
    simlab_random_fill(c, x + n - 5, 5);
    for (int64_t i = 0; i < n; i++)
        x[i] = x[i] * simlab_f8_get(c, RATE) + self->last;
    self->last = x[n - 1];
    simlab_f8_put(c, LAST, self->last);
    return 0;
}

static int compute(simlab_context *c, int32_t var)
{
    double sum = 0;
    int64_t n = simlab_size(c, X);
    const double *x = simlab_f8(c, X, n);
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    simlab_f8_put(c, var, sum);
    return 0;
}

static const struct simlab_variable variables[] = {
    [RATE] = {.name = "rate"},
    [X] = {.name = "x", .intent = SIMLAB_OUT, .dims = "i"},
    [LAST] = {.name = "last", .intent = SIMLAB_OUT},
    [SUM] = {.name = "sum", .kind = SIMLAB_ON_DEMAND, .flags = SIMLAB_CACHED, .compute = compute},
};
static const struct simlab_process Counter = {.name = "Counter",
                                              SIMLAB_VARIABLES(variables),
                                              .initialize = initialize,
                                              .run_step = run_step,
                                              .instance_size = sizeof(struct counter)};

/* What has an input at the start, and is the process's own from then on. */
static int settle(simlab_context *c)
{
    double level = simlab_f8_get(c, 0) + 1;
    simlab_f8_put(c, 0, level);
    return 0;
}
static const struct simlab_variable levels[] = {{.name = "level", .intent = SIMLAB_INOUT}};
static const struct simlab_process Tank = {
    .name = "Tank", SIMLAB_VARIABLES(levels), .run_step = settle};

static const struct support_type types[] = {
    {&Counter, "[{'name': 'rate', 'intent': 'in'},"
               " {'name': 'x', 'intent': 'out', 'dims': 'i'}, {'name': 'last', 'intent': 'out'},"
               " {'name': 'sum', 'kind': 'on_demand', 'cached': true, 'has_compute': true}]"},
    {&Tank, "[{'name': 'level', 'intent': 'inout'}]"}};

#define MODEL                                                                                      \
    "{'model': {'processes': {'a': 't.Counter', 'b': 't.Counter', 'tank': 't.Tank'}},"             \
    " 'outputs': {'a__last': 'time', 'a__sum': 'time', 'b__last': 'time', 'tank__level': 'time'},"
static const char job[] = MODEL " 'inputs': {'a__rate': 0.5, 'b__rate': 0.25, 'tank__level': 3}}";

struct saving {
    struct support *support; /* first simulations's */
    int64_t at;              /* after this step */
    void *saved;
    size_t n;
};

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct saving *s = userdata;
    (void)member;
    buffer_printf(&s->support->told, "%d[%lld] %.17g\n", output, (long long)at,
                  *(const double *)view->data);
    return 0;
}

static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct saving *s = userdata;
    (void)member;
    if (step != s->at)
        return 0;
    cr_assert_eq(simulation_save_instances(s->support->simulation, NULL), 0);
    s->n = simulation_saved_bytes(s->support->simulation);
    s->saved = malloc(s->n);
    simulation_save(s->support->simulation, s->saved);
    buffer_clear(&s->support->told);
    return 0;
}

static const struct stage_events *events_of(struct saving *s)
{
    static struct stage_events events;
    events = (struct stage_events){.output = on_output, .step = on_step, .userdata = s};
    return &events;
}

/* Runs a job to its end; what was told after the step `at` stays in s->told. */
static struct saving run_and_save(struct support *s, int64_t at)
{
    struct saving saving = {.support = s, .at = at};
    struct error e = {.message = ""};
    cr_assert_eq(simulation_run(s->simulation, 0, events_of(&saving), &e), 0, "%s", e.message);
    return saving;
}

static const char *resume(struct support *s, const struct saving *from, bool is_branch)
{
    static struct error e;
    struct saving none = {.support = s, .at = -1};
    const struct stage_start start = {from->saved, from->n, is_branch};
    error_clear(&e);
    buffer_clear(&s->told);
    buffer_text(&s->told, "");
    simulation_resume(s->simulation, 0, &start, events_of(&none), &e);
    return e.message;
}

static void check_resumed(const char *scheduler, int threads)
{
    for (int64_t at = 0; at < 8; at++) {
        struct support first, second;
        support_open(&first, types, 2, 9, job, scheduler, threads);
        support_open(&second, types, 2, 9, job, scheduler, threads);
        cr_assert_neq(first.simulation->state, second.simulation->state);
        struct saving saved = run_and_save(&first, at);
        cr_assert_str_eq(support_run(&second), "", "what a member before left does no harm");
        cr_assert_str_eq(resume(&second, &saved, false), "");
        cr_assert_str_eq(first.told.data, second.told.data, "after step %d", (int)at);
        support_close(&first);
        support_close(&second);
        free(saved.saved);
    }
}

Test(resume, gives_the_bits_of_the_rest_at_any_address)
{
    check_resumed("serial", 1);
}

Test(resume, gives_them_by_threads_too)
{
    check_resumed("threads", 2);
}

/* One that is as the first for 4 steps, and has another rate then. */
static const char branched[] =
    MODEL " 'inputs': {'a__rate': 2, 'b__rate': 0.25, 'tank__level': 100}}";
static const char forced[] = MODEL
    " 'inputs': {'a__rate': {'dims': ['time'], 'data': [0.5, 0.5, 0.5, 0.5, 2, 2, 2, 2, 2, 2, 2, "
    "2]}, 'b__rate': 0.25, 'tank__level': 3}}";

Test(resume, another_job_branches_off_with_inputs_of_its_own)
{
    struct support spin_up, branch, whole;
    support_open(&spin_up, types, 2, 6, job, "serial", 1);
    support_open(&branch, types, 2, 12, branched, "serial", 1);
    support_open(&whole, types, 2, 12, forced, "serial", 1);
    struct saving saved = run_and_save(&spin_up, 3), rest = run_and_save(&whole, 3);
    cr_assert_str_eq(resume(&branch, &saved, true), "");
    cr_assert_str_eq(branch.told.data, whole.told.data);
    free(saved.saved);
    free(rest.saved);
    support_close(&spin_up);
    support_close(&branch);
    support_close(&whole);
}

static void check_refused(struct support *s, const struct saving *from, bool is_branch,
                          const char *words)
{
    const char *said = resume(s, from, is_branch);
    cr_assert(strstr(said, words), "%s", said);
}

Test(resume, what_does_not_fit_is_refused)
{
    struct support s, shorter, other;
    support_open(&s, types, 2, 9, job, "serial", 1);
    support_open(&shorter, types, 2, 4, job, "serial", 1);
    support_open(&other, types, 2, 9,
                 "{'model': {'processes': {'a': 't.Counter'}}, 'inputs': {'a__rate': 1}}", "serial",
                 1);
    struct saving saved = run_and_save(&s, 5), cut = saved;
    check_refused(&other, &saved, false, "another model");
    check_refused(&shorter, &saved, false, "other clocks");
    check_refused(&shorter, &saved, true, "3 steps only");
    cut.n -= 64;
    check_refused(&s, &cut, false, "no saved state");
    cut.n = 10;
    check_refused(&s, &cut, false, "10 bytes only");
    s.job->clocks[s.job->main_clock].values[2] = 2.5;
    check_refused(&s, &saved, true, "label 2 of the main clock is 2.5");
    free(saved.saved);
    support_close(&s);
    support_close(&shorter);
    support_close(&other);
}

/* Whatever its bytes are, it is refused, or what it leads to lies within it. */
Test(resume, damaged_bytes_lead_nowhere)
{
    struct support s;
    support_open(&s, types, 2, 5, job, "serial", 1);
    struct saving saved = run_and_save(&s, 2);
    const struct stage_start start = {saved.saved, saved.n, false};
    unsigned char *bytes = saved.saved;
    size_t most = saved.n < 16384 ? saved.n : 16384;
    int n_refused = 0;
    for (size_t i = 0; i < most; i++) {
        unsigned char was = bytes[i];
        bytes[i] ^= 0x55;
        n_refused += simulation_saved_steps(s.simulation, &start, NULL) < 0;
        bytes[i] = was;
    }
    cr_assert_gt(n_refused, 100);
    cr_assert_eq(simulation_saved_steps(s.simulation, &start, NULL), 3);
    free(saved.saved);
    support_close(&s);
}
