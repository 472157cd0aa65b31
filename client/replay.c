/* SPDX-License-Identifier: Apache-2.0 */
#include "client/replay.h"

#include "client/options.h"
#include "client/worker.h"
#include "proto/api.h"

#include <stdlib.h>

int replay_run(struct server *s, const struct options *o)
{
    const char *arguments[8] = {"simlab-worker", "replay"};
    char *store;
    int n = 2, code = worker_find_store(s, o->operands[0], &store);
    if (code)
        return code;
    if (o->output) {
        arguments[n++] = "-o";
        arguments[n++] = o->output;
    }
    arguments[n++] = "--";
    arguments[n++] = store;
    worker_exec(arguments);
    free(store);
    return API_EXIT_USAGE;
}
