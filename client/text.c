/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *p)
{
    if (p)
        return p;
    fputs("simlab: out of memory\n", stderr);
    abort();
}

char *text_copy(const char *s)
{
    return s ? need(strdup(s)) : NULL;
}

static char *format_new(const char *format, va_list arguments)
{
    char *s;
    return need(vasprintf(&s, format, arguments) < 0 ? NULL : s);
}

char *text_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *s = format_new(format, arguments);
    va_end(arguments);
    return s;
}

char *text_url(const char *part)
{
    static const char hex[] = "0123456789ABCDEF";
    char *s = need(malloc(3 * strlen(part) + 1)), *p = s;
    for (; *part; part++) {
        unsigned char c = (unsigned char)*part;
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            strchr("-._~", c)) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = hex[c >> 4];
            *p++ = hex[c & 15];
        }
    }
    *p = '\0';
    return s;
}

void text_put(FILE *out, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        /* The C1 controls, U+0080 to U+009F, are 0xC2 0x80 to 0xC2 0x9F in UTF-8. */
        if (c == 0xC2 && ((unsigned char)s[1] & 0xE0) == 0x80) {
            putc('?', out);
            s++;
        } else if (c == '\n' || c == '\t' || c == '\r') {
            putc(' ', out);
        } else {
            putc(c < 0x20 || c == 0x7F ? '?' : c, out);
        }
    }
}

int text_width(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

void text_put_padded(FILE *out, const char *s, int width)
{
    text_put(out, s);
    for (int n = text_width(s); n < width; n++)
        putc(' ', out);
}

void text_complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *s = format_new(format, arguments);
    va_end(arguments);
    fflush(stdout);
    fputs("simlab: ", stderr);
    text_put(stderr, s);
    putc('\n', stderr);
    free(s);
}
