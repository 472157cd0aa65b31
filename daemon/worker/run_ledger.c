/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/run_ledger.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void run_ledger_start(struct run_ledger *l, int64_t n_members)
{
    run_ledger_clear(l);
    l->suspect = -1;
    l->left = mem_array(1, sizeof *l->left);
    l->left[0] = (struct run_range){0, n_members};
    l->n_left = n_members > 0;
}

void run_ledger_clear(struct run_ledger *l)
{
    free(l->left);
    free(l->dead);
    *l = (struct run_ledger){.suspect = -1};
}

bool run_ledger_is_left(const struct run_ledger *l, int64_t member)
{
    for (size_t i = 0; i < l->n_left; i++)
        if (l->left[i].begin <= member && member < l->left[i].end)
            return true;
    return false;
}

/* Each range less [begin, end): none, one or two. */
void run_ledger_done(struct run_ledger *l, int64_t begin, int64_t end)
{
    struct run_range *left = mem_array(l->n_left + 1, sizeof *left);
    size_t n = 0;
    for (size_t i = 0; i < l->n_left; i++) {
        struct run_range r = l->left[i];
        if (r.begin < begin)
            left[n++] = (struct run_range){r.begin, r.end < begin ? r.end : begin};
        if (r.end > end && begin <= end)
            left[n++] = (struct run_range){r.begin > end ? r.begin : end, r.end};
    }
    free(l->left);
    l->left = left;
    l->n_left = n;
    if (l->suspect >= 0 && !run_ledger_is_left(l, l->suspect)) {
        l->suspect = -1;
        l->attempts = 0;
    }
}

void run_ledger_dead(struct run_ledger *l, int64_t member)
{
    if (!run_ledger_is_left(l, member))
        return;
    l->dead = mem_resize(l->dead, (size_t)l->n_dead + 1, sizeof *l->dead);
    l->dead[l->n_dead++] = member;
    run_ledger_done(l, member, member + 1);
}

int64_t run_ledger_done_members(const struct run_ledger *l, int64_t n_members)
{
    int64_t n = n_members - l->n_dead;
    for (size_t i = 0; i < l->n_left; i++)
        n -= l->left[i].end - l->left[i].begin;
    return n;
}

int64_t run_ledger_first(const struct run_ledger *l)
{
    if (l->n_left == 0)
        return -1;
    return l->suspect >= 0 ? l->suspect : l->left[0].begin;
}

bool run_ledger_died(struct run_ledger *l, int64_t first, int64_t member, int64_t max_attempts)
{
    if (l->suspect != member) {
        l->suspect = member;
        l->attempts = 0;
    }
    l->attempts += first == member;
    if (l->attempts < max_attempts)
        return false;
    run_ledger_dead(l, member);
    return true;
}
