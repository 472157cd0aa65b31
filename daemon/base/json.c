/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JSON_MAX_DEPTH = 64 };

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

json_t *json_read(const char *text, size_t size, struct error *e)
{
    if (too_deep(text, size)) {
        error_set(e, ERROR_SYNTAX, NULL, "JSON nests deeper than %d levels", JSON_MAX_DEPTH);
        return NULL;
    }
    json_error_t why;
    json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!value)
        error_set(e, ERROR_SYNTAX, NULL, "not JSON, line %d, column %d: %s%s", why.line, why.column,
                  why.text,
                  names_a_number_json_lacks(why.text)
                      ? " (JSON has no such number: write \"NaN\", \"Infinity\" or \"-Infinity\")"
                      : "");
    return value;
}

static char *dump(const json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    mem_assert(text);
    return text;
}

char *json_write(const json_t *value)
{
    return dump(value, JSON_COMPACT);
}

char *json_canonical(const json_t *value)
{
    return dump(value, JSON_COMPACT | JSON_SORT_KEYS);
}

char *json_pretty(const json_t *value)
{
    /* ASCII: zarr-python decodes metadata so. */
    char *text = dump(value, JSON_INDENT(4) | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    size_t n = strlen(text);
    text = mem_resize(text, n + 2, 1);
    memcpy(text + n, "\n", 2);
    return text;
}

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
            return error_set(e, ERROR_INVALID, where,
                             "unknown key \"%.100s\": did you mean \"%s\"?", key, nearest);
        return error_set(e, ERROR_INVALID, where, "unknown key \"%.100s\"", key);
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
