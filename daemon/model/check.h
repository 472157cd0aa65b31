/* SPDX-License-Identifier: Apache-2.0 */
/* Declarative validators: bounds and choices of a variable, for submission and for the worker. */
#ifndef MODEL_CHECK_H
#define MODEL_CHECK_H

#include "model/type.h"

/* Whether each of n elements lies within v's bounds and is one of its choices. `dtype`: v's, or,
 * where that is SIMLAB_ANY, what they are; such as have no order are within all bounds. Where one
 * is not: *ret_at is its number, and `why` (size bytes) says "-1 is not in (0, inf]" or "3 is none
 * of [1, 2]". */
bool check_values(const struct variable *v, int dtype, size_t itemsize, const void *data, size_t n,
                  size_t *ret_at, char *why, size_t size);

#endif
