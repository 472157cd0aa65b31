/* SPDX-License-Identifier: Apache-2.0 */
/* Labels that all members of a batch have in common, though they could have differed: such an index
 * variable is stored along the batch, and under its short name, too, at the end, so that readers
 * select by it. Members may have more or fewer labels: what one lacks, another has. */
#ifndef WORKER_SHARED_LABELS_H
#define WORKER_SHARED_LABELS_H

#include "model/job.h"
#include "store/store.h"
#include "worker/result.h"

struct shared_labels {
    const struct job *job; /* borrowed, like the rest */
    struct store *store;
    const int64_t (*dead)[2]; /* members [begin, end), ascending; their rows are not compared */
    size_t n_dead;
};

/* The job's end, when all rows stand: writes the array outputs[output].labels, or, where two
 * members differ (or the output is not `stored`), sees to it that there is none. May be done again.
 * Nobody else is writing. */
int shared_labels_write(const struct shared_labels *s, int output, bool is_stored, struct error *e);

#endif
