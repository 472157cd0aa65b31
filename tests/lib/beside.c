/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: members that may run side by side in one worker, and that go
 * wrong, or save much, as their inputs say. */
#include <simlab/process.h>

#include <stdatomic.h>
#include <stdlib.h>

enum { FAULT, N, VALUE, VECTOR };

/* What happens in step 1. MEETS: it waits until there is another such member. */
enum fault { NONE, FAILS, ABORTS, WRITES_NOWHERE, NEVER_ENDS, EXITS, MEETS };

static const struct simlab_variable beside_variables[] = {
    [FAULT] = {.name = "fault", .dtype = SIMLAB_I8, .default_value = "0"},
    [N] = {.name = "n", .dtype = SIMLAB_I8, .default_value = "3"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
    [VECTOR] = {.name = "vector", .intent = SIMLAB_OUT, .dims = "p"},
};

static void meet(void)
{
    static atomic_int here;
    atomic_fetch_add(&here, 1);
    while (atomic_load(&here) < 2)
        continue;
}

static void save(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, N);
    double *vector = simlab_f8_1d(c, VECTOR, n), x = simlab_random_f8(c);
    for (int64_t i = 0; i < n; i++)
        vector[i] = x + (double)i;
    simlab_f8_put(c, VALUE, x);
}

static int beside_initialize(simlab_context *c)
{
    save(c);
    return 0;
}

static int beside_run_step(simlab_context *c)
{
    const struct simlab_runtime *now = simlab_now(c);
    volatile int *volatile nowhere = NULL;
    save(c);
    if (now->batch % 7 == 0)
        simlab_log(c, "member %d is in step %d", (int)now->batch, (int)now->step);
    if (now->step != 1)
        return 0;
    switch ((enum fault)simlab_i8_get(c, FAULT)) {
    case NONE:
        break;
    case FAILS:
        return simlab_fail(c, "asked to fail");
    case ABORTS:
        abort();
    case WRITES_NOWHERE:
        *nowhere = 1;
        break;
    case NEVER_ENDS:
        for (volatile int forever = 1; forever;)
            continue;
        break;
    case EXITS:
        exit(0);
    case MEETS:
        meet();
    }
    return 0;
}

static const struct simlab_process Beside = {
    .name = "Beside",
    .description = "goes wrong, or saves much, as its inputs say",
    SIMLAB_VARIABLES(beside_variables),
    .initialize = beside_initialize,
    .run_step = beside_run_step,
};

static const struct simlab_process Single = {
    .name = "Single",
    .description = "not safe beside others",
    .flags = SIMLAB_NOT_THREAD_SAFE,
    SIMLAB_VARIABLES(beside_variables),
    .initialize = beside_initialize,
};

SIMLAB_LIBRARY("1.0", "members side by side", &Beside, &Single)
