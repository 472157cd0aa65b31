/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/share.h"

#include "base/mem.h"
#include "stage/errand.h"

#include <limits.h>
#include <string.h>

/* ---- the pool ---- */

void share_pool_options(const struct simulation *s, struct task_pool_options *ret)
{
    int most = s->n_lanes; /* those of errands */
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++)
        if (s->program->plans[stage].graph.n_tasks > most)
            most = s->program->plans[stage].graph.n_tasks;
    *ret = (struct task_pool_options){.n_threads = s->n_lanes, .most_tasks = most};
}

void share_graphs(const struct simulation *s, const struct share *share, struct task_pool *pool,
                  struct graph_run *ret_graphs[SIMLAB_N_STAGES])
{
    for (int stage = 0; stage < SIMLAB_N_STAGES; stage++) {
        const struct plan *plan = &s->program->plans[stage];
        const struct task_homes homes = {plan->companies, share->homes};
        bool is_wanted = plan->graph.n_tasks > 1 || plan->companies;
        ret_graphs[stage] = is_wanted ? task_pool_graph_new(pool, &plan->graph, &homes) : NULL;
    }
}

void share_run_task(struct share *share, struct lane *lane, int task)
{
    if (share->errand != ERRAND_NONE) {
        errand_run(share, lane);
        return;
    }
    bool is_timed = share->has_times && lane->simulation->stage.stage == SIMLAB_RUN_STEP;
    int64_t began = is_timed ? rest_now() : 0;
    call_task(lane, task);
    int64_t ns = is_timed ? rest_now() - began : 0;
    if (is_timed && (share->task_ns[task] == 0 || ns < share->task_ns[task]))
        share->task_ns[task] = ns;
}

/* ---- a lane's report ---- */

static void send_lines(struct share *share, struct report *r, const struct lines *l, int cached)
{
    size_t capacity, places = l->n * sizeof *l->at;
    struct parcel *p = arena_take(&share->arena, sizeof *p + places + l->text.size, &capacity);
    mem_assert(p);
    *p = (struct parcel){.capacity = capacity, .cached = cached, .n = l->n, .text = l->text.size};
    memcpy(p->at, l->at, places);
    if (p->text > 0) /* lines of cached values are but led to */
        memcpy(p->at + p->n, l->text.data, p->text);
    if (r->last)
        r->last->next = p;
    else
        r->first = p;
    r->last = p;
}

static void send_error(struct report *r, struct lane *lane)
{
    if (lane->failed_call < r->failed_call) {
        r->failed_call = lane->failed_call;
        r->result = lane->result;
        r->error = lane->error;
    }
    lane->failed_call = INT_MAX;
}

/* Lines of cached values are there only where lines of the lane lead to them. */
void share_report(struct share *share, struct lane *lane)
{
    struct simulation *s = lane->simulation;
    struct report *r = &share->reports[lane->number];
    if (lane->failed_call < INT_MAX)
        send_error(r, lane);
    if (lane->lines.n == 0)
        return;
    send_lines(share, r, &lane->lines, -1);
    lines_clear(&lane->lines);
    for (int i = 0; i < s->program->n_cached; i++)
        if (s->cached_lines[i].n > 0) {
            send_lines(share, r, &s->cached_lines[i], i);
            lines_clear(&s->cached_lines[i]);
        }
}

/* ---- all of them ---- */

static void take_lines(struct simulation *s, int lane, const struct parcel *p)
{
    struct lines *to = p->cached < 0 ? &s->lanes[lane]->lines : &s->cached_lines[p->cached];
    const char *text = (const char *)(p->at + p->n);
    for (size_t i = 0; i < p->n; i++)
        lines_add(to, p->at[i].call, p->at[i].cached,
                  p->at[i].cached < 0 ? text + p->at[i].text : NULL);
}

static void collect(struct share *share, struct simulation *s, int lane)
{
    struct report *r = &share->reports[lane];
    for (struct parcel *p = r->first, *next; p; p = next) {
        next = p->next;
        if (share->has_log)
            take_lines(s, lane, p);
        arena_give(&share->arena, p, p->capacity);
    }
    r->first = r->last = NULL;
    if (r->failed_call == INT_MAX)
        return;
    s->lanes[lane]->failed_call = r->failed_call;
    s->lanes[lane]->result = r->result;
    s->lanes[lane]->error = r->error;
    r->failed_call = INT_MAX;
}

void share_collect(struct share *share, struct simulation *s)
{
    for (int lane = 1; lane < s->n_lanes; lane++)
        if (share->reports[lane].first || share->reports[lane].failed_call < INT_MAX)
            collect(share, s, lane);
}
