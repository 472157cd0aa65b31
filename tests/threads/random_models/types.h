/* SPDX-License-Identifier: Apache-2.0 */
/* The types and hooks of the model that was drawn. */
#ifndef RANDOM_MODELS_TYPES_H
#define RANDOM_MODELS_TYPES_H

#include "draw.h"

enum { N_HOOKS = 2 };
extern struct simlab_process types[MOST_PROCESSES];
extern const struct simlab_hook types_hooks[N_HOOKS];

void types_make(void);

#endif
