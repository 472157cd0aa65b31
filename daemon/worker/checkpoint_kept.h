/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints that a job keeps for others to start from: job_kept_path.
 *
 * Invariant: one is used only by a job of the same model, static inputs, contents of libraries and
 * release, on a machine of the same fingerprint: what runs on from it gives the bits of a run whose
 * inputs changed there. */
#ifndef WORKER_CHECKPOINT_KEPT_H
#define WORKER_CHECKPOINT_KEPT_H

#include "model/job.h"
#include "worker/checkpoint_file.h"

/* Of all that must agree. */
void checkpoint_kept_hash(const struct job *job, char ret[HASH_TEXT_SIZE]);

/* That of `member`, by the job with `store`, after job->from.steps: see checkpoint_file_read.
 * WORKER_REFUSED where there is none, or it does not fit `job`. */
int checkpoint_kept_read(const struct job *job, const char *store, int64_t member,
                         struct checkpoint_content *ret, void **ret_memory, struct error *e);

#endif
