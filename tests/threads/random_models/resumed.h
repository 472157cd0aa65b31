/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of the model that was drawn that are saved, and gone on with. */
#ifndef RANDOM_MODELS_RESUMED_H
#define RANDOM_MODELS_RESUMED_H

#include "model/job.h"

/* Whether that gives what one run does, whatever the step and the scheduler; else it is told. */
bool resumed_is_same(int number, const struct job *job);
/* How many went on so far. */
int resumed_runs(void);

#endif
