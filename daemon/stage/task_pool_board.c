/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that the threads of a pool share. */
#include "stage/task_pool_parts.h"

#include "base/mem.h"
#include "stage/arena.h"

#include <stdlib.h>
#include <string.h>

/* Zeroed. */
static void *new_memory(const struct task_pool_options *o, size_t n, size_t size)
{
    size_t capacity;
    if (!o->arena)
        return mem_lines(n, size);
    void *block = arena_take(o->arena, n * size, &capacity);
    mem_assert(block);
    return memset(block, 0, n * size);
}

static void give_back(const struct task_pool_options *o, void *block)
{
    if (!o->arena)
        free(block);
}

struct graph_run *task_pool_graph_new(struct task_pool *p, const struct task_graph *graph,
                                      const struct task_homes *homes)
{
    mem_assert(p->n_graphs < TASK_POOL_GRAPHS);
    struct graph_run *g = &p->graphs[p->n_graphs];
    *g = (struct graph_run){.graph = graph, .number = p->n_graphs};
    if (homes)
        g->homes = *homes;
    struct graph_counts **counts = &p->board->counts[p->n_graphs++];
    if (!p->has_joined) {
        *counts = new_memory(&p->options, 1, sizeof **counts);
        (*counts)->through =
            new_memory(&p->options, (size_t)graph->n_tasks, sizeof *(*counts)->through);
    }
    g->counts = *counts;
    return g;
}

static struct pool_thread *thread_new(const struct task_pool_options *o, int number)
{
    struct pool_thread *t = new_memory(o, 1, sizeof *t);
    int64_t room = 1;
    while (room < o->most_tasks)
        room *= 2;
    t->number = number;
    t->random = (uint32_t)number;
    t->deque.tasks = new_memory(o, (size_t)room, sizeof *t->deque.tasks);
    t->deque.mask = room - 1;
    t->own.n_words = ready_words(o->most_tasks);
    t->own.bits = new_memory(o, (size_t)t->own.n_words, sizeof *t->own.bits);
    return t;
}

struct pool_board *pool_board_new(const struct task_pool_options *o)
{
    struct pool_board *board = new_memory(o, 1, sizeof *board);
    rest_init(&board->rest);
    for (int i = 0; i < o->n_threads; i++)
        board->threads[i] = thread_new(o, i);
    return board;
}

void pool_board_free(struct task_pool *p)
{
    const struct task_pool_options *o = &p->options;
    for (int i = 0; i < p->n; i++) {
        give_back(o, p->board->threads[i]->deque.tasks);
        give_back(o, p->board->threads[i]->own.bits);
        give_back(o, p->board->threads[i]);
    }
    for (int i = 0; i < p->n_graphs; i++) {
        give_back(o, p->board->counts[i]->through);
        give_back(o, p->board->counts[i]);
    }
    give_back(o, p->board);
}
