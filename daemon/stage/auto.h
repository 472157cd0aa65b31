/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGE_AUTO_H
#define STAGE_AUTO_H

#include "stage/plan.h"

/* Whether a stage whose calls took so long in order, of which so much in parallel loops, may be
 * faster on n_lanes threads: both by call. */
bool auto_may_gain(const struct plan *plan, const int64_t *calls_ns, const int64_t *loops_ns,
                   int n_lanes);

#endif
