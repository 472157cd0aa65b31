/* SPDX-License-Identifier: Apache-2.0 */
#include "client/text.h"

#include "client/escape.h"
#include "proto/api.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *text_need(void *p)
{
    static const char words[] = "simlab: out of memory\n";
    if (p)
        return p;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        _exit(API_EXIT_UNREACHABLE);
    _exit(API_EXIT_USAGE);
}

char *text_copy(const char *s)
{
    return s ? text_need(strdup(s)) : NULL;
}

static char *format_new(const char *format, va_list arguments)
{
    char *s;
    return text_need(vasprintf(&s, format, arguments) < 0 ? NULL : s);
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
    char *s = text_need(malloc(3 * strlen(part) + 1)), *p = s;
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
    char *shown = escape_text(s, ESCAPE_SHOWN);
    fputs(shown, out);
    free(shown);
}

static int count_characters(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

int text_width(const char *s)
{
    char *shown = escape_text(s, ESCAPE_SHOWN);
    int width = count_characters(shown);
    free(shown);
    return width;
}

void text_put_padded(FILE *out, const char *s, int width)
{
    char *shown = escape_text(s, ESCAPE_SHOWN);
    int missing = width - count_characters(shown);
    fprintf(out, "%s%*s", shown, missing > 0 ? missing : 0, "");
    free(shown);
}

void text_line(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *s = format_new(format, arguments);
    va_end(arguments);
    text_put(out, s);
    putc('\n', out);
    free(s);
}

void text_put_json(FILE *out, const char *json, size_t n)
{
    char *shown = escape_bytes(json, n, ESCAPE_JSON);
    size_t length = strlen(shown);
    fputs(shown, out);
    if (length && shown[length - 1] != '\n')
        putc('\n', out);
    free(shown);
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
