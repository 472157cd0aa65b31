/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_PROCESSORS_H
#define BASE_PROCESSORS_H

/* How many processors this process may use: those of its affinity (as `nproc` says), and no more
 * than its control groups' quota, rounded up. At least 1. */
int processors_allowed(void);

#endif
