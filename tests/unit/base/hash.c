/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of any length, on processors with and without instructions for it, hash to what libsodium
 * makes of the whole. */
#include "base/hash.h"
#include "base/hash_blocks.h"

#include <criterion/criterion.h>
#include <string.h>

enum { SIZE = 1000 };

static void fill(unsigned char *bytes)
{
    uint32_t x = 1;
    for (int i = 0; i < SIZE; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(x >> 24);
    }
}

Test(hash, in_pieces)
{
    unsigned char bytes[SIZE];
    char whole[HASH_TEXT_SIZE], pieces[HASH_TEXT_SIZE];
    fill(bytes);
    for (size_t size = 0; size <= SIZE; size += size < 300 ? 1 : 97)
        for (size_t piece = 1; piece <= SIZE; piece += piece < 3 ? 1 : 61) {
            hash_bytes(bytes, size, whole);
            struct hash *h = hash_new();
            for (size_t at = 0; at < size; at += piece)
                hash_add(h, bytes + at, piece < size - at ? piece : size - at);
            hash_end(h, pieces);
            hash_free(h);
            cr_assert_str_eq(pieces, whole, "%zu bytes in pieces of %zu", size, piece);
        }
}

/* FIPS 180-4's state after the one block of "abc". */
Test(hash, blocks)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    static const uint32_t after[8] = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
                                      0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    unsigned char block[HASH_BLOCK] = {'a', 'b', 'c', 0x80, [HASH_BLOCK - 1] = 24};
    if (!hash_blocks_can())
        return;
    hash_blocks(state, block, 1);
    cr_assert_eq(memcmp(state, after, sizeof state), 0);
}
