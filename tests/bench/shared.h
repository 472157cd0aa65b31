/* SPDX-License-Identifier: Apache-2.0 */
/* Bare threads that share a loop by a counter, step after step: the limit of any scheduler. */
#ifndef BENCH_SHARED_H
#define BENCH_SHARED_H

#include "base/mem.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

enum { SHARED_MOST = 64, SHARED_SPINS = 1000 };

static struct {
    _Alignas(64) _Atomic int next;
    _Alignas(64) _Atomic int begun, ended; /* steps; threads */
    sem_t may_begin[SHARED_MOST];
    int n_threads; /* the caller's is one */
    int n, steps;
    void (*call)(int i);
} shared;

static void shared_step(void)
{
    for (int i; (i = atomic_fetch_add(&shared.next, 1)) < shared.n;)
        shared.call(i);
}

/* Spins within a run, sleeps between runs. */
static void *shared_thread(void *may_begin)
{
    for (;;) {
        while (sem_wait(may_begin) < 0)
            ;
        for (int step = 1; step <= shared.steps; step++) {
            for (int i = 0; atomic_load(&shared.begun) < step; i++)
                if (i > SHARED_SPINS)
                    sched_yield();
            shared_step();
            atomic_fetch_add(&shared.ended, 1);
        }
    }
    return NULL;
}

/* They end with the program. */
static void shared_begin(int n_threads, int n, int steps, void (*call)(int i))
{
    pthread_t thread;
    shared.n_threads = n_threads;
    shared.n = n;
    shared.steps = steps;
    shared.call = call;
    for (int i = 1; i < n_threads; i++) {
        mem_assert(sem_init(&shared.may_begin[i], 0, 0) == 0);
        mem_assert(pthread_create(&thread, NULL, shared_thread, &shared.may_begin[i]) == 0);
    }
}

/* The others spin as long as this one takes its turn. */
static void shared_run(void)
{
    int n_others = shared.n_threads - 1;
    shared.begun = shared.ended = 0;
    for (int i = 1; i <= n_others; i++)
        sem_post(&shared.may_begin[i]);
    for (int s = 1; s <= shared.steps; s++) {
        atomic_store(&shared.next, 0);
        atomic_store(&shared.begun, s);
        shared_step();
        for (int i = 0; atomic_load(&shared.ended) != s * n_others; i++)
            if (i > SHARED_SPINS)
                sched_yield();
    }
}

#endif
