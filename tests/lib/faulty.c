/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: processes that go wrong as their input says. */
#include <simlab/process.h>

#include <stdlib.h>

enum { FAULT, VALUE };

/* What goes wrong in step 1. */
enum fault { NONE, FAILS, ABORTS, WRITES_NOWHERE, NEVER_ENDS, EXITS };

static const struct simlab_variable faulty_variables[] = {
    [FAULT] = {.name = "fault", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

static int faulty_initialize(simlab_context *c)
{
    simlab_f8_put(c, VALUE, 0);
    return 0;
}

static int faulty_run_step(simlab_context *c)
{
    enum fault fault = simlab_runtime(c)->step == 1 ? (enum fault)simlab_i8_get(c, FAULT) : NONE;
    int *volatile nowhere = NULL;
    switch (fault) {
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
    }
    simlab_f8_put(c, VALUE, simlab_runtime(c)->step + 1.0);
    return 0;
}

static const struct simlab_process Faulty = {
    .name = "Faulty",
    .description = "goes wrong as its input says",
    .variables = faulty_variables,
    .n_variables = SIMLAB_COUNT(faulty_variables),
    .initialize = faulty_initialize,
    .run_step = faulty_run_step,
};

SIMLAB_LIBRARY("1.0", "processes that go wrong", &Faulty)
