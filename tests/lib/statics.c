/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: as older code with SAVE or COMMON does, it keeps something in
 * static variables; and it loses memory. */
#include <simlab/process.h>

#include <stdlib.h>
#include <string.h>

enum { LOSES, CALLS };

static const struct simlab_variable statics_variables[] = {
    [LOSES] = {.name = "loses", .dtype = SIMLAB_I8, .description = "MiB", .default_value = "0"},
    [CALLS] = {.name = "calls", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
};

static int64_t calls;
static void *lost[1024];

static int statics_initialize(simlab_context *c)
{
    size_t bytes = (size_t)simlab_i8_get(c, LOSES) << 20;
    void **last = &lost[calls++ % 1024];
    if (bytes && !(*last = malloc(bytes)))
        return simlab_fail(c, "no memory");
    if (bytes)
        memset(*last, 1, bytes);
    simlab_i8_put(c, CALLS, calls);
    return 0;
}

static const struct simlab_process Statics = {
    .name = "Statics",
    .description = "counts its calls, and loses memory",
    .variables = statics_variables,
    .n_variables = SIMLAB_COUNT(statics_variables),
    .initialize = statics_initialize,
};

SIMLAB_LIBRARY("1.0", "keeps what it should not", &Statics)
