/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a member: all in one range, which can be saved, put back, and shared. */
#include "stage/simulation.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { X, LAST, SUM };

struct counter {
    int64_t steps;
    double last;
};

static int run_step(simlab_context *c)
{
    struct counter *self = simlab_self(c);
    int64_t n = 10 + 200 * self->steps++; /* grows from block to block */
    double *x = simlab_f8_1d(c, X, n);
    simlab_random_fill(c, x + n - 5, 5);
    for (int64_t i = 0; i < n; i++)
        x[i] = x[i] * 0.5 + self->last;
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
    [X] = {.name = "x", .intent = SIMLAB_OUT, .dims = "i"},
    [LAST] = {.name = "last", .intent = SIMLAB_OUT},
    [SUM] = {.name = "sum", .kind = SIMLAB_ON_DEMAND, .flags = SIMLAB_CACHED, .compute = compute},
};
static const struct simlab_process Counter = {.name = "Counter",
                                              SIMLAB_VARIABLES(variables),
                                              .run_step = run_step,
                                              .instance_size = sizeof(struct counter)};
static const struct support_type types[] = {
    {&Counter, "[{'name': 'x', 'intent': 'out', 'dims': 'i'}, {'name': 'last', 'intent': 'out'},"
               " {'name': 'sum', 'kind': 'on_demand', 'cached': true, 'has_compute': true}]"}};
static const char job[] = "{'model': {'processes': {'a': 't.Counter', 'b': 't.Counter'}},"
                          " 'outputs': {'a__last': 'time', 'a__sum': 'time', 'b__last': 'time'}}";

struct rewinding {
    struct support support; /* first */
    void *saved;
    size_t n;
    int64_t saves_at, loads_at;
};

static int on_output(void *userdata, int64_t member, int output, int64_t at,
                     const struct simlab_view *view)
{
    struct rewinding *r = userdata;
    (void)member;
    buffer_printf(&r->support.told, "%d[%lld] %.17g\n", output, (long long)at,
                  *(const double *)view->data);
    return 0;
}

/* Between two steps: back to where it was. */
static int on_step(void *userdata, int64_t member, int64_t step)
{
    struct rewinding *r = userdata;
    struct state *state = r->support.simulation->state;
    struct error e = {.message = ""};
    (void)member;
    if (step == r->saves_at) {
        r->n = state_bytes(state);
        r->saved = malloc(r->n);
        state_save(state, r->saved);
        r->saves_at = -1;
    } else if (step == r->loads_at) {
        const struct saved_state from = {r->saved, r->n};
        cr_assert_eq(state_load(state, r->support.simulation->program, &from, &e), 0, "%s",
                     e.message);
        lane_forget_values(r->support.simulation->lanes[0]);
        r->loads_at = -1;
    }
    return 0;
}

static char *run(int64_t saves_at, int64_t loads_at)
{
    struct rewinding r = {.saves_at = saves_at, .loads_at = loads_at};
    const struct stage_events events = {.output = on_output, .step = on_step, .userdata = &r};
    struct error e = {.message = ""};
    support_open(&r.support, types, 1, 9, job, "serial", 1);
    cr_assert_eq(simulation_run(r.support.simulation, 0, &events, &e), 0, "%s", e.message);
    char *told = strdup(r.support.told.data);
    support_close(&r.support);
    free(r.saved);
    return told;
}

Test(state, what_is_put_back_goes_on_as_it_did)
{
    char *plain = run(-1, -1), *rewound = run(2, 5);
    /* The labels of steps 3 to 5 come twice, with the same values. */
    char *again = strstr(rewound, "0[3]"), *twice = strstr(again + 1, "0[3]");
    cr_assert(again && twice);
    cr_assert_eq(strncmp(again, twice, (size_t)(twice - again)), 0);
    memmove(again, twice, strlen(twice) + 1);
    cr_assert_str_eq(plain, rewound);
    free(plain);
    free(rewound);
}

/* Every pointer in it leads into it. */
Test(state, lies_in_one_range)
{
    struct support s;
    support_open(&s, types, 1, 5, job, "serial", 1);
    cr_assert_str_eq(support_run(&s), "");
    const struct state *state = s.simulation->state;
    const char *begin = (const char *)state, *end = begin + state_bytes(state);
#define WITHIN(p) cr_assert((const char *)(p) >= begin && (const char *)(p) < end)
    WITHIN(state->values);
    WITHIN(state->processes);
    WITHIN(state->computed);
    WITHIN(state->saved);
    WITHIN(state->runtime.main_clock);
    for (int i = 0; i < s.job->model->n_slots; i++)
        if (state->values[i].view.data)
            WITHIN(state->values[i].view.data);
    for (int i = 0; i < s.job->model->n_processes; i++)
        WITHIN(state->processes[i].instance);
    cr_assert_eq(state->address, state);
    support_close(&s);
}

/* One address for all, as long as there is place, and what one writes the other sees. */
Test(state, is_shared_with_who_maps_it)
{
    struct support s;
    struct state *shared, *other;
    struct error e = {.message = ""};
    support_open(&s, types, 1, 3, job, "serial", 1);
    cr_assert_eq(state_new(s.simulation->program, STATE_SHARED, &shared, &e), 0, "%s", e.message);
    cr_assert_eq(state_new(s.simulation->program, STATE_SHARED, &other, &e), 0, "%s", e.message);
    cr_assert_neq(shared, other);
    if (shared->arena.size <= STATE_WINDOW / 3) {
        cr_assert_geq((uintptr_t)shared, STATE_ADDRESS);
        cr_assert_lt((uintptr_t)shared, STATE_ADDRESS + STATE_WINDOW);
    }
    cr_assert_geq(shared->descriptor, 0);
    cr_assert_lt(ftruncate(shared->descriptor, 4096), 0, "it is sealed");
    int64_t shape = 100000;
    pid_t child = fork();
    if (child == 0) {
        int r = value_shape(shared, &shared->values[0], 1, &shape);
        ((double *)shared->values[0].view.data)[99999] = 42;
        _exit(r == 0 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(((const double *)shared->values[0].view.data)[99999], 42);
    state_free(shared);
    state_free(other);
    support_close(&s);
}
