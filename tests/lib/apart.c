/* SPDX-License-Identifier: Apache-2.0 */
/* A process library for tests of one simulation in several workers: what it computes does not
 * depend on them, but it tells where it runs, by files in the directory $APART. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <simlab/process.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- where the time loop is: its instance holds a pointer ---- */

static int lead_initialize(simlab_context *c)
{
    void **instance = simlab_self(c);
    *instance = instance;
    tell("lead", (long)getpid());
    return 0;
}

static const struct simlab_process Lead = {.name = "Lead",
                                           .flags = SIMLAB_PINNED,
                                           .instance_size = sizeof(void *),
                                           .initialize = lead_initialize,
                                           .run_step = lead_initialize};

/* ---- what runs anywhere ---- */

enum { VALUE };

static const struct simlab_variable variables[] = {
    [VALUE] = {.name = "value", .intent = SIMLAB_OUT, .dims = "x"},
};

/* Where "crash" is, a helper crashes; where the pipe "hold" is, it says there who it is, and waits
 * to be killed. */
static void be_harmed(void)
{
    char path[512], text[32];
    if (is_there("crash", 0))
        abort();
    if (!is_there("hold", 0))
        return;
    path_of(path, "hold", 0);
    int fd = open(path, O_WRONLY), n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    while (fd >= 0 && write(fd, text, (size_t)n) == n)
        pause();
}

static int run_step(simlab_context *c)
{
    long us = (long)getpid();
    double *value = simlab_f8_1d(c, VALUE, 100);
    int is_lead = is_there("lead", us);
    simlab_log(c, "is at %lld", (long long)simlab_now(c)->step);
    if (!is_lead)
        tell("helped", 0);
    else if (!is_there("helped", 0))
        wait_a_millisecond(); /* a helper may come */
    if (!is_lead && simlab_now(c)->step >= HARMED_FROM)
        be_harmed();
    for (int k = 0; k < 200; k++)
        for (int i = 0; i < 100; i++)
            value[i] = value[i] * 0.5 + (double)(simlab_now(c)->step + i);
    value[0] += simlab_random_f8(c);
    return 0;
}

static const struct simlab_process Apart = {
    .name = "Apart", SIMLAB_VARIABLES(variables), .run_step = run_step};

SIMLAB_LIBRARY("1.0", "where it runs", &Lead, &Apart)
