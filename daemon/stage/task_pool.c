/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/task_pool.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/processors.h"
#include "stage/deque.h"
#include "stage/futex.h"
#include "stage/rest.h"
#include "stage/task_loops.h"
#include "stage/thread_begin.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEAL_WORTH_NS = 250, BACK_OFF_MOST_NS = 8000 };

struct graph_run {
    const struct task_graph *graph;
    _Atomic uint32_t *through; /* by task: predecessors that are through, of all runs together */
    uint32_t n;                /* which run this is, from 1 */
    _Alignas(64) _Atomic uint32_t ended; /* tasks without successors, likewise */
};

/* What one thread has. Others touch the deque alone. */
struct pool_thread {
    struct deque deque;
    _Alignas(64) struct task_pool *pool;
    pthread_t id;
    int number;
    uint32_t random;   /* whom to steal from first */
    int64_t backs_off; /* ns */
    int64_t steals_at; /* not before */
    /* Written by this thread, read by anybody. */
    _Atomic uint64_t tasks, stolen, loops, blocks, sleeps, ns_searched, ns_slept;
};

struct task_pool {
    struct task_pool_options options;
    int n;           /* threads that were begun, the caller's included */
    bool is_crowded; /* more threads than processors: who searches yields */
    _Atomic bool quits;
    _Atomic(struct graph_run *) run;    /* that was begun last */
    _Alignas(64) _Atomic uint32_t done; /* runs that are over */
    uint32_t begun;
    struct rest rest;
    struct task_loops loops;
    struct pool_thread *threads[REST_MOST];
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* ---- graphs ---- */

struct graph_run *task_pool_graph_new(const struct task_graph *graph)
{
    struct graph_run *g = mem_lines(1, sizeof *g);
    *g = (struct graph_run){.graph = graph};
    g->through = mem_array((size_t)graph->n_tasks, sizeof *g->through);
    return g;
}

struct graph_run *task_pool_graph_free(struct graph_run *g)
{
    if (g)
        free(g->through);
    free(g);
    return NULL;
}

/* ---- tasks ---- */

static void end_run(struct task_pool *p, struct pool_thread *t)
{
    atomic_store(&p->done, p->begun);
    if (t->number != 0)
        rest_notify_thread(&p->rest, 0);
}

/* A task is through. Returns a successor that is ready, or DEQUE_EMPTY. */
static int32_t finish(struct task_pool *p, struct pool_thread *t, int32_t task)
{
    struct graph_run *g = atomic_load_explicit(&p->run, memory_order_relaxed);
    const struct task_graph *graph = g->graph;
    uint32_t n = g->n; /* before anything is counted: then the run may end, and the next begin */
    int32_t next = DEQUE_EMPTY;
    int64_t n_put = 0;
    int first = graph->first_after[task], end = graph->first_after[task + 1];
    for (int i = first; i < end; i++) {
        int after = graph->after[i];
        uint32_t n_before = (uint32_t)graph->n_before[after];
        if (n_before > 1 &&
            atomic_fetch_add_explicit(&g->through[after], 1, memory_order_acq_rel) + 1 !=
                n * n_before)
            continue;
        if (next == DEQUE_EMPTY)
            next = after;
        else
            deque_set(&t->deque, n_put++, after);
    }
    if (n_put) {
        deque_put(&t->deque, n_put);
        rest_notify(&p->rest);
    }
    if (first == end && atomic_fetch_add_explicit(&g->ended, 1, memory_order_acq_rel) + 1 ==
                            n * (uint32_t)graph->n_leaves)
        end_run(p, t);
    return next;
}

static void enter_work(struct task_pool *p, const struct pool_thread *t)
{
    if (p->options.enter)
        p->options.enter(p->options.userdata, t->number);
}

static void leave_work(struct task_pool *p, const struct pool_thread *t)
{
    if (p->options.leave)
        p->options.leave(p->options.userdata, t->number);
}

/* The task and what follows from it, as long as this thread has some. Returns how many. */
static uint64_t work(struct task_pool *p, struct pool_thread *t, int32_t task)
{
    uint64_t n = 0;
    enter_work(p, t);
    do {
        p->options.run(p->options.userdata, t->number, task);
        n++;
        task = finish(p, t, task);
        if (task == DEQUE_EMPTY)
            task = deque_take(&t->deque);
    } while (task != DEQUE_EMPTY);
    leave_work(p, t);
    count(&t->tasks, n);
    return n;
}

static int32_t steal(struct task_pool *p, struct pool_thread *t)
{
    t->random = t->random * 1664525 + 1013904223;
    int first = (int)((t->random >> 16) % (uint32_t)p->n);
    for (int i = 0; i < p->n; i++) {
        struct pool_thread *other = p->threads[first + i < p->n ? first + i : first + i - p->n];
        int32_t task = other == t ? DEQUE_EMPTY : deque_steal(&other->deque);
        if (task >= 0)
            return task;
    }
    return DEQUE_EMPTY;
}

/* ---- searching ---- */

static bool has_work(void *userdata, int thread)
{
    struct task_pool *p = userdata;
    if (atomic_load(&p->quits) || task_loops_has(&p->loops, 0) ||
        (thread == 0 && atomic_load(&p->done) == p->begun))
        return true;
    for (int i = 0; i < p->n; i++)
        if (deque_has(&p->threads[i]->deque))
            return true;
    return false;
}

static bool is_over(struct task_pool *p, int thread)
{
    return thread == 0 ? atomic_load_explicit(&p->done, memory_order_acquire) == p->begun
                       : atomic_load_explicit(&p->quits, memory_order_acquire);
}

/* Some tens of nanoseconds, more as the search goes on: who looks takes cache lines from who works.
 */
static void pause_search(const struct task_pool *p, unsigned round)
{
    if (p->is_crowded && round > 2) {
        sched_yield();
        return;
    }
    for (unsigned i = 0; i < (round < 6 ? 1u << round : 64u); i++)
        futex_pause();
}

/* Runs blocks of a loop; false: there were none. */
static bool help_loop(struct task_pool *p, struct pool_thread *t)
{
    struct task_block block;
    uint64_t n = 0;
    if (!task_loops_take(&p->loops, 0, &block))
        return false;
    rest_found(&p->rest, has_work, p, t->number);
    enter_work(p, t);
    do {
        task_loops_run(&p->loops, &block, p->options.userdata, t->number);
        n++;
    } while (task_loops_take(&p->loops, 0, &block));
    leave_work(p, t);
    count(&t->blocks, n);
    return true;
}

/* To steal a task, and to hand over what it touches, takes as long as some hundred nanoseconds of
 * work. Where tasks are shorter, who steals leaves them to the others for a while, at first for as
 * long as a few of them take. */
static void learn_size(struct pool_thread *t, int64_t now, int64_t took, uint64_t n)
{
    bool is_small = took < (int64_t)n * STEAL_WORTH_NS;
    t->backs_off = !is_small ? 0 : t->backs_off ? 2 * t->backs_off : STEAL_WORTH_NS;
    if (t->backs_off > BACK_OFF_MOST_NS)
        t->backs_off = BACK_OFF_MOST_NS;
    t->steals_at = now + t->backs_off;
}

/* Steals a task and runs what follows from it. */
static bool help_tasks(struct task_pool *p, struct pool_thread *t)
{
    int32_t task = steal(p, t);
    if (task == DEQUE_EMPTY)
        return false;
    rest_found(&p->rest, has_work, p, t->number);
    count(&t->stolen, 1);
    int64_t began = rest_now();
    uint64_t n = work(p, t, task);
    int64_t now = rest_now();
    learn_size(t, now, now - began, n);
    return true;
}

/* Until the run is over (thread 0) or the pool ends (the others). */
static void search(struct task_pool *p, struct pool_thread *t)
{
    rest_search(&p->rest);
    int64_t began = rest_now(), now = began, slept;
    for (unsigned round = 0; !is_over(p, t->number); round++) {
        if (help_loop(p, t) || (now >= t->steals_at && help_tasks(p, t))) {
            count(&t->ns_searched, (uint64_t)(now - began));
            rest_search(&p->rest);
            began = now = rest_now();
            round = 0;
            continue;
        }
        pause_search(p, round);
        now = rest_now();
        if (now - began < atomic_load_explicit(&p->rest.wake_ns, memory_order_relaxed))
            continue;
        count(&t->ns_searched, (uint64_t)(now - began));
        rest_sleep(&p->rest, t->number, has_work, p, &slept);
        count(&t->ns_slept, (uint64_t)slept);
        count(&t->sleeps, slept > 0);
        began = now = rest_now();
        round = 0;
    }
    count(&t->ns_searched, (uint64_t)(now - began));
    rest_found(&p->rest, has_work, p, t->number);
}

void task_pool_run(struct task_pool *p, struct graph_run *g)
{
    const struct task_graph *graph = g->graph;
    struct pool_thread *t = p->threads[0];
    if (graph->n_tasks == 0)
        return;
    g->n++;
    p->begun++;
    atomic_store_explicit(&p->run, g, memory_order_relaxed);
    for (int i = 1; i < graph->n_roots; i++)
        deque_set(&t->deque, i - 1, graph->roots[i]);
    if (graph->n_roots > 1) {
        deque_put(&t->deque, graph->n_roots - 1);
        rest_notify(&p->rest);
    }
    work(p, t, graph->roots[0]);
    if (!is_over(p, 0))
        search(p, t);
}

void task_pool_loop(struct task_pool *p, int thread, int64_t n, task_pool_block_fn fn, void *loop)
{
    struct pool_thread *t = p->threads[thread];
    count(&t->loops, 1);
    task_loops_loop(&p->loops, &p->rest, thread, n, fn, loop, p->options.userdata, p->is_crowded);
}

/* ---- threads ---- */

/* A task that ends its thread leaves a run that nobody can end. */
static void thread_ended(void *unused)
{
    (void)unused;
    log_error("a process has ended the thread that it ran in");
    abort();
}

static void *run_thread(void *userdata)
{
    struct pool_thread *t = userdata;
    pthread_cleanup_push(thread_ended, NULL);
    search(t->pool, t);
    pthread_cleanup_pop(0);
    return NULL;
}

static struct pool_thread *thread_new(struct task_pool *p, int number)
{
    struct pool_thread *t = mem_lines(1, sizeof *t);
    int64_t room = 1;
    while (room < p->options.most_tasks)
        room *= 2;
    *t = (struct pool_thread){.pool = p, .number = number, .random = (uint32_t)number};
    t->deque.tasks = mem_array((size_t)room, sizeof *t->deque.tasks);
    t->deque.mask = room - 1;
    return t;
}

static void thread_free(struct pool_thread *t)
{
    free(t->deque.tasks);
    free(t);
}

static int begin_thread(struct task_pool *p, int number)
{
    char name[32];
    snprintf(name, sizeof name, "simlab-lane-%d", number);
    return thread_begin(name, run_thread, p->threads[number], &p->threads[number]->id);
}

/* `begun` threads run, the caller's included. */
static void end_pool(struct task_pool *p, int begun)
{
    atomic_store(&p->quits, true);
    for (int i = 1; i < begun; i++)
        rest_notify_thread(&p->rest, i);
    for (int i = 1; i < begun; i++)
        pthread_join(p->threads[i]->id, NULL);
    for (int i = 0; i < p->n; i++)
        thread_free(p->threads[i]);
    free(p);
}

int task_pool_new(const struct task_pool_options *o, struct task_pool **ret_pool, struct error *e)
{
    mem_assert(o->n_threads >= 1 && o->n_threads <= REST_MOST);
    struct task_pool *p = mem_lines(1, sizeof *p);
    *p = (struct task_pool){.options = *o, .n = o->n_threads};
    p->is_crowded = o->n_threads > processors_allowed();
    rest_init(&p->rest);
    task_loops_init(&p->loops, p->n);
    for (int i = 0; i < p->n; i++)
        p->threads[i] = thread_new(p, i);
    int r = 0, begun = 1;
    for (; begun < p->n && r == 0; begun += r == 0)
        r = begin_thread(p, begun);
    if (r < 0) {
        error_errno(e, r, "begin a thread");
        end_pool(p, begun);
        return r;
    }
    *ret_pool = p;
    return 0;
}

struct task_pool *task_pool_free(struct task_pool *p)
{
    if (p)
        end_pool(p, p->n);
    return NULL;
}

void task_pool_statistics(const struct task_pool *p, struct scheduler_statistics *ret)
{
    *ret = (struct scheduler_statistics){0};
    for (int i = 0; i < p->n; i++) {
        const struct pool_thread *t = p->threads[i];
        ret->tasks += t->tasks;
        ret->stolen += t->stolen;
        ret->loops += t->loops;
        ret->blocks += t->blocks;
        ret->sleeps += t->sleeps;
        ret->ns_searched += t->ns_searched;
        ret->ns_slept += t->ns_slept;
    }
}
