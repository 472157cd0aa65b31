/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/home.h"

#include "base/mem.h"
#include "stage/company.h"
#include "stage/errand.h"
#include "stage/instance.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMED = 3, /* steps, one after the other */
    WAITS_MOST = 256,
    WORTH_NS = 20000,      /* that a step has to become shorter by, */
    WORTH_ALL_NS = 2000000 /* and all that are left */
};

struct homes {
    struct simulation *simulation;
    struct share *share;
    struct task_pool *pool;
    struct graph_run *errands;
    struct task_graph errand_graph;
    int n_companies;
    int *wanted;     /* by company: the lane that was decided on last */
    bool *stays;     /* by company: it cannot be moved */
    int64_t *ns;     /* by company: of its tasks in the step that was timed */
    int64_t ns_free; /* of all tasks of none */
    char **kept;     /* by process: its instance's memory, while it is moved */
    int n_helpers;   /* as last seen */
    int waits, next; /* steps until the next that are timed, which doubles; of these */
    int timed;       /* so many are left: the shortest counts, since others may be interrupted */
};

struct homes *homes_new(struct simulation *s, struct share *share, struct task_pool *pool)
{
    struct homes *h = mem_new(sizeof *h);
    size_t n = (size_t)s->program->n_companies;
    h->simulation = s;
    h->share = share;
    h->pool = pool;
    h->errands = errand_graph_new(share, pool, &h->errand_graph);
    h->n_companies = s->program->n_companies;
    h->wanted = mem_array(n, sizeof *h->wanted);
    h->stays = mem_array(n, sizeof *h->stays);
    h->ns = mem_array(n, sizeof *h->ns);
    h->kept = mem_array((size_t)s->model->n_processes, sizeof *h->kept);
    return h;
}

struct homes *homes_free(struct homes *h)
{
    if (!h)
        return NULL;
    free(h->wanted);
    free(h->stays);
    free(h->ns);
    free(h->kept);
    free(h);
    return NULL;
}

bool homes_are_apart(const struct homes *h)
{
    for (int c = 0; c < h->n_companies; c++)
        if (h->share->homes[c] != 0)
            return true;
    return false;
}

bool homes_have_times(const struct homes *h)
{
    return h->share->has_times;
}

/* ---- lanes ---- */

static bool claim(struct share *share, int lane)
{
    int32_t is_there = LANE_THERE;
    return lane == 0 || atomic_load(&share->presence[lane]) == LANE_CLAIMED ||
           atomic_compare_exchange_strong(&share->presence[lane], &is_there, LANE_CLAIMED);
}

static bool is_home(const struct homes *h, int lane)
{
    for (int c = 0; c < h->n_companies; c++)
        if (h->share->homes[c] == lane)
            return true;
    return false;
}

static void let_go(struct homes *h)
{
    for (int lane = 1; lane < h->share->n_lanes; lane++) {
        int32_t claimed = LANE_CLAIMED;
        if (!is_home(h, lane))
            atomic_compare_exchange_strong(&h->share->presence[lane], &claimed, LANE_THERE);
    }
}

/* ---- moving ---- */

static bool is_moving(const struct homes *h, int company, const int *to)
{
    return to[company] != h->share->homes[company];
}

/* Lanes that have nothing to do in it are not woken: the lead takes their places. */
static void run_errand(struct homes *h, enum errand what)
{
    struct share *share = h->share;
    share->errand = what;
    for (int lane = 0; lane < share->n_lanes; lane++)
        share->errand_homes[lane] = 0;
    for (int c = 0; c < h->n_companies; c++)
        if (share->errand_lanes[c] >= 0)
            share->errand_homes[share->errand_lanes[c]] = share->errand_lanes[c];
    task_pool_run(h->pool, h->errands);
    share->errand = ERRAND_NONE;
}

static void save_all(struct homes *h, const int *to)
{
    struct share *share = h->share;
    for (int c = 0; c < h->n_companies; c++) {
        share->errand_lanes[c] = is_moving(h, c, to) ? share->homes[c] : -1;
        share->errand_failed[c] = false;
    }
    run_errand(h, ERRAND_SAVE);
}

/* Of those that could be saved. */
static void restore_all(struct homes *h, const int *to)
{
    struct share *share = h->share;
    for (int c = 0; c < h->n_companies; c++)
        share->errand_lanes[c] = is_moving(h, c, to) && !share->errand_failed[c] ? to[c] : -1;
    run_errand(h, ERRAND_RESTORE);
}

/* Their memory says where an instance is, in its worker: kept for the case that it stays there. */
static void keep_or_put_back(struct homes *h, const int *to, bool keep)
{
    const struct simulation *s = h->simulation;
    for (int p = 0; p < s->model->n_processes; p++) {
        int c = s->program->companies[p];
        void *instance = s->state->processes[p].instance;
        size_t n = s->program->processes[p].instance_size;
        if (c < 0 || !instance || !is_moving(h, c, to))
            continue;
        if (keep) {
            h->kept[p] = memcpy(mem_new(n), instance, n);
            continue;
        }
        if (h->share->errand_failed[c])
            memcpy(instance, h->kept[p], n);
        free(h->kept[p]);
        h->kept[p] = NULL;
    }
}

static void forget_bytes(struct homes *h)
{
    struct share *share = h->share;
    for (int p = 0; p < h->simulation->model->n_processes; p++) {
        arena_give(&share->arena, share->moved[p].bytes, share->moved[p].capacity);
        share->moved[p] = (struct moved_bytes){0};
    }
}

/* Where they are not: they were there, or did not come through. */
static void forget_all(struct homes *h, const int *to)
{
    struct share *share = h->share;
    for (int c = 0; c < h->n_companies; c++) {
        int left = share->errand_failed[c] ? to[c] : share->homes[c];
        share->errand_lanes[c] = is_moving(h, c, to) ? left : -1;
    }
    run_errand(h, ERRAND_FORGET);
}

/* Lanes are claimed. */
static void move(struct homes *h, const int *to)
{
    struct share *share = h->share;
    share->n_begun = h->simulation->n_begun;
    keep_or_put_back(h, to, true);
    save_all(h, to);
    restore_all(h, to);
    keep_or_put_back(h, to, false);
    forget_all(h, to);
    forget_bytes(h);
    for (int c = 0; c < h->n_companies; c++) {
        if (!is_moving(h, c, to))
            continue;
        h->stays[c] |= share->errand_failed[c];
        if (!share->errand_failed[c])
            share->homes[c] = to[c];
    }
    let_go(h);
}

/* ---- where to ---- */

static void add_times(struct homes *h)
{
    const struct plan *plan = &h->simulation->program->plans[SIMLAB_RUN_STEP];
    memset(h->ns, 0, (size_t)h->n_companies * sizeof *h->ns);
    h->ns_free = 0;
    for (int t = 0; t < plan->graph.n_tasks; t++) {
        int c = plan->companies ? plan->companies[t] : COMPANY_NONE;
        *(c < 0 ? &h->ns_free : &h->ns[c]) += h->share->task_ns[t];
    }
}

/* How long a step may take: the lane with the most, or a fair part of all. */
static int64_t expected(const struct homes *h, const int *lanes, int n_there)
{
    int64_t of_lane[REST_MOST] = {0}, all = h->ns_free, most = 0;
    for (int c = 0; c < h->n_companies; c++) {
        of_lane[lanes[c]] += h->ns[c];
        all += h->ns[c];
    }
    for (int lane = 0; lane < h->share->n_lanes; lane++)
        most = of_lane[lane] > most ? of_lane[lane] : most;
    return most > all / n_there ? most : all / n_there;
}

static int longest(const struct homes *h, const bool *is_placed)
{
    int found = -1;
    for (int c = 0; c < h->n_companies; c++)
        if (!is_placed[c] && (found < 0 || h->ns[c] > h->ns[found]))
            found = c;
    return found;
}

/* The longest first, each to the lane that has least yet; where several do, to its own. */
static void place_all(const struct homes *h, const bool *is_there, int *ret)
{
    int64_t of_lane[REST_MOST] = {0};
    bool *is_placed = mem_array((size_t)h->n_companies, sizeof *is_placed);
    for (int c = 0; c < h->n_companies; c++) {
        ret[c] = h->share->homes[c];
        is_placed[c] = c == COMPANY_LEAD || h->stays[c];
        of_lane[ret[c]] += is_placed[c] ? h->ns[c] : 0;
    }
    for (int c; (c = longest(h, is_placed)) >= 0; is_placed[c] = true) {
        int best = ret[c];
        for (int lane = 0; lane < h->share->n_lanes; lane++)
            if (is_there[lane] && of_lane[lane] < of_lane[best])
                best = lane;
        ret[c] = best;
        of_lane[best] += h->ns[c];
    }
    free(is_placed);
}

static void decide(struct homes *h)
{
    struct share *share = h->share;
    const struct simlab_runtime *now = &h->simulation->state->runtime;
    bool is_there[REST_MOST];
    int n_there = 0, *to = mem_array((size_t)h->n_companies, sizeof *to);
    int *are = mem_array((size_t)h->n_companies, sizeof *are);
    for (int lane = 0; lane < share->n_lanes; lane++)
        n_there += is_there[lane] = claim(share, lane);
    add_times(h);
    place_all(h, is_there, to);
    for (int c = 0; c < h->n_companies; c++)
        are[c] = share->homes[c];
    int64_t before = expected(h, are, n_there), gain = before - expected(h, to, n_there);
    if (gain > WORTH_NS && gain > before / 10 && gain * (now->nsteps - now->step) > WORTH_ALL_NS)
        memcpy(h->wanted, to, (size_t)h->n_companies * sizeof *to);
    free(to);
    free(are);
}

static bool is_elsewhere(const struct homes *h)
{
    for (int c = 0; c < h->n_companies; c++)
        if (!h->stays[c] && is_moving(h, c, h->wanted))
            return true;
    return false;
}

/* Those whose lane has gone stay where they are. */
static void go_where_wanted(struct homes *h)
{
    for (int c = 0; c < h->n_companies; c++)
        if (h->stays[c] || !claim(h->share, h->wanted[c]))
            h->wanted[c] = h->share->homes[c];
    move(h, h->wanted);
}

static void begin_times(struct homes *h)
{
    const struct plan *plan = &h->simulation->program->plans[SIMLAB_RUN_STEP];
    memset(h->share->task_ns, 0, (size_t)plan->graph.n_tasks * sizeof *h->share->task_ns);
    h->share->has_times = true;
    h->timed = TIMED;
    h->next = 2 * h->next < WAITS_MOST ? 2 * h->next : WAITS_MOST;
    h->waits = h->next;
}

void homes_settle(struct homes *h)
{
    struct share *share = h->share;
    int n_helpers = atomic_load(&share->n_helpers);
    if (h->n_companies <= COMPANY_LEAD + 1 || n_helpers == 0)
        return;
    if (share->has_times && --h->timed == 0) {
        share->has_times = false;
        decide(h);
    }
    if (is_elsewhere(h))
        go_where_wanted(h);
    else
        let_go(h);
    if (n_helpers != h->n_helpers) {
        h->n_helpers = n_helpers;
        h->waits = h->next = 1;
    }
    if (!share->has_times && --h->waits <= 0)
        begin_times(h);
}

int homes_gather(struct homes *h, struct error *e)
{
    const struct share *share = h->share;
    int *to = mem_array((size_t)h->n_companies, sizeof *to), r = 0; /* the lead's, all of them */
    if (homes_are_apart(h))
        move(h, to);
    free(to);
    for (int c = 0; c < h->n_companies && r == 0; c++)
        if (share->homes[c] != 0)
            r = error_set(e, STAGE_FAILED, NULL, "%s", share->errand_why[c].message);
    return r;
}

void homes_forget(struct homes *h)
{
    for (int c = 0; c < h->n_companies; c++) {
        h->share->homes[c] = h->wanted[c] = 0;
        h->stays[c] = false;
    }
    h->share->has_times = false;
    h->n_helpers = 0;
    let_go(h);
}
