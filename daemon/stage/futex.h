/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a word of memory to change, and a lock made of one. Words may lie in memory that
 * several processes share. */
#ifndef STAGE_FUTEX_H
#define STAGE_FUTEX_H

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word is `expected`; may return early. */
void futex_wait(const _Atomic uint32_t *word, uint32_t expected);
void futex_wake(const _Atomic uint32_t *word, int n);

/* To let the processor know that this is a loop which waits. */
static inline void futex_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* For what is held for some nanoseconds, and now and then for long. Zeroed is free. The word tells
 * who holds it, so that who has it may ask. */
struct lock {
    _Atomic uint32_t word; /* 0: free; else the holder, with LOCK_AWAITED where somebody sleeps */
};
#define LOCK_AWAITED 0x80000000u

/* `holder`: 1 … 2^31 - 1. Not recursive. */
void lock_hold(struct lock *l, uint32_t holder);
void lock_release(struct lock *l);
static inline uint32_t lock_holder(struct lock *l)
{
    return atomic_load_explicit(&l->word, memory_order_relaxed) & ~LOCK_AWAITED;
}

#endif
