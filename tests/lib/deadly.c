/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: members that take the daemon down, or
 * that wait until the test lets them go on. */
#define _POSIX_C_SOURCE 200809L
#include <simlab/process.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FAULT, VALUE };

enum fault { NONE, KILLS_DAEMON, WAITS };

static const struct simlab_variable deadly_variables[] = {
    [FAULT] = {.name = "fault", .dtype = SIMLAB_I8, .default_value = "0"},
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

/* The parent of a process, from the second number of /proc/PID/stat; 0 where that cannot be read.
 */
static int parent_of(int pid)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

/* The worker's parent is its guard, whose parent is the daemon. */
static void kill_daemon(void)
{
    int daemon = parent_of(getppid());
    if (daemon > 1)
        kill(daemon, SIGKILL);
    for (;;)
        pause(); /* it ends with the daemon */
}

/* Until the file that SIMLAB_TEST_GATE names is there. */
static void wait_for_gate(void)
{
    const char *gate = getenv("SIMLAB_TEST_GATE");
    const struct timespec moment = {.tv_nsec = 1000000};
    puts("waits at the gate");
    fflush(stdout);
    while (gate && access(gate, F_OK) < 0)
        nanosleep(&moment, NULL);
}

static int deadly_initialize(simlab_context *c)
{
    simlab_f8_put(c, VALUE, 0);
    return 0;
}

static int deadly_run_step(simlab_context *c)
{
    int64_t fault = simlab_now(c)->step == 1 ? simlab_i8_get(c, FAULT) : NONE;
    if (fault == KILLS_DAEMON)
        kill_daemon();
    if (fault == WAITS)
        wait_for_gate();
    simlab_f8_put(c, VALUE, simlab_now(c)->step + 1.0);
    return 0;
}

static const struct simlab_process Deadly = {
    .name = "Deadly",
    .description = "goes wrong, or waits, as its input says",
    .variables = deadly_variables,
    .n_variables = SIMLAB_COUNT(deadly_variables),
    .initialize = deadly_initialize,
    .run_step = deadly_run_step,
};

SIMLAB_LIBRARY("1.0", "members that take the daemon down, or wait", &Deadly)
