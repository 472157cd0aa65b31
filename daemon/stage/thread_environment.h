/* SPDX-License-Identifier: Apache-2.0 */
/* What user code may change of the thread that it runs in: the floating-point environment, the
 * thread's locale, its signal mask. A member has those of the thread that runs its time loop, in
 * all lanes.
 *
 * Invariant: each call of user code begins in the member's floating-point environment, whatever the
 * one before it did, under every scheduler. */
#ifndef STAGE_THREAD_ENVIRONMENT_H
#define STAGE_THREAD_ENVIRONMENT_H

#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

struct thread_environment {
    unsigned control; /* thread_environment_control() */
    uint32_t version; /* counts changes */
    fenv_t floating;
    locale_t locale;
    sigset_t mask;
};

/* What of the floating-point environment changes results: rounding, tiny numbers, traps. Where it
 * cannot be asked for cheaply, rounding. */
static inline unsigned thread_environment_control(void)
{
#if defined(__SSE__)
    return _mm_getcsr() & ~0x3fu; /* less the flags that computing sets */
#else
    return (unsigned)fegetround();
#endif
}

/* Notes those of this thread; locale and mask only where other threads are to have them, too. */
void thread_environment_note(struct thread_environment *e, bool for_others);
/* This thread takes them over; *seen is the version that it has. */
void thread_environment_take_over(const struct thread_environment *e, uint32_t *seen);

/* After user code. Some nanoseconds. */
void thread_environment_put_back(const struct thread_environment *e);
static inline void thread_environment_keep(const struct thread_environment *e)
{
    if (__builtin_expect(thread_environment_control() != e->control, 0))
        thread_environment_put_back(e);
}

#endif
