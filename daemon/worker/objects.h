/* SPDX-License-Identifier: Apache-2.0 */
/* The shared objects of this process, in the order in which they were loaded. */
#ifndef WORKER_OBJECTS_H
#define WORKER_OBJECTS_H

#include <jansson.h>
#include <stddef.h>

size_t objects_count(void);
/* The real paths of those after the first `n`. A new reference. */
json_t *objects_after(size_t n);

#endif
