/* SPDX-License-Identifier: Apache-2.0 */
/* Removes what jobs that are removed (queue_remove) leave: checkpoints, store, checksums, then
 * their rows; one job after the other, beside the loop. What was begun goes on after a restart.
 *
 * Invariants
 *  1. Nothing is removed before the queue has committed that it is to be.
 *  2. What stands in a store's place and was not made by the job's model, or is no store, stays: it
 *     is said, and so is what the disk does not allow; it is tried again, and others go on. */
#ifndef REMOVER_H
#define REMOVER_H

#include <stdint.h>

struct aside;
struct queue;
struct remover;

/* All borrowed; the aside ends before it is freed. `checksums`: the directory of checksums. */
struct remover *remover_new(struct queue *q, struct aside *aside, const char *checksums);
struct remover *remover_free(struct remover *r);

/* After a commit that did not fail. Returns when next due. */
int64_t remover_tick(struct remover *r, int64_t now);

#endif
