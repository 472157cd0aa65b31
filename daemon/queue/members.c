/* SPDX-License-Identifier: Apache-2.0 */
/* Members as people see them. */
#include "queue/queue_internal.h"

/* Adds the members of one row of dead ones, from `from` on, up to `limit` in all. */
static void append_dead(json_t *page, sqlite3_stmt *s, int64_t from, size_t limit)
{
    int64_t begin = sqlite3_column_int64(s, 0), end = sqlite3_column_int64(s, 1);
    for (int64_t m = begin > from ? begin : from; m < end && json_array_size(page) < limit; m++)
        json_array_append_new(page, json_pack("{s:I, s:I, s:s, s:s}", "member", (json_int_t)m,
                                              "attempts", (json_int_t)sqlite3_column_int64(s, 2),
                                              "state", "dead", "reason", database_text(s, 3)));
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
