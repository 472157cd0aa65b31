/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of memory out of one range of addresses, at whose start the arena itself lies: what is in
 * the range is all there is to it.
 *
 * Invariants
 *  1. Blocks have power-of-two sizes from 64 bytes, from a MiB on also those of a quarter, a half
 *     and three quarters more, and are aligned to 64. A freed block is used again for the same
 * size, by whoever asks next, before new memory is taken: a run whose sizes repeat takes none,
 *     whatever the threads.
 *  2. Pages are touched only as they are used: a range costs address space alone. Those beyond
 *     `used` were never touched; those beyond `open` may not be yet, so that the kernel does not
 *     count them as memory that was promised (RLIMIT_DATA).
 *  3. Any thread of any process that has the range mapped may take and give. This happens where a
 *     value grows beyond its buffer, some ten times in its life; so one lock is enough. */
#ifndef STAGE_ARENA_H
#define STAGE_ARENA_H

#include "stage/futex.h"

#include <stddef.h>

enum { ARENA_CLASSES = 128, ARENA_GUARD = 4096 };

struct arena {
    size_t size; /* bytes of the range, from this struct on */
    size_t used; /* so many of them, from its start */
    size_t open; /* at least so many; multiples of a page */
    struct lock lock;
    void *free[ARENA_CLASSES]; /* by size: the first of a list */
};

/* `a` is the start of a range of zeroed memory; its first `header` bytes are not for blocks. All of
 * it is open; where not all can be touched, `open` is for the caller to set. */
void arena_init(struct arena *a, size_t size, size_t header);

/* Opens the first `bytes`. -ENOMEM: there is no memory. No other thread takes or gives. */
int arena_open(struct arena *a, size_t bytes);

/* Undefined contents, at least `size` bytes; NULL where the arena is full, or there is no memory.
 */
void *arena_take(struct arena *a, size_t size, size_t *ret_capacity);
/* For stage/debug.h: `size` bytes, of that capacity, at the end of pages of their own (but for
 * those up to a multiple of 64), with a page before and one behind that nobody may touch. Given
 * back, they are nobody's: they are not used again. */
void *arena_take_guarded(struct arena *a, size_t size);
void arena_give_guarded(void *block, size_t capacity);
/* The pages that may be touched: [begin, end). */
void arena_guarded_pages(const void *block, size_t capacity, void **ret_begin, void **ret_end);
/* Where the address sanitizer is loaded, it reports what code that it has built does to the bytes
 * of these pages beside the block. arena_show, before the arena is unmapped: to none any more. */
void arena_hide_around(const void *block, size_t size);
void arena_show(const struct arena *a);

/* `capacity` as arena_take gave it. NULL is fine. */
void arena_give(struct arena *a, void *block, size_t capacity);

#endif
