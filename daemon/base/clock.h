/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day. What is measured goes by loop_now, which never jumps. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Unix time in milliseconds. */
int64_t clock_unix(void);
/* "2026-11-27", "2026-11-27T08:00:00Z" or with a fraction and another offset (RFC 3339), as such a
 * time; a date is its midnight in UTC. 0; -EINVAL. */
int clock_parse(const char *text, int64_t *ret_unix);

#endif
