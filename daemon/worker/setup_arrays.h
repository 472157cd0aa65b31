/* SPDX-License-Identifier: Apache-2.0 */
/* What of a job's store is known before it runs: clocks, coordinates, inputs, and the root's
 * attributes with where the data come from. All of it can be written again at any time. */
#ifndef WORKER_SETUP_ARRAYS_H
#define WORKER_SETUP_ARRAYS_H

#include "model/job.h"
#include "store/store.h"
#include "worker/result.h"

int setup_arrays_write(const struct job *job, struct store *s, struct error *e);

/* The same before the first member runs, which is not to wait for a great batch's inputs: where
 * these are computed or read as they are asked for (struct job_input.series), and what is missing
 * reads as missing, there is no more than the array. Then, before the members [begin, end) run:
 * their chunks, whole, unless they are there. Several may do so at a time. (An open batch, whose
 * arrays grow, has them all at once.) */
int setup_arrays_begin(const struct job *job, struct store *s, struct error *e);
int setup_arrays_fill(const struct job *job, struct store *s, int64_t begin, int64_t end,
                      struct error *e);

/* Members were appended to an open batch since the store was made, or grew last: what is known of
 * them is written, and then readers see them. The arrays of outputs have grown. Done by whoever
 * comes first, and again by others; what is missing or broken is left to the job's end. */
int setup_arrays_grow(const struct job *job, struct store *s, struct error *e);

/* Calls fn for the name of each array that setup_arrays_write makes, until one returns other than
 * 0; that, or 0. */
int setup_arrays_each(const struct job *job, int (*fn)(void *userdata, const char *name),
                      void *userdata);
/* Whether the root's attributes are this job's: WORKER_STORE where not. */
int setup_arrays_check_attributes(const struct job *job, struct store *s, struct error *e);

/* The extent of a dimension in these arrays, which all agree, and the name of one that has it; -1:
 * none has the dimension. */
int64_t setup_arrays_extent(const struct job *job, const char *dim, const char **ret_array);

#endif
