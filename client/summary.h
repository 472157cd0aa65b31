/* SPDX-License-Identifier: Apache-2.0 */
/* Summaries on standard output in the manner of xarray-simlab's representations. */
#ifndef CLIENT_SUMMARY_H
#define CLIENT_SUMMARY_H

#include <jansson.h>

/* A process type, as GET /v1/processes/TYPE shows it. */
void summary_print_type(const json_t *type);
/* A model, as GET /v1/models/NAME shows it: its processes in the order in which they run, each with
 * its inputs; `types` is an object, type's name → GET /v1/processes/TYPE, and may lack some. */
void summary_print_model(const json_t *model, const json_t *types);

#endif
