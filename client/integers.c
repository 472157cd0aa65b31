/* SPDX-License-Identifier: Apache-2.0 */
#include "client/integers.h"

#include "client/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MARK "\xF4\x8F\xBF\xBF"

enum { GROWTH = sizeof MARK + 2, DIGITS_MAX = 20 };

/* n digits say an integer that fits into 64 bits, but not into 63. */
static bool is_large(const char *digits, size_t n)
{
    char copy[DIGITS_MAX + 1];
    if (n > DIGITS_MAX || !n || strspn(digits, "0123456789") < n)
        return false;
    memcpy(copy, digits, n);
    copy[n] = '\0';
    errno = 0;
    unsigned long long value = strtoull(copy, NULL, 10);
    return !errno && value > INT64_MAX;
}

/* The end of the string that begins at `p`, or of the text. */
static const char *after_string(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end)
            p++;
    return p < end ? p + 1 : end;
}

static char *append(char *to, const char *from, size_t n)
{
    memmove(to, from, n);
    return to + n;
}

/* A number, as jansson can read it. */
static char *append_number(char *to, const char *number, size_t n)
{
    bool negative = *number == '-';
    size_t digits = strspn(number + negative, "0123456789");
    if (digits + negative != n || digits < DIGITS_MAX - 1)
        return append(to, number, n);
    if (!negative && is_large(number, n)) {
        to = append(to, "\"" MARK, sizeof MARK);
        to = append(to, number, n);
        return append(to, "\"", 1);
    }
    errno = 0;
    strtoll(number, NULL, 10);
    to = append(to, number, n);
    return errno == ERANGE ? append(to, ".0", 2) : to;
}

/* `text` with NUL behind it. New text of *ret_n bytes. */
static char *with_marks(const char *text, size_t n, size_t *ret_n)
{
    const char *end = text + n;
    size_t large = 0;
    for (const char *p = text; p < end; p += strcspn(p, "0123456789")) {
        size_t digits = strspn(p, "0123456789");
        large += digits >= DIGITS_MAX - 1;
        p += digits;
    }
    char *marked = text_need(malloc(n + large * GROWTH + 1)), *to = marked;
    for (const char *p = text; p < end;) {
        const char *start = p;
        if (*p == '"') {
            p = after_string(p, end);
            to = append(to, start, (size_t)(p - start));
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            p += strspn(p, "+-.0123456789eE");
            to = append_number(to, start, (size_t)(p - start));
        } else {
            p++;
            to = append(to, start, 1);
        }
    }
    *ret_n = (size_t)(to - marked);
    return marked;
}

json_t *integers_read(const char *text, size_t n, size_t flags, json_error_t *ret_error)
{
    json_t *value = json_loadb(text, n, flags, ret_error);
    if (value || json_error_code(ret_error) != json_error_numeric_overflow || strlen(text) != n)
        return value;
    char *marked = with_marks(text, n, &n);
    value = json_loadb(marked, n, flags, ret_error);
    free(marked);
    return value;
}

char *integers_write(const json_t *value, size_t flags)
{
    char *text = text_need(json_dumps(value, flags)), *to = text;
    const char *end = text + strlen(text);
    for (const char *p = text; p < end;) {
        const char *start = p;
        p = *p == '"' ? after_string(p, end) : p + 1;
        size_t mark = sizeof MARK - 1, n = (size_t)(p - start);
        bool is_mark = *start == '"' && n > mark + 2 && !memcmp(start + 1, MARK, mark) &&
                       is_large(start + 1 + mark, n - 2 - mark) && *p != ':';
        to = is_mark ? append(to, start + 1 + mark, n - 2 - mark) : append(to, start, n);
    }
    *to = '\0';
    return text;
}

const char *integers_digits(const json_t *value)
{
    const char *s = json_string_value(value);
    size_t mark = sizeof MARK - 1;
    return s && !strncmp(s, MARK, mark) && is_large(s + mark, strlen(s + mark)) ? s + mark : NULL;
}
