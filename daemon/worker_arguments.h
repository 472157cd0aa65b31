/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of simlab-worker: for worker_main.c. */
#ifndef WORKER_ARGUMENTS_H
#define WORKER_ARGUMENTS_H

#include "worker/sandbox.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { WORKER_EXIT_USAGE = 2, WORKER_DIRECTORIES = 32 };

struct worker_arguments {
    const char *store, *endpoint, *name;
    int where, secret;
    enum sandbox_mode sandbox;
    char *libraries, *uploads, *state; /* these are owned, and absolute: members run elsewhere */
    char *directories[WORKER_DIRECTORIES + 1];
    const char *modules[WORKER_DIRECTORIES + 1];
    const char *writable[WORKER_DIRECTORIES + 1];
    int n_directories, n_modules, n_writable;
    const char *operand, *model, *configuration;
    const char *trace, *graph, *pins, *from, *output, *group;
    int64_t renew_members, renew_memory, memory;
    double limit;
    bool debug, profile, resume;
};

/* All that it takes. 0, or WORKER_EXIT_USAGE where that is a complaint. */
int worker_usage(FILE *to);

/* From the role on; `a` has what holds where an option is absent, and is cleared whatever comes of
 * it. False where it cannot be. */
bool worker_arguments_parse(int argc, char **argv, struct worker_arguments *a);
void worker_arguments_clear(struct worker_arguments *a);

/* Of the hosts of Python (library/environments.h): a new string, or NULL. */
char *worker_python_directory(void);

#endif
