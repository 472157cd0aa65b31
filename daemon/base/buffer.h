/* SPDX-License-Identifier: Apache-2.0 */
/* A growing array of bytes, always followed by a NUL that `size` does not count. Zeroed is empty.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>

struct buffer {
    char *data; /* NULL while empty */
    size_t size;
    size_t capacity;
};

void buffer_append(struct buffer *b, const void *data, size_t n);
void buffer_text(struct buffer *b, const char *text);
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *b, const char *format, ...);
void buffer_clear(struct buffer *b); /* keeps the memory */
void buffer_free(struct buffer *b);
/* Gives the bytes away (never NULL; free()) and leaves the buffer empty. */
char *buffer_take(struct buffer *b);

#endif
