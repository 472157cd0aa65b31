/* SPDX-License-Identifier: Apache-2.0 */
/* What `threads` and `processes` do with a stage whose calls are so short that to hand them over
 * costs more than it gives: it is run in order, as long as that is faster (stage/choice.h). */
#ifndef STAGE_BRIEF_H
#define STAGE_BRIEF_H

#include "stage/choice.h"
#include "stage/plan.h"

enum brief_way { BRIEF_BESIDE, BRIEF_IN_ORDER };

/* Of one stage: each of them has one. */
void brief_init(struct choice *k);

struct brief_run {
    struct choice *choice;
    int64_t began; /* 0: it is not timed */
};

/* Around a run. True: in order. */
bool brief_begin(struct choice *k, struct brief_run *ret_run);
void brief_end(const struct brief_run *run, const struct plan *plan, int n_lanes);

#endif
