/* SPDX-License-Identifier: Apache-2.0 */
/* A temperature that is found by its global name, and what it melts. */
#include "reference.h"

#include <math.h>

static const struct simlab_variable climate_variables[] = {
    {.name = "temperature", .default_value = "10", .global_name = "air_temperature"},
};

const struct simlab_process ClimateForcing = {
    .name = "ClimateForcing",
    .description = "a temperature given from outside",
    SIMLAB_VARIABLES(climate_variables),
};

enum { TEMPERATURE, DEGREE_FACTOR, MELTED };

static const struct simlab_variable melt_variables[] = {
    [TEMPERATURE] = {.name = "temperature",
                     .kind = SIMLAB_GLOBAL,
                     .global_name = "air_temperature",
                     .reads = SIMLAB_AT_RUN_STEP},
    [DEGREE_FACTOR] = {.name = "degree_factor", .default_value = "2"},
    [MELTED] = {.name = "melted", .intent = SIMLAB_OUT, .description = "melted since the start"},
};

static int melt_initialize(simlab_context *c)
{
    simlab_f8_put(c, MELTED, 0);
    return 0;
}

static int melt_run_step(simlab_context *c)
{
    double temperature = simlab_f8_get(c, TEMPERATURE);
    *simlab_f8_mut(c, MELTED, 1) +=
        fmax(temperature, 0) * simlab_f8_get(c, DEGREE_FACTOR) * simlab_now(c)->step_delta;
    return 0;
}

const struct simlab_process Melt = {
    .name = "Melt",
    .description = "melts in proportion to the degrees above zero",
    SIMLAB_VARIABLES(melt_variables),
    .initialize = melt_initialize,
    .run_step = melt_run_step,
};
