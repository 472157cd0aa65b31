/* SPDX-License-Identifier: Apache-2.0 */
/* Leases begin and end: members go from free to leased, and back. */
#include "queue/queue_internal.h"

#include "base/clock.h"

#include <inttypes.h>

enum { FENCE_BLOCK = 1024 }; /* reserved on disk at once */

/* ---- given ---- */

static int next_fence(struct queue *q, int64_t *ret, struct error *e)
{
    if (q->last_fence >= q->numbers.fences_reserved) {
        int64_t reserved = q->last_fence + FENCE_BLOCK;
        int r =
            database_run(&q->database, e, STATEMENT_FENCE_RESERVE, INTEGER(1), INTEGER(reserved));
        if (r)
            return r;
        q->numbers.fences_reserved = reserved;
    }
    *ret = ++q->last_fence;
    return 0;
}

/* Takes the picked members out of the free ones. */
static int take_members(struct queue *q, int64_t job, const struct queue_pick *p, struct error *e)
{
    struct database *d = &q->database;
    int r;
    if (p->frontier)
        r = database_run(d, e, STATEMENT_JOB_FRONTIER, INTEGER(job), INTEGER(p->range.end));
    else if (p->range.end == p->from.end)
        r = database_run(d, e, STATEMENT_RANGE_REMOVE, INTEGER(job), INTEGER(p->state),
                         INTEGER(p->from.begin));
    else
        r = database_run(d, e, STATEMENT_RANGE_MOVE_BEGIN, INTEGER(job), INTEGER(p->state),
                         INTEGER(p->from.begin), INTEGER(p->range.end));
    if (!r && p->state == RANGE_ALONE)
        r = database_run(d, e, STATEMENT_JOB_SUSPECTS, INTEGER(job), INTEGER(-1));
    return r ? r : queue_counts_add(q, job, 0, 0, p->range.begin - p->range.end, e);
}

static int give(struct queue *q, const struct queue_counts *c, const struct queue_pick *pick,
                const char *worker, struct queue_lease *ret_lease, struct error *e)
{
    int64_t fence = 0;
    int r = c->state == JOB_QUEUED ? queue_move(q, c, JOB_RUNNING, NULL, e) : 0;
    if (!r)
        r = take_members(q, c->id, pick, e);
    if (!r)
        r = next_fence(q, &fence, e);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_LEASE_ADD, INTEGER(fence), INTEGER(c->id),
                         INTEGER(pick->range.begin), INTEGER(pick->range.end),
                         INTEGER(pick->state - RANGE_FREE), TEXT(worker), INTEGER(clock_unix()));
    if (r)
        return r;
    *ret_lease = (struct queue_lease){
        .id = fence, .job = c->id, .begin = pick->range.begin, .end = pick->range.end};
    return 0;
}

static int nothing_to_lease(int64_t job, struct error *e)
{
    return error_set(e, QUEUE_NO_SUCH, NULL, "job %" PRId64 " has no member to lease", job);
}

int queue_lease(struct queue *q, int64_t job, const char *worker, int64_t want, int64_t align,
                struct queue_lease *ret_lease, struct error *e)
{
    struct queue_counts c = {0};
    struct queue_pick pick;
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    r = queue_pick(q, &c, want, align, &pick, e);
    if (r)
        return r == QUEUE_NO_SUCH ? nothing_to_lease(job, e) : r;
    return give(q, &c, &pick, worker, ret_lease, e);
}

int queue_lease_ahead(struct queue *q, int64_t job, const char *worker, int64_t want,
                      struct queue_lease *ret_lease, struct error *e)
{
    struct queue_counts c = {0};
    struct queue_pick pick;
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    r = queue_pick_ahead(q, &c, want, &pick, e);
    if (r)
        return r == QUEUE_NO_SUCH ? nothing_to_lease(job, e) : r;
    return give(q, &c, &pick, worker, ret_lease, e);
}

int queue_lease_alone(struct queue *q, int64_t job, const char *worker,
                      struct queue_lease *ret_lease, int64_t *ret_suspicion, struct error *e)
{
    struct queue_counts c = {0};
    struct queue_pick pick = {0};
    struct queue_attempts attempts = {0};
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    r = queue_pick_alone(q, &c, &pick, e);
    if (r)
        return r == QUEUE_NO_SUCH ? nothing_to_lease(job, e) : r;
    r = queue_attempts(q, job, pick.range.begin, &attempts, e);
    if (!r)
        r = give(q, &c, &pick, worker, ret_lease, e);
    if (!r)
        *ret_suspicion = attempts.suspicion;
    return r;
}

/* ---- live ---- */

int queue_live_lease(struct queue *q, const struct queue_lease *lease, struct queue_live_lease *ret,
                     struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_LEASE_GET, INTEGER(lease->id));
    if (!r) {
        *ret = (struct queue_live_lease){
            .fence = lease->id,
            .job = sqlite3_column_int64(s, 0),
            .range = {sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2)},
            .from = RANGE_FREE + (enum range_state)sqlite3_column_int(s, 3),
        };
        database_end(s);
        if (ret->job == lease->job)
            return 0;
    } else if (r != QUEUE_NO_SUCH) {
        return r;
    }
    return error_set(e, QUEUE_NOT_LIVE, NULL, "lease %" PRId64 " of job %" PRId64 " is not live",
                     lease->id, lease->job);
}

int queue_lease_live(struct queue *q, const struct queue_lease *lease, struct error *e)
{
    struct queue_live_lease live;
    return queue_live_lease(q, lease, &live, e);
}

int queue_first_lease(struct queue *q, int64_t job, int64_t *ret_begin, enum range_state *ret_from,
                      struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_LEASE_FIRST, INTEGER(job));
    if (r)
        return r;
    bool is_there = sqlite3_column_type(s, 0) != SQLITE_NULL;
    *ret_begin = is_there ? sqlite3_column_int64(s, 0) : INT64_MAX;
    *ret_from = RANGE_FREE + (enum range_state)(is_there ? sqlite3_column_int(s, 1) : 0);
    database_end(s);
    return 0;
}

int queue_lease_leads(struct queue *q, const struct queue_lease *lease, bool *ret_leads,
                      struct error *e)
{
    struct queue_live_lease live;
    struct queue_counts c = {0};
    enum range_state from;
    int64_t first = 0, free = 0;
    int r = queue_live_lease(q, lease, &live, e);
    if (!r)
        r = queue_counts(q, live.job, &c, e);
    if (!r)
        r = queue_first_lease(q, live.job, &first, &from, e);
    if (!r)
        r = queue_lowest_free(q, &c, &free, e);
    if (!r)
        *ret_leads = first == live.range.begin && free > first;
    return r;
}

/* ---- ended ---- */

/* Members right before the frontier go back behind it, with those that are free before them: so a
 * lease reaches over them all. */
static int move_frontier_back(struct queue *q, int64_t job, int64_t frontier, struct error *e)
{
    struct queue_range before;
    int r = queue_range_last(q, job, RANGE_FREE, &before, e);
    if (r || before.end != frontier)
        return r == QUEUE_NO_SUCH ? 0 : r;
    r = database_run(&q->database, e, STATEMENT_RANGE_REMOVE, INTEGER(job), INTEGER(RANGE_FREE),
                     INTEGER(before.begin));
    return r ? r
             : database_run(&q->database, e, STATEMENT_JOB_FRONTIER, INTEGER(job),
                            INTEGER(before.begin));
}

int queue_give_back(struct queue *q, int64_t job, const struct queue_ranges *ranges,
                    enum range_state state, struct error *e)
{
    struct queue_counts c = {0};
    int64_t members = queue_ranges_members(ranges);
    int r = queue_counts(q, job, &c, e);
    for (size_t i = 0; !r && i < ranges->n; i++)
        r = queue_range_add(q, job, state, ranges->items[i].begin, ranges->items[i].end, e);
    if (r || members == 0)
        return r;
    r = queue_counts_add(q, job, 0, 0, members, e);
    if (!r && state == RANGE_ALONE)
        r = database_run(&q->database, e, STATEMENT_JOB_SUSPECTS, INTEGER(job), INTEGER(members));
    if (!r && state == RANGE_RESTING)
        r = database_run(&q->database, e, STATEMENT_JOB_RESTING, INTEGER(job), INTEGER(members));
    return r || state != RANGE_FREE ? r : move_frontier_back(q, job, c.frontier, e);
}

int queue_end_lease(struct queue *q, const struct queue_live_lease *live, struct error *e)
{
    live_touch(q, live->job); /* who may be leased next rests on it while there is no layout */
    return database_run(&q->database, e, STATEMENT_LEASE_REMOVE, INTEGER(live->fence));
}

/* ---- of workers that may live ---- */

int queue_fenced(struct queue *q, int64_t job, int64_t lease, struct error *e)
{
    return database_run(&q->database, e, STATEMENT_FENCED_ADD, INTEGER(job), INTEGER(lease),
                        INTEGER(0));
}

int queue_next_fence(struct queue *q, int64_t after, int64_t *ret_job, int64_t *ret_lease,
                     struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_FENCED_DUE, INTEGER(after));
    if (r)
        return r;
    *ret_job = sqlite3_column_int64(s, 0);
    *ret_lease = sqlite3_column_int64(s, 1);
    database_end(s);
    return 0;
}
