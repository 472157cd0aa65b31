/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a count grows: the plain average at first, then one that forgets. Times are seconds of
 * any clock that does not go back; nothing is said before the count was watched for a second. */
#ifndef CLIENT_PACE_H
#define CLIENT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace { /* zeroed: nothing was counted yet */
    bool counted;
    int64_t count;
    double from; /* time of the first count: what came before it is in no rate */
    double at;   /* time of the last count that differed */
    double rate; /* per second, up to `at` */
};

void pace_count(struct pace *p, double t, int64_t count);

/* False where it is not known yet: else the rate per second, and the seconds until `left` more are
 * counted. */
bool pace_tell(const struct pace *p, double t, int64_t left, double *ret_rate, double *ret_seconds);

#endif
