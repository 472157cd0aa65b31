/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

#include "base/c_locale.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_plain(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return *text == '\0';
}

static void copy_pointer(const char *pointer, char *ret, size_t size)
{
    char *valid = text_valid(pointer, size - 1); /* no character is cut */
    snprintf(ret, size, "%s", valid);
    free(valid);
}

int error_vset(struct error *e, int result, const char *pointer, const char *format,
               va_list arguments)
{
    if (!e)
        return result;
    /* The arguments may point into *e itself. */
    char message[2 * sizeof e->message], where[sizeof e->pointer];
    int n = c_locale_vprint(message, sizeof message, format, arguments);
    copy_pointer(pointer, where, sizeof where);
    memcpy(e->pointer, where, sizeof where);
    if (n >= 0 && (size_t)n < sizeof e->message && is_plain(message))
        memcpy(e->message, message, (size_t)n + 1);
    else
        text_printable(message, n < 0 ? 0 : strlen(message), e->message, sizeof e->message);
    return result;
}

int error_set(struct error *e, int result, const char *pointer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_vset(e, result, pointer, format, arguments);
    va_end(arguments);
    return result;
}

void error_prefix_pointer(struct error *e, const char *prefix)
{
    char joined[sizeof e->pointer];
    snprintf(joined, sizeof joined, "%.255s%.255s", prefix, e->pointer);
    memcpy(e->pointer, joined, sizeof joined);
}

void error_clear(struct error *e)
{
    if (e)
        e->pointer[0] = e->message[0] = '\0';
}

int error_errno(struct error *e, int r, const char *doing)
{
    return r < 0 ? error_set(e, r, NULL, "cannot %s: %s", doing, strerror(-r)) : r;
}

int error_explain(struct error *e, int r, const char *doing)
{
    return e && !e->message[0] ? error_errno(e, r, doing) : r;
}

void error_pointer_token(const char *token, char *ret, unsigned size)
{
    unsigned n = 0;
    for (; *token && n + 3 < size; token++) {
        if (*token == '~' || *token == '/') {
            ret[n++] = '~';
            ret[n++] = *token == '~' ? '0' : '1';
        } else {
            ret[n++] = *token;
        }
    }
    ret[n] = '\0';
}
