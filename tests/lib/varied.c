/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: members that differ as their inputs say, in size, length, what
 * they save and how they end. What they compute depends on nothing else. tests/soak makes batches
 * of them. */
#include <simlab/process.h>

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* VARIED_SCALE: another build of the library, whose values are others. */
#ifndef VARIED_SCALE
#define VARIED_SCALE 1.0
#endif

enum { FAULT, AT, SIZE, GROWS, STOPS, WORK, VALUE, VECTOR, GRID, LABEL, COUNT, LEVEL, DRAWN };

/* What happens in step `at`. */
enum fault { NONE, FAILS, ABORTS, WRITES_NOWHERE, EXITS, IS_KILLED, NEVER_ENDS };

enum { ROWS = 3, COLUMNS = 5, LABEL_SIZE = 12 };

static const struct simlab_variable varied_variables[] = {
    [FAULT] = {.name = "fault", .dtype = SIMLAB_I8, .default_value = "0"},
    [AT] = {.name = "at", .dtype = SIMLAB_I8, .default_value = "1"},
    [SIZE] = {.name = "size", .dtype = SIMLAB_I8, .default_value = "4"},
    [GROWS] = {.name = "grows", .dtype = SIMLAB_I8, .default_value = "0"},
    [STOPS] = {.name = "stops", .dtype = SIMLAB_I8, .default_value = "1000000"},
    [WORK] = {.name = "work", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
    [VECTOR] = {.name = "vector", .intent = SIMLAB_OUT, .dims = "p"},
    [GRID] = {.name = "grid", .intent = SIMLAB_OUT, .dims = "y,x", .dtype = SIMLAB_F4},
    [LABEL] = {.name = "label",
               .intent = SIMLAB_OUT,
               .dims = "p",
               .dtype = SIMLAB_STR,
               .length = LABEL_SIZE},
    [COUNT] = {.name = "count", .intent = SIMLAB_OUT, .dtype = SIMLAB_I4},
    [LEVEL] = {.name = "level", .intent = SIMLAB_OUT, .dims = "q"},
    [DRAWN] = {.name = "drawn", .intent = SIMLAB_OUT},
};

/* Once the file is there that the environment names, nothing goes wrong any more. */
static bool is_cured(void)
{
    const char *cure = getenv("SIMLAB_TEST_CURE");
    return cure && access(cure, F_OK) == 0;
}

static void go_wrong(enum fault fault)
{
    volatile int *volatile nowhere = NULL;
    switch (fault) {
    case NONE:
    case FAILS:
        break;
    case ABORTS:
        abort();
    case WRITES_NOWHERE:
        *nowhere = 1;
        break;
    case EXITS:
        exit(0);
    case IS_KILLED:
        raise(SIGKILL);
        break;
    case NEVER_ENDS:
        for (volatile int forever = 1; forever;)
            continue;
    }
}

static double worked(int64_t work, double x)
{
    for (int64_t i = 0; i < work * 1000; i++)
        x = x / 3.0 + 0.25;
    return x;
}

static void save(simlab_context *c, double x)
{
    int64_t step = simlab_now(c)->step;
    int64_t n = simlab_i8_get(c, SIZE) + simlab_i8_get(c, GROWS) * (step + 1);
    double *vector = simlab_f8_1d(c, VECTOR, n);
    char *label = simlab_str_1d(c, LABEL, n);
    memset(label, 0, (size_t)n * LABEL_SIZE);
    for (int64_t i = 0; i < n; i++) {
        vector[i] = x / (double)(i + 3);
        memset(label + i * LABEL_SIZE, 'a' + (int)((i + step + 1) % 26), (size_t)(i % LABEL_SIZE));
    }
    float *grid = simlab_f4_2d(c, GRID, ROWS, COLUMNS);
    for (int64_t i = 0; i < ROWS * COLUMNS; i++)
        grid[i] = (float)(x * (double)i);
    double *level = simlab_f8_1d(c, LEVEL, n + 1); /* above 1 where it is to stop */
    for (int64_t i = 0; i <= n; i++)
        level[i] = step >= simlab_i8_get(c, STOPS) ? 2.0 : 0.5;
    simlab_f8_put(c, VALUE, x);
    simlab_i4_put(c, COUNT, (int32_t)(step + 1));
    simlab_f8_put(c, DRAWN, simlab_random_f8(c));
}

static int varied_initialize(simlab_context *c)
{
    save(c, VARIED_SCALE * (1.0 + 0.01 * (double)simlab_now(c)->batch));
    return 0;
}

static int varied_run_step(simlab_context *c)
{
    double x = worked(simlab_i8_get(c, WORK), simlab_f8_get(c, VALUE));
    save(c, x + VARIED_SCALE * (double)(simlab_now(c)->step % 7));
    if (simlab_now(c)->step != simlab_i8_get(c, AT) || is_cured())
        return 0;
    go_wrong((enum fault)simlab_i8_get(c, FAULT));
    return simlab_i8_get(c, FAULT) == FAILS ? simlab_fail(c, "asked to fail") : 0;
}

static const struct simlab_process Member = {
    .name = "Member",
    .description = "differs as its inputs say",
    SIMLAB_VARIABLES(varied_variables),
    .initialize = varied_initialize,
    .run_step = varied_run_step,
};

/* Every fifth member ends after step 2. */
static int hook_breaks(simlab_hook_context *h)
{
    return h->runtime->step == 2 && h->runtime->batch % 5 == 3 ? SIMLAB_BREAK : SIMLAB_NONE;
}

static int hook_logs(simlab_hook_context *h)
{
    const struct simlab_view *v = simlab_hook_view(h, "m__value");
    if (h->runtime->step == 1)
        simlab_hook_log(h, "value %g", v ? *(const double *)v->data : -1.0);
    return 0;
}

static const struct simlab_hook hooks[] = {
    {.name = "breaks", .stage = SIMLAB_RUN_STEP, .when = SIMLAB_AFTER, .call = hook_breaks},
    {.name = "logs", .stage = SIMLAB_RUN_STEP, .when = SIMLAB_AFTER, .call = hook_logs},
};

SIMLAB_LIBRARY_WITH_HOOKS("1.0", "members that differ", hooks, &Member)
