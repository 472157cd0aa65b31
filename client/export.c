/* SPDX-License-Identifier: Apache-2.0 */
#include "client/export.h"

#include "client/options.h"
#include "client/text.h"
#include "client/worker.h"
#include "proto/api.h"

#include <stdlib.h>

int export_run(struct server *s, const struct options *o)
{
    char *store;
    int n = 0, code = worker_find_store(s, o->operands[0], &store);
    if (code)
        return code;
    const char **arguments = text_need(calloc((size_t)o->n_operands + 5, sizeof *arguments));
    arguments[n++] = "simlab-export";
    if (o->members) {
        arguments[n++] = "--members";
        arguments[n++] = o->members;
    }
    arguments[n++] = "--";
    arguments[n++] = store;
    for (int i = 1; i < o->n_operands; i++)
        arguments[n++] = o->operands[i];
    worker_exec(arguments);
    text_complain("it is built where netCDF's development files are (Debian: libnetcdf-dev)");
    free(arguments);
    free(store);
    return API_EXIT_USAGE;
}
