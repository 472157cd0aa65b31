/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/arena.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { ARENA_SMALLEST = 6, ARENA_CLASSES = 48 };

struct free_block {
    struct free_block *next;
};

struct arena {
    char *base;
    size_t size, used;
    struct free_block *free[ARENA_CLASSES]; /* by power of two */
};

int arena_new(size_t reserve, struct arena **ret_arena)
{
    void *base = mmap(NULL, reserve, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -errno;
    struct arena *a = mem_new(sizeof *a);
    a->base = base;
    a->size = reserve;
    *ret_arena = a;
    return 0;
}

struct arena *arena_free(struct arena *a)
{
    if (a) {
        munmap(a->base, a->size);
        free(a);
    }
    return NULL;
}

static int class_of(size_t size)
{
    int class = ARENA_SMALLEST;
    while (class < ARENA_CLASSES && ((size_t)1 << class) < size)
        class ++;
    return class;
}

void *arena_take(struct arena *a, size_t size, size_t *ret_capacity)
{
    int class = class_of(size);
    if (class >= ARENA_CLASSES)
        return NULL;
    size_t capacity = (size_t)1 << class;
    struct free_block *block = a->free[class];
    if (block) {
        a->free[class] = block->next;
    } else {
        if (capacity > a->size - a->used)
            return NULL;
        block = (struct free_block *)(void *)(a->base + a->used);
        a->used += capacity;
    }
    *ret_capacity = capacity;
    return block;
}

void arena_give(struct arena *a, void *block, size_t capacity)
{
    if (!block)
        return;
    struct free_block *b = block;
    int class = class_of(capacity);
    b->next = a->free[class];
    a->free[class] = b;
}
