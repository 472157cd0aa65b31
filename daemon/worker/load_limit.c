/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/load_limit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { STATUS = 1 };

/* Signal handlers are given nothing else. */
static const char *volatile loading;
static struct sigaction before;

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        _exit(STATUS);
}

static void on_alarm(int signal)
{
    (void)signal;
    put("simlab-worker: error: library ");
    put(loading);
    put(" takes too long to load, or hangs\n");
    _exit(STATUS);
}

void load_limit_begin(const char *library, unsigned seconds)
{
    struct sigaction action = {.sa_handler = on_alarm};
    loading = library;
    sigaction(SIGALRM, &action, &before);
    alarm(seconds);
}

void load_limit_end(void)
{
    alarm(0);
    sigaction(SIGALRM, &before, NULL);
    loading = NULL;
}
