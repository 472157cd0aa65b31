/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the bench: members that take as long as they are told, or nothing. */
#define _POSIX_C_SOURCE 200809L
#include "busy.h"

#include <simlab/process.h>

enum { SECONDS };

static const struct simlab_variable variables[] = {
    [SECONDS] = {.name = "seconds"},
};

static int run_step(simlab_context *c)
{
    double seconds = simlab_f8_get(c, SECONDS);
    if (seconds > 0)
        busy(seconds);
    return 0;
}

static const struct simlab_process Busy = {
    .name = "Busy",
    .description = "takes its time",
    SIMLAB_VARIABLES(variables),
    .run_step = run_step,
};

SIMLAB_LIBRARY("1.0", "members that take their time", &Busy)
