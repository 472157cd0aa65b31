/* SPDX-License-Identifier: Apache-2.0 */
/* A model's graph in Graphviz's DOT language. */
#ifndef CLIENT_GRAPH_H
#define CLIENT_GRAPH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct graph_options {
    bool inputs, variables;
    const char *route; /* "process__variable": only what shares its value; or NULL */
};

/* Processes, their order, and the variables asked for, of a model as GET /v1/models/NAME shows it;
 * `types` as in summary.h. 0, or an exit code after a complaint where `route` is no variable. */
int graph_print(FILE *out, const json_t *model, const json_t *types, const struct graph_options *o);

/* Writes to `path` (NULL: standard output) as DOT, or as its ending asks for where that is another
 * (.svg, .png, .pdf), through `dot`. Exit code. */
int graph_write(const char *path, const json_t *model, const json_t *types,
                const struct graph_options *o);

#endif
