/* SPDX-License-Identifier: Apache-2.0 */
/* Which members are leased next. */
#include "queue/queue_internal.h"

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

/* Members from here on wait for a proposal to the layout to be decided. */
static int64_t limit_of(const struct queue_counts *c)
{
    return c->proposed >= 0 ? c->proposed : c->members;
}

/* Nothing keeps it from being leased but its members. */
static bool is_open(const struct queue_counts *c)
{
    return c->free > 0 && !c->is_held && c->awaits == 0;
}

/* Members are leased while there is no layout. */
static bool is_first_out(const struct queue_counts *c)
{
    return c->layouts == 0 && c->done + c->dead + c->free < c->members;
}

static struct queue_pick pick_of(struct queue_range from, enum range_state state, bool frontier)
{
    return (struct queue_pick){.range = from, .from = from, .state = state, .frontier = frontier};
}

/* The row with the first members that are free and not to be alone: rows are below the frontier. */
static int first_free(struct queue *q, const struct queue_counts *c, struct queue_pick *ret,
                      struct error *e)
{
    struct queue_range free_range, cut_range;
    int has_free = queue_range_first(q, c->id, RANGE_FREE, &free_range, e);
    if (has_free && has_free != QUEUE_NO_SUCH)
        return has_free;
    int has_cut = queue_range_first(q, c->id, RANGE_CUT, &cut_range, e);
    if (has_cut && has_cut != QUEUE_NO_SUCH)
        return has_cut;
    if (!has_cut && (has_free || cut_range.begin < free_range.begin))
        *ret = pick_of(cut_range, RANGE_CUT, false);
    else if (!has_free)
        *ret = pick_of(free_range, RANGE_FREE, false);
    else if (c->frontier < c->members)
        *ret = pick_of((struct queue_range){c->frontier, c->members}, RANGE_FREE, true);
    else
        return QUEUE_NO_SUCH;
    return 0;
}

/* *ret_member: the lowest that is to be alone, or c->members. */
static int first_suspect(struct queue *q, const struct queue_counts *c, int64_t *ret_member,
                         struct error *e)
{
    struct queue_range range = {.begin = c->members};
    int r = c->suspects > 0 ? queue_range_first(q, c->id, RANGE_ALONE, &range, e) : 0;
    if (r == 0)
        *ret_member = range.begin;
    return r;
}

/* *ret_member: the lowest that rests, or c->members. */
static int first_resting(struct queue *q, const struct queue_counts *c, int64_t *ret_member,
                         struct error *e)
{
    struct queue_range range = {.begin = c->members};
    int r = c->resting > 0 ? queue_range_first(q, c->id, RANGE_RESTING, &range, e) : 0;
    if (r == 0)
        *ret_member = range.begin;
    return r;
}

static int64_t lower_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int queue_lowest_free(struct queue *q, const struct queue_counts *c, int64_t *ret_member,
                      struct error *e)
{
    struct queue_pick pick = {.from.begin = c->members};
    int64_t suspect = 0, resting = 0;
    int r = c->free > c->suspects + c->resting ? first_free(q, c, &pick, e) : 0;
    if (r == 0)
        r = first_suspect(q, c, &suspect, e);
    if (r == 0)
        r = first_resting(q, c, &resting, e);
    if (r == 0)
        *ret_member = lower_of(pick.from.begin, lower_of(suspect, resting));
    return r;
}

/* While there is no layout, the lowest open member decides it: whether that is the first of these.
 */
static int leads(struct queue *q, const struct queue_counts *c, const struct queue_pick *pick,
                 bool *ret, struct error *e)
{
    int64_t suspect = 0, resting = 0, leased = INT64_MAX;
    enum range_state from;
    int r = first_suspect(q, c, &suspect, e);
    if (r == 0)
        r = first_resting(q, c, &resting, e);
    if (r == 0 && is_first_out(c))
        r = queue_first_lease(q, c->id, &leased, &from, e);
    if (r == 0)
        *ret = pick->from.begin < lower_of(leased, lower_of(suspect, resting));
    return r;
}

int queue_pick(struct queue *q, const struct queue_counts *c, int64_t want, int64_t align,
               struct queue_pick *ret, struct error *e)
{
    struct queue_pick pick = {0};
    bool may_be = true;
    if (!is_open(c))
        return QUEUE_NO_SUCH;
    int r = first_free(q, c, &pick, e);
    if (r == 0 && c->layouts == 0)
        r = leads(q, c, &pick, &may_be, e);
    if (r)
        return r;
    int64_t limit = limit_of(c);
    if (!may_be || pick.from.begin >= limit)
        return QUEUE_NO_SUCH;
    if (limit > pick.from.end)
        limit = pick.from.end;
    pick.range.end = limit;
    if (pick.state == RANGE_FREE)
        pick.range.end = aligned_end(pick.range.begin, limit, want, align);
    *ret = pick;
    return 0;
}

int queue_pick_ahead(struct queue *q, const struct queue_counts *c, int64_t want,
                     struct queue_pick *ret, struct error *e)
{
    struct queue_pick pick = {0};
    enum range_state from = RANGE_FREE;
    int64_t leased = 0, resting = 0;
    bool is_awaited = is_first_out(c) || (c->layouts == 0 && c->resting > 0);
    if (!is_open(c) || c->suspects > 0 || !is_awaited)
        return QUEUE_NO_SUCH;
    int r = first_free(q, c, &pick, e);
    if (r == 0)
        r = queue_first_lease(q, c->id, &leased, &from, e);
    if (r == 0)
        r = first_resting(q, c, &resting, e);
    if (r)
        return r;
    if (from == RANGE_ALONE || pick.from.begin < lower_of(leased, resting))
        return QUEUE_NO_SUCH;
    if (pick.state == RANGE_FREE)
        pick.range.end = aligned_end(pick.range.begin, pick.from.end, want, 1);
    *ret = pick;
    return 0;
}

int queue_pick_alone(struct queue *q, const struct queue_counts *c, struct queue_pick *ret,
                     struct error *e)
{
    int64_t suspect = 0, lowest = 0;
    if (!is_open(c) || c->suspects == 0 || is_first_out(c))
        return QUEUE_NO_SUCH;
    int r = first_suspect(q, c, &suspect, e);
    if (r == 0 && c->layouts == 0)
        r = queue_lowest_free(q, c, &lowest, e);
    if (r)
        return r;
    if (suspect >= limit_of(c) || (c->layouts == 0 && lowest < suspect))
        return QUEUE_NO_SUCH;
    *ret = pick_of((struct queue_range){suspect, suspect + 1}, RANGE_ALONE, false);
    return 0;
}
