/* SPDX-License-Identifier: Apache-2.0 */
/* The pool's own code (rest.c, task_loops.c, task_pool.c, deque.h, ready_set.h) under a scheduler
 * of ours: threads are coroutines that may be switched at each atomic access, and all ways are
 * tried in which threads are interrupted up to N times (and go on in any order where one waits).
 * Small graphs with a loop, run twice: each task once, after those before it; no thread sleeps
 * while there is work that nobody does; the run ends.
 *
 * usage: interleave [N] (2: 70,000 executions, a second; 3: a minute) */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#include <stdio.h>
int main(void)
{
    puts("skipped interleave: the sanitizers do not know coroutines\n0 passed, 0 failed");
    return 0;
}
#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/processors.h"
#include "stage/futex.h"

/* ---- what the code under test is given ---- */

static void point(void); /* another thread may run now */
static void give_way(void);
static int64_t time_now(void);
static int begin_coroutine(pthread_t *id, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
static int await_coroutine(pthread_t id, void **ret);
static void wait_word(const _Atomic uint32_t *word, uint32_t expected);
static void wake_word(const _Atomic uint32_t *word, int n);

/* Accesses are what they are for one thread, since only one runs. */
#undef atomic_load
#undef atomic_store
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_and
#undef atomic_fetch_or
#undef atomic_fetch_add_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#define atomic_load(p)     (point(), atomic_load_explicit(p, memory_order_relaxed))
#define atomic_store(p, v) (point(), atomic_store_explicit(p, v, memory_order_relaxed))
#define RMW_(p, v, op)                                                                             \
    (__extension__({                                                                               \
        point();                                                                                   \
        __auto_type was_ = atomic_load_explicit(p, memory_order_relaxed);                          \
        atomic_store_explicit(p, was_ op(v), memory_order_relaxed);                                \
        was_;                                                                                      \
    }))
#define atomic_fetch_add(p, v)             RMW_(p, v, +)
#define atomic_fetch_sub(p, v)             RMW_(p, v, -)
#define atomic_fetch_and(p, v)             RMW_(p, v, &)
#define atomic_fetch_or(p, v)              RMW_(p, v, |)
#define atomic_fetch_add_explicit(p, v, o) RMW_(p, v, +)
#define atomic_compare_exchange_strong(p, expected, v)                                             \
    (__extension__({                                                                               \
        point();                                                                                   \
        bool same_ = atomic_load_explicit(p, memory_order_relaxed) == *(expected);                 \
        if (same_)                                                                                 \
            atomic_store_explicit(p, v, memory_order_relaxed);                                     \
        else                                                                                       \
            *(expected) = atomic_load_explicit(p, memory_order_relaxed);                           \
        same_;                                                                                     \
    }))
#define atomic_compare_exchange_weak(p, expected, v) atomic_compare_exchange_strong(p, expected, v)

#define futex_wait                   wait_word
#define futex_wake                   wake_word
#define futex_pause                  give_way
#define sched_yield                  give_way
#define clock_gettime(c, t)          ((void)((t)->tv_sec = 0, (t)->tv_nsec = time_now()))
#define pthread_create               begin_coroutine
#define pthread_join                 await_coroutine
#define pthread_setname_np(id, name) ((void)(id), (void)(name))
#undef pthread_cleanup_push
#undef pthread_cleanup_pop
#define pthread_cleanup_push(fn, arg) (void)(fn)
#define pthread_cleanup_pop(execute)  (void)(execute)
#define processors_allowed()          8

#include "../../daemon/stage/rest.c"
#include "../../daemon/stage/task_loops.c"
#include "../../daemon/stage/task_pool.c"
#include "../../daemon/stage/task_pool_board.c"
#include "../../daemon/stage/thread_begin.c"

/* ---- threads ---- */

enum { THREADS = 3, STACK = 1 << 17, POINTS_MOST = 100000, DECISIONS_MOST = 4096 };

struct coroutine {
    ucontext_t context;
    char *stack;
    void *(*fn)(void *);
    void *arg;
    bool is_there, has_ended;
    bool is_long;                 /* in a task that ends when nobody else can do anything */
    const _Atomic uint32_t *word; /* sleeps on it; NULL: it can run */
};

static struct coroutine threads[THREADS + 1]; /* 0: the pool's first */
static int current;
static ucontext_t controller;
static int64_t now;
static int n_points;

/* ---- what is tried ---- */

static struct {
    int chosen, n;
} decisions[DECISIONS_MOST];
static int n_decided, n_decisions; /* in this execution; those that are prescribed */
static int interruptions, interruptions_most = 2;
static const char *wrong;

static int choose(int n)
{
    if (n < 2)
        return 0;
    if (n_decided == DECISIONS_MOST) {
        wrong = "too many decisions";
        return 0;
    }
    if (n_decided == n_decisions) {
        decisions[n_decisions].chosen = 0;
        decisions[n_decisions++].n = n;
    }
    return decisions[n_decided++].chosen;
}

/* The next execution; false: all were tried. */
static bool advance(void)
{
    while (n_decisions && ++decisions[n_decisions - 1].chosen == decisions[n_decisions - 1].n)
        n_decisions--;
    n_decided = 0;
    return n_decisions > 0;
}

static bool can_run(int i)
{
    return threads[i].is_there && !threads[i].has_ended && !threads[i].word && !threads[i].is_long;
}

static int others(int ret[THREADS])
{
    int n = 0;
    for (int k = 1; k <= THREADS; k++) {
        int i = (current + k) % THREADS;
        if (i != current && can_run(i))
            ret[n++] = i;
    }
    return n;
}

static void switch_to(int i)
{
    int from = current;
    current = i;
    if (i != from)
        swapcontext(&threads[from].context, &threads[i].context);
}

static void fail_here(const char *what)
{
    wrong = wrong ? wrong : what;
    swapcontext(&threads[current].context, &controller);
}

static void point(void)
{
    int list[THREADS], n = others(list);
    if (++n_points > POINTS_MOST)
        fail_here("it does not end");
    if (interruptions == interruptions_most || n == 0)
        return;
    int chosen = choose(n + 1);
    if (chosen == 0)
        return;
    interruptions++;
    switch_to(list[chosen - 1]);
}

static void give_way(void)
{
    int list[THREADS];
    if (++n_points > POINTS_MOST)
        fail_here("it does not end");
    if (others(list))
        switch_to(list[0]);
}

/* This one cannot go on. */
static void check_rest(void);
static void leave(void)
{
    int list[THREADS], n = others(list);
    if (n) {
        switch_to(list[choose(n)]);
        return;
    }
    check_rest();
    for (int i = 0; i < THREADS; i++) /* long tasks end when all others are through or asleep */
        if (threads[i].is_long) {
            threads[i].is_long = false;
            switch_to(i);
            return;
        }
    fail_here("all threads sleep");
}

static void wait_word(const _Atomic uint32_t *word, uint32_t expected)
{
    point();
    if (*word != expected)
        return;
    threads[current].word = word;
    while (threads[current].word)
        leave();
}

static void wake_word(const _Atomic uint32_t *word, int n)
{
    point();
    for (int i = 0; i < THREADS && n > 0; i++)
        if (threads[i].word == word) {
            threads[i].word = NULL;
            n--;
        }
}

/* A search is over after one look. */
static int64_t time_now(void)
{
    return now += 1000000;
}

static void entry(void)
{
    struct coroutine *c = &threads[current];
    c->fn(c->arg);
    c->has_ended = true;
    for (;;)
        leave();
}

static int begin_coroutine(pthread_t *id, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
    (void)a;
    int i = 1;
    while (threads[i].is_there)
        i++;
    struct coroutine *c = &threads[i];
    char *stack = c->stack ? c->stack : malloc(STACK);
    *c = (struct coroutine){.stack = stack, .fn = fn, .arg = arg, .is_there = true};
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = stack;
    c->context.uc_stack.ss_size = STACK;
    makecontext(&c->context, entry, 0);
    *id = (pthread_t)i;
    return 0;
}

static int await_coroutine(pthread_t id, void **ret)
{
    (void)ret;
    while (!threads[id].has_ended)
        leave();
    return 0;
}

/* ---- what is run ---- */

/* 0 → 1, 2, 3; 1, 2 → 4; task 2 has a loop; its blocks and
 * tasks 1 and 3 take long. */
static const int n_before[] = {0, 1, 1, 1, 2}, first_after[] = {0, 3, 4, 5, 5, 5},
                 after[] = {1, 2, 3, 4, 4}, roots[] = {0};
static const struct task_graph graph = {.n_tasks = 5,
                                        .n_before = n_before,
                                        .first_after = first_after,
                                        .after = after,
                                        .n_roots = 1,
                                        .roots = roots,
                                        .n_leaves = 2};
/* 0, 1, 2 by themselves, which take long; 1 → 3, which is pinned. */
static const int n_before_wide[] = {0, 0, 0, 1}, first_after_wide[] = {0, 0, 1, 1, 1},
                 after_wide[] = {3}, roots_wide[] = {1, 0, 2};
static const struct task_graph wide = {.n_tasks = 4,
                                       .n_before = n_before_wide,
                                       .first_after = first_after_wide,
                                       .after = after_wide,
                                       .n_roots = 3,
                                       .roots = roots_wide,
                                       .n_leaves = 3};

static const int companies_wide[] = {-1, -1, -1, 0};
static const int32_t first_thread[] = {0};

static struct task_pool *pool;
static const struct task_graph *running;
static int times[5], run_number, blocks[2];

static bool has_block_left(void)
{
    for (int depth = 0; depth < TASK_LOOPS_DEEP; depth++)
        for (int i = 0; i < THREADS; i++) {
            const struct loop_place *p = &pool->loops.places[depth][i];
            int64_t next = (int64_t)(p->word & NEXT_MASK);
            if (next != (int64_t)NEXT_MASK && next < p->n)
                return true;
        }
    return false;
}

/* Nobody can go on but long tasks: then nothing is left that a sleeper could do. */
static void check_rest(void)
{
    bool sleeps = false, works = false;
    for (int i = 0; i < THREADS; i++) {
        sleeps |= pool->board->rest.sleepers >> i & 1;
        works |= threads[i].is_long;
    }
    if (!sleeps || !works)
        return;
    if (has_block_left())
        fail_here("a thread sleeps beside blocks that nobody runs");
    for (int i = 0; i < pool->n; i++)
        if (pool->board->threads[i]->deque.top < pool->board->threads[i]->deque.bottom)
            fail_here("a thread sleeps beside tasks that nobody runs");
    if ((pool->board->rest.sleepers & 1) && pool->board->threads[0]->own.n > 0)
        fail_here("the first thread sleeps beside a task that is for it alone");
}

static void take_long(void)
{
    threads[current].is_long = true;
    while (threads[current].is_long)
        leave();
}

static void run_one_block(void *loop, void *userdata, int thread, int64_t block)
{
    (void)userdata, (void)thread;
    take_long();
    ((int *)loop)[block]++;
}

static void run_loop(int thread)
{
    blocks[0] = blocks[1] = 0;
    task_pool_loop(pool, thread, 2, run_one_block, blocks);
    if (blocks[0] != 1 || blocks[1] != 1)
        fail_here("a block was not run once");
}

static void run_one(void *userdata, int thread, int task)
{
    (void)userdata;
    for (int t = 0; t < running->n_tasks; t++)
        for (int i = running->first_after[t]; i < running->first_after[t + 1]; i++)
            if (running->after[i] == task && times[t] != run_number)
                fail_here("a task is run before one that it comes after");
    if (running == &graph ? task == 1 || task == 3 : task < 3)
        take_long();
    if (running == &graph && task == 2)
        run_loop(thread);
    if (times[task]++ != run_number - 1)
        fail_here("a task is run twice");
}

static void run_all(void)
{
    const struct task_pool_options options = {
        .n_threads = THREADS, .most_tasks = 8, .run = run_one};
    static const struct task_graph *const order[] = {&graph, &wide, &graph};
    struct graph_run *runs[2];
    task_pool_new(&options, &pool, NULL);
    runs[0] = task_pool_graph_new(pool, &graph, NULL);
    runs[1] = task_pool_graph_new(pool, &wide, &(struct task_homes){companies_wide, first_thread});
    for (int k = 0; k < 3; k++) {
        running = order[k];
        memset(times, 0, sizeof times);
        run_number = 1;
        task_pool_run(pool, runs[running == &wide]);
        for (int i = 0; i < running->n_tasks; i++)
            if (times[i] != 1)
                fail_here("a task is not run");
    }
    run_loop(0); /* where no graph is run */
    pool = task_pool_free(pool);
}

static void first(void)
{
    run_all();
    swapcontext(&threads[0].context, &controller);
}

int main(int argc, char **argv)
{
    long n = 0, most = 0;
    char *stack = malloc(STACK);
    interruptions_most = argc > 1 ? atoi(argv[1]) : 2;
    do {
        for (int i = 0; i < THREADS; i++)
            threads[i] = (struct coroutine){.stack = threads[i].stack};
        threads[0].is_there = true;
        current = 0;
        interruptions = 0;
        n_points = 0;
        now = 0;
        getcontext(&threads[0].context);
        threads[0].context.uc_stack.ss_sp = stack;
        threads[0].context.uc_stack.ss_size = STACK;
        makecontext(&threads[0].context, first, 0);
        swapcontext(&controller, &threads[0].context);
        n++;
        most = n_points > most ? n_points : most;
    } while (!wrong && advance());
    if (wrong)
        printf("execution %ld: %s\n", n, wrong);
    printf("%ld executions, of up to %ld accesses, with up to %d interruptions\n", n, most,
           interruptions_most);
    printf("%d passed, %d failed\n", !wrong, !!wrong);
    return wrong != NULL;
}
#endif
