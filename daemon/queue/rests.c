/* SPDX-License-Identifier: Apache-2.0 */
/* Members whose worker died rest before they are tried again, so that one which kills its workers
 * does not take them one after another. Until when is kept in the queue's own time: Unix time as it
 * was when the queue was opened, going on as loop_now does. A clock that is set does not change it;
 * where it was set between two opens, a rest may end at once, or last backoff_max_ms. */
#include "queue/queue_internal.h"

#include "base/clock.h"
#include "base/loop.h"

enum { DOUBLINGS_MAX = 40 };

static int64_t time_of(const struct queue *q, int64_t now)
{
    return q->epoch + now;
}

static int64_t delay_of(const struct queue *q, int64_t attempts)
{
    int64_t doublings = attempts > DOUBLINGS_MAX ? DOUBLINGS_MAX : attempts - 1;
    int64_t delay = q->backoff_ms;
    while (doublings-- > 0 && delay < q->backoff_max_ms)
        delay *= 2;
    return delay < q->backoff_max_ms ? delay : q->backoff_max_ms;
}

int queue_rest(struct queue *q, int64_t job, int64_t member, const struct queue_attempts *a,
               struct error *e)
{
    struct queue_attempts rests = *a;
    struct queue_range range = {member, member + 1};
    const struct queue_ranges ranges = {.items = &range, .n = 1};
    int64_t due = loop_now() + delay_of(q, a->attempts);
    if (q->backoff_ms == 0)
        return queue_give_back(q, job, &ranges, RANGE_CUT, e);
    rests.rests_until = time_of(q, due);
    int r = queue_attempts_set(q, job, member, &rests, e);
    if (!r)
        r = queue_give_back(q, job, &ranges, RANGE_RESTING, e);
    if (due < q->rest_due)
        q->rest_due = due;
    return r;
}

static int end_rest(struct queue *q, int64_t job, int64_t member, struct error *e)
{
    struct database *d = &q->database;
    int r = database_run(d, e, STATEMENT_REST_END, INTEGER(job), INTEGER(member));
    if (!r)
        r = database_run(d, e, STATEMENT_RANGE_REMOVE, INTEGER(job), INTEGER(RANGE_RESTING),
                         INTEGER(member));
    if (!r)
        r = queue_range_add(q, job, RANGE_CUT, member, member + 1, e);
    if (!r)
        r = database_run(d, e, STATEMENT_JOB_RESTING, INTEGER(job), INTEGER(-1));
    live_touch(q, job);
    return r;
}

/* Who rests for the shortest time from now on; QUEUE_NO_SUCH. */
static int first_rest(struct queue *q, int64_t *ret_job, int64_t *ret_member, int64_t *ret_until,
                      struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_REST_FIRST, INTEGER(1));
    if (r)
        return r;
    *ret_job = sqlite3_column_int64(s, 0);
    *ret_member = sqlite3_column_int64(s, 1);
    *ret_until = sqlite3_column_int64(s, 2);
    database_end(s);
    return 0;
}

int queue_end_rests(struct queue *q, int64_t now, int64_t *ret_due, struct error *e)
{
    int64_t job = 0, member = 0, until = 0;
    int r = 0;
    while (r == 0 && q->rest_due <= now) {
        r = first_rest(q, &job, &member, &until, e);
        if (r == 0 && until <= time_of(q, now))
            r = end_rest(q, job, member, e);
        else if (r == 0)
            q->rest_due = until - q->epoch;
    }
    if (r == QUEUE_NO_SUCH)
        q->rest_due = INT64_MAX;
    if (r && r != QUEUE_NO_SUCH)
        return r;
    *ret_due = q->rest_due;
    return 0;
}

int queue_rests_load(struct queue *q, const struct queue_options *o, struct error *e)
{
    q->backoff_ms = o->backoff_ms;
    q->backoff_max_ms = o->backoff_max_ms > o->backoff_ms ? o->backoff_max_ms : o->backoff_ms;
    q->epoch = clock_unix() - loop_now();
    return database_run(&q->database, e, STATEMENT_REST_BOUND,
                        INTEGER(time_of(q, loop_now()) + q->backoff_max_ms));
}

int64_t queue_rest_unix(const struct queue *q, int64_t rests_until)
{
    return rests_until - time_of(q, loop_now()) + clock_unix();
}
