/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that a thread has made ready: it puts and takes at one end, others steal from the other.
 * Chase & Lev (2005), SPAA, with C11's atomics as in Lê, Pop, Cohen, Zappa Nardelli (2013), PPoPP;
 * sequentially consistent accesses stand in the place of their fences, which the thread sanitizer
 * does not know.
 *
 * Invariants
 *  1. There are never more tasks in a deque than it has room for (it is made for the largest plan).
 *  2. Each task that was put is given once. */
#ifndef STAGE_DEQUE_H
#define STAGE_DEQUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct deque {
    _Alignas(64) _Atomic int64_t top;    /* where others steal */
    _Alignas(64) _Atomic int64_t bottom; /* where the owner puts */
    _Atomic int32_t *tasks;
    int64_t mask; /* their number, a power of two, less 1 */
};

enum { DEQUE_EMPTY = -1, DEQUE_LOST = -2 };

/* Of the owner: at(0), at(1) … come after what is there, and are there for all after the put. */
static inline void deque_set(struct deque *d, int64_t i, int32_t task)
{
    int64_t b = atomic_load_explicit(&d->bottom, memory_order_relaxed);
    atomic_store_explicit(&d->tasks[(b + i) & d->mask], task, memory_order_relaxed);
}
static inline void deque_put(struct deque *d, int64_t n)
{
    int64_t b = atomic_load_explicit(&d->bottom, memory_order_relaxed);
    atomic_store(&d->bottom, b + n);
}

/* Of the owner: the one that was put last, or DEQUE_EMPTY. */
static inline int32_t deque_take(struct deque *d)
{
    int64_t b = atomic_load_explicit(&d->bottom, memory_order_relaxed) - 1;
    if (atomic_load_explicit(&d->top, memory_order_relaxed) > b)
        return DEQUE_EMPTY; /* others only ever take: what looks empty to its owner is */
    atomic_store(&d->bottom, b);
    int64_t t = atomic_load(&d->top);
    int32_t task = atomic_load_explicit(&d->tasks[b & d->mask], memory_order_relaxed);
    if (t < b)
        return task;
    if (t > b || !atomic_compare_exchange_strong(&d->top, &t, t + 1))
        task = DEQUE_EMPTY;
    atomic_store_explicit(&d->bottom, b + 1, memory_order_relaxed);
    return task;
}

static inline bool deque_has(struct deque *d)
{
    int64_t t = atomic_load(&d->top);
    return t < atomic_load(&d->bottom);
}

/* Of others: the one that was put first; DEQUE_EMPTY; DEQUE_LOST where somebody was faster. */
static inline int32_t deque_steal(struct deque *d)
{
    int64_t t = atomic_load(&d->top);
    if (t >= atomic_load(&d->bottom))
        return DEQUE_EMPTY;
    int32_t task = atomic_load_explicit(&d->tasks[t & d->mask], memory_order_relaxed);
    return atomic_compare_exchange_strong(&d->top, &t, t + 1) ? task : DEQUE_LOST;
}

#endif
