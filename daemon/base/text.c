/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CUT "…"

size_t text_decode(const char *text, size_t n, uint32_t *ret_code)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (length == 0 || length > n || s[0] > 0xf4)
        return 0;
    uint32_t code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    if (code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return length;
}

bool text_is_obeyed(uint32_t code)
{
    return (code >= 0x80 && code <= 0x9f) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* One character of the text, or its escape, into `ret` (8 bytes). Returns the bytes of the text. */
static size_t show(const unsigned char *s, size_t n, char *ret)
{
    uint32_t code = 0;
    size_t length = text_decode((const char *)s, n, &code);
    if (length == 0)
        snprintf(ret, 8, "\\x%02x", s[0]);
    else if (code == '\t' || code == '\n' || code == '\r')
        snprintf(ret, 8, "\\%c", code == '\t' ? 't' : code == '\n' ? 'n' : 'r');
    else if (code < 0x20 || code == 0x7f)
        snprintf(ret, 8, "\\x%02x", (unsigned)code);
    else if (text_is_obeyed(code))
        snprintf(ret, 8, "\\u%04x", (unsigned)code & 0xffff);
    else
        snprintf(ret, 8, "%.*s", (int)length, (const char *)s);
    return length ? length : 1;
}

size_t text_printable(const char *text, size_t n, char *ret, size_t size)
{
    mem_assert(size > strlen(CUT));
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0, written = 0, room_for_cut = 0; /* where CUT still fits */
    while (at < n) {
        char shown[8];
        size_t step = show(s + at, n - at, shown), length = strlen(shown);
        if (written + strlen(CUT) < size)
            room_for_cut = written;
        if (written + length >= size) {
            memcpy(ret + room_for_cut, CUT, strlen(CUT));
            written = room_for_cut + strlen(CUT);
            break;
        }
        memcpy(ret + written, shown, length);
        written += length;
        at += step;
    }
    ret[written] = '\0';
    return written;
}

char *text_valid(const char *text, size_t limit)
{
    size_t n = text ? strlen(text) : 0, at = 0;
    char *valid = mem_array(1, (n < limit ? n : limit) + 1);
    while (at < n) {
        uint32_t code;
        size_t length = text_decode(text + at, n - at, &code);
        size_t step = length ? length : 1;
        if (at + step > limit)
            break;
        memcpy(valid + at, length ? text + at : "?", step);
        at += step;
    }
    return valid;
}
