/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/arena.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
    ARENA_SMALLEST = 6, /* powers of two */
    ARENA_QUARTERS = 20,
    ARENA_LARGEST = 46,
    ARENA_ALIGNMENT = 64,
    ARENA_STEP = 2 << 20,
    ARENA_AHEAD = 8 /* an eighth more than is needed is opened */
};

struct free_block {
    void *next;
};

static size_t round_up(size_t size)
{
    return (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
}

void arena_init(struct arena *a, size_t size, size_t header)
{
    a->size = size;
    a->used = round_up(header);
    a->open = size;
}

static size_t pages(size_t size)
{
    return (size + ARENA_GUARD - 1) & ~(size_t)(ARENA_GUARD - 1);
}

/* Some at a time, where there is so much; else what is needed. */
int arena_open(struct arena *a, size_t bytes)
{
    if (bytes <= a->open)
        return 0;
    size_t wanted = (bytes + bytes / ARENA_AHEAD + ARENA_STEP) & ~(size_t)(ARENA_STEP - 1);
    for (size_t end = wanted < a->size ? wanted : a->size;; end = pages(bytes)) {
        if (mprotect((char *)a + a->open, end - a->open, PROT_READ | PROT_WRITE) == 0) {
            a->open = end;
            return 0;
        }
        if (end <= pages(bytes))
            return -ENOMEM;
    }
}

/* The least that `size` fits into, and its number; 0: it is beyond all. */
static size_t capacity_of(size_t size, int *ret_class)
{
    int power = ARENA_SMALLEST;
    while (power < ARENA_LARGEST && ((size_t)2 << power) <= size)
        power++;
    size_t least = (size_t)1 << power, step = power < ARENA_QUARTERS ? least : least / 4;
    size_t steps = size > least ? (size - least + step - 1) / step : 0;
    size_t capacity = least + steps * step;
    *ret_class = power < ARENA_QUARTERS
                     ? power + (int)steps
                     : ARENA_QUARTERS + 4 * (power - ARENA_QUARTERS) + (int)steps;
    return *ret_class < ARENA_CLASSES ? capacity : 0;
}

/* New memory; NULL where there is none. */
static void *extend(struct arena *a, size_t capacity)
{
    if (capacity > a->size - a->used || arena_open(a, a->used + capacity) < 0)
        return NULL;
    void *block = (char *)a + a->used;
    a->used += capacity;
    return block;
}

void *arena_take(struct arena *a, size_t size, size_t *ret_capacity)
{
    int class;
    size_t capacity = capacity_of(size, &class);
    if (capacity == 0)
        return NULL;
    lock_hold(&a->lock, 1);
    struct free_block *block = a->free[class];
    if (block)
        a->free[class] = block->next;
    else
        block = extend(a, capacity);
    lock_release(&a->lock);
    if (block)
        *ret_capacity = capacity;
    return block;
}

void arena_give(struct arena *a, void *block, size_t capacity)
{
    if (!block)
        return;
    struct free_block *b = block;
    int class;
    capacity_of(capacity, &class);
    lock_hold(&a->lock, 1);
    b->next = a->free[class];
    a->free[class] = b;
    lock_release(&a->lock);
}

/* ---- with guards ---- */

void arena_guarded_pages(const void *block, size_t capacity, void **ret_begin, void **ret_end)
{
    uintptr_t at = (uintptr_t)block, end = at + round_up(capacity);
    *ret_begin = (void *)(at & ~(uintptr_t)(ARENA_GUARD - 1));
    *ret_end = (void *)end;
}

/* A guard that cannot be made finds nothing, and harms nobody. */
void *arena_take_guarded(struct arena *a, size_t size)
{
    if (size > a->size)
        return NULL;
    size_t body = pages(round_up(size));
    lock_hold(&a->lock, 1);
    size_t before = pages(a->used);
    size_t used = before + ARENA_GUARD + body + ARENA_GUARD;
    bool fits = used <= a->size && arena_open(a, used) == 0;
    if (fits)
        a->used = used;
    lock_release(&a->lock);
    if (!fits)
        return NULL;
    char *guard = (char *)a + before;
    mprotect(guard, ARENA_GUARD, PROT_NONE);
    mprotect(guard + ARENA_GUARD + body, ARENA_GUARD, PROT_NONE);
    return guard + ARENA_GUARD + body - round_up(size);
}

/* ---- the address sanitizer, where it is loaded ---- */

extern void __asan_poison_memory_region(const volatile void *at, size_t n) __attribute__((weak));
extern void __asan_unpoison_memory_region(const volatile void *at, size_t n) __attribute__((weak));

void arena_hide_around(const void *block, size_t size)
{
    void *begin, *end;
    const char *at = block;
    arena_guarded_pages(block, size, &begin, &end);
    if (!__asan_poison_memory_region)
        return;
    __asan_poison_memory_region(begin, (size_t)(at - (char *)begin));
    __asan_poison_memory_region(at + size, (size_t)((char *)end - at) - size);
}

void arena_show(const struct arena *a)
{
    if (__asan_unpoison_memory_region)
        __asan_unpoison_memory_region(a, a->used);
}

/* ---- */

void arena_give_guarded(void *block, size_t capacity)
{
    void *begin, *end;
    if (!block)
        return;
    arena_guarded_pages(block, capacity, &begin, &end);
    size_t size = (size_t)((char *)end - (char *)begin);
    if (size && mprotect(begin, size, PROT_NONE) == 0)
        madvise(begin, size, MADV_DONTNEED);
}
