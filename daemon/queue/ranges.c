/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of members. */
#include "queue/queue_internal.h"

#include "base/buffer.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void queue_ranges_add(struct queue_ranges *ranges, int64_t begin, int64_t end)
{
    if (begin >= end)
        return;
    ranges->items = mem_grow(ranges->items, ranges->n, &ranges->capacity, sizeof *ranges->items);
    ranges->items[ranges->n++] = (struct queue_range){begin, end};
}

int64_t queue_ranges_members(const struct queue_ranges *ranges)
{
    int64_t members = 0;
    for (size_t i = 0; i < ranges->n; i++)
        members += ranges->items[i].end - ranges->items[i].begin;
    return members;
}

/* ---- joining neighbours ---- */

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What a row says of its members. */
struct row {
    int64_t attempts;
    struct queue_death death;
};
static const struct row plain;

/* The row that `id` finds for ?1 job, ?2 state, ?3 at; *ret_alike: it says the same of its members.
 * QUEUE_NO_SUCH with `e` as it was. */
static int neighbour(struct queue *q, enum database_statement id, int64_t job,
                     enum range_state state, int64_t at, const struct row *row,
                     struct queue_range *ret, bool *ret_alike, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, id, INTEGER(job), INTEGER(state), INTEGER(at),
                         INTEGER(1));
    if (r)
        return r;
    *ret = (struct queue_range){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
    *ret_alike = sqlite3_column_int64(s, 2) == row->attempts &&
                 same_text(database_text(s, 3), row->death.reason) &&
                 sqlite3_column_int(s, 4) == (int)row->death.cause &&
                 same_text(database_text(s, 5), row->death.log);
    database_end(s);
    return 0;
}

static int add_row(struct queue *q, int64_t job, enum range_state state, int64_t begin, int64_t end,
                   const struct row *row, struct error *e)
{
    struct queue_range before = {0}, behind = {0};
    bool joins_before = false, joins_behind = false;
    int r = 0;
    if (state != RANGE_CUT && state != RANGE_ALONE && state != RANGE_RESTING) {
        r = neighbour(q, STATEMENT_RANGE_BEFORE, job, state, begin, row, &before, &joins_before, e);
        if (!r || r == QUEUE_NO_SUCH)
            r = neighbour(q, STATEMENT_RANGE_FROM, job, state, end, row, &behind, &joins_behind, e);
        if (r && r != QUEUE_NO_SUCH)
            return r;
        r = 0;
        joins_before = joins_before && before.end == begin;
        joins_behind = joins_behind && behind.begin == end;
    }
    if (joins_behind) {
        r = database_run(&q->database, e, STATEMENT_RANGE_REMOVE, INTEGER(job), INTEGER(state),
                         INTEGER(behind.begin));
        end = behind.end;
    }
    if (r)
        return r;
    if (joins_before)
        return database_run(&q->database, e, STATEMENT_RANGE_MOVE_END, INTEGER(job), INTEGER(state),
                            INTEGER(before.begin), INTEGER(end));
    return database_run(&q->database, e, STATEMENT_RANGE_ADD, INTEGER(job), INTEGER(state),
                        INTEGER(begin), INTEGER(end), INTEGER(row->attempts),
                        TEXT(row->death.reason), INTEGER(row->death.cause), TEXT(row->death.log));
}

int queue_range_add(struct queue *q, int64_t job, enum range_state state, int64_t begin,
                    int64_t end, struct error *e)
{
    return add_row(q, job, state, begin, end, &plain, e);
}

int queue_range_bury(struct queue *q, int64_t job, int64_t begin, int64_t end, int64_t attempts,
                     const struct queue_death *death, struct error *e)
{
    const struct row row = {attempts, *death};
    return add_row(q, job, RANGE_DEAD, begin, end, &row, e);
}

/* ---- reading ---- */

int queue_range_first(struct queue *q, int64_t job, enum range_state state, struct queue_range *ret,
                      struct error *e)
{
    bool alike;
    return neighbour(q, STATEMENT_RANGE_FROM, job, state, 0, &plain, ret, &alike, e);
}

int queue_range_last(struct queue *q, int64_t job, enum range_state state, struct queue_range *ret,
                     struct error *e)
{
    bool alike;
    return neighbour(q, STATEMENT_RANGE_BEFORE, job, state, INT64_MAX, &plain, ret, &alike, e);
}

/* Adds the parts of rows of this state that lie in [begin, end). */
static int collect(struct queue *q, int64_t job, enum range_state state, int64_t begin, int64_t end,
                   struct queue_ranges *ret, struct error *e)
{
    struct queue_range before;
    bool alike;
    int r = neighbour(q, STATEMENT_RANGE_BEFORE, job, state, begin, &plain, &before, &alike, e);
    if (!r)
        queue_ranges_add(ret, begin, before.end < end ? before.end : end);
    else if (r != QUEUE_NO_SUCH)
        return r;
    sqlite3_stmt *s;
    r = database_rows(&q->database, e, &s, STATEMENT_RANGE_FROM, INTEGER(job), INTEGER(state),
                      INTEGER(begin), INTEGER(-1));
    for (; !r; r = database_next(&q->database, e, s)) {
        int64_t row_begin = sqlite3_column_int64(s, 0), row_end = sqlite3_column_int64(s, 1);
        if (row_begin >= end) {
            database_end(s);
            return 0;
        }
        queue_ranges_add(ret, row_begin, row_end < end ? row_end : end);
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static int by_begin(const void *a, const void *b)
{
    const struct queue_range *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

int queue_range_unfinished(struct queue *q, int64_t job, int64_t begin, int64_t end,
                           struct queue_ranges *ret, struct error *e)
{
    struct queue_ranges finished = {0};
    int r = collect(q, job, RANGE_DONE, begin, end, &finished, e);
    if (!r)
        r = collect(q, job, RANGE_DEAD, begin, end, &finished, e);
    if (!r) {
        if (finished.n > 0)
            qsort(finished.items, finished.n, sizeof *finished.items, by_begin);
        for (size_t i = 0; i < finished.n; i++) {
            queue_ranges_add(ret, begin, finished.items[i].begin);
            begin = finished.items[i].end;
        }
        queue_ranges_add(ret, begin, end);
    }
    free(finished.items);
    return r;
}

int queue_range_finished(struct queue *q, int64_t job, int64_t begin, int64_t end,
                         bool *ret_finished, struct error *e)
{
    struct queue_ranges open = {0};
    int r = queue_range_unfinished(q, job, begin, end, &open, e);
    if (!r)
        *ret_finished = open.n == 0;
    free(open.items);
    return r;
}

int queue_ranges_of(struct queue *q, int64_t job, enum range_state state, struct queue_ranges *ret,
                    struct error *e)
{
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_RANGE_LIST, INTEGER(job), INTEGER(state));
    for (; !r; r = database_next(&q->database, e, s))
        queue_ranges_add(ret, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1));
    return r == QUEUE_NO_SUCH ? 0 : r;
}

char *queue_ranges_text(const struct queue_ranges *ranges)
{
    struct buffer text = {0};
    int64_t end = -1; /* of the range that is open in the text */
    for (size_t i = 0; i < ranges->n; i++) {
        const struct queue_range *range = &ranges->items[i];
        if (end >= 0 && range->begin != end)
            buffer_printf(&text, "%" PRId64 "],", end);
        if (range->begin != end)
            buffer_printf(&text, "[%" PRId64 ",", range->begin);
        end = range->end;
    }
    if (end >= 0)
        buffer_printf(&text, "%" PRId64 "]", end);
    char *list = mem_printf("[%s]", text.data ? text.data : "");
    buffer_free(&text);
    return list;
}

int queue_dead_ranges(struct queue *q, int64_t job, char **ret_ranges, struct error *e)
{
    struct queue_ranges dead = {0};
    int r = queue_ranges_of(q, job, RANGE_DEAD, &dead, e);
    if (!r)
        *ret_ranges = queue_ranges_text(&dead);
    free(dead.items);
    return r;
}
