/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of JSON values, the same each time. jansson's own would have the digits of its reals, and
 * cannot be told of large integers. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum style {
    STYLE_SORTED = 1, /* keys */
    STYLE_PRETTY = 2, /* indented by four */
    STYLE_ASCII = 4,
    STYLE_SHOWN = 8 /* what a reader would obey is escaped */
};

struct writer {
    struct buffer text;
    unsigned style;
};

static void put(struct writer *w, const char *text, size_t n)
{
    buffer_append(&w->text, text, n);
}

static void put_text(struct writer *w, const char *text)
{
    put(w, text, strlen(text));
}

/* ---- strings ---- */

static bool is_plain(const struct writer *w, unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\' &&
           (c < 0x7f || !(w->style & (STYLE_ASCII | STYLE_SHOWN)));
}

static void put_escape(struct writer *w, uint32_t code)
{
    char escape[16];
    if (code >= 0x10000)
        snprintf(escape, sizeof escape, "\\u%04X\\u%04X", 0xd7c0 + (code >> 10),
                 0xdc00 + (code & 0x3ff));
    else
        snprintf(escape, sizeof escape, "\\u%04X", code);
    put_text(w, escape);
}

static void put_control(struct writer *w, unsigned char c)
{
    static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = strchr(named, c);
    if (c == 0 || !found) {
        put_escape(w, c);
        return;
    }
    put(w, (char[]){'\\', names[found - named]}, 2);
}

/* A character that is not plain; returns its bytes. */
static size_t put_special(struct writer *w, const char *text, size_t n)
{
    unsigned char first = (unsigned char)*text;
    if (first < 0x7f) {
        put_control(w, first);
        return 1;
    }
    uint32_t code;
    size_t length = text_decode(text, n, &code);
    mem_assert(length > 0); /* jansson's texts are UTF-8 */
    if (code > 0x7f ? w->style & STYLE_ASCII || text_is_obeyed(code) : w->style & STYLE_SHOWN)
        put_escape(w, code);
    else
        put(w, text, length);
    return length;
}

static void put_string(struct writer *w, const char *text, size_t n)
{
    put(w, "\"", 1);
    for (size_t at = 0; at < n;) {
        size_t plain = at;
        while (plain < n && is_plain(w, (unsigned char)text[plain]))
            plain++;
        put(w, text + at, plain - at);
        at = plain;
        if (at < n)
            at += put_special(w, text + at, n - at);
    }
    put(w, "\"", 1);
}

/* ---- values ---- */

static void put_integer(struct writer *w, json_int_t value)
{
    char text[32];
    put(w, text, (size_t)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, value));
}

/* What is a real stays one. */
static void put_real(struct writer *w, double value)
{
    char text[NUMBER_TEXT_SIZE];
    mem_assert(isfinite(value));
    put_text(w, number_text(value, text));
    if (!strpbrk(text, ".e"))
        put(w, ".0", 2);
}

static void put_line(struct writer *w, int depth)
{
    if (!(w->style & STYLE_PRETTY))
        return;
    put(w, "\n", 1);
    while (depth-- > 0)
        put(w, "    ", 4);
}

static void put_value(struct writer *w, const json_t *value, int depth);

static void put_array(struct writer *w, const json_t *list, int depth)
{
    size_t n = json_array_size(list);
    put(w, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            put(w, ",", 1);
        put_line(w, depth + 1);
        put_value(w, json_array_get(list, i), depth + 1);
    }
    if (n > 0)
        put_line(w, depth);
    put(w, "]", 1);
}

static void put_member(struct writer *w, bool is_first, const char *key, const json_t *value,
                       int depth)
{
    if (!is_first)
        put(w, ",", 1);
    put_line(w, depth + 1);
    put_string(w, key, strlen(key));
    put(w, ": ", w->style & STYLE_PRETTY ? 2 : 1);
    put_value(w, value, depth + 1);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_sorted(struct writer *w, const json_t *object, int depth)
{
    const char **keys = mem_array(json_object_size(object), sizeof *keys), *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)object, key, value)
    {
        keys[n++] = key;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n; i++)
        put_member(w, i == 0, keys[i], json_object_get(object, keys[i]), depth);
    free((void *)keys);
}

static void put_object(struct writer *w, const json_t *object, int depth)
{
    const char *key;
    json_t *value;
    bool is_first = true;
    put(w, "{", 1);
    if (w->style & STYLE_SORTED) {
        put_sorted(w, object, depth);
    } else {
        json_object_foreach((json_t *)object, key, value)
        {
            put_member(w, is_first, key, value, depth);
            is_first = false;
        }
    }
    if (json_object_size(object) > 0)
        put_line(w, depth);
    put(w, "}", 1);
}

static void put_value(struct writer *w, const json_t *value, int depth)
{
    uint64_t large;
    char text[32];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        put_object(w, value, depth);
        break;
    case JSON_ARRAY:
        put_array(w, value, depth);
        break;
    case JSON_STRING:
        if (json_is_large(value, &large))
            put(w, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, large));
        else
            put_string(w, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        put_integer(w, json_integer_value(value));
        break;
    case JSON_REAL:
        put_real(w, json_real_value(value));
        break;
    case JSON_NULL:
        put(w, "null", 4);
        break;
    default:
        put_text(w, json_is_true(value) ? "true" : "false");
    }
}

static char *write_with(const json_t *value, unsigned style)
{
    struct writer w = {.style = style};
    put_value(&w, value, 0);
    if (style & STYLE_PRETTY)
        put(&w, "\n", 1);
    return buffer_take(&w.text);
}

char *json_write(const json_t *value)
{
    return write_with(value, 0);
}

char *json_show(const json_t *value)
{
    return write_with(value, STYLE_SHOWN);
}

char *json_canonical(const json_t *value)
{
    return write_with(value, STYLE_SORTED);
}

/* ASCII: zarr-python decodes metadata so. */
char *json_pretty(const json_t *value)
{
    return write_with(value, STYLE_SORTED | STYLE_PRETTY | STYLE_ASCII);
}
