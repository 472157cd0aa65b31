/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include "base/c_locale.h"
#include "base/memory_limit.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SMALL = 1 << 20,    /* bytes that need no look */
    LAST_WORD_MS = 1000 /* for it to be taken */
};

static void (*before_abort)(void);

void mem_before_abort(void (*fn)(void))
{
    before_abort = fn;
}

/* Standard error may be a pipe that nobody reads: better no word than no end. */
static _Noreturn void die(const char *text)
{
    if (before_abort)
        before_abort();
    struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};
    if (poll(&fd, 1, LAST_WORD_MS) > 0) {
        ssize_t n = write(STDERR_FILENO, text, strlen(text));
        (void)n;
    }
    abort();
}

static void *or_abort(void *p)
{
    if (!p)
        die("out of memory\n");
    return p;
}

void *mem_new(size_t size)
{
    return or_abort(calloc(1, size ? size : 1));
}

void *mem_array(size_t n, size_t size)
{
    return or_abort(mem_try_array(n, size));
}

/* The system promises more than it has, and ends us when we use it. */
static bool can_be(size_t n, size_t size)
{
    size_t bytes;
    return mem_mul(n, size, &bytes) && (bytes < SMALL || bytes <= memory_limit());
}

void *mem_try_array(size_t n, size_t size)
{
    return can_be(n, size) ? calloc(n ? n : 1, size ? size : 1) : NULL;
}

void *mem_try_bytes(size_t size)
{
    return can_be(1, size) ? malloc(size ? size : 1) : NULL;
}

void *mem_lines(size_t n, size_t size)
{
    enum { LINE = 64 };
    size_t bytes;
    if (!mem_mul(n ? n : 1, size, &bytes) || bytes > SIZE_MAX - LINE || !can_be(1, bytes))
        die("out of memory\n");
    bytes = (bytes + LINE - 1) / LINE * LINE;
    return memset(or_abort(aligned_alloc(LINE, bytes)), 0, bytes);
}

void *mem_resize(void *p, size_t n, size_t size)
{
    size_t bytes;
    bool fits = can_be(n, size) && mem_mul(n, size, &bytes);
    return or_abort(fits ? realloc(p, bytes ? bytes : 1) : NULL);
}

void *mem_grow(void *items, size_t n, size_t *capacity, size_t size)
{
    if (n < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return mem_resize(items, *capacity, size);
}

char *mem_strdup(const char *s)
{
    return s ? or_abort(strdup(s)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *s = NULL;
    va_list arguments;
    va_start(arguments, format);
    locale_t before = c_locale_enter();
    int n = vasprintf(&s, format, arguments);
    c_locale_leave(before);
    va_end(arguments);
    return or_abort(n < 0 ? NULL : s);
}

void mem_repeat(void *to, const void *item, size_t size, size_t n)
{
    size_t total = n * size, done = size < total ? size : total;
    if (!item || total == 0) {
        memset(to, 0, total);
        return;
    }
    memcpy(to, item, done);
    while (done < total) {
        size_t more = done < total - done ? done : total - done;
        memcpy((char *)to + done, to, more);
        done += more;
    }
}

bool mem_mul(size_t a, size_t b, size_t *ret)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *ret = r;
    return true;
}

bool mem_add(size_t a, size_t b, size_t *ret)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *ret = r;
    return true;
}

void mem_assert_failed(const char *condition, const char *file, int line)
{
    char text[512];
    snprintf(text, sizeof text, "%s:%d: bug: %s does not hold\n", file, line, condition);
    die(text);
}
