/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_parts.h"

#include "base/c_locale.h"
#include "base/dtype.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One side: a number, a word such as inf, or nothing. */
static bool parse_side(const char *text, size_t n, double infinite, double *ret)
{
    char copy[64];
    while (n && is_space(*text))
        text++, n--;
    while (n && is_space(text[n - 1]))
        n--;
    if (n >= sizeof copy)
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (n == 0) {
        *ret = infinite;
        return true;
    }
    char *end;
    if (dtype_number_from_text(copy, ret))
        return !isnan(*ret);
    *ret = c_locale_read(copy, &end);
    return end != copy && !*end && !isnan(*ret);
}

int bounds_parse(const char *text, struct bounds *ret, struct error *e)
{
    struct bounds b = {.given = true};
    size_t n = strlen(text);
    const char *comma = strchr(text, ',');
    bool ok = n >= 3 && comma && strchr("([", text[0]) && strchr(")]", text[n - 1]) &&
              parse_side(text + 1, (size_t)(comma - text - 1), -INFINITY, &b.low) &&
              parse_side(comma + 1, (size_t)(text + n - 1 - (comma + 1)), INFINITY, &b.high);
    if (!ok)
        return error_set(e, MODEL_INVALID, NULL,
                         "bounds: \"%.60s\" is no interval such as \"(0, inf]\"", text);
    if (b.low > b.high)
        return error_set(e, MODEL_INVALID, NULL,
                         "bounds: the lower bound of \"%.60s\" is above the upper", text);
    b.low_open = text[0] == '(';
    b.high_open = text[n - 1] == ')';
    *ret = b;
    return 0;
}

void bounds_text(const struct bounds *b, char *ret, size_t size)
{
    c_locale_print(ret, size, "%c%.12g, %.12g%c", b->low_open ? '(' : '[', b->low, b->high,
                   b->high_open ? ')' : ']');
}
