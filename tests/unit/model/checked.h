/* SPDX-License-Identifier: Apache-2.0 */
/* job_new as a run has it, and as who only checks the job: both find the same. */
#ifndef UNIT_MODEL_CHECKED_H
#define UNIT_MODEL_CHECKED_H

#include "model/job.h"

/* job_new, asserting that the same job, but checked (also where nothing may take long), is refused
 * with the same words, or has the same shapes and no data. Uploads that `sources` gives are files
 * there. */
int checked_job_new(const struct registry *r, const json_t *document,
                    const struct job_sources *sources, struct job **ret_job, struct error *e);

/* A descriptor of a .npy file with the array. */
int checked_npy(const struct ndarray *a);

#endif
