/* SPDX-License-Identifier: Apache-2.0 */
#include "client/escape.h"

#include "client/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ESCAPE_GROWTH = 6 }; /* "\u001b" for one byte, twice that for four */

/* The length of the character at `s`, and its number; 0 where it is no UTF-8. */
static size_t decode(const unsigned char *s, size_t n, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *s < 0x80             ? 1
                    : (*s & 0xE0) == 0xC0 ? 2
                    : (*s & 0xF0) == 0xE0 ? 3
                    : (*s & 0xF8) == 0xF0 ? 4
                                          : 0;
    if (length < 2 || length > n) {
        *ret = *s;
        return length == 1;
    }
    uint32_t c = *s & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *ret = c;
    return length;
}

/* Controls, and Unicode's format characters (chapter 23) that hide or turn text; its joiners, which
 * some scripts and emoji need, are not among them. */
static bool is_unseen(uint32_t c)
{
    static const uint32_t ranges[][2] = {
        {0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD},  {0x061C, 0x061C}, {0x180E, 0x180E},
        {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E},  {0x2060, 0x206F}, {0xFEFF, 0xFEFF},
        {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE0FFF}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i][0] && c <= ranges[i][1])
            return true;
    return false;
}

static char *put_escape(char *p, uint32_t c, enum escape_style style)
{
    if (style == ESCAPE_JSON && c > 0xFFFF)
        return p + sprintf(p, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
    return p + sprintf(p,
                       style == ESCAPE_JSON ? "\\u%04x"
                       : c < 0x80           ? "\\x%02x"
                       : c <= 0xFFFF        ? "\\u%04x"
                                            : "\\U%08x",
                       c);
}

/* Bytes that are no UTF-8: JSON cannot say them. */
static char *put_broken(char *p, unsigned char byte, enum escape_style style)
{
    return style == ESCAPE_JSON ? put_escape(p, 0xFFFD, style) : p + sprintf(p, "\\x%02x", byte);
}

/* The characters that a style treats by themselves. NULL: none of these. */
static const char *special(unsigned char c, enum escape_style style)
{
    bool json = style == ESCAPE_JSON, python = style == ESCAPE_PYTHON;
    switch (c) {
    case '\n':
        return json ? "\n" : "\\n";
    case '\t':
        return json ? "\t" : "\\t";
    case '\r': /* in JSON white space, which a terminal obeys */
        return json ? " " : "\\r";
    case '"':
        return python ? "\\\"" : NULL;
    case '\\':
        return python ? "\\\\" : NULL;
    default:
        return NULL;
    }
}

char *escape_bytes(const char *bytes, size_t n, enum escape_style style)
{
    const unsigned char *s = (const unsigned char *)bytes, *end = s + n;
    char *text = text_need(malloc(n * ESCAPE_GROWTH + 1)), *p = text;
    while (s < end) {
        uint32_t c;
        size_t length = decode(s, (size_t)(end - s), &c);
        const char *own = special(*s, style);
        if (own)
            p = stpcpy(p, own);
        else if (!length)
            p = put_broken(p, *s, style);
        else if (is_unseen(c))
            p = put_escape(p, c, style);
        else
            p = mempcpy(p, s, length);
        s += length ? length : 1;
    }
    *p = '\0';
    return text_need(realloc(text, (size_t)(p - text) + 1));
}

char *escape_text(const char *s, enum escape_style style)
{
    return escape_bytes(s, strlen(s), style);
}
