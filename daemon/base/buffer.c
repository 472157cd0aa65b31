/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/c_locale.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct buffer *b, size_t more)
{
    size_t need;
    mem_assert(mem_add(b->size, more, &need) && mem_add(need, 1, &need));
    if (need <= b->capacity)
        return;
    size_t capacity = b->capacity ? b->capacity : 64;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    b->data = mem_resize(b->data, capacity, 1);
    b->capacity = capacity;
}

void buffer_append(struct buffer *b, const void *data, size_t n)
{
    reserve(b, n);
    if (n)
        memcpy(b->data + b->size, data, n);
    b->size += n;
    b->data[b->size] = '\0';
}

void buffer_text(struct buffer *b, const char *text)
{
    buffer_append(b, text, strlen(text));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int n = c_locale_vprint(small, sizeof small, format, arguments);
    va_end(arguments);
    mem_assert(n >= 0);
    if ((size_t)n < sizeof small) {
        buffer_append(b, small, (size_t)n);
    } else {
        reserve(b, (size_t)n);
        c_locale_vprint(b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
}

void buffer_clear(struct buffer *b)
{
    b->size = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

char *buffer_take(struct buffer *b)
{
    reserve(b, 0);
    char *data = b->data;
    data[b->size] = '\0';
    *b = (struct buffer){0};
    return data;
}
