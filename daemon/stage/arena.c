/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/arena.h"

enum { ARENA_SMALLEST = 6, ARENA_ALIGNMENT = 64 };

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
}

static int class_of(size_t size)
{
    int class = ARENA_SMALLEST;
    while (class < ARENA_CLASSES && ((size_t)1 << class) < size)
        class ++;
    return class;
}

/* New memory; NULL where there is none. */
static void *extend(struct arena *a, size_t capacity)
{
    if (capacity > a->size - a->used)
        return NULL;
    void *block = (char *)a + a->used;
    a->used += capacity;
    return block;
}

void *arena_take(struct arena *a, size_t size, size_t *ret_capacity)
{
    int class = class_of(size);
    if (class >= ARENA_CLASSES)
        return NULL;
    size_t capacity = (size_t)1 << class;
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
    int class = class_of(capacity);
    lock_hold(&a->lock, 1);
    b->next = a->free[class];
    a->free[class] = b;
    lock_release(&a->lock);
}
