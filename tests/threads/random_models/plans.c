/* SPDX-License-Identifier: Apache-2.0 */
#include "plans.h"

#include "draw.h"
#include "runs.h"

#include <stdio.h>
#include <string.h>

/* Whether one call is before another by the edges between tasks, or within one. */
static void find_paths(const struct plan *p, bool (*ret_before)[MOST_PROCESSES])
{
    const struct task_graph *g = &p->graph;
    memset(ret_before, 0, sizeof(bool[MOST_PROCESSES][MOST_PROCESSES]));
    for (int t = g->n_tasks - 1; t >= 0; t--) {
        for (int i = g->first_after[t]; i < g->first_after[t + 1]; i++) {
            ret_before[t][g->after[i]] = true;
            for (int k = 0; k < g->n_tasks; k++)
                ret_before[t][k] |= ret_before[g->after[i]][k];
        }
    }
}

static bool is_planned(const struct plan *p, bool (*before)[MOST_PROCESSES], int a, int b)
{
    int task_a = -1, task_b = -1, at_a = -1, at_b = -1;
    for (int t = 0; t < p->graph.n_tasks; t++)
        for (int i = p->first_call[t]; i < p->first_call[t + 1]; i++) {
            const struct plan_call *c = &p->calls[p->task_calls[i]];
            if (c->process == a && !c->is_empty)
                task_a = t, at_a = i;
            if (c->process == b && !c->is_empty)
                task_b = t, at_b = i;
        }
    if (task_a < 0 || task_b < 0)
        return true; /* not both are called */
    return task_a == task_b ? at_a < at_b : before[task_a][task_b];
}

/* Every order that the model has, by whatever path, is in the plans; so is one between those whose
 * order is open, but matters. */
bool plans_are_whole(int number, const struct job *job)
{
    static bool ancestors[MOST_PROCESSES][MOST_PROCESSES], before[MOST_PROCESSES][MOST_PROCESSES];
    const struct model *m = job->model;
    struct program *program;
    int n_missing = 0, place[MOST_PROCESSES];
    memset(ancestors, 0, sizeof ancestors);
    for (int i = 0; i < drawn.n_processes; i++) {
        int p = m->order[i];
        place[p] = i;
        for (int k = 0; k < m->processes[p].n_before; k++) {
            int earlier = m->processes[p].before[k];
            ancestors[p][earlier] = true;
            for (int q = 0; q < drawn.n_processes; q++)
                ancestors[p][q] |= ancestors[earlier][q];
        }
    }
    if (drawn.has_hooks || program_new(job, runs_codes(job), NULL, &program, NULL))
        return true;
    for (int stage_number = 0; stage_number < SIMLAB_N_STAGES; stage_number++) {
        const struct plan *plan = &program->plans[stage_number];
        if (plan->is_ordered)
            continue;
        find_paths(plan, before);
        for (int a = 0; a < drawn.n_processes; a++)
            for (int b = 0; b < drawn.n_processes; b++)
                n_missing += ancestors[b][a] && !is_planned(plan, before, a, b);
        for (int i = 0; i < m->n_unordered; i++) {
            int a = m->unordered[i].process_a, b = m->unordered[i].process_b;
            bool first = place[a] < place[b];
            n_missing += m->unordered[i].stage == stage_number &&
                         !is_planned(plan, before, first ? a : b, first ? b : a);
        }
    }
    program_free(program);
    if (n_missing)
        fprintf(stderr, "model %d: %d orders are not in its plans\n", number, n_missing);
    return n_missing == 0;
}
