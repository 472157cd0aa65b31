/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: values of the sizes that its inputs say. */
#include <simlab/process.h>

enum { N, X, HALF, UNWRITTEN };

static const struct simlab_variable variables[] = {
    [N] = {.name = "n", .dtype = SIMLAB_I8, .default_value = "5"},
    [X] = {.name = "x", .intent = SIMLAB_OUT, .dims = "x"},
    [HALF] = {.name = "half", .intent = SIMLAB_OUT, .dims = "x", .flags = SIMLAB_PRIVATE},
    [UNWRITTEN] = {.name = "unwritten", .intent = SIMLAB_OUT},
};

static int initialize(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, N);
    double *x = simlab_f8_1d(c, X, n), sum = 0;
    for (int64_t i = 0; i < n; i++)
        x[i] = (double)(i + 1);
    double *half = simlab_f8_1d(c, HALF, n);
    for (int64_t i = n / 2; i < n; i++)
        sum += half[i];
    for (int64_t i = 0; i < n; i++)
        half[i] = 7;
    simlab_f8_put(c, UNWRITTEN, sum);
    return 0;
}

static int run_step(simlab_context *c)
{
    int64_t n = simlab_i8_get(c, N);
    double *half = simlab_f8_1d(c, HALF, n / 2);
    half[0] = 8;
    half = simlab_f8_1d(c, HALF, n); /* larger again: the rest was given up */
    double sum = simlab_f8_get(c, UNWRITTEN);
    for (int64_t i = n / 2; i < n; i++)
        sum += half[i];
    simlab_f8_put(c, UNWRITTEN, sum);
    return 0;
}

static const struct simlab_process Large = {
    .name = "Large",
    .description = "as many elements as it is told",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
};

SIMLAB_LIBRARY("1.0", "sizes", &Large)
