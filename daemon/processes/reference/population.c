/* SPDX-License-Identifier: Apache-2.0 */
/* Logistic growth, and a process that stops those that depend on it. */
#include "reference.h"

enum { R, K, N0, N };

static const struct simlab_variable logistic_variables[] = {
    [R] = {.name = "r", .description = "growth rate"},
    [K] = {.name = "k",
           .default_value = "100",
           .bounds = "(0, inf]",
           .description = "carrying capacity"},
    [N0] = {.name = "n0",
            .flags = SIMLAB_STATIC,
            .default_value = "1",
            .description = "initial population"},
    [N] = {.name = "n",
           .intent = SIMLAB_OUT,
           .description = "population",
           .reads = SIMLAB_AT_RUN_STEP | SIMLAB_AT_FINALIZE_STEP,
           .writes = SIMLAB_AT_INITIALIZE | SIMLAB_AT_FINALIZE_STEP},
};

struct logistic {
    double change; /* of this step */
};

static int logistic_initialize(simlab_context *c)
{
    simlab_f8_put(c, N, simlab_f8_get(c, N0));
    return 0;
}

static int logistic_run_step(simlab_context *c)
{
    struct logistic *self = simlab_self(c);
    double n = simlab_f8_get(c, N);
    self->change =
        simlab_f8_get(c, R) * n * (1 - n / simlab_f8_get(c, K)) * simlab_now(c)->step_delta;
    return 0;
}

static int logistic_finalize_step(simlab_context *c)
{
    struct logistic *self = simlab_self(c);
    *simlab_f8_mut(c, N, 1) += self->change;
    return 0;
}

const struct simlab_process Logistic = {
    .name = "Logistic",
    .description = "growth towards a carrying capacity",
    SIMLAB_VARIABLES(logistic_variables),
    .initialize = logistic_initialize,
    .run_step = logistic_run_step,
    .finalize_step = logistic_finalize_step,
    .instance_size = sizeof(struct logistic),
};

enum { STOP_N, LIMIT, SEEN };

static const struct simlab_variable stop_variables[] = {
    [STOP_N] = {.name = "n",
                .kind = SIMLAB_FOREIGN,
                .type = "Logistic",
                .reads = SIMLAB_AT_RUN_STEP},
    [LIMIT] = {.name = "limit", .default_value = "\"Infinity\""},
    [SEEN] = {.name = "seen",
              .intent = SIMLAB_OUT,
              .dtype = SIMLAB_I8,
              .description = "run_step calls that saw n <= limit"},
};

static int stop_initialize(simlab_context *c)
{
    simlab_i8_put(c, SEEN, 0);
    return 0;
}

static int stop_run_step(simlab_context *c)
{
    if (simlab_f8_get(c, STOP_N) > simlab_f8_get(c, LIMIT))
        return SIMLAB_BREAK;
    ++*simlab_i8_mut(c, SEEN, 1);
    return 0;
}

const struct simlab_process StopAbove = {
    .name = "StopAbove",
    .description = "breaks off the stage where the population is above a limit",
    SIMLAB_VARIABLES(stop_variables),
    .initialize = stop_initialize,
    .run_step = stop_run_step,
};

enum { AFTER_SEEN, CALLS };

static const struct simlab_variable after_variables[] = {
    [AFTER_SEEN] = {.name = "seen", .kind = SIMLAB_FOREIGN, .type = "StopAbove"},
    [CALLS] = {.name = "calls",
               .intent = SIMLAB_OUT,
               .dtype = SIMLAB_I8,
               .description = "run_step calls of this process"},
};

static int after_initialize(simlab_context *c)
{
    simlab_i8_put(c, CALLS, 0);
    return 0;
}

static int after_run_step(simlab_context *c)
{
    ++*simlab_i8_mut(c, CALLS, 1);
    return 0;
}

const struct simlab_process AfterStop = {
    .name = "AfterStop",
    .description = "counts how often it is called",
    SIMLAB_VARIABLES(after_variables),
    .initialize = after_initialize,
    .run_step = after_run_step,
};
