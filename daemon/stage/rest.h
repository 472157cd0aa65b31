/* SPDX-License-Identifier: Apache-2.0 */
/* When threads that find nothing to do sleep, and who wakes them.
 *
 * A thread is at work, or it searches (looks again and again for something to do), or it sleeps.
 * Work becomes visible by a store, and is found by looking; both are sequentially consistent, as is
 * all below.
 *
 * Who makes work visible (rest_notify)
 *  1. does so by a store;
 *  2. is done if somebody searches;
 *  3. takes a sleeper out (if there is none, it is done), counts it among the searchers, wakes it.
 *
 * Who stops searching (rest_sleep)
 *  1. enters itself among the sleepers;
 *  2. is no searcher any more;
 *  3. looks once more: if there is work, it takes itself out. If it could, it searches again; if
 *     somebody was faster, it is being woken;
 *  4. sleeps until it is woken.
 *
 * Who has found something (rest_found) is no searcher any more, and if no other is, notifies for
 * what it may see beside it.
 *
 * Invariants
 *  1. No wake-up is lost: when work is visible and somebody sleeps, then somebody searches, is
 *     being woken, or is about to look or to notify. For: if step 2 of a notify sees a searcher,
 *     this one has yet to take its step 2, or to find something; what comes after either (a look, a
 *     notify) sees the store. If it sees none, the sleeper was entered before, and step 3 takes it
 *     out.
 *  2. A sleeper that was taken out is woken once: by the one that took it out of the set, which
 *     only one can.
 *  3. At most one thread is woken for each store: the woken one wakes the next if there is more. So
 *     little work costs little.
 *
 * tests/threads/explore.c tries all interleavings of a model of this; interleave.c many of the
 * code. */
#ifndef STAGE_REST_H
#define STAGE_REST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { REST_MOST = 64 }; /* threads */

struct rest_thread {
    _Alignas(64) _Atomic uint32_t is_woken;
    _Atomic int64_t woken_at; /* ns, when the wake-up began */
};

struct rest {
    _Atomic uint64_t sleepers; /* bit i: thread i; taken out by whoever wakes it */
    _Atomic int32_t n_searchers;
    _Atomic int64_t wake_ns; /* how long a wake-up takes: so long searching is worth while */
    struct rest_thread threads[REST_MOST];
};

void rest_init(struct rest *r);

/* This thread searches from now on; it has found something. `has_more` looks for visible work. */
void rest_search(struct rest *r);
void rest_found(struct rest *r, bool (*has_more)(void *userdata, int thread), void *userdata,
                int thread);
/* Ends this thread's search by a sleep, unless there is work; it searches again on return.
 * *ret_slept: ns that it slept, 0 where it did not. */
void rest_sleep(struct rest *r, int thread, bool (*has_work)(void *userdata, int thread),
                void *userdata, int64_t *ret_slept);
/* After work was made visible. */
void rest_notify(struct rest *r);
/* After something was made visible that only this thread looks for. */
void rest_notify_thread(struct rest *r, int thread);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t rest_now(void);

#endif
