/* SPDX-License-Identifier: Apache-2.0 */
/* Removes the copies that nobody needs any more: at the start, and once a day. A copy is kept while
 * it is on offer, or a job or stored model needs it, and for a day at least after that. */
#ifndef LIBRARY_SWEEPER_H
#define LIBRARY_SWEEPER_H

#include "library/copies.h"
#include "library/originals.h"

struct aside;

/* Adds the hashes of contents that jobs and stored models need, as keys: a part at a time, from
 * *cursor on, which is 0 at first, and again when that was all. Negative where it is not known now.
 */
typedef int (*sweeper_needed_fn)(void *userdata, int64_t *cursor, json_t *hashes);

struct sweeper;

/* `copies` is borrowed, and `aside`, which is freed first. */
struct sweeper *sweeper_new(struct aside *aside, struct copies *copies, sweeper_needed_fn needed,
                            void *userdata);
struct sweeper *sweeper_free(struct sweeper *s);

/* Does what is due; returns when next due. To be called while nothing is being taken. */
int64_t sweeper_tick(struct sweeper *s, const struct originals *offered, int64_t now);
/* Nothing is to be taken now; the end of that turns the loop. */
bool sweeper_is_busy(const struct sweeper *s);

#endif
