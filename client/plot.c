/* SPDX-License-Identifier: Apache-2.0 */
#include "client/plot.h"

#include "client/options.h"
#include "client/worker.h"
#include "proto/api.h"

#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 2 * OPTIONS_LIST_MAX + 32 };

struct arguments {
    const char *values[ARGUMENTS_MAX];
    int n;
};

static void add(struct arguments *a, const char *option, const char *value)
{
    if (!value)
        return;
    if (option)
        a->values[a->n++] = option;
    a->values[a->n++] = value;
}

int plot_run(struct server *s, const struct options *o)
{
    struct arguments a = {0};
    char *store;
    int code = worker_find_store(s, o->operands[0], &store);
    if (code)
        return code;
    add(&a, NULL, "simlab-worker");
    add(&a, NULL, "plot");
    add(&a, "-o", o->output);
    add(&a, "--kind", o->kind);
    add(&a, "--style", o->style);
    add(&a, "--along", o->along);
    add(&a, "--against", o->against);
    add(&a, NULL, o->log ? "--log" : NULL);
    add(&a, "--animate", o->animate);
    add(&a, "--fps", o->fps);
    add(&a, "--columns", o->columns);
    add(&a, "--width", o->width);
    add(&a, "--exaggeration", o->exaggeration);
    for (int i = 0; i < o->select.n; i++)
        add(&a, "--select", o->select.values[i]);
    add(&a, "--", store);
    add(&a, NULL, o->operands[1]);
    worker_exec(a.values);
    free(store);
    return API_EXIT_USAGE;
}
