/* SPDX-License-Identifier: Apache-2.0 */
/* The time of day. What is measured goes by loop_now, which never jumps. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Unix time in milliseconds. */
int64_t clock_unix(void);

#endif
