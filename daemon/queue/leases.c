/* SPDX-License-Identifier: Apache-2.0 */
/* Which members are leased next. */
#include "queue/queue_internal.h"

#include <inttypes.h>

enum { FENCE_BLOCK = 1024 }; /* reserved on disk at once */

/* The members to lease, and where they come from. */
struct pick {
    struct queue_range range;
    struct queue_range from; /* the row; for the frontier, [frontier, members) */
    bool frontier, cut;
};

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

/* The end of a lease of at most `want` members of [begin, end): all of them, or cut back to the
 * last multiple of `align`. */
static int64_t aligned_end(int64_t begin, int64_t end, int64_t want, int64_t align)
{
    if (want < 1)
        want = 1;
    if (end - begin <= want)
        return end;
    int64_t limit = begin + want;
    int64_t multiple = align > 1 ? limit - limit % align : limit;
    return multiple > begin ? multiple : limit;
}

/* The row with the first free members: those with rows are below the frontier. */
static int first_free(struct queue *q, int64_t job, const struct queue_counts *c, struct pick *ret,
                      struct error *e)
{
    struct queue_range free_range, cut_range;
    int has_free = queue_range_first(q, job, RANGE_FREE, &free_range, e);
    if (has_free && has_free != QUEUE_NO_SUCH)
        return has_free;
    int has_cut = queue_range_first(q, job, RANGE_CUT, &cut_range, e);
    if (has_cut && has_cut != QUEUE_NO_SUCH)
        return has_cut;
    *ret = (struct pick){0};
    if (!has_cut && (has_free || cut_range.begin < free_range.begin)) {
        ret->cut = true;
        ret->from = cut_range;
    } else if (!has_free) {
        ret->from = free_range;
    } else {
        ret->frontier = true;
        ret->from = (struct queue_range){c->frontier, c->members};
    }
    return 0;
}

static int pick_members(struct queue *q, int64_t job, const struct queue_counts *c, int64_t want,
                        int64_t align, struct pick *ret, struct error *e)
{
    int64_t leased = c->members - c->done - c->dead - c->free;
    if (c->free == 0 || (!c->has_layout && leased > 0))
        return error_set(e, QUEUE_NO_SUCH, NULL, "job %" PRId64 " has no member to lease", job);
    struct pick pick;
    int r = first_free(q, job, c, &pick, e);
    if (r)
        return r;
    pick.range = pick.from;
    if (!c->has_layout)
        pick.range.end = pick.range.begin + 1;
    else if (!pick.cut)
        pick.range.end = aligned_end(pick.from.begin, pick.from.end, want, align);
    *ret = pick;
    return 0;
}

/* Takes the picked members out of the free ones. */
static int take_members(struct queue *q, int64_t job, const struct pick *p, struct error *e)
{
    struct database *d = &q->database;
    enum range_state state = p->cut ? RANGE_CUT : RANGE_FREE;
    int r;
    if (p->frontier)
        r = database_run(d, e, STATEMENT_JOB_FRONTIER, INTEGER(job), INTEGER(p->range.end));
    else if (p->range.end == p->from.end)
        r = database_run(d, e, STATEMENT_RANGE_REMOVE, INTEGER(job), INTEGER(state),
                         INTEGER(p->from.begin));
    else
        r = database_run(d, e, STATEMENT_RANGE_MOVE_BEGIN, INTEGER(job), INTEGER(state),
                         INTEGER(p->from.begin), INTEGER(p->range.end));
    if (r)
        return r;
    return database_run(d, e, STATEMENT_JOB_COUNT, INTEGER(job), INTEGER(0), INTEGER(0),
                        INTEGER(p->range.begin - p->range.end));
}

int queue_lease(struct queue *q, int64_t job, const char *worker, int64_t want, int64_t align,
                struct queue_lease *ret_lease, struct error *e)
{
    struct queue_counts c = {0};
    struct pick pick = {0};
    int r = queue_job_counts(q, job, &c, e);
    if (!r)
        r = pick_members(q, job, &c, want, align, &pick, e);
    if (!r && c.state == JOB_QUEUED)
        r = queue_job_move(q, job, &c, JOB_RUNNING, NULL, e);
    if (!r)
        r = take_members(q, job, &pick, e);
    int64_t fence = 0;
    if (!r)
        r = next_fence(q, &fence, e);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_LEASE_ADD, INTEGER(fence), INTEGER(job),
                         INTEGER(pick.range.begin), INTEGER(pick.range.end), INTEGER(pick.cut),
                         TEXT(worker), INTEGER(queue_time()));
    if (r)
        return r;
    *ret_lease = (struct queue_lease){
        .id = fence, .job = job, .begin = pick.range.begin, .end = pick.range.end};
    return 0;
}
