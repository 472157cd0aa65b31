/* SPDX-License-Identifier: Apache-2.0 */
/* A process library for tests of one simulation in several workers: what it computes does not
 * depend on them, but it tells where it runs, by files in the directory $APART. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <simlab/process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HARMED_FROM = 5 };

static void path_of(char ret[512], const char *name, long number)
{
    const char *directory = getenv("APART");
    snprintf(ret, 512, number ? "%s/%s.%ld" : "%s/%s", directory ? directory : ".", name, number);
}

static int is_there(const char *name, long number)
{
    char path[512];
    path_of(path, name, number);
    return access(path, F_OK) == 0;
}

static void tell(const char *name, long number)
{
    char path[512];
    path_of(path, name, number);
    if (access(path, F_OK) != 0)
        close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void wait_a_millisecond(void)
{
    struct timespec t = {.tv_nsec = 1000000};
    nanosleep(&t, NULL);
}

/* Where the pipe `name` is, says there who it is, once the file $APART_AWAITED is there, and waits
 * to be killed. */
static void hold(const char *name)
{
    const char *awaited = getenv("APART_AWAITED");
    char path[512], text[32];
    if (!is_there(name, 0))
        return;
    while (awaited && access(awaited, F_OK) != 0)
        wait_a_millisecond();
    path_of(path, name, 0);
    int fd = open(path, O_WRONLY), n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    while (fd >= 0 && write(fd, text, (size_t)n) == n)
        pause();
}

/* ---- where the time loop is: its instance holds a pointer ---- */

static FILE *open_of(const char *process, const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/%s", process, name);
    return fopen(path, "r");
}

static int has_mapped_a_state(const char *process)
{
    char line[1024];
    int found = 0;
    FILE *file = open_of(process, "maps");
    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, "memfd:simlab-state") != NULL;
    if (file)
        fclose(file);
    return found;
}

/* It began with the same $APART: others run at the same time. */
static int is_of_this_run(const char *process, const char *directory)
{
    char *text = NULL;
    size_t size = 0;
    int found = 0;
    FILE *file = open_of(process, "environ");
    while (file && !found && getdelim(&text, &size, '\0', file) > 0)
        found = strncmp(text, "APART=", 6) == 0 && strcmp(text + 6, directory) == 0;
    free(text);
    if (file)
        fclose(file);
    return found;
}

static int workers(const char *directory)
{
    int n = 0;
    DIR *processes = opendir("/proc");
    for (struct dirent *at; processes && (at = readdir(processes));)
        n += at->d_name[0] >= '1' && at->d_name[0] <= '9' &&
             is_of_this_run(at->d_name, directory) && has_mapped_a_state(at->d_name);
    if (processes)
        closedir(processes);
    return n;
}

/* As many as $APART_WORKERS says. */
static void await_workers(void)
{
    const char *wanted = getenv("APART_WORKERS"), *directory = getenv("APART");
    while (wanted && directory && workers(directory) < atoi(wanted))
        wait_a_millisecond();
}

static int lead_is_here(void *instance)
{
    *(void **)instance = instance;
    tell("lead", (long)getpid());
    return 0;
}

static int lead_initialize(simlab_context *c)
{
    await_workers();
    return lead_is_here(simlab_self(c));
}

static int lead_run_step(simlab_context *c)
{
    if (simlab_now(c)->step >= HARMED_FROM)
        hold("hold-lead");
    return lead_is_here(simlab_self(c));
}

/* Between the steps, so that all in the next one find it, or none. */
static int lead_finalize_step(simlab_context *c)
{
    (void)c;
    if (is_there("helped", 0))
        tell("ready", 0);
    return 0;
}

static int lead_saves_nothing(simlab_context *c)
{
    (void)c;
    return 0;
}

static int lead_restore(simlab_context *c)
{
    return lead_is_here(simlab_self(c));
}

static const struct simlab_process Lead = {.name = "Lead",
                                           .flags = SIMLAB_PINNED,
                                           .instance_size = sizeof(void *),
                                           .initialize = lead_initialize,
                                           .run_step = lead_run_step,
                                           .finalize_step = lead_finalize_step,
                                           .save = lead_saves_nothing,
                                           .restore = lead_restore};

/* ---- what runs anywhere ---- */

enum { VALUE, NUMBER };

static const struct simlab_variable variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT, .dims = "x"},
};
static const struct simlab_variable numbered_variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT, .dims = "x"},
    [NUMBER] = {.name = "number", .dtype = SIMLAB_I8, .default_value = "0"},
};

/* Where $APART_LEAVES is, a helper takes its time to leave, and tells when it has. */
__attribute__((destructor)) static void leave(void)
{
    if (!getenv("APART_LEAVES") || is_there("lead", (long)getpid()))
        return;
    for (int i = 0; i < 50; i++)
        wait_a_millisecond();
    tell("left", 0);
}

/* Where "crash" is, a helper crashes; where the pipe "hold" is, it is killed. */
static void be_harmed(void)
{
    if (is_there("crash", 0))
        abort();
    hold("hold");
}

static int run_step(simlab_context *c)
{
    long us = (long)getpid();
    double *value = simlab_f8_1d(c, VALUE, 100);
    int is_lead = is_there("lead", us);
    simlab_log(c, "is at %lld", (long long)simlab_now(c)->step);
    if (!is_lead)
        tell("helped", 0);
    else if (!is_there("helped", 0) || is_there("crash", 0) || is_there("hold", 0))
        wait_a_millisecond(); /* a helper may come */
    if (!is_lead && simlab_now(c)->step >= HARMED_FROM)
        be_harmed();
    for (int k = 0; k < 200; k++)
        for (int i = 0; i < 100; i++)
            value[i] = value[i] * 0.5 + (double)(simlab_now(c)->step + i);
    value[0] += simlab_random_f8(c);
    return 0;
}

/* Tells when it is through. */
static int numbered_run_step(simlab_context *c)
{
    int r = run_step(c);
    if (is_there("ready", 0))
        tell("through", (long)simlab_i8_get(c, NUMBER));
    return r;
}

static int finalize(simlab_context *c)
{
    simlab_log(c, "is finalized");
    return 0;
}

static const struct simlab_process Apart = {
    .name = "Apart", SIMLAB_VARIABLES(variables), .run_step = run_step, .finalize = finalize};

static const struct simlab_process Numbered = {.name = "Numbered",
                                               SIMLAB_VARIABLES(numbered_variables),
                                               .run_step = numbered_run_step,
                                               .finalize = finalize};

/* ---- one that goes wrong in the midst of a stage: in the first step in which there is a helper,
 * once those with the numbers 1 … `beside` are through ---- */

enum { DEED, BESIDE };
enum deed { GOES_ON, FAILS, ABORTS, NEVER_ENDS };

static const struct simlab_variable midst_variables[] = {
    [DEED] = {.name = "deed", .dtype = SIMLAB_I8, .default_value = "0"},
    [BESIDE] = {.name = "beside", .dtype = SIMLAB_I8, .default_value = "2"},
};

static int midst_run_step(simlab_context *c)
{
    if (!is_there("ready", 0) || is_there("begun", 0))
        return 0;
    tell(is_there("lead", (long)getpid()) ? "by-lead" : "by-helper", 0);
    tell("begun", 0);
    for (long number = 1; number <= simlab_i8_get(c, BESIDE); number++)
        while (!is_there("through", number))
            wait_a_millisecond();
    switch ((enum deed)simlab_i8_get(c, DEED)) {
    case GOES_ON:
        break;
    case FAILS:
        return simlab_fail(c, "asked to fail");
    case ABORTS:
        abort();
    case NEVER_ENDS:
        for (;;)
            pause();
    }
    return 0;
}

static const struct simlab_process Midst = {.name = "Midst",
                                            SIMLAB_VARIABLES(midst_variables),
                                            .run_step = midst_run_step,
                                            .finalize = finalize};
static const struct simlab_process MidstOfLead = {.name = "MidstOfLead",
                                                  SIMLAB_VARIABLES(midst_variables),
                                                  .flags = SIMLAB_PINNED,
                                                  .run_step = midst_run_step,
                                                  .finalize = finalize};

/* Keeps the lead busy until a helper is in the midst. */
static int keeper_run_step(simlab_context *c)
{
    (void)c;
    while (is_there("ready", 0) && !is_there("begun", 0))
        wait_a_millisecond();
    return 0;
}

static const struct simlab_process Keeper = {
    .name = "Keeper", .flags = SIMLAB_PINNED, .run_step = keeper_run_step};

/* ---- one that is not safe beside others: a number of the library's own ---- */

static const struct simlab_variable counts_variables[] = {
    {.name = "count", .intent = SIMLAB_OUT, .dtype = SIMLAB_I8},
};

static int counts_run_step(simlab_context *c)
{
    static int64_t count;
    if (is_there("lead", (long)getpid()) && !is_there("helped", 0))
        wait_a_millisecond();
    simlab_i8_put(c, 0, ++count);
    return 0;
}

static const struct simlab_process Counts = {.name = "Counts",
                                             SIMLAB_VARIABLES(counts_variables),
                                             .flags = SIMLAB_NOT_THREAD_SAFE,
                                             .run_step = counts_run_step};

/* ---- one that holds up its lead in one step, while the pipe "wait" is open, which it reads ----
 */

static int waits_run_step(simlab_context *c)
{
    char path[512], byte;
    path_of(path, "wait", 0);
    int fd = simlab_now(c)->step == HARMED_FROM ? open(path, O_RDONLY) : -1;
    while (fd >= 0 && read(fd, &byte, 1) > 0)
        continue;
    if (fd >= 0)
        close(fd);
    return 0;
}

static const struct simlab_process Waits = {
    .name = "Waits", .flags = SIMLAB_PINNED, .run_step = waits_run_step};

SIMLAB_LIBRARY("1.0", "where it runs", &Lead, &Apart, &Numbered, &Midst, &MidstOfLead, &Keeper,
               &Counts, &Waits)
