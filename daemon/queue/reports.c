/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a live lease: members done and dead, its end. */
#include "queue/queue_internal.h"

#include "base/mem.h"
#include "base/position.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- done ---- */

static int not_of_the_lease(const struct queue_live_lease *live, int64_t begin, int64_t end,
                            struct error *e)
{
    return error_set(e, QUEUE_INVALID, NULL,
                     "members [%" PRId64 ", %" PRId64 ") are not of lease %" PRId64
                     ", which has [%" PRId64 ", %" PRId64 ")",
                     begin, end, live->fence, live->range.begin, live->range.end);
}

static int add_done(struct queue *q, int64_t job, const struct queue_ranges *news, struct error *e)
{
    int r = 0;
    for (size_t i = 0; !r && i < news->n; i++)
        r = queue_range_add(q, job, RANGE_DONE, news->items[i].begin, news->items[i].end, e);
    for (size_t i = 0; !r && i < news->n; i++)
        r = database_run(&q->database, e, STATEMENT_ATTEMPT_REMOVE, INTEGER(job),
                         INTEGER(news->items[i].begin), INTEGER(news->items[i].end));
    queue_event_touch(q, job);
    return r ? r : queue_counts_add(q, job, queue_ranges_members(news), 0, 0, e);
}

int queue_done(struct queue *q, const struct queue_lease *lease, int64_t begin, int64_t end,
               struct error *e)
{
    struct queue_live_lease live;
    struct queue_ranges news = {0};
    int r = queue_live_lease(q, lease, &live, e);
    if (r)
        return r;
    if (begin < live.range.begin || end > live.range.end || begin > end)
        return not_of_the_lease(&live, begin, end, e);
    r = queue_range_unfinished(q, live.job, begin, end, &news, e);
    if (!r && news.n > 0)
        r = add_done(q, live.job, &news, e);
    bool is_news = news.n > 0;
    free(news.items);
    return r || !is_news ? r : queue_settle_layouts(q, live.job, e);
}

/* ---- members that die ---- */

int queue_attempts(struct queue *q, int64_t job, int64_t member, struct queue_attempts *ret,
                   struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_ATTEMPT_GET, INTEGER(job), INTEGER(member));
    *ret = (struct queue_attempts){0};
    if (r)
        return r == QUEUE_NO_SUCH ? 0 : r;
    *ret = (struct queue_attempts){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
                                   sqlite3_column_int64(s, 2), sqlite3_column_int64(s, 3)};
    database_end(s);
    return 0;
}

int queue_attempts_set(struct queue *q, int64_t job, int64_t member, const struct queue_attempts *a,
                       struct error *e)
{
    return database_run(&q->database, e, STATEMENT_ATTEMPT_SET, INTEGER(job), INTEGER(member),
                        INTEGER(a->attempts), INTEGER(a->suspicion), INTEGER(a->earlier),
                        INTEGER(a->rests_until));
}

/* Of the many, what those share that died of the same: a row for all that are neighbours. */
static char *short_reason(const struct queue_death *death)
{
    struct position_words at;
    const char *word = queue_cause_name(death->cause);
    if (!position_read(death->reason, &at))
        return mem_strdup(word);
    return mem_printf("%s in process '%s' (%s), %s", word, at.process, at.type, at.function);
}

static int bury(struct queue *q, const struct queue_counts *c, int64_t member, int64_t attempts,
                const struct queue_death *death, struct error *e)
{
    bool is_told = c->dead < QUEUE_TOLD_DEAD;
    char *reason = is_told ? text_valid(death->reason, QUEUE_REASON_MAX) : short_reason(death);
    const struct queue_death told = {death->cause, reason, is_told ? death->log : NULL};
    int r = queue_range_bury(q, c->id, member, member + 1, attempts, &told, e);
    free(reason);
    if (!r)
        r = database_run(&q->database, e, STATEMENT_ATTEMPT_REMOVE, INTEGER(c->id), INTEGER(member),
                         INTEGER(member + 1));
    if (!r)
        r = queue_counts_add(q, c->id, 0, 1, 0, e);
    queue_event_touch(q, c->id);
    return r ? r : queue_settle_layouts(q, c->id, e);
}

int queue_member_failed(struct queue *q, const struct queue_lease *lease, int64_t member,
                        const struct queue_death *death, struct error *e)
{
    struct queue_live_lease live;
    struct queue_counts c = {0};
    struct queue_attempts a;
    bool is_finished = false;
    int r = queue_live_lease(q, lease, &live, e);
    if (r)
        return r;
    if (member < live.range.begin || member >= live.range.end)
        return not_of_the_lease(&live, member, member + 1, e);
    r = queue_range_finished(q, live.job, member, member + 1, &is_finished, e);
    if (r)
        return r;
    if (is_finished)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "member %" PRId64 " of job %" PRId64 " is done or dead already", member,
                         live.job);
    r = queue_attempts(q, live.job, member, &a, e);
    if (!r)
        r = queue_counts(q, live.job, &c, e);
    return r ? r : bury(q, &c, member, a.earlier + a.attempts + 1, death, e);
}

int queue_count_attempt(struct queue *q, int64_t job, int64_t member,
                        const struct queue_death *death, bool *ret_lives, struct error *e)
{
    struct queue_counts c;
    struct queue_attempts a = {0};
    int r = queue_counts(q, job, &c, e);
    if (!r)
        r = queue_attempts(q, job, member, &a, e);
    if (r)
        return r;
    *ret_lives = ++a.attempts < c.max_attempts;
    return *ret_lives ? queue_attempts_set(q, job, member, &a, e)
                      : bury(q, &c, member, a.earlier + a.attempts, death, e);
}

/* ---- a lease ends ---- */

static int open_members(struct queue *q, const struct queue_live_lease *live,
                        struct queue_ranges *ret, struct error *e)
{
    return queue_range_unfinished(q, live->job, live->range.begin, live->range.end, ret, e);
}

int queue_release_lease(struct queue *q, const struct queue_live_lease *live, struct error *e)
{
    struct queue_ranges open = {0};
    int r = open_members(q, live, &open, e);
    if (!r)
        r = queue_give_back(q, live->job, &open, live->from, e);
    free(open.items);
    return r ? r : queue_end_lease(q, live, e);
}

int queue_release(struct queue *q, const struct queue_lease *lease, struct error *e)
{
    struct queue_live_lease live;
    int r = queue_live_lease(q, lease, &live, e);
    return r ? r : queue_release_lease(q, &live, e);
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

int queue_halve_lease(struct queue *q, const struct queue_live_lease *live, struct error *e)
{
    struct queue_ranges open = {0}, halves = {0};
    int r = open_members(q, live, &open, e);
    halve(&open, &halves);
    if (!r)
        r = queue_give_back(q, live->job, &halves, RANGE_CUT, e);
    free(open.items);
    free(halves.items);
    return r ? r : queue_end_lease(q, live, e);
}

/* It stays cut: joined with others it would take them down again. One that is to be alone is spaced
 * by what that needs. */
static int give_back_one(struct queue *q, const struct queue_live_lease *live,
                         const struct queue_ranges *open, struct error *e)
{
    struct queue_attempts a;
    if (live->from == RANGE_ALONE)
        return queue_give_back(q, live->job, open, RANGE_ALONE, e);
    int r = queue_attempts(q, live->job, live->range.begin, &a, e);
    return r ? r : queue_rest(q, live->job, live->range.begin, &a, e);
}

static int lose_one(struct queue *q, const struct queue_live_lease *live,
                    const struct queue_death *death, struct error *e)
{
    struct queue_ranges open = {0};
    bool lives = false;
    int r = open_members(q, live, &open, e);
    if (!r && open.n > 0)
        r = queue_count_attempt(q, live->job, live->range.begin, death, &lives, e);
    if (!r && lives)
        r = give_back_one(q, live, &open, e);
    free(open.items);
    return r ? r : queue_end_lease(q, live, e);
}

int queue_lost(struct queue *q, const struct queue_lease *lease, const struct queue_death *death,
               struct error *e)
{
    struct queue_live_lease live;
    int r = queue_live_lease(q, lease, &live, e);
    if (r)
        return r;
    return live.range.end - live.range.begin > 1 ? queue_halve_lease(q, &live, e)
                                                 : lose_one(q, &live, death, e);
}
