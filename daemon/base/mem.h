/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to allocate. mem_* aborts when there is no memory: for small things whose size is ours.
 * mem_try_* returns NULL: for sizes that users control. All memory is freed with free(). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed. */
void *mem_new(size_t size);
void *mem_array(size_t n, size_t size);
/* Likewise, each thing at the beginning of a cache line (64 bytes) where its size allows it. */
void *mem_lines(size_t n, size_t size);
/* Grows or shrinks; new bytes are undefined. */
void *mem_resize(void *p, size_t n, size_t size);
/* Makes room for one more in an array of n that grows by doubling. Returns where it is now. */
void *mem_grow(void *items, size_t n, size_t *capacity, size_t size);
char *mem_strdup(const char *s); /* NULL gives NULL */
__attribute__((format(printf, 1, 2))) char *mem_printf(const char *format, ...);

/* Zeroed; NULL where n * size overflows, or there is no memory, or cannot be (memory_limit). */
void *mem_try_array(size_t n, size_t size);
/* The same with undefined bytes. */
void *mem_try_bytes(size_t size);

/* n times the same `size` bytes, or zeros where `item` is NULL. */
void mem_repeat(void *to, const void *item, size_t size, size_t n);

/* a * b and a + b; false on overflow, and then *ret is untouched. */
bool mem_mul(size_t a, size_t b, size_t *ret);
bool mem_add(size_t a, size_t b, size_t *ret);

/* A bug of ours: says where and aborts. Never compiled out. */
#define mem_assert(condition)                                                                      \
    ((condition) ? (void)0 : mem_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void mem_assert_failed(const char *condition, const char *file, int line);

/* Before it aborts, mem_* calls that first: where others wait to have their say. One for the
 * process; set at start, before any other thread. */
void mem_before_abort(void (*fn)(void));

#endif
