/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/futex.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 100 };

void futex_wait(const _Atomic uint32_t *word, uint32_t expected)
{
    syscall(SYS_futex, (const void *)word, FUTEX_WAIT, expected, NULL, NULL, 0);
}

void futex_wake(const _Atomic uint32_t *word, int n)
{
    syscall(SYS_futex, (const void *)word, FUTEX_WAKE, n, NULL, NULL, 0);
}

void lock_hold(struct lock *l, uint32_t holder)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t is_free = 0;
        if (atomic_compare_exchange_weak_explicit(&l->word, &is_free, holder, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        futex_pause();
    }
    /* From here on it is taken as awaited: others may sleep, too, and then one wake too many is
     * all that comes of it. */
    for (;;) {
        uint32_t now = atomic_load_explicit(&l->word, memory_order_relaxed);
        if (now == 0) {
            if (atomic_compare_exchange_weak_explicit(&l->word, &now, holder | LOCK_AWAITED,
                                                      memory_order_acquire, memory_order_relaxed))
                return;
        } else if ((now & LOCK_AWAITED) || atomic_compare_exchange_weak_explicit(
                                               &l->word, &now, now | LOCK_AWAITED,
                                               memory_order_relaxed, memory_order_relaxed)) {
            futex_wait(&l->word, now | LOCK_AWAITED);
        }
    }
}

void lock_release(struct lock *l)
{
    uint32_t was = atomic_exchange_explicit(&l->word, 0, memory_order_release);
    if (was & LOCK_AWAITED)
        futex_wake(&l->word, 1);
}
