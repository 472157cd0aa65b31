/* SPDX-License-Identifier: Apache-2.0 */
/* Work, by the clock of the thread's processor time: the same in a library and in a bare program.
 */
#ifndef TESTS_LIB_BUSY_H
#define TESTS_LIB_BUSY_H

#include <time.h>

static inline void busy(double seconds)
{
    struct timespec began, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((double)(now.tv_sec - began.tv_sec) + (double)(now.tv_nsec - began.tv_nsec) * 1e-9 <
           seconds);
}

#endif
