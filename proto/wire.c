/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEAD 2 /* the message's number */

/* ---- text ---- */

/* Length of the UTF-8 sequence at s (at most n bytes), 0 where it is none (Unicode 15, table 3-7).
 */
static size_t sequence(const unsigned char *s, size_t n)
{
    unsigned char c = s[0];
    if (c < 0x80)
        return 1;
    size_t length = c >= 0xC2 && c <= 0xDF   ? 2
                    : (c & 0xF0) == 0xE0     ? 3
                    : c >= 0xF0 && c <= 0xF4 ? 4
                                             : 0;
    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c == 0xE0 && s[1] < 0xA0) || (c == 0xF0 && s[1] < 0x90);
    bool outside = (c == 0xED && s[1] > 0x9F) || (c == 0xF4 && s[1] > 0x8F);
    return overlong || outside ? 0 : length;
}

static bool text_ok(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        size_t length = sequence(s + i, n - i);
        if (length == 0 || s[i] == '\0')
            return false;
        i += length;
    }
    return true;
}

/* Copies a line, cut to `limit` bytes: control characters become spaces, foreign bytes '?'. Returns
 * its length; `ret` may be NULL. */
static size_t clean_line(const char *text, size_t limit, char *ret)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t size = text ? strnlen(text, limit + 4) : 0; /* a cut sequence shows its end */
    size_t n = 0;
    while (n < size) {
        size_t length = sequence(s + n, size - n);
        size_t step = length ? length : 1;
        if (n + step > limit)
            break;
        if (ret && length == 0)
            ret[n] = '?';
        else if (ret && (s[n] < 0x20 || s[n] == 0x7F))
            ret[n] = ' ';
        else if (ret)
            memcpy(ret + n, s + n, length);
        n += step;
    }
    return n;
}

/* ---- fields: size_*, put_*, get_* for each kind; get_* is false where the frame is hostile ----
 */

struct cursor {
    const unsigned char *at, *end;
};

static void put_bytes(unsigned char **at, uint64_t value, int n)
{
    for (int i = 0; i < n; i++)
        *(*at)++ = (unsigned char)(value >> (8 * i));
}

static bool get_bytes(struct cursor *c, int n, uint64_t *ret_value)
{
    if (c->end - c->at < n)
        return false;
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value |= (uint64_t)c->at[i] << (8 * i);
    c->at += n;
    *ret_value = value;
    return true;
}

static bool size_U32(uint32_t value, size_t limit, size_t *size)
{
    (void)value, (void)limit;
    *size += 4;
    return true;
}

static void put_U32(unsigned char **at, uint32_t value, size_t limit)
{
    (void)limit;
    put_bytes(at, value, 4);
}

static bool get_U32(struct cursor *c, size_t limit, uint32_t *ret)
{
    (void)limit;
    uint64_t value;
    if (!get_bytes(c, 4, &value))
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool size_I64(int64_t value, size_t limit, size_t *size)
{
    (void)value, (void)limit;
    *size += 8;
    return true;
}

static void put_I64(unsigned char **at, int64_t value, size_t limit)
{
    (void)limit;
    put_bytes(at, (uint64_t)value, 8);
}

static bool get_I64(struct cursor *c, size_t limit, int64_t *ret)
{
    (void)limit;
    uint64_t value;
    if (!get_bytes(c, 8, &value))
        return false;
    memcpy(ret, &value, 8);
    return true;
}

static bool size_F64(double value, size_t limit, size_t *size)
{
    (void)value, (void)limit;
    *size += 8;
    return true;
}

static void put_F64(unsigned char **at, double value, size_t limit)
{
    (void)limit;
    uint64_t bits;
    memcpy(&bits, &value, 8);
    put_bytes(at, bits, 8);
}

static bool get_F64(struct cursor *c, size_t limit, double *ret)
{
    (void)limit;
    uint64_t bits;
    if (!get_bytes(c, 8, &bits))
        return false;
    memcpy(ret, &bits, 8);
    return true;
}

static bool size_TEXT(const char *text, size_t limit, size_t *size)
{
    size_t n = text ? strnlen(text, limit + 1) : limit + 1;
    if (n > limit || !text_ok(text, n))
        return false;
    *size += 4 + n + 1;
    return true;
}

static void put_TEXT(unsigned char **at, const char *text, size_t limit)
{
    (void)limit;
    size_t n = strlen(text);
    put_bytes(at, n, 4);
    memcpy(*at, text, n + 1);
    *at += n + 1;
}

static bool get_TEXT(struct cursor *c, size_t limit, const char **ret)
{
    uint64_t n;
    if (!get_bytes(c, 4, &n) || n > limit || (uint64_t)(c->end - c->at) < n + 1)
        return false;
    const char *text = (const char *)c->at;
    if (text[n] != '\0' || !text_ok(text, n))
        return false;
    c->at += n + 1;
    *ret = text;
    return true;
}

static bool size_LINE(const char *text, size_t limit, size_t *size)
{
    *size += 4 + clean_line(text, limit, NULL) + 1;
    return true;
}

static void put_LINE(unsigned char **at, const char *text, size_t limit)
{
    size_t n = clean_line(text, limit, (char *)*at + 4);
    put_bytes(at, n, 4);
    *at += n;
    *(*at)++ = '\0';
}

static bool get_LINE(struct cursor *c, size_t limit, const char **ret)
{
    return get_TEXT(c, limit, ret);
}

/* ---- messages ---- */

#define MESSAGE(NAME, name, number, direction, text)                                               \
    static bool size_##name(const struct wire_##name *m, size_t *size)                             \
    {                                                                                              \
        return true
#define FIELD(kind, name, limit, text) &&size_##kind(m->name, limit, size)
#define END(NAME, name)                                                                            \
    ;                                                                                              \
    }
#include "proto/messages.def"

#define MESSAGE(NAME, name, number, direction, text)                                               \
    static void put_##name(unsigned char **at, const struct wire_##name *m)                        \
    {
#define FIELD(kind, name, limit, text) put_##kind(at, m->name, limit);
#define END(NAME, name)                }
#include "proto/messages.def"

#define MESSAGE(NAME, name, number, direction, text)                                               \
    static bool get_##name(struct cursor *c, struct wire_##name *m)                                \
    {                                                                                              \
        return true
#define FIELD(kind, name, limit, text) &&get_##kind(c, limit, &m->name)
#define END(NAME, name)                                                                            \
    ;                                                                                              \
    }
#include "proto/messages.def"

size_t wire_size(const struct wire_message *m)
{
    size_t size = HEAD;
    bool ok = false;
    switch (m->type) {
#define MESSAGE(NAME, name, number, direction, text)                                               \
    case WIRE_##NAME:                                                                              \
        ok = size_##name(&m->name, &size);                                                         \
        break;
#define FIELD(kind, name, limit, text)
#define END(NAME, name)
#include "proto/messages.def"
    }
    return ok ? size : 0;
}

void wire_encode(const struct wire_message *m, void *ret_frame)
{
    unsigned char *at = ret_frame;
    put_bytes(&at, (uint64_t)m->type, HEAD);
    switch (m->type) {
#define MESSAGE(NAME, name, number, direction, text)                                               \
    case WIRE_##NAME:                                                                              \
        put_##name(&at, &m->name);                                                                 \
        break;
#define FIELD(kind, name, limit, text)
#define END(NAME, name)
#include "proto/messages.def"
    }
}

int wire_decode(enum wire_direction direction, const void *frame, size_t size,
                struct wire_message *ret_message)
{
    struct cursor c = {frame, (const unsigned char *)frame + size};
    uint64_t type;
    if (size < HEAD || !get_bytes(&c, HEAD, &type))
        return -EBADMSG;
    struct wire_message m = {.type = (enum wire_type)type};
    bool ok = false;
    switch ((int)type) {
#define MESSAGE(NAME, name, number, direction_, text)                                              \
    case WIRE_##NAME:                                                                              \
        if (direction != WIRE_##direction_)                                                        \
            return -ENOMSG;                                                                        \
        ok = get_##name(&c, &m.name);                                                              \
        break;
#define FIELD(kind, name, limit, text)
#define END(NAME, name)
#include "proto/messages.def"
    default:
        return -ENOMSG;
    }
    if (!ok || c.at != c.end)
        return -EBADMSG;
    *ret_message = m;
    return 0;
}

uint32_t wire_hello_version(const void *frame, size_t size)
{
    struct cursor c = {frame, (const unsigned char *)frame + size};
    uint64_t type, version;
    if (!get_bytes(&c, HEAD, &type) || type != WIRE_HELLO || !get_bytes(&c, 4, &version))
        return 0;
    return (uint32_t)version;
}

const char *wire_name(int type)
{
    switch (type) {
#define MESSAGE(NAME, name, number, direction, text)                                               \
    case WIRE_##NAME:                                                                              \
        return #NAME;
#define FIELD(kind, name, limit, text)
#define END(NAME, name)
#include "proto/messages.def"
    default:
        return NULL;
    }
}
