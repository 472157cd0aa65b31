/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/buffer.h"
#include "base/c_locale.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Documents are shared by threads that only read them, and count references. */
_Static_assert(JSON_HAVE_ATOMIC_BUILTINS || JSON_HAVE_SYNC_BUILTINS,
               "this jansson does not count references atomically");

enum { JSON_MAX_DEPTH = 64 };

static void *allocate(size_t size)
{
    return mem_resize(NULL, size, 1);
}

/* Before anybody calls jansson: for want of memory it aborts, as mem_* do. It would return NULL,
 * which is also its word for "not JSON", and objects would lack members that nobody misses. */
__attribute__((constructor)) static void set_allocations(void)
{
    json_set_alloc_funcs(allocate, free);
}

/* jansson's own limit is 2048 levels; deep documents would cost our recursive readers stack. */
static bool too_deep(const char *text, size_t size)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_MAX_DEPTH)
                return true;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return false;
}

static bool names_a_number_json_lacks(const char *message)
{
    static const char *const words[] = {"NaN", "Infinity", "nan", "inf", "-Infinity", "-inf"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char near[32];
        snprintf(near, sizeof near, "near '%s'", words[i]);
        if (strstr(message, near))
            return true;
    }
    return strstr(message, "near '-'") != NULL;
}

/* ---- large integers ---------------------------------------------------------------------- */

/* U+10FFFF before the digits. */
static const char large_mark[] = "\xF4\x8F\xBF\xBF";

enum { LARGE_DIGITS_LEAST = 19, LARGE_DIGITS_MOST = 20 };

/* How many of the n characters, which no NUL need follow, are digits from the first on. */
static size_t digits_span(const char *text, size_t n)
{
    size_t span = 0;
    while (span < n && text[span] >= '0' && text[span] <= '9')
        span++;
    return span;
}

/* n digits that say an integer from 2^63 to 2^64-1. */
static bool is_large(const char *digits, size_t n, uint64_t *ret)
{
    char copy[LARGE_DIGITS_MOST + 1];
    if (n < LARGE_DIGITS_LEAST || n > LARGE_DIGITS_MOST || *digits == '0' ||
        digits_span(digits, n) < n)
        return false;
    memcpy(copy, digits, n);
    copy[n] = '\0';
    errno = 0;
    unsigned long long value = strtoull(copy, NULL, 10);
    if (errno || value <= INT64_MAX)
        return false;
    *ret = value;
    return true;
}

json_t *json_unsigned(uint64_t value)
{
    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    return json_sprintf("%s%llu", large_mark, (unsigned long long)value);
}

bool json_is_large(const json_t *value, uint64_t *ret)
{
    const char *text = json_string_value(value);
    size_t mark = sizeof large_mark - 1;
    return text && !strncmp(text, large_mark, mark) &&
           is_large(text + mark, json_string_length(value) - mark, ret);
}

/* The end of the string that begins at `text` (a quotation mark): after the closing one. */
static const char *after_string(const char *text, const char *end)
{
    for (text++; text < end && *text != '"'; text++)
        if (*text == '\\' && text + 1 < end)
            text++;
    return text < end ? text + 1 : end;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool is_in_number(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* A number of n characters as jansson can read it. */
static void append_number(struct buffer *b, const char *text, size_t n)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    size_t n_digits = n - negative;
    uint64_t value;
    bool is_integer = n_digits >= LARGE_DIGITS_LEAST && *digits != '0' &&
                      digits_span(digits, n_digits) == n_digits;
    if (is_integer && !negative && is_large(digits, n_digits, &value)) {
        buffer_printf(b, "\"%s%llu\"", large_mark, (unsigned long long)value);
        return;
    }
    buffer_append(b, text, n);
    /* 19 digits may be too many for an int64, and not enough for us to have returned. */
    char copy[LARGE_DIGITS_LEAST + 2];
    errno = 0;
    if (is_integer && n_digits == LARGE_DIGITS_LEAST) {
        memcpy(copy, text, n);
        copy[n] = '\0';
        strtoll(copy, NULL, 10);
    }
    if (is_integer && (n_digits > LARGE_DIGITS_LEAST || errno == ERANGE))
        buffer_text(b, ".0");
}

/* Text with long numbers rewritten; false, and nothing in `ret`, where there are none. */
static bool rewrite_large(const char *text, size_t size, struct buffer *ret)
{
    const char *end = text + size, *copied = text;
    while (text < end) {
        const char *start = text;
        if (*text == '"') {
            text = after_string(text, end);
            continue;
        }
        while (text < end && is_in_number(*text))
            text++;
        if (text - start >= LARGE_DIGITS_LEAST) {
            buffer_append(ret, copied, (size_t)(start - copied));
            append_number(ret, start, (size_t)(text - start));
            copied = text;
        }
        text += text == start;
    }
    if (ret->size)
        buffer_append(ret, copied, (size_t)(end - copied));
    return ret->size > 0;
}

json_t *json_read(const char *text, size_t size, struct error *e)
{
    if (too_deep(text, size)) {
        error_set(e, BASE_INVALID, NULL, "JSON nests deeper than %d levels", JSON_MAX_DEPTH);
        return NULL;
    }
    struct buffer rewritten = {0};
    if (rewrite_large(text, size, &rewritten)) {
        text = rewritten.data;
        size = rewritten.size;
    }
    json_error_t why;
    locale_t before = c_locale_enter();
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    c_locale_leave(before);
    buffer_free(&rewritten);
    if (!value)
        error_set(e, BASE_INVALID, NULL, "not JSON, line %d, column %d: %s%s", why.line, why.column,
                  why.text,
                  names_a_number_json_lacks(why.text)
                      ? " (JSON has no such number: write \"NaN\", \"Infinity\" or \"-Infinity\")"
                      : "");
    return value;
}

/* ---- members of objects ------------------------------------------------------------------ */

const char *json_member_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

json_int_t json_member_integer(const json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* Levenshtein distance, or more than `most` where it exceeds that. Names are short. */
static int edit_distance(const char *a, const char *b, int most)
{
    enum { LONGEST = 64 };
    int na = (int)strlen(a), nb = (int)strlen(b);
    if (na >= LONGEST || nb >= LONGEST || abs(na - nb) > most)
        return most + 1;
    int row[LONGEST + 1];
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            int above = row[j];
            int best =
                diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[nb];
}

const char *json_nearest(const char *name, const char *const *names)
{
    size_t n = strlen(name);
    int most = n <= 3 ? 1 : n <= 8 ? 2 : 3;
    const char *nearest = NULL;
    for (; *names; names++) {
        int distance = edit_distance(name, *names, most);
        if (distance <= most) {
            most = distance - 1;
            nearest = *names;
        }
        if (most < 0)
            break;
    }
    return nearest;
}

int json_check_keys(const json_t *object, const char *const *allowed, const char *pointer,
                    struct error *e)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        const char *const *a = allowed;
        while (*a && strcmp(*a, key) != 0)
            a++;
        if (*a)
            continue;
        char token[256], where[512];
        error_pointer_token(key, token, sizeof token);
        snprintf(where, sizeof where, "%s/%s", pointer ? pointer : "", token);
        const char *nearest = json_nearest(key, allowed);
        if (nearest)
            return error_set(e, BASE_INVALID, where, "unknown key \"%.100s\": did you mean \"%s\"?",
                             key, nearest);
        return error_set(e, BASE_INVALID, where, "unknown key \"%.100s\"", key);
    }
    return 0;
}

json_t *json_time(int64_t ms)
{
    char day[32];
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ms <= 0 || !gmtime_r(&seconds, &tm) || !strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm))
        return json_null();
    return json_sprintf("%s.%03dZ", day, (int)(ms % 1000));
}
