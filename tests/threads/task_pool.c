/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of threads by itself: random graphs, run many times; each task once in a run, after
 * those before it, and seeing what they wrote (plain memory: the thread sanitizer tells where it is
 * not handed over). Loops within tasks, and within loops, run each block once before they return.
 *
 * usage: pool [ROUNDS] */
#include "stage/task_pool.h"

#include "base/mem.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_TASKS = 120, MOST_EDGES = 1200, BLOCKS = 40, INNER = 7, RUNS = 40, N_COMPANIES = 3 };

struct graph {
    struct task_graph graph;
    int n_before[MOST_TASKS], first_after[MOST_TASKS + 1], after[MOST_EDGES], roots[MOST_TASKS];
    bool edges[MOST_TASKS][MOST_TASKS];
    bool loops[MOST_TASKS];
    int companies[MOST_TASKS];
};

struct test {
    struct task_pool *pool;
    const struct graph *g;
    int32_t homes[N_COMPANIES]; /* threads */
    int run;
    int done[MOST_TASKS]; /* the last run in which it was run */
    int sums[MOST_TASKS];
    _Atomic int n_failed;
};

static uint64_t chance_state = 1;
static int below(int n)
{
    chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
    return (int)((chance_state >> 33) % (uint64_t)n);
}

static void dawdle(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    for (volatile long i = t.tv_nsec / 3 % 400; i > 0; i--)
        ;
    if (t.tv_nsec / 7 % 97 == 0)
        sched_yield();
}

static void fail(struct test *t, const char *what, int task)
{
    if (atomic_fetch_add(&t->n_failed, 1) < 10)
        fprintf(stderr, "run %d, task %d: %s\n", t->run, task, what);
}

/* ---- loops ---- */

struct loop {
    struct test *test;
    int marks[BLOCKS];
    int (*inner)[INNER];
};

static void inner_block(void *loop, void *userdata, int thread, int64_t block)
{
    (void)userdata, (void)thread;
    int *marks = loop;
    dawdle();
    marks[block]++;
}

static void outer_block(void *loop, void *userdata, int thread, int64_t block)
{
    struct loop *l = loop;
    struct test *t = userdata;
    dawdle();
    if (block % 5 == 0)
        task_pool_loop(t->pool, thread, INNER, inner_block, l->inner[block]);
    else
        memset(l->inner[block], 0, sizeof l->inner[block]);
    l->marks[block]++;
}

static void run_loop(struct test *t, int thread, int task)
{
    int inner[BLOCKS][INNER];
    struct loop l = {.test = t, .inner = inner};
    memset(inner, 0, sizeof inner);
    int n = 1 + (task * 7 + t->run) % BLOCKS;
    task_pool_loop(t->pool, thread, n, outer_block, &l);
    for (int i = 0; i < BLOCKS; i++) {
        if (l.marks[i] != (i < n))
            fail(t, "a block was not run once", task);
        for (int k = 0; k < INNER; k++)
            if (inner[i][k] != (i < n && i % 5 == 0))
                fail(t, "an inner block was not run once", task);
    }
}

/* ---- tasks ---- */

static void run_task(void *userdata, int thread, int task)
{
    struct test *t = userdata;
    int sum = 1;
    if (t->done[task] != t->run - 1)
        fail(t, "it is run again", task);
    if (t->g->companies[task] >= 0 && thread != t->homes[t->g->companies[task]])
        fail(t, "it was run by another thread than its home", task);
    for (int i = 0; i < task; i++) {
        if (!t->g->edges[i][task])
            continue;
        if (t->done[i] != t->run)
            fail(t, "one before it is not through", task);
        sum += t->sums[i];
    }
    dawdle();
    if (t->g->loops[task])
        run_loop(t, thread, task);
    t->sums[task] = sum % 1000;
    t->done[task] = t->run;
}

static void make_graph(struct graph *g)
{
    int n = 1 + below(MOST_TASKS), n_edges = 0, density = 1 + below(12);
    memset(g, 0, sizeof *g);
    for (int i = 0; i < n; i++) {
        g->first_after[i] = n_edges;
        for (int k = i + 1; k < n && n_edges < MOST_EDGES; k++) {
            if (below(n) >= density)
                continue;
            g->after[n_edges++] = k;
            g->edges[i][k] = true;
            g->n_before[k]++;
        }
        g->first_after[i + 1] = n_edges;
        g->loops[i] = below(10) == 0;
        g->companies[i] = below(3) == 0 ? below(N_COMPANIES) : -1;
    }
    g->graph = (struct task_graph){.n_tasks = n,
                                   .n_before = g->n_before,
                                   .first_after = g->first_after,
                                   .after = g->after,
                                   .roots = g->roots};
    for (int i = 0; i < n; i++) {
        if (g->n_before[i] == 0)
            g->roots[g->graph.n_roots++] = i;
        g->graph.n_leaves += g->first_after[i] == g->first_after[i + 1];
    }
}

static bool try(int n_threads)
{
    static struct graph g[2];
    struct test t = {.n_failed = 0};
    struct error e = {.message = ""};
    struct graph_run *runs[2];
    const struct task_pool_options options = {
        .n_threads = n_threads, .most_tasks = MOST_TASKS, .run = run_task, .userdata = &t};
    if (task_pool_new(&options, &t.pool, &e)) {
        fprintf(stderr, "%s\n", e.message);
        exit(1);
    }
    for (int i = 0; i < 2; i++) {
        make_graph(&g[i]);
        runs[i] =
            task_pool_graph_new(t.pool, &g[i].graph, &(struct task_homes){g[i].companies, t.homes});
    }
    for (t.run = 1; t.run <= RUNS; t.run++) {
        int which = t.run / 3 % 2;
        t.g = &g[which];
        for (int i = 0; i < N_COMPANIES; i++)
            t.homes[i] = below(n_threads);
        for (int i = 0; i < MOST_TASKS; i++)
            t.done[i] = t.run - 1;
        task_pool_run(t.pool, runs[which]);
        for (int i = 0; i < g[which].graph.n_tasks; i++)
            if (t.done[i] != t.run)
                fail(&t, "it was not run", i);
        if (t.run % 7 == 0) /* where no graph is run */
            run_loop(&t, 0, t.run);
    }
    task_pool_free(t.pool);
    return t.n_failed == 0;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 40, failed = 0;
    for (int i = 0; i < rounds; i++)
        failed += !try(1 + i % 8);
    printf("%d passed, %d failed\n", rounds - failed, failed);
    return failed != 0;
}
