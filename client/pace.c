/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pace.h"

#define MEMORY  10.0 /* seconds over which the rate is averaged */
#define SILENCE 1.0  /* before the rate is worth telling: leases are short at first */

void pace_count(struct pace *p, double t, int64_t count)
{
    double elapsed = t - p->at, since = t - p->from;
    int64_t moved = count - p->count;
    if (!p->counted) {
        *p = (struct pace){.counted = true, .count = count, .from = t, .at = t};
        return;
    }
    if (moved > 0 && elapsed > 0) {
        /* elapsed / since makes the plain average of all that was counted. */
        double weight = elapsed / (since < MEMORY ? since : MEMORY);
        p->rate += (weight < 1 ? weight : 1) * ((double)moved / elapsed - p->rate);
    }
    if (moved != 0)
        p->at = t;
    p->count = count;
}

bool pace_tell(const struct pace *p, double t, int64_t left, double *ret_rate, double *ret_seconds)
{
    if (p->rate <= 0 || t - p->from < SILENCE)
        return false;
    double seconds = (double)left / p->rate - (t - p->at);
    *ret_rate = p->rate;
    *ret_seconds = seconds > 0 ? seconds : 0;
    return true;
}
