/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of worker/ share. */
#ifndef UNIT_WORKER_SUPPORT_H
#define UNIT_WORKER_SUPPORT_H

#include "model/job.h"

/* A job of one process of a type made for these tests: `n` (i8) is its input, `values` (f8, dims
 * k) its output at each label of the clock `time` (0 … labels-1). A batch of `members` where that
 * is not 0. `encoding` is JSON as in a job, of the output, or NULL. Lives until the program ends.
 */
struct job *support_job(int members, int labels, const char *encoding);

/* A path for a store that goes with the program. */
const char *support_path(const char *name);

/* A path below the directory of the build: "odd/GOOD.so". Lives until the next call. */
const char *support_built(const char *name);

/* All files of two stores are the same. */
void support_same(const char *a, const char *b);

/* A generator (splitmix64; Steele, Lea, Flood 2014). */
uint64_t support_random(uint64_t *state);
/* From 0 to n - 1. */
int64_t support_below(uint64_t *state, int64_t n);

#endif
