/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/errand.h"

#include "stage/instance.h"

#include <string.h>

/* Tasks that nothing is before or after. */
static int no_edges[REST_MOST + 1], lanes[REST_MOST];

struct graph_run *errand_graph_new(struct share *share, struct task_pool *pool,
                                   struct task_graph *ret_graph)
{
    for (int i = 0; i < REST_MOST; i++)
        lanes[i] = i;
    *ret_graph = (struct task_graph){.n_tasks = share->n_lanes,
                                     .n_before = no_edges,
                                     .first_after = no_edges,
                                     .after = no_edges,
                                     .n_roots = share->n_lanes,
                                     .roots = lanes,
                                     .n_leaves = share->n_lanes};
    const struct task_homes homes = {.companies = lanes, .homes = share->errand_homes};
    return task_pool_graph_new(pool, ret_graph, &homes);
}

static int save(struct share *share, struct lane *lane, int process, struct error *e)
{
    struct buffer bytes = {0};
    struct moved_bytes *to = &share->moved[process];
    int r = instance_save(lane, process, &bytes, e);
    if (r == 0 && bytes.size > 0) {
        to->bytes = arena_take(&share->arena, bytes.size, &to->capacity);
        if (!to->bytes)
            r = error_set(e, STAGE_FAILED, NULL, "there is no room to move %zu bytes", bytes.size);
    }
    if (r == 0 && bytes.size > 0)
        memcpy(to->bytes, bytes.data, bytes.size);
    to->n = bytes.size;
    buffer_free(&bytes);
    return r;
}

static int restore(struct share *share, struct lane *lane, int process, struct error *e)
{
    const struct moved_bytes *from = &share->moved[process];
    return instance_restore(lane, process, from->bytes, from->n, e);
}

static void forget_company(struct lane *lane, int company)
{
    const struct program *p = lane->simulation->program;
    for (int i = 0; i < p->model->n_processes; i++)
        if (p->companies[i] == company && instance_is_outside(p, i))
            instance_forget(lane, i);
}

/* In the model's order: who sets an object comes before who reads it. */
static int run_company(struct share *share, struct lane *lane, int company, struct error *e)
{
    const struct program *p = lane->simulation->program;
    int r = 0;
    for (int i = 0; i < p->model->n_processes && r == 0; i++) {
        int process = p->model->order[i];
        if (p->companies[process] == company && instance_is_outside(p, process))
            r = share->errand == ERRAND_SAVE ? save(share, lane, process, e)
                                             : restore(share, lane, process, e);
    }
    return r;
}

void errand_run(struct share *share, struct lane *lane)
{
    for (int c = 0; c < lane->simulation->program->n_companies; c++) {
        if (share->errand_lanes[c] != lane->number)
            continue;
        if (share->errand == ERRAND_FORGET) {
            forget_company(lane, c);
            continue;
        }
        lane->why.message[0] = '\0';
        share->errand_failed[c] = run_company(share, lane, c, &lane->why) != 0;
        if (share->errand_failed[c])
            share->errand_why[c] = lane->why;
    }
    lines_clear(&lane->lines); /* that something was moved is not the member's */
}
