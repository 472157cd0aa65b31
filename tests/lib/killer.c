/* SPDX-License-Identifier: Apache-2.0 */
/* A process library of the tests: whoever runs its process in a step that is written down dies of
 * it (SIGKILL), once there is a checkpoint. $SIMLAB_TEST_KILL names a file with a line "STEP WHOM
 * PATH": the step (0, 1, …); "worker", which is the process that runs it, or "all" of a local run;
 * and the checkpoint that is waited for, "-" for none. The file is removed by who obeys it. */
#define _GNU_SOURCE
#include <simlab/process.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VALUE };

static const struct simlab_variable variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT},
};

static pid_t parent_of(pid_t pid)
{
    char path[64];
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1)
        parent = 0;
    if (f)
        fclose(f);
    return parent;
}

/* Not for ever: some runs cannot be saved. */
static void await_checkpoint(const char *path)
{
    time_t until = time(NULL) + 10;
    while (strcmp(path, "-") != 0 && access(path, F_OK) < 0 && time(NULL) < until)
        sched_yield();
}

/* Above this process is its guard, and above that the one that would start another. */
static void kill_them(const char *whom)
{
    pid_t above = strcmp(whom, "all") ? 0 : parent_of(getppid());
    if (above > 1)
        kill(above, SIGKILL);
    kill(getpid(), SIGKILL);
}

static int run_step(simlab_context *c)
{
    const char *order = getenv("SIMLAB_TEST_KILL");
    char whom[16], path[1024];
    int step, n = 0;
    FILE *f = order ? fopen(order, "re") : NULL;
    if (f) {
        n = fscanf(f, "%d %15s %1023s", &step, whom, path);
        fclose(f);
    }
    simlab_f8_put(c, VALUE, (double)simlab_now(c)->step);
    if (n != 3 || step != simlab_now(c)->step)
        return 0;
    await_checkpoint(path);
    if (unlink(order) == 0)
        kill_them(whom);
    return 0;
}

static const struct simlab_process Killer = {
    .name = "Killer",
    .description = "kills who runs it in a given step",
    SIMLAB_VARIABLES(variables),
    .run_step = run_step,
};

SIMLAB_LIBRARY("1.0", "kills its worker", &Killer)
