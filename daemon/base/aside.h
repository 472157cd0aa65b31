/* SPDX-License-Identifier: Apache-2.0 */
/* Work that takes long, beside the loop: a few threads run what is given to them, and the loop is
 * told when it is done (loop.h, rule 4: nothing in the loop blocks).
 *
 * Rules
 *  1. `work` runs on a thread of the aside, `done` on the loop's, in a turn after. Between the two
 *     calls the task belongs to the aside: the loop's thread does not touch it.
 *  2. `work` touches its task, and what is never changed. It calls nothing of a module that belongs
 *     to the loop's thread (queue, dispatch, http, pool).
 *  3. Every task that was given is done once: aside_free runs those that still wait, too.
 *  4. Tasks begin in the order in which they were given. How many may wait is the caller's to bound
 *     (aside_waiting).
 *
 * All functions are called by the loop's thread. */
#ifndef BASE_ASIDE_H
#define BASE_ASIDE_H

#include <stddef.h>

struct aside;
struct loop;

typedef void (*aside_fn)(void *task);

/* 0 or -errno. `loop` (borrowed) outlives it. */
int aside_new(struct loop *loop, int n_threads, struct aside **ret_aside);
/* Waits for all tasks, and calls their `done`. */
struct aside *aside_free(struct aside *a);

void aside_run(struct aside *a, aside_fn work, aside_fn done, void *task);

/* Waits for all tasks that were given, and for those that their `done` gives, and calls their
 * `done`. */
void aside_finish(struct aside *a);

/* Tasks that were given and are not done. */
size_t aside_waiting(const struct aside *a);

#endif
