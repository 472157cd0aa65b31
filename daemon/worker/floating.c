/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/floating.h"

#include <stdint.h>

#if defined(__x86_64__)

#include <xmmintrin.h>

enum {
    MXCSR_START = 0x1f80, /* all traps masked, to nearest, no FTZ, no DAZ */
    MXCSR_FLAGS = 0x3f,
    X87_CONTROL_START = 0x37f,
    X87_EMPTY = 0x4100, /* status after fxam: C3 and C0 say that the top register is empty */
    X87_SIGN = 0x0200   /* C1 is its sign, which says nothing */
};

bool floating_is_changed(void)
{
    uint16_t control;
    __asm__ volatile("fnstcw %0" : "=m"(control));
    return (_mm_getcsr() & ~(unsigned)MXCSR_FLAGS) != MXCSR_START || control != X87_CONTROL_START;
}

/* No flags, and an empty stack whose top is register 0: what MMX code leaves behind is neither. */
static bool is_x87_clean(void)
{
    uint16_t status;
    __asm__ volatile("fxam\n\tfnstsw %0" : "=a"(status) : : "cc");
    return (status & ~X87_SIGN) == X87_EMPTY;
}

void floating_reset(void)
{
    if (floating_is_changed() || !is_x87_clean())
        __asm__ volatile("fninit");
    _mm_setcsr(MXCSR_START);
}

bool floating_ours(fenv_t *ret_theirs)
{
    if (!floating_is_changed())
        return false;
    fegetenv(ret_theirs);
    floating_reset();
    return true;
}

#else

void floating_reset(void)
{
    fesetenv(FE_DFL_ENV);
}

bool floating_is_changed(void)
{
    return fegetround() != FE_TONEAREST; /* the rest cannot be asked in a portable way */
}

bool floating_ours(fenv_t *ret_theirs)
{
    fegetenv(ret_theirs);
    fesetenv(FE_DFL_ENV);
    return true;
}

#endif

void floating_theirs(const fenv_t *theirs)
{
    fesetenv(theirs);
}
