/* SPDX-License-Identifier: Apache-2.0 */
/* A job file to be filled in. */
#ifndef CLIENT_TEMPLATE_H
#define CLIENT_TEMPLATE_H

#include <jansson.h>

/* A job for a model as GET /v1/models/NAME shows it (`types` as in summary.h): every input with
 * dims (the first that are accepted), description, units and default; null where data are needed.
 * Every variable that a process sets is an output at the end, for the user to choose from. With the
 * nulls of `data` filled in it is a valid job. `name`: what the job calls the model. New reference.
 */
json_t *template_new(const char *name, const json_t *model, const json_t *types);

#endif
