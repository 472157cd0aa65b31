/* SPDX-License-Identifier: Apache-2.0 */
/* Members as people see them. */
#include "queue/queue_internal.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/position.h"

#include <stdlib.h>
#include <string.h>

const char *queue_cause_name(enum queue_cause cause)
{
    static const char *const names[] = {
#define X(name, word) word,
        QUEUE_CAUSES(X)
#undef X
    };
    return (unsigned)cause < sizeof names / sizeof *names ? names[cause] : names[0];
}

/* ---- those that are dead ---- */

/* What all members of a row share. */
static json_t *row_to_json(sqlite3_stmt *s)
{
    struct position_words at;
    const char *reason = database_text(s, 3), *log = database_text(s, 5);
    json_t *row =
        json_pack("{s:I, s:s, s:s, s:s?}", "attempts", (json_int_t)sqlite3_column_int64(s, 2),
                  "state", "dead", "cause",
                  queue_cause_name((enum queue_cause)sqlite3_column_int(s, 4)), "reason", reason);
    mem_assert(row);
    if (reason && position_read(reason, &at)) {
        json_object_set_new(row, "process", json_string(at.process));
        json_object_set_new(row, "type", json_string(at.type));
        json_object_set_new(row, "stage", json_string(at.function));
        if (at.step >= 0)
            json_object_set_new(row, "step", json_integer(at.step));
    }
    if (log)
        json_object_set_new(row, "log", json_loads(log, 0, NULL));
    return row;
}

/* Adds the members of one row of dead ones, from `from` on, up to `limit` in all. */
static void append_dead(json_t *page, sqlite3_stmt *s, int64_t from, size_t limit)
{
    int64_t begin = sqlite3_column_int64(s, 0), end = sqlite3_column_int64(s, 1);
    json_t *row = row_to_json(s);
    for (int64_t m = begin > from ? begin : from; m < end && json_array_size(page) < limit; m++) {
        json_t *member = json_copy(row);
        json_object_set_new(member, "member", json_integer(m));
        json_array_append_new(page, member);
    }
    json_decref(row);
}

/* The rows that `id` finds from member `from` on. */
static int append_rows(struct queue *q, enum database_statement id, int64_t job, int64_t from,
                       int limit, json_t *page, struct error *e)
{
    size_t most = limit > 0 ? (size_t)limit : 0;
    sqlite3_stmt *s;
    int rows = id == STATEMENT_RANGE_BEFORE ? 1 : limit;
    int r = database_rows(&q->database, e, &s, id, INTEGER(job), INTEGER(RANGE_DEAD), INTEGER(from),
                          INTEGER(rows));
    for (; !r && json_array_size(page) < most; r = database_next(&q->database, e, s))
        append_dead(page, s, from, most);
    if (!r)
        database_end(s);
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int queue_members(struct queue *q, int64_t job, int64_t after, int limit, json_t **ret_page,
                  struct error *e)
{
    struct queue_counts c;
    int r = queue_counts(q, job, &c, e);
    if (r)
        return r;
    if (after < -1)
        after = -1;
    int64_t from = after < c.members ? after + 1 : c.members;
    json_t *page = json_array();
    r = append_rows(q, STATEMENT_RANGE_BEFORE, job, from, limit, page, e);
    if (!r)
        r = append_rows(q, STATEMENT_RANGE_FROM, job, from, limit, page, e);
    if (r) {
        json_decref(page);
        return r;
    }
    *ret_page = page;
    return 0;
}

/* ---- all of them ---- */

enum view { VIEW_DONE, VIEW_DEAD, VIEW_LEASED, VIEW_RESTING, VIEW_REST, VIEWS };

struct views {
    struct queue_ranges of[VIEW_REST];
    size_t at[VIEW_REST];
};

static int read_leases(struct queue *q, int64_t job, struct queue_ranges *ret, struct error *e)
{
    sqlite3_stmt *s;
    int r = database_rows(&q->database, e, &s, STATEMENT_LEASE_RANGES, INTEGER(job));
    for (; !r; r = database_next(&q->database, e, s))
        queue_ranges_add(ret, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1));
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static int by_begin(const void *a, const void *b)
{
    const struct queue_range *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* What member `m` is, and up to where all are that. Done and dead ones may be leased, too. */
static enum view look(struct views *v, int64_t m, int64_t members, int64_t *ret_end)
{
    enum view found = VIEW_REST;
    *ret_end = members;
    for (int i = 0; i < VIEW_REST; i++) {
        const struct queue_ranges *ranges = &v->of[i];
        size_t *at = &v->at[i];
        while (*at < ranges->n && ranges->items[*at].end <= m)
            (*at)++;
        if (*at == ranges->n || found != VIEW_REST)
            continue;
        const struct queue_range *range = &ranges->items[*at];
        bool is_in = range->begin <= m;
        int64_t end = is_in ? range->end : range->begin;
        found = is_in ? (enum view)i : found;
        *ret_end = end < *ret_end ? end : *ret_end;
    }
    return found;
}

/* Joined with what stands last, where that is alike and does not rest. False where there is no
 * room. */
static bool append_range(json_t *page, int64_t begin, int64_t end, const char *state, size_t most)
{
    json_t *last = json_array_get(page, json_array_size(page) - 1);
    const char *was = json_string_value(json_object_get(last, "state"));
    if (was && !strcmp(was, state) && strcmp(state, "resting") != 0) {
        json_object_set_new(last, "end", json_integer(end));
        return true;
    }
    if (json_array_size(page) >= most)
        return false;
    json_array_append_new(page, json_pack("{s:I, s:I, s:s}", "begin", (json_int_t)begin, "end",
                                          (json_int_t)end, "state", state));
    return true;
}

/* What is known of the member that the page ends with, which rests. */
static int add_rest(struct queue *q, int64_t job, int64_t member, json_t *page, struct error *e)
{
    struct queue_attempts a;
    json_t *range = json_array_get(page, json_array_size(page) - 1);
    int r = queue_attempts(q, job, member, &a, e);
    if (r)
        return r;
    json_object_set_new(range, "attempts", json_integer(a.earlier + a.attempts));
    json_object_set_new(range, "next_try", json_time(queue_rest_unix(q, a.rests_until)));
    return 0;
}

static int read_views(struct queue *q, int64_t job, struct views *v, struct error *e)
{
    int r = queue_ranges_of(q, job, RANGE_DONE, &v->of[VIEW_DONE], e);
    if (!r)
        r = queue_ranges_of(q, job, RANGE_DEAD, &v->of[VIEW_DEAD], e);
    if (!r)
        r = read_leases(q, job, &v->of[VIEW_LEASED], e);
    if (!r)
        r = queue_ranges_of(q, job, RANGE_RESTING, &v->of[VIEW_RESTING], e);
    struct queue_ranges *leased = &v->of[VIEW_LEASED];
    if (leased->n > 0)
        qsort(leased->items, leased->n, sizeof *leased->items, by_begin);
    return r;
}

int queue_member_ranges(struct queue *q, int64_t job, int64_t from, int limit, json_t **ret_page,
                        struct error *e)
{
    static const char *const words[VIEWS] = {"done", "dead", "leased", "resting", "waiting"};
    struct queue_counts c;
    struct views v = {0};
    int r = queue_counts(q, job, &c, e);
    if (!r)
        r = read_views(q, job, &v, e);
    json_t *page = json_array();
    for (int64_t m = from > 0 ? from : 0, end; !r && m < c.members; m = end) {
        enum view view = look(&v, m, c.members, &end);
        bool is_missing = view == VIEW_REST && job_state_is_final(c.state);
        if (!append_range(page, m, end, is_missing ? "missing" : words[view], (size_t)limit))
            break;
        if (view == VIEW_RESTING)
            r = add_rest(q, job, m, page, e);
    }
    for (int i = 0; i < VIEW_REST; i++)
        free(v.of[i].items);
    if (r) {
        json_decref(page);
        return r;
    }
    *ret_page = page;
    return 0;
}
