/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/task_pool_parts.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/processors.h"
#include "stage/futex.h"
#include "stage/thread_begin.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEAL_WORTH_NS = 250, BACK_OFF_MOST_NS = 8000 };

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* ---- tasks ---- */

static void end_run(struct task_pool *p, struct pool_thread *t)
{
    struct pool_board *board = p->board;
    atomic_store(&board->done, board->begun);
    if (t->number != 0)
        rest_notify_thread(&board->rest, 0);
}

/* -1: any thread. */
static int32_t home_of(const struct graph_run *g, int32_t task)
{
    int company = g->homes.companies ? g->homes.companies[task] : -1;
    return company < 0 ? -1 : g->homes.homes[company];
}

static void hand_over(struct task_pool *p, struct pool_thread *t, int32_t task, int32_t home)
{
    ready_put(&p->board->threads[home]->own, task);
    if (t->number != home)
        rest_notify_thread(&p->board->rest, home);
}

/* A task is through. Returns a successor that is ready, or DEQUE_EMPTY. */
static int32_t finish(struct task_pool *p, struct pool_thread *t, int32_t task)
{
    const struct graph_run *g =
        &p->graphs[atomic_load_explicit(&p->board->run, memory_order_relaxed)];
    const struct task_graph *graph = g->graph;
    struct graph_counts *counts = g->counts;
    uint32_t n =
        counts->n; /* before anything is counted: then the run may end, and the next begin */
    int32_t next = DEQUE_EMPTY;
    int64_t n_put = 0;
    int first = graph->first_after[task], end = graph->first_after[task + 1];
    for (int i = first; i < end; i++) {
        int after = graph->after[i];
        uint32_t n_before = (uint32_t)graph->n_before[after];
        if (n_before > 1 &&
            atomic_fetch_add_explicit(&counts->through[after], 1, memory_order_acq_rel) + 1 !=
                n * n_before)
            continue;
        int32_t home = home_of(g, after);
        if (home >= 0)
            hand_over(p, t, after, home);
        else if (next == DEQUE_EMPTY)
            next = after;
        else
            deque_set(&t->deque, n_put++, after);
    }
    if (n_put) {
        deque_put(&t->deque, n_put);
        rest_notify(&p->board->rest);
    }
    if (first == end && atomic_fetch_add_explicit(&counts->ended, 1, memory_order_acq_rel) + 1 ==
                            n * (uint32_t)graph->n_leaves)
        end_run(p, t);
    return next;
}

/* What is only for this thread comes first: others may see to the rest. */
static int32_t take_own(struct pool_thread *t)
{
    int32_t task = ready_take(&t->own);
    return task == READY_NONE ? deque_take(&t->deque) : task;
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

/* The task and what follows from it, as long as this thread has some. Returns how many. Of those
 * for one thread alone the next may be of another run, which is to be entered: but for thread 0,
 * which begins them. */
static uint64_t work(struct task_pool *p, struct pool_thread *t, int32_t task)
{
    uint64_t n = 0;
    enter_work(p, t);
    do {
        p->options.run(p->options.userdata, t->number, task);
        n++;
        task = finish(p, t, task);
        if (task == DEQUE_EMPTY)
            task = t->number == 0 ? take_own(t) : deque_take(&t->deque);
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
        struct pool_thread *other =
            p->board->threads[first + i < p->n ? first + i : first + i - p->n];
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
    struct pool_board *board = p->board;
    if (atomic_load(&board->quits) || atomic_load(&p->leaves) || task_loops_has(&p->loops, 0) ||
        ready_has(&board->threads[thread]->own) ||
        (thread == 0 && atomic_load(&board->done) == board->begun))
        return true;
    for (int i = 0; i < p->n; i++)
        if (deque_has(&board->threads[i]->deque))
            return true;
    return false;
}

static bool is_over(struct task_pool *p, int thread)
{
    struct pool_board *board = p->board;
    return thread == 0 ? atomic_load_explicit(&board->done, memory_order_acquire) == board->begun
                       : atomic_load_explicit(&board->quits, memory_order_acquire) ||
                             atomic_load_explicit(&p->leaves, memory_order_acquire);
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
    rest_found(&p->board->rest, has_work, p, t->number);
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
    rest_found(&p->board->rest, has_work, p, t->number);
    count(&t->stolen, 1);
    int64_t began = rest_now();
    uint64_t n = work(p, t, task);
    int64_t now = rest_now();
    learn_size(t, now, now - began, n);
    return true;
}

/* Runs what only this thread may. */
static bool help_own(struct task_pool *p, struct pool_thread *t)
{
    int32_t task = ready_take(&t->own);
    if (task == READY_NONE)
        return false;
    rest_found(&p->board->rest, has_work, p, t->number);
    work(p, t, task);
    return true;
}

/* Until the run is over (thread 0) or the pool ends (the others). */
static void search(struct task_pool *p, struct pool_thread *t)
{
    rest_search(&p->board->rest);
    int64_t began = rest_now(), now = began, slept;
    for (unsigned round = 0; !is_over(p, t->number); round++) {
        if (help_loop(p, t) || help_own(p, t) || (now >= t->steals_at && help_tasks(p, t))) {
            count(&t->ns_searched, (uint64_t)(now - began));
            rest_search(&p->board->rest);
            began = now = rest_now();
            round = 0;
            continue;
        }
        pause_search(p, round);
        now = rest_now();
        if (now - began < atomic_load_explicit(&p->board->rest.wake_ns, memory_order_relaxed))
            continue;
        count(&t->ns_searched, (uint64_t)(now - began));
        rest_sleep(&p->board->rest, t->number, has_work, p, &slept);
        count(&t->ns_slept, (uint64_t)slept);
        count(&t->sleeps, slept > 0);
        began = now = rest_now();
        round = 0;
    }
    count(&t->ns_searched, (uint64_t)(now - began));
    rest_found(&p->board->rest, has_work, p, t->number);
}

/* Those that any thread may run, but for one, which is returned: DEQUE_EMPTY where there is none.
 */
static int32_t put_roots(struct task_pool *p, struct pool_thread *t, const struct graph_run *g)
{
    int32_t first = DEQUE_EMPTY;
    int64_t n_put = 0;
    for (int i = 0; i < g->graph->n_roots; i++) {
        int32_t root = g->graph->roots[i];
        int32_t home = home_of(g, root);
        if (home >= 0)
            hand_over(p, t, root, home);
        else if (first == DEQUE_EMPTY)
            first = root;
        else
            deque_set(&t->deque, n_put++, root);
    }
    if (n_put) {
        deque_put(&t->deque, n_put);
        rest_notify(&p->board->rest);
    }
    return first;
}

void task_pool_run(struct task_pool *p, struct graph_run *g)
{
    struct pool_board *board = p->board;
    struct pool_thread *t = board->threads[0];
    if (g->graph->n_tasks == 0)
        return;
    g->counts->n++;
    board->begun++;
    atomic_store_explicit(&board->run, g->number, memory_order_relaxed);
    int32_t first = put_roots(p, t, g);
    if (first == DEQUE_EMPTY)
        first = take_own(t);
    if (first != DEQUE_EMPTY)
        work(p, t, first);
    if (!is_over(p, 0))
        search(p, t);
}

void task_pool_loop(struct task_pool *p, int thread, int64_t n, task_pool_block_fn fn, void *loop)
{
    count(&p->board->threads[thread]->loops, 1);
    task_loops_loop(&p->loops, &p->board->rest, thread, n, fn, loop, p->options.userdata,
                    p->is_crowded);
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
    const struct own_thread *own = userdata;
    pthread_cleanup_push(thread_ended, NULL);
    search(own->pool, own->pool->board->threads[own->number]);
    pthread_cleanup_pop(0);
    return NULL;
}

static int begin_thread(struct task_pool *p, int number)
{
    char name[32];
    snprintf(name, sizeof name, "simlab-lane-%d", number);
    p->own[number] = (struct own_thread){.pool = p, .number = number};
    return thread_begin(name, run_thread, &p->own[number], &p->own[number].id);
}

/* `begun` threads of ours run, the caller's included. */
static void end_pool(struct task_pool *p, int begun)
{
    if (!p->has_joined) {
        atomic_store(&p->board->quits, true);
        for (int i = 1; i < p->n; i++)
            rest_notify_thread(&p->board->rest, i);
        for (int i = 1; i < begun; i++)
            pthread_join(p->own[i].id, NULL);
        pool_board_free(p);
    }
    free(p);
}

static struct task_pool *pool_new(const struct task_pool_options *o, struct pool_board *board)
{
    mem_assert(o->n_threads >= 1 && o->n_threads <= REST_MOST);
    struct task_pool *p = mem_lines(1, sizeof *p);
    *p = (struct task_pool){.options = *o, .n = o->n_threads, .has_joined = board != NULL};
    p->is_crowded = o->n_threads > processors_allowed();
    p->board = board ? board : pool_board_new(o);
    task_loops_init(&p->loops, p->n);
    return p;
}

int task_pool_new(const struct task_pool_options *o, struct task_pool **ret_pool, struct error *e)
{
    struct task_pool *p = pool_new(o, NULL);
    int r = 0, begun = 1;
    for (; !o->arena && begun < p->n && r == 0; begun += r == 0)
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
        end_pool(p, p->options.arena ? 1 : p->n);
    return NULL;
}

void task_pool_statistics(const struct task_pool *p, struct scheduler_statistics *ret)
{
    *ret = (struct scheduler_statistics){0};
    for (int i = 0; i < p->n; i++) {
        const struct pool_thread *t = p->board->threads[i];
        ret->tasks += t->tasks;
        ret->stolen += t->stolen;
        ret->loops += t->loops;
        ret->blocks += t->blocks;
        ret->sleeps += t->sleeps;
        ret->ns_searched += t->ns_searched;
        ret->ns_slept += t->ns_slept;
    }
}

/* ---- threads of other processes ---- */

struct pool_board *task_pool_board(struct task_pool *p)
{
    return p->board;
}

struct task_pool *task_pool_join(const struct task_pool_options *o, struct pool_board *board)
{
    return pool_new(o, board);
}

void task_pool_help(struct task_pool *p, int thread)
{
    mem_assert(p->has_joined && thread > 0 && thread < p->n);
    pthread_cleanup_push(thread_ended, NULL);
    search(p, p->board->threads[thread]);
    pthread_cleanup_pop(0);
}

void task_pool_leave(struct task_pool *p, int thread)
{
    atomic_store(&p->leaves, true);
    rest_notify_thread(&p->board->rest, thread);
}
