/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of values that a library keeps beyond its call (simlab/process.h: keep): arrays of Python
 * over a value live as long as somebody has them, whatever becomes of the value.
 *
 * Invariants
 *  1. A block that is kept is neither given to the arena nor to another value before the last who
 *     keeps it lets go. Its own value may be written there until it leaves it.
 *  2. The count is in the state: workers that share it keep for each other. What a worker keeps it
 *     knows by itself, too: its map of a state lasts as long.
 *  3. Where nothing is kept this costs one load for each value that is given other memory. */
#ifndef STAGE_KEPT_H
#define STAGE_KEPT_H

#include "stage/state.h"

struct simlab_kept;

/* The memory that the value has now. NULL: there is no memory for it, or the value has none. By any
 * thread that may read the value. */
struct simlab_kept *kept_new(struct state *s, struct value *v);
/* By any thread, at any time, also after the state was freed. NULL is fine. */
void kept_let_go(struct simlab_kept *kept);

/* The value has no memory any more, if what it has is kept: its elements stay with who keeps them.
 * By who may write the value. */
void kept_leave(struct state *s, struct value *v);

/* Unmaps a state's range; where this worker keeps something in it: when it does not any more. */
void kept_unmap(struct state *s, size_t size);

#endif
