/* SPDX-License-Identifier: Apache-2.0 */
/* What a job will take, by what its first members took, and by the arrays that its layout makes:
 *
 *   {"members", "steps",
 *    "arrays": [{"name", "role": "output" | "input" | "coordinate" | "clock", "dims", "dtype",
 *                "shape", "chunks", "files", "bytes", "stored_bytes"}, …],
 *    "files", "bytes", "stored_bytes",
 *    "not_saved": outputs that the first member did not save,
 *    "measured_members", "set_up_seconds", "member_seconds", "seconds", "workers",
 *    "worker": {"arena_bytes", "peak_bytes"},
 *    "advice": […]}
 *
 * Files (with those of metadata) and bytes (uncompressed) are those that the store will have, as
 * long as other members save what the first one does; stored_bytes, what its files will hold, is
 * estimated by what members saved. */
#ifndef WORKER_PLAN_DOCUMENT_H
#define WORKER_PLAN_DOCUMENT_H

#include "model/job.h"
#include "worker/result.h"

struct plan_measures {
    int64_t members; /* that ran well: [0, members) */
    double set_up;   /* seconds, until the first could begin */
    double member;   /* seconds of one, saved; of the last of them, where there were several */
    double inside;   /* of it, those in its stages; 0: not known */
    size_t arena, peak;
};

/* `store`: the path of a store in which these members' outputs are, laid out; another is made
 * beside it for a while. A new reference. WORKER_STORE, or a negative errno, with words. */
int plan_document(const struct job *job, const struct plan_measures *measured, const char *store,
                  json_t **ret_plan, struct error *e);

#endif
