/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: each step says that it has begun, and waits until somebody has
 * written a byte for it into the named pipe $SIMLAB_TEST_PATIENCE. */
#include <simlab/process.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { NUMBER, VALUE };

static const struct simlab_variable variables[] = {
    [NUMBER] = {.name = "number", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

static int initialize(simlab_context *c)
{
    simlab_f8_put(c, VALUE, (double)simlab_i8_get(c, NUMBER));
    return 0;
}

static int run_step(simlab_context *c)
{
    char byte;
    const char *path = getenv("SIMLAB_TEST_PATIENCE");
    int pipe = path ? open(path, O_RDONLY) : -1;
    simlab_log(c, "step %lld", (long long)simlab_now(c)->step);
    ssize_t n = read(pipe, &byte, 1);
    close(pipe);
    if (n != 1)
        return simlab_fail(c, "nobody writes to $SIMLAB_TEST_PATIENCE");
    simlab_f8_put(c, VALUE, simlab_f8_get(c, VALUE) + 0.25);
    return 0;
}

static const struct simlab_process Patient = {
    .name = "Patient",
    .description = "waits for a byte in each step",
    SIMLAB_VARIABLES(variables),
    .initialize = initialize,
    .run_step = run_step,
};

SIMLAB_LIBRARY("1.0", "steps that wait", &Patient)
