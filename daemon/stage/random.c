/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/random.h"

static void round_once(uint32_t c[4], const uint32_t k[2])
{
    uint64_t a = (uint64_t)0xD2511F53u * c[0];
    uint64_t b = (uint64_t)0xCD9E8D57u * c[2];
    uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b,
                        (uint32_t)(a >> 32) ^ c[3] ^ k[1], (uint32_t)a};
    for (int i = 0; i < 4; i++)
        c[i] = next[i];
}

void random_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4])
{
    uint32_t k[2] = {key[0], key[1]};
    for (int i = 0; i < 4; i++)
        ret_words[i] = counter[i];
    for (int i = 0; i < 10; i++) {
        round_once(ret_words, k);
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
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

void random_seed(struct random_stream *r, uint64_t seed, int64_t member, const char *process)
{
    /* The key has 64 bits for 192: Philox itself mixes them, twice, into one. */
    uint64_t name = hash_name(process);
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t counter[4] = {(uint32_t)member, (uint32_t)((uint64_t)member >> 32), (uint32_t)name,
                           (uint32_t)(name >> 32)};
    uint32_t words[4];
    random_philox(counter, key, words);
    r->key[0] = words[0] ^ words[2];
    r->key[1] = words[1] ^ words[3];
    random_begin(r, 0, -1, 0);
}

void random_begin(struct random_stream *r, uint32_t stage, int64_t step, uint32_t variable)
{
    r->stage = stage;
    r->step = step;
    r->variable = variable;
    r->counter = 0;
}

void random_words(struct random_stream *r, uint64_t *ret_words, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t block = r->counter / 2;
        uint64_t step = (uint64_t)(r->step + 1);
        /* 40 bits of block, 2 of stage, 54 of step: 2^41 numbers per stage before any repeats. */
        uint32_t counter[4] = {(uint32_t)block,
                               (uint32_t)(block >> 32 & 0xff) | r->stage << 8 |
                                   (uint32_t)(step >> 32) << 10,
                               (uint32_t)step, r->variable};
        uint32_t words[4];
        random_philox(counter, r->key, words);
        int half = (int)(r->counter % 2) * 2;
        ret_words[i] = (uint64_t)words[half] | (uint64_t)words[half + 1] << 32;
        r->counter++;
    }
}
