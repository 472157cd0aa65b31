/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are read and printed in the C locale, whatever the process or this thread has: a process
 * library, or a toolkit it links, may have called setlocale() or uselocale(). All of base/ that
 * prints or reads numbers goes through here, and so does whoever calls printf's kin by himself with
 * a number that is no integer. */
#ifndef BASE_C_LOCALE_H
#define BASE_C_LOCALE_H

#include <locale.h>
#include <stdarg.h>
#include <stddef.h>

/* Between these two, this thread is in the C locale. Some nanoseconds. */
locale_t c_locale_enter(void);
void c_locale_leave(locale_t before);

/* snprintf(), vsnprintf() and strtod() in it. */
__attribute__((format(printf, 3, 4))) int c_locale_print(char *ret, size_t size, const char *format,
                                                         ...);
__attribute__((format(printf, 3, 0))) int c_locale_vprint(char *ret, size_t size,
                                                          const char *format, va_list arguments);
double c_locale_read(const char *text, char **ret_end);

#endif
