/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory there can be: so that a size that no machine has is refused at once, instead of
 * being written to until the system ends us. */
#ifndef BASE_MEMORY_LIMIT_H
#define BASE_MEMORY_LIMIT_H

#include <stddef.h>

/* Bytes that this process may have at most: memory and swap of the machine, what its control groups
 * allow, RLIMIT_AS and RLIMIT_DATA. Looked at once. Any thread. */
size_t memory_limit(void);

enum { MEMORY_LIMIT_TEXT = 24 };
/* "800 bytes", "7.28 TiB". Returns `ret`. */
const char *memory_limit_text(double bytes, char ret[MEMORY_LIMIT_TEXT]);

#endif
