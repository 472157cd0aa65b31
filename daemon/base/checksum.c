/* SPDX-License-Identifier: Apache-2.0 */
#include "base/checksum.h"

#include <endian.h>
#include <string.h>

#define PRIME_1 0x9e3779b185ebca87u
#define PRIME_2 0xc2b2ae3d27d4eb4fu
#define PRIME_3 0x165667b19e3779f9u
#define PRIME_4 0x85ebca77c2b2ae63u
#define PRIME_5 0x27d4eb2f165667c5u

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t read_64(const unsigned char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return le64toh(x);
}

static uint32_t read_32(const unsigned char *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return le32toh(x);
}

static uint64_t mix(uint64_t lane, uint64_t word)
{
    return rotate(lane + word * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t sum, uint64_t lane)
{
    return (sum ^ mix(0, lane)) * PRIME_1 + PRIME_4;
}

static void add_stripe(struct checksum *c, const unsigned char *p)
{
    for (int i = 0; i < 4; i++)
        c->lanes[i] = mix(c->lanes[i], read_64(p + 8 * i));
}

void checksum_begin(struct checksum *c)
{
    *c = (struct checksum){.lanes = {PRIME_1 + PRIME_2, PRIME_2, 0, 0 - PRIME_1}};
}

void checksum_add(struct checksum *c, const void *data, size_t size)
{
    const unsigned char *p = data;
    c->size += size;
    if (c->n_rest > 0) {
        size_t n = CHECKSUM_STRIPE - c->n_rest < size ? CHECKSUM_STRIPE - c->n_rest : size;
        memcpy(c->rest + c->n_rest, p, n);
        c->n_rest += n;
        p += n;
        size -= n;
        if (c->n_rest < CHECKSUM_STRIPE)
            return;
        add_stripe(c, c->rest);
    }
    for (; size >= CHECKSUM_STRIPE; p += CHECKSUM_STRIPE, size -= CHECKSUM_STRIPE)
        add_stripe(c, p);
    if (size > 0)
        memcpy(c->rest, p, size);
    c->n_rest = size;
}

static uint64_t add_rest(uint64_t sum, const unsigned char *p, size_t n)
{
    for (; n >= 8; p += 8, n -= 8)
        sum = rotate(sum ^ mix(0, read_64(p)), 27) * PRIME_1 + PRIME_4;
    for (; n >= 4; p += 4, n -= 4)
        sum = rotate(sum ^ (uint64_t)read_32(p) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    for (; n > 0; p++, n--)
        sum = rotate(sum ^ *p * PRIME_5, 11) * PRIME_1;
    return sum;
}

uint64_t checksum_end(const struct checksum *c)
{
    static const int bits[] = {1, 7, 12, 18};
    uint64_t sum = 0;
    if (c->size < CHECKSUM_STRIPE) {
        sum = PRIME_5;
    } else {
        for (int i = 0; i < 4; i++)
            sum += rotate(c->lanes[i], bits[i]);
        for (int i = 0; i < 4; i++)
            sum = merge(sum, c->lanes[i]);
    }
    sum = add_rest(sum + c->size, c->rest, c->n_rest);
    sum = (sum ^ sum >> 33) * PRIME_2;
    sum = (sum ^ sum >> 29) * PRIME_3;
    return sum ^ sum >> 32;
}
