/* SPDX-License-Identifier: Apache-2.0 */
/* The state arena: one reserved range of addresses that holds all values and instances of a run.
 * Nothing in it points outside it, so that it can be mapped at the same address in other workers.
 *
 * Invariants
 *  1. Blocks have power-of-two sizes from 64 bytes and are aligned to 64; a freed block is used
 *     again for the same size only, so a run whose sizes repeat takes no new memory.
 *  2. Pages are touched only as they are used: the reservation costs address space alone. */
#ifndef STAGE_ARENA_H
#define STAGE_ARENA_H

#include <stddef.h>

struct arena;

/* Reserves `reserve` bytes of addresses. 0 or -errno. */
int arena_new(size_t reserve, struct arena **ret_arena);
struct arena *arena_free(struct arena *a);

/* Undefined contents, at least `size` bytes; NULL where the arena is full. */
void *arena_take(struct arena *a, size_t size, size_t *ret_capacity);
/* `capacity` as arena_take gave it. NULL is fine. */
void arena_give(struct arena *a, void *block, size_t capacity);

#endif
