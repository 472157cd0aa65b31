/* SPDX-License-Identifier: Apache-2.0 */
/* The orders of a model's processes in its plans. */
#ifndef RANDOM_MODELS_PLANS_H
#define RANDOM_MODELS_PLANS_H

#include "model/job.h"

/* Whether all are there, of the model that was drawn; else it is told. */
bool plans_are_whole(int number, const struct job *job);

#endif
