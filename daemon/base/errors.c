/* SPDX-License-Identifier: Apache-2.0 */
#include "base/errors.h"

#include <stdio.h>
#include <string.h>

int error_vset(struct error *e, enum error_kind kind, const char *pointer, const char *format,
               va_list arguments)
{
    if (!e)
        return kind;
    /* The arguments may point into *e itself. */
    char message[sizeof e->message];
    vsnprintf(message, sizeof message, format, arguments);
    char where[sizeof e->pointer];
    snprintf(where, sizeof where, "%s", pointer ? pointer : "");
    e->kind = kind;
    memcpy(e->message, message, sizeof message);
    memcpy(e->pointer, where, sizeof where);
    return kind;
}

int error_set(struct error *e, enum error_kind kind, const char *pointer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error_vset(e, kind, pointer, format, arguments);
    va_end(arguments);
    return kind;
}

void error_prefix_pointer(struct error *e, const char *prefix)
{
    char joined[sizeof e->pointer];
    snprintf(joined, sizeof joined, "%.255s%.255s", prefix, e->pointer);
    memcpy(e->pointer, joined, sizeof joined);
}

int error_explain(struct error *e, int r, const char *doing)
{
    if (r < 0 && e)
        error_set(e, ERROR_STORAGE, NULL, "cannot %s: %s", doing, strerror(-r));
    return r;
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
