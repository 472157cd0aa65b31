/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that are ready for one thread alone: any thread puts, that one takes.
 *
 * Invariants
 *  1. A task that was put is taken once. It can be taken when `n` says so; who puts may not have
 *     come that far, and then the one that takes finds another's, or none.
 *  2. `n` is never above the number of bits that are set. */
#ifndef STAGE_READY_SET_H
#define STAGE_READY_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ready_set {
    _Alignas(64) _Atomic int32_t n;
    int32_t n_words;
    _Atomic uint64_t *bits; /* by task */
};

enum { READY_NONE = -1 };

static inline int32_t ready_words(int most_tasks)
{
    return most_tasks / 64 + 1;
}

static inline void ready_put(struct ready_set *r, int32_t task)
{
    atomic_fetch_or(&r->bits[task / 64], UINT64_C(1) << task % 64);
    atomic_fetch_add(&r->n, 1);
}

static inline bool ready_has(struct ready_set *r)
{
    return atomic_load(&r->n) > 0;
}

/* The first, or READY_NONE. */
static inline int32_t ready_take(struct ready_set *r)
{
    if (!ready_has(r))
        return READY_NONE;
    for (int32_t w = 0; w < r->n_words; w++) {
        uint64_t bits = atomic_load(&r->bits[w]);
        if (bits == 0)
            continue;
        int32_t bit = __builtin_ctzll(bits);
        atomic_fetch_and(&r->bits[w], ~(UINT64_C(1) << bit));
        atomic_fetch_sub(&r->n, 1);
        return w * 64 + bit;
    }
    return READY_NONE;
}

#endif
