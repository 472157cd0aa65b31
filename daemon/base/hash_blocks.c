/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash_blocks.h"

#if defined __x86_64__ && defined __has_include
#if __has_include(<sys/platform/x86.h>)
#define HAS_INSTRUCTIONS
#endif
#endif

#ifdef HAS_INSTRUCTIONS
#include <immintrin.h>
#include <sys/platform/x86.h>

/* By what the dynamic linker found: asking the processor takes long on a virtual machine. */
bool hash_blocks_can(void)
{
    return CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSE4_1);
}

/* FIPS 180-4, 4.2.2. */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define WITH_INSTRUCTIONS __attribute__((target("sha,sse4.1"), always_inline)) static inline

/* Four rounds. The state is held as the instructions want it: {a b e f} and {c d g h}. */
WITH_INSTRUCTIONS void rounds(__m128i *abef, __m128i *cdgh, __m128i words, const uint32_t *k)
{
    __m128i w = _mm_add_epi32(words, _mm_loadu_si128((const __m128i *)k));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, w);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(w, 0x0e));
}

/* The four words that come 16 after those of `a`; b, c and d are those between. */
WITH_INSTRUCTIONS __m128i next_words(__m128i a, __m128i b, __m128i c, __m128i d)
{
    __m128i w = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));
    return _mm_sha256msg2_epu32(w, d);
}

WITH_INSTRUCTIONS __m128i big_endian(const unsigned char *data)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data), order);
}

WITH_INSTRUCTIONS void one_block(__m128i *abef, __m128i *cdgh, const unsigned char *data)
{
    __m128i w0 = big_endian(data), w1 = big_endian(data + 16);
    __m128i w2 = big_endian(data + 32), w3 = big_endian(data + 48);
    __m128i abef_before = *abef, cdgh_before = *cdgh;
    for (const uint32_t *k = constants; k < constants + 64; k += 16) {
        rounds(abef, cdgh, w0, k);
        w0 = next_words(w0, w1, w2, w3);
        rounds(abef, cdgh, w1, k + 4);
        w1 = next_words(w1, w2, w3, w0);
        rounds(abef, cdgh, w2, k + 8);
        w2 = next_words(w2, w3, w0, w1);
        rounds(abef, cdgh, w3, k + 12);
        w3 = next_words(w3, w0, w1, w2);
    }
    *abef = _mm_add_epi32(*abef, abef_before);
    *cdgh = _mm_add_epi32(*cdgh, cdgh_before);
}

__attribute__((target("sha,sse4.1"))) void hash_blocks(uint32_t state[8], const unsigned char *data,
                                                       size_t n_blocks)
{
    __m128i *halves = (__m128i *)state;
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(halves), 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(halves + 1), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (size_t i = 0; i < n_blocks; i++)
        one_block(&abef, &cdgh, data + i * HASH_BLOCK);
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(halves, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(halves + 1, _mm_alignr_epi8(dchg, feba, 8));
}

#else

bool hash_blocks_can(void)
{
    return false;
}

void hash_blocks(uint32_t state[8], const unsigned char *data, size_t n_blocks)
{
    (void)state, (void)data, (void)n_blocks;
}

#endif
