/* SPDX-License-Identifier: Apache-2.0 */
/* Stored models. */
#ifndef HTTP_MODELS_H
#define HTTP_MODELS_H

#include "base/errors.h"

struct http;

/* The problem; while libraries are being described, that it is to be asked for again: what is not
 * there may come. */
int models_problem(const struct http *h, int problem, struct error *e);
/* The same of what model_new or job_new said. */
int models_result(const struct http *h, int r, struct error *e);

#endif
