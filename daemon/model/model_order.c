/* SPDX-License-Identifier: Apache-2.0 */
/* Edges from intents and `after`, and a topological order of them (Kahn 1962, with a heap: of the
 * processes that are ready, the one declared first comes first). */
#include "model/model_parts.h"

#include "base/buffer.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_int(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* The processes that must run before one, gathered without duplicates. */
struct gather {
    int *seen; /* by process: the last one for which it was gathered, plus one */
    int *list, n;
    size_t touches; /* of all processes so far */
};

static void gather_one(struct gather *g, int process, int earlier)
{
    if (earlier < 0 || earlier == process || g->seen[earlier] == process + 1)
        return;
    g->seen[earlier] = process + 1;
    g->list[g->n++] = earlier;
}

static int gather_intents(const struct model *m, int process, struct gather *g, struct error *e)
{
    const struct model_process *p = &m->processes[process];
    for (int v = 0; v < p->type->n_variables; v++) {
        const struct binding *b = &p->bindings[v];
        int n = model_touches(b);
        g->touches += (size_t)n;
        if (g->touches > MODEL_MAX_TOUCHES)
            return error_set(e, MODEL_INVALID, "/processes",
                             "the model has more than %d dependencies", MODEL_MAX_TOUCHES);
        for (int i = 0; i < n; i++)
            gather_one(g, process, m->slots[model_touched(b, i)].setter);
    }
    return 0;
}

/* `after` is sorted by its first of each pair. */
static int find_before(struct model *m, const int *after, int n_after, struct error *e)
{
    struct gather g = {.seen = mem_array((size_t)m->n_processes, sizeof(int)),
                       .list = mem_array((size_t)m->n_processes, sizeof(int))};
    int r = 0, edge = 0;
    for (int p = 0; r == 0 && p < m->n_processes; p++) {
        g.n = 0;
        r = gather_intents(m, p, &g, e);
        for (; edge < n_after && after[2 * edge] == p; edge++)
            gather_one(&g, p, after[2 * edge + 1]);
        qsort(g.list, (size_t)g.n, sizeof *g.list, compare_int);
        m->processes[p].n_before = g.n;
        m->processes[p].before = mem_array((size_t)g.n, sizeof *g.list);
        memcpy(m->processes[p].before, g.list, (size_t)g.n * sizeof *g.list);
    }
    free(g.seen);
    free(g.list);
    return r;
}

/* ---- the heap of ready processes ---- */

struct heap {
    int *items, n;
};

static void swap(int *a, int *b)
{
    int kept = *a;
    *a = *b;
    *b = kept;
}

static void heap_push(struct heap *h, int item)
{
    int i = h->n++;
    h->items[i] = item;
    for (; i && h->items[(i - 1) / 2] > h->items[i]; i = (i - 1) / 2)
        swap(&h->items[(i - 1) / 2], &h->items[i]);
}

static int heap_pop(struct heap *h)
{
    int top = h->items[0], i = 0;
    h->items[0] = h->items[--h->n];
    for (;;) {
        int least = i, left = 2 * i + 1, right = left + 1;
        if (left < h->n && h->items[left] < h->items[least])
            least = left;
        if (right < h->n && h->items[right] < h->items[least])
            least = right;
        if (least == i)
            return top;
        swap(&h->items[i], &h->items[least]);
        i = least;
    }
}

/* ---- edges turned round: who comes after each ---- */

struct successors {
    int *start, *list; /* those of p: list[start[p]] … list[start[p + 1] - 1] */
};

static struct successors find_successors(const struct model *m)
{
    size_t n = (size_t)m->n_processes;
    struct successors s = {.start = mem_array(n + 2, sizeof *s.start)};
    for (size_t p = 0; p < n; p++)
        for (int i = 0; i < m->processes[p].n_before; i++)
            s.start[m->processes[p].before[i] + 2]++;
    for (size_t p = 2; p <= n + 1; p++)
        s.start[p] += s.start[p - 1];
    s.list = mem_array((size_t)s.start[n + 1], sizeof *s.list);
    /* start[p + 1] is where the next one of p goes, and so ends as the start of p + 1. */
    for (int p = 0; p < m->n_processes; p++)
        for (int i = 0; i < m->processes[p].n_before; i++)
            s.list[s.start[m->processes[p].before[i] + 1]++] = p;
    return s;
}

/* ---- cycles ---- */

/* Why `later` runs after `earlier`. */
static void say_why(const struct model *m, int earlier, int later, struct buffer *b)
{
    const struct model_process *p = &m->processes[later];
    for (int v = 0; v < p->type->n_variables; v++) {
        for (int i = 0; i < model_touches(&p->bindings[v]); i++) {
            const struct slot *slot = &m->slots[model_touched(&p->bindings[v], i)];
            if (slot->setter != earlier)
                continue;
            buffer_printf(b, "'%s' sets %s, which '%s' uses", m->processes[earlier].name,
                          slot->name, p->name);
            return;
        }
    }
    buffer_printf(b, "'%s' is declared to run after '%s'", p->name, m->processes[earlier].name);
}

/* From a process that was not ordered back over others that were not, until one comes again. The
 * cycle, in the order in which its processes would run, starts with the one declared first. */
static int find_cycle(const struct model *m, const bool *ordered, int *ret_cycle)
{
    int *position = mem_array((size_t)m->n_processes, sizeof *position);
    int *path = mem_array((size_t)m->n_processes, sizeof *path);
    int p = 0, n = 0;
    while (ordered[p])
        p++;
    while (!position[p]) {
        position[p] = n + 1;
        path[n++] = p;
        const struct model_process *process = &m->processes[p];
        int i = 0;
        while (ordered[process->before[i]])
            i++;
        p = process->before[i];
    }
    int begin = position[p] - 1, length = n - begin, first = 0;
    for (int i = 0; i < length; i++)
        if (path[n - 1 - i] < path[n - 1 - first])
            first = i;
    for (int i = 0; i < length; i++)
        ret_cycle[i] = path[n - 1 - (first + i) % length];
    free(position);
    free(path);
    return length;
}

static int refuse_cycle(const struct model *m, const bool *ordered, struct error *e)
{
    enum { MOST = 12 };
    int *cycle = mem_array((size_t)m->n_processes, sizeof *cycle);
    int n = find_cycle(m, ordered, cycle), shown = n < MOST ? n : MOST;
    struct buffer b = {0};
    for (int i = 0; i < shown; i++)
        buffer_printf(&b, "%s → ", m->processes[cycle[i]].name);
    if (shown < n)
        buffer_printf(&b, "… (%d processes) → ", n);
    buffer_printf(&b, "%s: ", m->processes[cycle[0]].name);
    for (int i = 0; i < shown; i++) {
        if (i)
            buffer_text(&b, "; ");
        say_why(m, cycle[i], cycle[(i + 1) % n], &b);
    }
    char pointer[MODEL_POINTER_SIZE];
    model_pointer(m->processes[cycle[0]].name, pointer);
    error_set(e, MODEL_INVALID, pointer, "the processes depend on each other in a cycle: %s",
              b.data);
    buffer_free(&b);
    free(cycle);
    return MODEL_INVALID;
}

int model_order(struct model *m, const int *after, int n_after, struct error *e)
{
    int r = find_before(m, after, n_after, e);
    if (r)
        return r;
    size_t n = (size_t)m->n_processes;
    struct successors next = find_successors(m);
    struct heap ready = {.items = mem_array(n, sizeof(int))};
    int *waits = mem_array(n, sizeof *waits), done = 0;
    bool *ordered = mem_array(n, sizeof *ordered);
    m->order = mem_array(n, sizeof *m->order);
    for (int p = 0; p < m->n_processes; p++) {
        waits[p] = m->processes[p].n_before;
        if (!waits[p])
            heap_push(&ready, p);
    }
    while (ready.n) {
        int p = heap_pop(&ready);
        ordered[p] = true;
        m->order[done++] = p;
        for (int i = next.start[p]; i < next.start[p + 1]; i++)
            if (--waits[next.list[i]] == 0)
                heap_push(&ready, next.list[i]);
    }
    if (done < m->n_processes)
        r = refuse_cycle(m, ordered, e);
    free(next.start);
    free(next.list);
    free(ready.items);
    free(waits);
    free(ordered);
    return r;
}
