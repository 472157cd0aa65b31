/* SPDX-License-Identifier: Apache-2.0 */
/* Two processes that each need what the other sets: no model can hold both. */
#include "reference.h"

enum { A, B };

static const struct simlab_variable a_variables[] = {
    [A] = {.name = "a", .intent = SIMLAB_OUT},
    [B] = {.name = "b", .kind = SIMLAB_GLOBAL, .global_name = "cycle_b"},
};

static int a_run_step(simlab_context *c)
{
    simlab_f8_put(c, A, simlab_f8_get(c, B));
    return 0;
}

const struct simlab_process CycleA = {
    .name = "CycleA",
    .description = "needs what CycleB sets",
    SIMLAB_VARIABLES(a_variables),
    .run_step = a_run_step,
};

static const struct simlab_variable b_variables[] = {
    [A] = {.name = "a", .kind = SIMLAB_FOREIGN, .type = "CycleA"},
    [B] = {.name = "b", .intent = SIMLAB_OUT, .global_name = "cycle_b"},
};

static int b_run_step(simlab_context *c)
{
    simlab_f8_put(c, B, simlab_f8_get(c, A));
    return 0;
}

const struct simlab_process CycleB = {
    .name = "CycleB",
    .description = "needs what CycleA sets",
    SIMLAB_VARIABLES(b_variables),
    .run_step = b_run_step,
};
