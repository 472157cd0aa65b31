/* SPDX-License-Identifier: Apache-2.0 */
/* Stored models. */
#ifndef HTTP_MODELS_H
#define HTTP_MODELS_H

#include "http/server.h"

/* By name or hash: a new reference; ret_hash NULL or a new string. PROBLEM_NOT_FOUND. */
int models_definition(struct http *h, const char *name, json_t **ret_definition, char **ret_hash,
                      struct error *e);

/* Of model_new or job_new, as the problem that it is: what is not there while libraries are being
 * described is to be asked for again. */
int models_result(const struct http *h, int r, struct error *e);

#endif
