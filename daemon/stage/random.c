/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/random.h"

enum {
    ROUNDS = 10,
    AT_ONCE = 4 /* blocks, so that the processor need not wait for each product */
};

/* Where the parts of the last word of a counter begin. */
enum { PAIR_SHIFT = 14, KIND_SHIFT = 30 };

static inline void round_once(uint32_t c[4], uint32_t k0, uint32_t k1)
{
    uint64_t a = (uint64_t)0xD2511F53u * c[0];
    uint64_t b = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t c1 = c[1], c3 = c[3];
    c[0] = (uint32_t)(b >> 32) ^ c1 ^ k0;
    c[1] = (uint32_t)b;
    c[2] = (uint32_t)(a >> 32) ^ c3 ^ k1;
    c[3] = (uint32_t)a;
}

void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4])
{
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < 4; i++)
        ret_words[i] = counter[i];
    for (int i = 0; i < ROUNDS; i++) {
        round_once(ret_words, k0, k1);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

/* FNV-1a, 64 bits: names are short and not hostile to the quality of random numbers. */
static uint64_t hash_name(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h;
}

void random_key(uint64_t seed, int64_t member, const char *process, uint32_t ret_key[2])
{
    /* The key has 64 bits for 192: Philox itself mixes them, twice, into one. */
    uint64_t name = hash_name(process);
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t counter[4] = {(uint32_t)member, (uint32_t)((uint64_t)member >> 32), (uint32_t)name,
                           (uint32_t)(name >> 32)};
    uint32_t words[4];
    random_philox(counter, key, words);
    ret_key[0] = words[0] ^ words[2];
    ret_key[1] = words[1] ^ words[3];
}

static void counter_of(const struct random *r, uint64_t pair, uint32_t ret_counter[4])
{
    uint64_t block = r->kind == RANDOM_WITHIN ? (uint64_t)r->index : pair;
    uint64_t step = (uint64_t)(r->step + 1);
    ret_counter[0] = (uint32_t)block;
    ret_counter[1] = (uint32_t)(block >> 32 & 0xff) | r->stage << 8 | (uint32_t)(step >> 32) << 10;
    ret_counter[2] = (uint32_t)step;
    ret_counter[3] = r->variable | (uint32_t)r->kind << KIND_SHIFT;
    if (r->kind == RANDOM_WITHIN)
        ret_counter[3] |= ((uint32_t)pair & 0xffff) << PAIR_SHIFT;
}

static uint64_t word_of(const uint32_t words[4], int half)
{
    return (uint64_t)words[2 * half] | (uint64_t)words[2 * half + 1] << 32;
}

/* Blocks pair … pair + AT_ONCE - 1: twice as many words. */
static void many_blocks(const struct random *r, uint64_t pair, uint64_t *ret_words)
{
    uint32_t c[AT_ONCE][4], k0 = r->key[0], k1 = r->key[1];
    for (int b = 0; b < AT_ONCE; b++)
        counter_of(r, pair + (uint64_t)b, c[b]);
    for (int i = 0; i < ROUNDS; i++) {
        for (int b = 0; b < AT_ONCE; b++)
            round_once(c[b], k0, k1);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int b = 0; b < AT_ONCE; b++)
        for (int half = 0; half < 2; half++)
            ret_words[2 * b + half] = word_of(c[b], half);
}

void random_words(struct random *r, uint64_t *ret_words, int64_t n)
{
    int64_t i = 0;
    while (i < n) {
        if (r->next % 2 == 0 && n - i >= 2 * AT_ONCE) {
            many_blocks(r, r->next / 2, ret_words + i);
            r->next += 2 * AT_ONCE;
            i += 2 * AT_ONCE;
            continue;
        }
        uint32_t counter[4], words[4];
        counter_of(r, r->next / 2, counter);
        random_philox(counter, r->key, words);
        do
            ret_words[i++] = word_of(words, (int)(r->next++ % 2));
        while (i < n && r->next % 2);
    }
}
