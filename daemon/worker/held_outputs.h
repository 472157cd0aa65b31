/* SPDX-License-Identifier: Apache-2.0 */
/* What members have saved while their job's layout is not known: copies of the values, in the order
 * in which they came, until they go the way of all outputs (worker/output_writer.h). Values of one
 * member come together, and members in ascending order.
 *
 * Invariant: they take at most `room` bytes, or a single value where that alone is larger. */
#ifndef WORKER_HELD_OUTPUTS_H
#define WORKER_HELD_OUTPUTS_H

#include "simlab/types.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELD_OUTPUTS_BYTES ((size_t)64 << 20)

struct held_value {
    int64_t member, at;
    int output;
    struct simlab_view view; /* of a copy */
};

/* Zeroed: none, and no room. */
struct held_outputs {
    struct held_value *values;
    size_t n, capacity, bytes, room;
};

/* False where there is no room: nothing is held of it. */
bool held_outputs_put(struct held_outputs *h, int64_t member, int output, int64_t at,
                      const struct simlab_view *view);
/* Forgets those of the member that came last. */
void held_outputs_forget(struct held_outputs *h, int64_t member);
/* None is held any more. */
void held_outputs_clear(struct held_outputs *h);

#endif
