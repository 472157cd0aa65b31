/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of models whose one library `t` is made in the test. */
#ifndef TESTS_STAGE_SUPPORT_H
#define TESTS_STAGE_SUPPORT_H

#include "base/buffer.h"
#include "stage/stage.h"

struct support_type {
    const struct simlab_process *process; /* its table and functions */
    const char *variables; /* the table again, as the JSON array of a descriptor; ' for " */
};

struct support {
    struct registry *registry;
    struct job *job;
    struct simulation *simulation;
    struct buffer told; /* what was logged, saved and told, line by line */
};

/* `job` is JSON with ' for ", without clocks: the main clock `time` has `labels` labels from 0. */
void support_open(struct support *s, const struct support_type *types, int n_types, int labels,
                  const char *job, const char *scheduler, int threads);
/* Runs member 0. The words of its failure, or "". */
const char *support_run(struct support *s);
void support_close(struct support *s);

#endif
