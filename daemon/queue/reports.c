/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a live lease: its layout, members done and dead, its end. */
#include "queue/queue_internal.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LAYOUT_MAX = 16 << 20 };

/* ---- live leases ---- */

struct live {
    int64_t fence, job;
    struct queue_range range;
    bool cut;
};

/* The lease as the queue knows it; what the caller's struct says of members is not believed. */
static int find_live(struct queue *q, const struct queue_lease *lease, struct live *ret,
                     struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_LEASE_GET, INTEGER(lease->id));
    if (!r) {
        *ret = (struct live){
            .fence = lease->id,
            .job = sqlite3_column_int64(s, 0),
            .range = {sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2)},
            .cut = sqlite3_column_int(s, 3) != 0,
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
    struct live live;
    return find_live(q, lease, &live, e);
}

int queue_set_layout(struct queue *q, const struct queue_lease *lease, const char *layout,
                     struct error *e)
{
    struct live live;
    struct queue_counts c = {0};
    int r = find_live(q, lease, &live, e);
    if (!r)
        r = queue_job_counts(q, live.job, &c, e);
    if (r || c.has_layout)
        return r;
    size_t size = strnlen(layout, LAYOUT_MAX + 1);
    if (size > LAYOUT_MAX)
        return error_set(e, QUEUE_INVALID, NULL, "the layout is larger than %d bytes", LAYOUT_MAX);
    json_t *value = json_read(layout, size, e);
    if (!value)
        return QUEUE_INVALID;
    json_decref(value);
    r = database_run(&q->database, e, STATEMENT_JOB_LAYOUT, INTEGER(live.job), TEXT(layout));
    return r ? r : database_run(&q->database, e, STATEMENT_JOB_HAS_LAYOUT, INTEGER(live.job));
}

int queue_done(struct queue *q, const struct queue_lease *lease, int64_t begin, int64_t end,
               struct error *e)
{
    struct live live;
    struct queue_ranges news = {0};
    int r = find_live(q, lease, &live, e);
    if (r)
        return r;
    if (begin < live.range.begin || end > live.range.end || begin > end)
        return error_set(e, QUEUE_INVALID, NULL,
                         "members [%" PRId64 ", %" PRId64 ") are not of lease %" PRId64
                         ", which has [%" PRId64 ", %" PRId64 ")",
                         begin, end, live.fence, live.range.begin, live.range.end);
    r = queue_range_unfinished(q, live.job, begin, end, &news, e);
    for (size_t i = 0; !r && i < news.n; i++)
        r = queue_range_add(q, live.job, RANGE_DONE, news.items[i].begin, news.items[i].end, 0,
                            NULL, e);
    int64_t members = queue_ranges_members(&news);
    free(news.items);
    if (r || members == 0)
        return r;
    queue_event_touch(q, live.job);
    return database_run(&q->database, e, STATEMENT_JOB_COUNT, INTEGER(live.job), INTEGER(members),
                        INTEGER(0), INTEGER(0));
}

/* ---- members that die ---- */

static int attempts_of(struct queue *q, int64_t job, int64_t member, int64_t *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_ATTEMPT_GET, INTEGER(job), INTEGER(member));
    *ret = 0;
    if (r)
        return r == QUEUE_NO_SUCH ? 0 : r;
    *ret = sqlite3_column_int64(s, 0);
    database_end(s);
    return 0;
}

static int bury(struct queue *q, int64_t job, int64_t member, int64_t attempts, const char *reason,
                struct error *e)
{
    char *clean = queue_clean_text(reason, QUEUE_REASON_MAX);
    int r = queue_range_add(q, job, RANGE_DEAD, member, member + 1, attempts, clean, e);
    free(clean);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_ATTEMPT_REMOVE, INTEGER(job), INTEGER(member));
    if (!r)
        r = database_run(&q->database, e, STATEMENT_JOB_COUNT, INTEGER(job), INTEGER(0), INTEGER(1),
                         INTEGER(0));
    queue_event_touch(q, job);
    return r;
}

/* 0: unfinished; QUEUE_REFUSED (with `e` as it was): done or dead. */
static int check_unfinished(struct queue *q, int64_t job, int64_t member, struct error *e)
{
    struct queue_ranges open = {0};
    int r = queue_range_unfinished(q, job, member, member + 1, &open, e);
    if (!r && open.n == 0)
        r = QUEUE_REFUSED;
    free(open.items);
    return r;
}

int queue_member_failed(struct queue *q, const struct queue_lease *lease, int64_t member,
                        const char *reason, struct error *e)
{
    struct live live;
    int64_t attempts;
    int r = find_live(q, lease, &live, e);
    if (r)
        return r;
    if (member < live.range.begin || member >= live.range.end)
        return error_set(e, QUEUE_INVALID, NULL,
                         "member %" PRId64 " is not of lease %" PRId64 ", which has [%" PRId64
                         ", %" PRId64 ")",
                         member, live.fence, live.range.begin, live.range.end);
    r = check_unfinished(q, live.job, member, e);
    if (r)
        return r == QUEUE_REFUSED
                   ? error_set(e, r, NULL,
                               "member %" PRId64 " of job %" PRId64 " is done or dead already",
                               member, live.job)
                   : r;
    r = attempts_of(q, live.job, member, &attempts, e);
    return r ? r : bury(q, live.job, member, attempts + 1, reason, e);
}

/* ---- ending ---- */

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

/* Gives ranges back, and counts their members as free. */
static int give_back(struct queue *q, int64_t job, const struct queue_ranges *ranges,
                     enum range_state state, struct error *e)
{
    struct queue_counts c = {0};
    int r = queue_job_counts(q, job, &c, e);
    for (size_t i = 0; !r && i < ranges->n; i++)
        r = queue_range_add(q, job, state, ranges->items[i].begin, ranges->items[i].end, 0, NULL,
                            e);
    if (r || ranges->n == 0)
        return r;
    r = database_run(&q->database, e, STATEMENT_JOB_COUNT, INTEGER(job), INTEGER(0), INTEGER(0),
                     INTEGER(queue_ranges_members(ranges)));
    if (r || state != RANGE_FREE)
        return r;
    return move_frontier_back(q, job, c.frontier, e);
}

static int release(struct queue *q, const struct live *live, struct error *e)
{
    struct queue_ranges open = {0};
    int r = queue_range_unfinished(q, live->job, live->range.begin, live->range.end, &open, e);
    if (!r)
        r = give_back(q, live->job, &open, live->cut ? RANGE_CUT : RANGE_FREE, e);
    free(open.items);
    return r ? r : database_run(&q->database, e, STATEMENT_LEASE_REMOVE, INTEGER(live->fence));
}

int queue_release(struct queue *q, const struct queue_lease *lease, struct error *e)
{
    struct live live;
    int r = find_live(q, lease, &live, e);
    return r ? r : release(q, &live, e);
}

int queue_release_all(struct queue *q, struct error *e)
{
    for (;;) {
        sqlite3_stmt *s;
        int r = database_row(&q->database, e, &s, STATEMENT_LEASE_FIRST, INTEGER(0));
        if (r)
            return r == QUEUE_NO_SUCH ? 0 : r;
        struct queue_lease lease = {.id = sqlite3_column_int64(s, 0),
                                    .job = sqlite3_column_int64(s, 1)};
        database_end(s);
        r = queue_release(q, &lease, e);
        if (r)
            return r;
    }
}

static int64_t smaller_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Splits the range in which the middle member lies, so that half the members come before. */
static void halve(const struct queue_ranges *whole, struct queue_ranges *ret)
{
    int64_t half = queue_ranges_members(whole) / 2;
    for (size_t i = 0; i < whole->n; i++) {
        struct queue_range range = whole->items[i];
        int64_t middle = smaller_of(range.begin + half, range.end);
        half -= middle - range.begin;
        queue_ranges_add(ret, range.begin, middle);
        queue_ranges_add(ret, middle, range.end);
    }
}

static int lose_many(struct queue *q, const struct live *live, const struct queue_ranges *open,
                     struct error *e)
{
    struct queue_ranges halves = {0};
    halve(open, &halves);
    int r = give_back(q, live->job, &halves, RANGE_CUT, e);
    free(halves.items);
    return r;
}

/* It stays cut: joined with others it would take them down again. */
static int lose_one(struct queue *q, const struct live *live, const struct queue_ranges *open,
                    const char *reason, struct error *e)
{
    struct queue_counts c;
    int64_t member = live->range.begin, attempts;
    int r = queue_job_counts(q, live->job, &c, e);
    if (!r)
        r = attempts_of(q, live->job, member, &attempts, e);
    if (r)
        return r;
    if (++attempts >= c.max_attempts)
        return bury(q, live->job, member, attempts, reason, e);
    r = database_run(&q->database, e, STATEMENT_ATTEMPT_SET, INTEGER(live->job), INTEGER(member),
                     INTEGER(attempts));
    return r ? r : give_back(q, live->job, open, RANGE_CUT, e);
}

int queue_lost(struct queue *q, const struct queue_lease *lease, const char *reason,
               struct error *e)
{
    struct live live;
    struct queue_ranges open = {0};
    int r = find_live(q, lease, &live, e);
    if (!r)
        r = queue_range_unfinished(q, live.job, live.range.begin, live.range.end, &open, e);
    if (!r && live.range.end - live.range.begin > 1)
        r = lose_many(q, &live, &open, e);
    else if (!r && open.n > 0)
        r = lose_one(q, &live, &open, reason, e);
    free(open.items);
    return r ? r : database_run(&q->database, e, STATEMENT_LEASE_REMOVE, INTEGER(live.fence));
}
