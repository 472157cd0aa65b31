/* SPDX-License-Identifier: Apache-2.0 */
/* The chunks of an array at the end of its job, shared out among threads. Each reads, decodes and
 * judges its share; they write different files, and change nothing of what they have in common.
 * What is told is what one thread would have met in order: the first chunk of which something is
 * wrong; chunks after it may have been looked at. Internal. */
#ifndef STORE_END_SHARES_H
#define STORE_END_SHARES_H

#include "store/chunk_end.h"

/* chunk_end for all chunks of extents `full`, each of which must be and is full; x->how->look is
 * called by the caller's thread. */
int end_shares(const struct chunk_end *x, const int64_t *full);

#endif
