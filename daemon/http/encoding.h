/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a store can hold a job's outputs as their encodings ask: model/ cannot ask store/. */
#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include "model/job.h"

/* 0, or PROBLEM_INVALID with a pointer into the job ("/encoding/advect__u/chunks"). */
int encoding_check(const struct job *job, struct error *e);

#endif
