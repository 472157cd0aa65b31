/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/task_loops.h"

#include "base/mem.h"
#include "stage/futex.h"

#include <sched.h>
#include <string.h>

#define NEXT_BITS 24
#define NEXT_MASK (((uint64_t)1 << NEXT_BITS) - 1)

void task_loops_init(struct task_loops *l, int n_threads)
{
    memset(l, 0, sizeof *l);
    l->n = n_threads;
    for (int depth = 0; depth < TASK_LOOPS_DEEP; depth++)
        for (int i = 0; i < REST_MOST; i++)
            l->places[depth][i].word = NEXT_MASK;
}

static bool has_block(struct loop_place *p)
{
    uint64_t next = atomic_load(&p->word) & NEXT_MASK;
    return next != NEXT_MASK && (int64_t)next < atomic_load_explicit(&p->n, memory_order_relaxed);
}

static bool take(struct loop_place *p, struct task_block *ret)
{
    uint64_t word = atomic_load(&p->word);
    for (;;) {
        int64_t next = (int64_t)(word & NEXT_MASK);
        ret->n = atomic_load_explicit(&p->n, memory_order_relaxed);
        ret->fn = atomic_load_explicit(&p->fn, memory_order_relaxed);
        ret->loop = atomic_load_explicit(&p->loop, memory_order_relaxed);
        if (next == (int64_t)NEXT_MASK || next >= ret->n)
            return false;
        if (atomic_compare_exchange_weak(&p->word, &word, word + 1)) {
            ret->number = next;
            ret->place = p;
            return true;
        }
    }
}

bool task_loops_has(struct task_loops *l, int depth)
{
    if (atomic_load(&l->n_open) == 0)
        return false;
    for (int d = depth; d <= l->deepest; d++)
        for (int i = 0; i < l->n; i++)
            if (has_block(&l->places[d][i]))
                return true;
    return false;
}

bool task_loops_take(struct task_loops *l, int depth, struct task_block *ret_block)
{
    if (atomic_load(&l->n_open) == 0)
        return false;
    for (int d = depth; d <= l->deepest; d++)
        for (int i = 0; i < l->n; i++)
            if (take(&l->places[d][i], ret_block)) {
                ret_block->depth = d;
                return true;
            }
    return false;
}

/* Loops that the block begins stand deeper than its own, whoever runs it. */
void task_loops_run(struct task_loops *l, const struct task_block *b, void *userdata, int thread)
{
    int kept = l->depth[thread];
    struct loop_place *p = b->place;
    l->depth[thread] = b->depth + 1;
    b->fn(b->loop, userdata, thread, b->number);
    l->depth[thread] = kept;
    if (atomic_fetch_add(&p->through, 1) + 1 == (uint32_t)b->n && atomic_load(&p->is_awaited))
        futex_wake(&p->through, 1);
}

static void begin(struct task_loops *l, struct loop_place *p, int depth, int64_t n,
                  task_pool_block_fn fn, void *loop)
{
    uint64_t number = (atomic_load_explicit(&p->word, memory_order_relaxed) >> NEXT_BITS) + 1;
    atomic_store_explicit(&p->n, n, memory_order_relaxed);
    atomic_store_explicit(&p->fn, fn, memory_order_relaxed);
    atomic_store_explicit(&p->loop, loop, memory_order_relaxed);
    atomic_store_explicit(&p->through, 0, memory_order_relaxed);
    atomic_store_explicit(&p->is_awaited, 0, memory_order_relaxed);
    int deepest = atomic_load(&l->deepest);
    while (deepest < depth && !atomic_compare_exchange_weak(&l->deepest, &deepest, depth))
        ;
    atomic_store(&p->word, number << NEXT_BITS);
    atomic_fetch_add(&l->n_open, 1);
}

/* Until all blocks of a loop are through, of which none is left to be taken. */
static void await(struct task_loops *l, struct rest *rest, struct loop_place *p, int depth,
                  uint32_t n, void *userdata, int thread, bool is_crowded)
{
    int64_t began = 0;
    struct task_block deeper;
    uint32_t through;
    while ((through = atomic_load(&p->through)) != n) {
        if (depth + 1 < TASK_LOOPS_DEEP && task_loops_take(l, depth + 1, &deeper)) {
            task_loops_run(l, &deeper, userdata, thread);
            continue;
        }
        int64_t now = rest_now();
        began = began ? began : now;
        if (now - began < atomic_load_explicit(&rest->wake_ns, memory_order_relaxed)) {
            if (is_crowded)
                sched_yield();
            else
                futex_pause();
            continue;
        }
        atomic_store(&p->is_awaited, 1);
        if ((through = atomic_load(&p->through)) != n)
            futex_wait(&p->through, through);
    }
}

void task_loops_loop(struct task_loops *l, struct rest *rest, int thread, int64_t n,
                     task_pool_block_fn fn, void *loop, void *userdata, bool is_crowded)
{
    int depth = l->depth[thread];
    mem_assert(depth < TASK_LOOPS_DEEP && n <= (int64_t)1 << 20);
    struct loop_place *p = &l->places[depth][thread];
    struct task_block block;
    begin(l, p, depth, n, fn, loop);
    if (n > 1)
        rest_notify(rest);
    while (take(p, &block)) {
        block.depth = depth;
        task_loops_run(l, &block, userdata, thread);
    }
    atomic_fetch_sub(&l->n_open, 1);
    await(l, rest, p, depth, (uint32_t)n, userdata, thread, is_crowded);
    atomic_store(&p->word, atomic_load_explicit(&p->word, memory_order_relaxed) | NEXT_MASK);
}
