/* SPDX-License-Identifier: Apache-2.0 */
/* XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), seed 0: finds what a disk
 * or a hand has changed, as fast as memory is read. It is no defence against who means it. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

struct checksum;

struct checksum *checksum_new(void);
struct checksum *checksum_free(struct checksum *c);
void checksum_add(struct checksum *c, const void *data, size_t size);
/* Of all that was added. */
uint64_t checksum_value(const struct checksum *c);
uint64_t checksum_of(const void *data, size_t size);

#endif
