/* SPDX-License-Identifier: Apache-2.0 */
/* Stored models. */
#ifndef HTTP_MODELS_H
#define HTTP_MODELS_H

#include "http/server.h"

/* By name or hash: a new reference; ret_hash NULL or a new string. PROBLEM_NOT_FOUND. */
int models_definition(struct http *h, const char *name, json_t **ret_definition, char **ret_hash,
                      struct error *e);

#endif
