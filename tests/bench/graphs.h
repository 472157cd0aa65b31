/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs that schedulers are compared on. C and C++. */
#ifndef BENCH_GRAPHS_H
#define BENCH_GRAPHS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GRAPH_MOST_TASKS = 1024, GRAPH_MOST_BEFORE = 64 };

struct graph {
    const char *name;
    int n;
    int n_before[GRAPH_MOST_TASKS];
    int before[GRAPH_MOST_TASKS][GRAPH_MOST_BEFORE];
};

static const char *const graph_names[] = {"64 and a gather", "random 1,000", "chain of 1,000",
                                          "wavefront 32 x 32", "64 side by side"};
enum { GRAPHS = 5 };

static inline void graph_edge(struct graph *g, int earlier, int later)
{
    for (int i = 0; i < g->n_before[later]; i++)
        if (g->before[later][i] == earlier)
            return;
    if (g->n_before[later] < GRAPH_MOST_BEFORE)
        g->before[later][g->n_before[later]++] = earlier;
}

static inline void graph_make(struct graph *g, int which)
{
    uint64_t chance = 12345;
    memset(g, 0, sizeof *g);
    g->name = graph_names[which];
    switch (which) {
    case 0:
        g->n = 65;
        for (int i = 0; i < 64; i++)
            graph_edge(g, i, 64);
        break;
    case 1: /* three edges from earlier tasks to each, within the last hundred */
        g->n = 1000;
        for (int i = 1; i < g->n; i++)
            for (int k = 0; k < 3; k++) {
                chance = chance * 6364136223846793005u + 1442695040888963407u;
                int reach = i < 100 ? i : 100;
                graph_edge(g, i - 1 - (int)((chance >> 33) % (uint64_t)reach), i);
            }
        break;
    case 2:
        g->n = 1000;
        for (int i = 1; i < g->n; i++)
            graph_edge(g, i - 1, i);
        break;
    case 4:
        g->n = 64;
        break;
    default:
        g->n = 32 * 32;
        for (int i = 0; i < g->n; i++) {
            if (i / 32)
                graph_edge(g, i - 32, i);
            if (i % 32)
                graph_edge(g, i - 1, i);
        }
    }
}

/* The work of a task: so many nanoseconds, about. */
static inline void graph_spin(int64_t ns)
{
    struct timespec t;
    if (ns == 0)
        return;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t end = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec + ns;
    do
        clock_gettime(CLOCK_MONOTONIC, &t);
    while ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec < end);
}

static inline double graph_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#endif
