/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

#include "base/c_locale.h"

#include <stdio.h>
#include <string.h>

int error_vset(struct error *e, int result, const char *pointer, const char *format,
               va_list arguments)
{
    if (!e)
        return result;
    /* The arguments may point into *e itself. */
    char message[sizeof e->message];
    c_locale_vprint(message, sizeof message, format, arguments);
    char where[sizeof e->pointer];
    snprintf(where, sizeof where, "%s", pointer ? pointer : "");
    memcpy(e->message, message, sizeof message);
    memcpy(e->pointer, where, sizeof where);
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
