/* SPDX-License-Identifier: Apache-2.0 */
/* From calls and edges to tasks: edges that say nothing new are left out, calls that could not run
 * beside anything else of their chain become one task. */
#include "stage/plan_parts.h"

#include "base/mem.h"
#include "stage/company.h"

#include <stdlib.h>
#include <string.h>

enum { REDUCE_MOST = 4096 }; /* calls: 2 MB of bits */

struct tasks {
    struct plan *plan;
    struct lists before;  /* by call; without those that follow from others */
    int *n_after;         /* by call */
    int *task_of;         /* by call */
    const int *companies; /* by process */
    int *company;         /* by task: of its calls so far */
    int *rank;            /* by task: calls on the longest path from it to the end */
    int n;
};

/* ---- edges that follow from others ---- */

static int compare_descending(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x < y) - (x > y);
}

/* Whether an earlier call is already known to be before this one, by way of a later one. */
static bool is_known(const uint64_t *ancestors, int call)
{
    return ancestors[call / 64] >> call % 64 & 1;
}

static void reduce_one(struct tasks *t, uint64_t *bits, size_t words, int call,
                       const struct lists *before)
{
    int n = before->first[call + 1] - before->first[call];
    int *sorted = before->at + before->first[call];
    uint64_t *ancestors = bits + (size_t)call * words;
    if (n > 1)
        qsort(sorted, (size_t)n, sizeof *sorted, compare_descending);
    for (int i = 0; i < n; i++) {
        if (is_known(ancestors, sorted[i]))
            continue;
        lists_add(&t->before, sorted[i]);
        for (size_t w = 0; w < words; w++)
            ancestors[w] |= bits[(size_t)sorted[i] * words + w];
        ancestors[sorted[i] / 64] |= UINT64_C(1) << sorted[i] % 64;
    }
}

static void reduce(struct tasks *t, const struct lists *before)
{
    int n = t->plan->n_calls;
    size_t words = (size_t)n / 64 + 1;
    uint64_t *bits = n <= REDUCE_MOST ? mem_array((size_t)n * words, sizeof *bits) : NULL;
    t->before.first = mem_array((size_t)n + 1, sizeof *t->before.first);
    for (int i = 0; i < n; i++) {
        if (bits)
            reduce_one(t, bits, words, i, before);
        for (int k = before->first[i]; !bits && k < before->first[i + 1]; k++)
            lists_add(&t->before, before->at[k]);
        t->before.first[i + 1] = (int)t->before.n;
    }
    free(bits);
}

/* ---- chains ---- */

/* Whether a call may be in a task of this company. */
static bool fits(int company, int own)
{
    return company == COMPANY_NONE || own == COMPANY_NONE || company == own;
}

static void join_chains(struct tasks *t)
{
    const struct lists *b = &t->before;
    for (size_t i = 0; i < b->n; i++)
        t->n_after[b->at[i]]++;
    for (int i = 0; i < t->plan->n_calls; i++) {
        int only = b->first[i + 1] - b->first[i] == 1 ? b->at[b->first[i]] : -1;
        int own = t->companies[t->plan->calls[i].process];
        bool joins = only >= 0 && t->n_after[only] == 1 && fits(t->company[t->task_of[only]], own);
        t->task_of[i] = joins ? t->task_of[only] : t->n++;
        if (own != COMPANY_NONE || !joins)
            t->company[t->task_of[i]] = own;
    }
}

/* ---- the graph of tasks ---- */

struct arrays { /* of the plan, to be filled */
    int *n_before, *first_after, *after, *roots, *first_call, *task_calls;
};

static struct arrays new_arrays(struct tasks *t)
{
    size_t n = (size_t)t->n, calls = (size_t)t->plan->n_calls;
    int *at = t->plan->tasks = mem_array(5 * n + 2 + calls + t->before.n, sizeof *at);
    struct arrays a;
    a.n_before = at;
    a.roots = a.n_before + n;
    a.first_after = a.roots + n;
    a.first_call = a.first_after + n + 1;
    a.task_calls = a.first_call + n + 1;
    a.after = a.task_calls + calls;
    return a;
}

/* Two passes over what belongs to each task: counted, then put where it belongs. */
static void list_calls(const struct tasks *t, const struct arrays *a)
{
    int *place = mem_array((size_t)t->n + 1, sizeof *place);
    for (int i = 0; i < t->plan->n_calls; i++)
        a->first_call[t->task_of[i] + 1]++;
    for (int k = 0; k < t->n; k++)
        a->first_call[k + 1] += a->first_call[k];
    for (int i = 0; i < t->plan->n_calls; i++)
        a->task_calls[a->first_call[t->task_of[i]] + place[t->task_of[i]]++] = i;
    free(place);
}

/* A task comes after those that its first call comes after. */
static void list_after(const struct tasks *t, const struct arrays *a)
{
    int *place = mem_array((size_t)t->n + 1, sizeof *place);
    for (int pass = 0; pass < 2; pass++) {
        for (int k = 0; k < t->n; k++) {
            int first = a->task_calls[a->first_call[k]];
            a->n_before[k] = t->before.first[first + 1] - t->before.first[first];
            for (int i = t->before.first[first]; i < t->before.first[first + 1]; i++) {
                int earlier = t->task_of[t->before.at[i]];
                if (pass == 0)
                    a->first_after[earlier + 1]++;
                else
                    a->after[a->first_after[earlier] + place[earlier]++] = k;
            }
        }
        for (int k = 0; k < t->n && pass == 0; k++)
            a->first_after[k + 1] += a->first_after[k];
    }
    free(place);
}

static void find_ranks(const struct tasks *t, const struct arrays *a)
{
    for (int k = t->n - 1; k >= 0; k--) {
        for (int i = a->first_after[k]; i < a->first_after[k + 1]; i++)
            if (t->rank[a->after[i]] > t->rank[k])
                t->rank[k] = t->rank[a->after[i]];
        t->rank[k] += a->first_call[k + 1] - a->first_call[k];
    }
}

static int compare_ranks(const void *a, const void *b, void *userdata)
{
    const int *rank = userdata;
    int x = *(const int *)a, y = *(const int *)b;
    return rank[x] != rank[y] ? (rank[x] < rank[y]) - (rank[x] > rank[y]) : (x > y) - (x < y);
}

static void sort_by_rank(const struct tasks *t, int *tasks, int n)
{
    if (n > 1)
        qsort_r(tasks, (size_t)n, sizeof *tasks, compare_ranks, t->rank);
}

static void make_graph(struct tasks *t)
{
    struct plan *plan = t->plan;
    struct arrays a = new_arrays(t);
    int n_roots = 0, n_leaves = 0;
    list_calls(t, &a);
    list_after(t, &a);
    find_ranks(t, &a);
    for (int k = 0; k < t->n; k++) {
        int n_after = a.first_after[k + 1] - a.first_after[k];
        sort_by_rank(t, a.after + a.first_after[k], n_after);
        n_leaves += n_after == 0;
        if (a.n_before[k] == 0)
            a.roots[n_roots++] = k;
    }
    sort_by_rank(t, a.roots, n_roots);
    plan->first_call = a.first_call;
    plan->task_calls = a.task_calls;
    plan->graph = (struct task_graph){.n_tasks = t->n,
                                      .n_before = a.n_before,
                                      .first_after = a.first_after,
                                      .after = a.after,
                                      .n_roots = n_roots,
                                      .roots = a.roots,
                                      .n_leaves = n_leaves};
}

static bool has_company(const struct tasks *t)
{
    for (int k = 0; k < t->n; k++)
        if (t->company[k] != COMPANY_NONE)
            return true;
    return false;
}

void plan_tasks(struct plan *plan, const struct program *program, const struct lists *before)
{
    size_t n = (size_t)plan->n_calls;
    struct tasks t = {.plan = plan,
                      .n_after = mem_array(n, sizeof *t.n_after),
                      .task_of = mem_array(n, sizeof *t.task_of),
                      .companies = program->companies,
                      .company = mem_array(n, sizeof *t.company),
                      .rank = mem_array(n, sizeof *t.rank)};
    reduce(&t, before);
    join_chains(&t);
    make_graph(&t);
    lists_clear(&t.before);
    free(t.n_after);
    free(t.task_of);
    free(t.rank);
    if (has_company(&t))
        plan->companies = t.company;
    else
        free(t.company);
}

/* A task's number is above those of its predecessors. */
int64_t plan_longest_path(const struct plan *plan, const int64_t *ns)
{
    const struct task_graph *g = &plan->graph;
    int64_t *from = mem_array((size_t)g->n_tasks, sizeof *from), longest = 0;
    for (int i = 0; i < plan->n_calls && g->n_tasks == 0; i++)
        longest += ns[i];
    for (int t = g->n_tasks - 1; t >= 0; t--) {
        for (int i = g->first_after[t]; i < g->first_after[t + 1]; i++)
            if (from[g->after[i]] > from[t])
                from[t] = from[g->after[i]];
        for (int i = plan->first_call[t]; i < plan->first_call[t + 1]; i++)
            from[t] += ns[plan->task_calls[i]];
        longest = from[t] > longest ? from[t] : longest;
    }
    free(from);
    return longest;
}
