/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to stage/: the table of functions that libraries call through simlab/process.h. */
#ifndef STAGE_HOST_H
#define STAGE_HOST_H

#include "stage/simulation.h"

extern const struct simlab_host host_functions;

/* NULL where the type itself does not have the stage. */
simlab_stage_fn host_stage_function(const struct simlab_process *process, int stage);

#endif
