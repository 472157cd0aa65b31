/* SPDX-License-Identifier: Apache-2.0 */
#include "base/c_locale.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* The C library's own object, the same at each call: it is never freed. */
static locale_t c_locale(void)
{
    static _Atomic(locale_t) known;
    locale_t c = atomic_load_explicit(&known, memory_order_acquire);
    if (!c) {
        c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        mem_assert(c);
        atomic_store_explicit(&known, c, memory_order_release);
    }
    return c;
}

locale_t c_locale_enter(void)
{
    return uselocale(c_locale());
}

void c_locale_leave(locale_t before)
{
    uselocale(before);
}

int c_locale_vprint(char *ret, size_t size, const char *format, va_list arguments)
{
    locale_t before = c_locale_enter();
    int n = vsnprintf(ret, size, format, arguments);
    c_locale_leave(before);
    return n;
}

int c_locale_print(char *ret, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = c_locale_vprint(ret, size, format, arguments);
    va_end(arguments);
    return n;
}

double c_locale_read(const char *text, char **ret_end)
{
    return strtod_l(text, ret_end, c_locale());
}
