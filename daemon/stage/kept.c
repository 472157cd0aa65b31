/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/kept.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

/* In the state; under its lock `keeping`. */
struct kept_block {
    void *buffer;
    size_t capacity;
    struct value *value; /* whose memory it is; NULL: it was left */
    size_t n;            /* who keep it */
};

/* The range of a state that was freed. */
struct old_range {
    void *at;
    size_t size, n; /* what is kept in it */
};

/* What this worker keeps. */
struct simlab_kept {
    struct state *state;
    struct kept_block *block;
    struct old_range *old; /* NULL: the state is still there */
    struct simlab_kept *next, *previous;
};

static struct {
    pthread_mutex_t mutex; /* held before a state's `keeping` */
    struct simlab_kept *first;
} all = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- in the state ---- */

/* Under the lock. NULL: no memory. */
static struct kept_block *block_of(struct state *s, struct value *v)
{
    struct kept_block *block = atomic_load_explicit(&v->kept, memory_order_relaxed);
    size_t capacity;
    if (block || !(block = arena_take(&s->arena, sizeof *block, &capacity)))
        return block;
    *block = (struct kept_block){v->buffer, v->capacity, v, 0};
    atomic_store_explicit(&v->kept, block, memory_order_relaxed);
    return block;
}

/* Under the lock. */
static void give(struct state *s, struct kept_block *block)
{
    if (block->value)
        atomic_store_explicit(&block->value->kept, NULL, memory_order_relaxed);
    else if (s->is_debug)
        arena_give_guarded(block->buffer, block->capacity);
    else
        arena_give(&s->arena, block->buffer, block->capacity);
    arena_give(&s->arena, block, sizeof *block);
}

static void count_down(struct state *s, struct kept_block *block)
{
    lock_hold(&s->keeping, 1);
    s->n_kept--;
    if (--block->n == 0)
        give(s, block);
    lock_release(&s->keeping);
}

void kept_leave(struct state *s, struct value *v)
{
    if (!atomic_load_explicit(&v->kept, memory_order_relaxed))
        return;
    lock_hold(&s->keeping, 1);
    struct kept_block *block = atomic_load_explicit(&v->kept, memory_order_relaxed);
    if (block) {
        block->value = NULL;
        atomic_store_explicit(&v->kept, NULL, memory_order_relaxed);
        v->view.data = NULL;
        v->buffer = NULL;
        v->capacity = 0;
    }
    lock_release(&s->keeping);
}

/* ---- in this worker ---- */

static void link_in(struct simlab_kept *k)
{
    k->next = all.first;
    if (all.first)
        all.first->previous = k;
    all.first = k;
}

static void unlink_from(struct simlab_kept *k)
{
    if (k->previous)
        k->previous->next = k->next;
    else
        all.first = k->next;
    if (k->next)
        k->next->previous = k->previous;
}

struct simlab_kept *kept_new(struct state *s, struct value *v)
{
    if (!v->view.data)
        return NULL;
    struct simlab_kept *k = mem_new(sizeof *k);
    pthread_mutex_lock(&all.mutex);
    lock_hold(&s->keeping, 1);
    k->state = s;
    k->block = block_of(s, v);
    if (k->block) {
        k->block->n++;
        s->n_kept++;
        link_in(k);
    }
    lock_release(&s->keeping);
    pthread_mutex_unlock(&all.mutex);
    if (!k->block) {
        free(k);
        return NULL;
    }
    return k;
}

void kept_let_go(struct simlab_kept *k)
{
    if (!k)
        return;
    pthread_mutex_lock(&all.mutex);
    unlink_from(k);
    if (!k->old) {
        count_down(k->state, k->block);
    } else if (--k->old->n == 0) {
        munmap(k->old->at, k->old->size);
        free(k->old);
    }
    pthread_mutex_unlock(&all.mutex);
    free(k);
}

void kept_unmap(struct state *s, size_t size)
{
    struct old_range *old = NULL;
    pthread_mutex_lock(&all.mutex);
    for (struct simlab_kept *k = all.first; k; k = k->next) {
        if (k->state != s || k->old)
            continue;
        if (!old)
            *(old = mem_new(sizeof *old)) = (struct old_range){s, size, 0};
        k->old = old;
        old->n++;
    }
    if (!old)
        munmap(s, size);
    pthread_mutex_unlock(&all.mutex);
}
