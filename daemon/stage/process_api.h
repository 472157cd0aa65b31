/* SPDX-License-Identifier: Apache-2.0 */
/* Internal to stage/: the table of functions that libraries call through simlab/process.h. */
#ifndef STAGE_PROCESS_API_H
#define STAGE_PROCESS_API_H

#include "stage/simulation.h"

extern const struct simlab_host process_api_functions;

/* NULL where the type itself does not have the stage. */
simlab_stage_fn process_api_stage_function(const struct simlab_process *process, int stage);

#endif
