/* SPDX-License-Identifier: Apache-2.0 */
/* Where a store's data come from, and what is needed to compute them again: the text in the root's
 * attributes (STORE_PROVENANCE). {"version", "model", "model_hash", "libraries": {name: {"version",
 * "sha256"}}, "inputs": names, "seed", "threads"?, "job"}, where "job" is the job's document
 * without what stands in the store as arrays, or does not change results:
 *  - outputs, encoding, stop_when, and other keys as the document has them;
 *  - "processes": names, in the model's order; "clocks": names; "coords": names, as given;
 *    "main_clock", "batch_dim"; "attrs": of the root, as given;
 *  - "sweep": [[form, input, number of values] …], in order; "open": members that were expected;
 *  - "given": values of inputs that are outputs, too: the store has others under their name; null
 *    where they are many;
 *  - "any": inputs whose dtype is that of what was given;
 *  - "from": steps that were done before, where members start from a checkpoint.
 * replay.c makes the document of it. */
#ifndef WORKER_PROVENANCE_H
#define WORKER_PROVENANCE_H

#include "model/job.h"

/* A new reference. A function of the job alone, however it was given: lists, progressions or
 * uploads. */
json_t *provenance_new(const struct job *job);

#endif
