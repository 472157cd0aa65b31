/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/rest.h"

#include "stage/futex.h"

#include <string.h>
#include <time.h>

enum { WAKE_NS_FIRST = 20000, WAKE_NS_LEAST = 2000, WAKE_NS_MOST = 100000, WAKE_WEIGHT = 8 };

void rest_init(struct rest *r)
{
    memset(r, 0, sizeof *r);
    r->wake_ns = WAKE_NS_FIRST;
}

int64_t rest_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void rest_search(struct rest *r)
{
    atomic_fetch_add(&r->n_searchers, 1);
}

/* Takes a thread out of the sleepers; true for the one that did. */
static bool take_out(struct rest *r, int thread)
{
    uint64_t bit = UINT64_C(1) << thread;
    return atomic_fetch_and(&r->sleepers, ~bit) & bit;
}

static void wake(struct rest *r, int thread)
{
    struct rest_thread *t = &r->threads[thread];
    atomic_fetch_add(&r->n_searchers, 1);
    atomic_store_explicit(&t->woken_at, rest_now(), memory_order_relaxed);
    atomic_store(&t->is_woken, 1);
    futex_wake(&t->is_woken, 1);
}

void rest_notify(struct rest *r)
{
    uint64_t sleepers;
    while (atomic_load(&r->n_searchers) == 0 && (sleepers = atomic_load(&r->sleepers)) != 0) {
        int thread = __builtin_ctzll(sleepers);
        if (take_out(r, thread)) {
            wake(r, thread);
            return;
        }
    }
}

void rest_notify_thread(struct rest *r, int thread)
{
    if (take_out(r, thread))
        wake(r, thread);
}

void rest_found(struct rest *r, bool (*has_more)(void *userdata, int thread), void *userdata,
                int thread)
{
    if (atomic_fetch_sub(&r->n_searchers, 1) == 1 && has_more(userdata, thread))
        rest_notify(r);
}

/* What is measured is what a searcher would have spared; a thread that could not run at once since
 * others did says nothing of that, so one value counts little. */
static void learn(struct rest *r, int64_t ns)
{
    int64_t known = atomic_load_explicit(&r->wake_ns, memory_order_relaxed);
    ns = ns < WAKE_NS_LEAST ? WAKE_NS_LEAST : ns > WAKE_NS_MOST ? WAKE_NS_MOST : ns;
    atomic_store_explicit(&r->wake_ns, known + (ns - known) / WAKE_WEIGHT, memory_order_relaxed);
}

static void await_wake(struct rest *r, int thread, int64_t *ret_slept)
{
    struct rest_thread *t = &r->threads[thread];
    int64_t began = rest_now();
    while (!atomic_load(&t->is_woken))
        futex_wait(&t->is_woken, 0);
    atomic_store_explicit(&t->is_woken, 0, memory_order_relaxed);
    int64_t ended = rest_now();
    learn(r, ended - atomic_load_explicit(&t->woken_at, memory_order_relaxed));
    *ret_slept = ended - began;
}

void rest_sleep(struct rest *r, int thread, bool (*has_work)(void *userdata, int thread),
                void *userdata, int64_t *ret_slept)
{
    atomic_fetch_or(&r->sleepers, UINT64_C(1) << thread);
    atomic_fetch_sub(&r->n_searchers, 1);
    if (has_work(userdata, thread) && take_out(r, thread)) {
        atomic_fetch_add(&r->n_searchers, 1);
        *ret_slept = 0;
        return;
    }
    await_wake(r, thread, ret_slept);
}
