/* SPDX-License-Identifier: Apache-2.0 */
/* Stored models. */
#ifndef HTTP_MODELS_H
#define HTTP_MODELS_H

#include "base/errors.h"

struct http;

/* Of model_new or job_new, as the problem that it is: what is not there while libraries are being
 * described is to be asked for again. */
int models_result(const struct http *h, int r, struct error *e);

#endif
