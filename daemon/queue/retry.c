/* SPDX-License-Identifier: Apache-2.0 */
/* A job that has ended goes on: what is dead, missing or damaged of it is free again. */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ATTEMPTS_KEPT = 10000 }; /* of so many members that were dead */

struct retry {
    struct queue *q;
    const struct queue_retry *how;
    struct queue_counts counts;
    bool sync_left;
    int64_t started;
    char *store, *model_hash; /* the store as its row says it */
    struct queue_ranges kept, open, dead;
};

static void clear(struct retry *y)
{
    free(y->store);
    free(y->model_hash);
    free(y->kept.items);
    free(y->open.items);
    free(y->dead.items);
}

/* ---- which members ---- */

/* The members of [0, members) that are in none of `done`. */
static void complement(const struct queue_ranges *done, int64_t members, struct queue_ranges *ret)
{
    int64_t from = 0;
    for (size_t i = 0; i < done->n; i++) {
        queue_ranges_add(ret, from, done->items[i].begin);
        from = done->items[i].end;
    }
    queue_ranges_add(ret, from, members);
}

/* `done` without the damaged ones. */
static void subtract(const struct queue_ranges *done, const struct queue_retry *how,
                     struct queue_ranges *ret)
{
    size_t at = 0;
    for (size_t i = 0; i < done->n; i++) {
        int64_t from = done->items[i].begin, end = done->items[i].end;
        while (at < how->n_damaged && how->damaged[at][1] <= from)
            at++;
        for (size_t k = at; k < how->n_damaged && how->damaged[k][0] < end; k++) {
            queue_ranges_add(ret, from, how->damaged[k][0]);
            from = how->damaged[k][1] > from ? how->damaged[k][1] : from;
        }
        queue_ranges_add(ret, from, end);
    }
}

static int check_damaged(const struct retry *y, struct error *e)
{
    int64_t upto = 0, members = y->counts.members;
    for (size_t i = 0; i < y->how->n_damaged; i++) {
        const int64_t *range = y->how->damaged[i];
        if (range[0] < upto || range[1] <= range[0] || range[1] > members)
            return error_set(e, QUEUE_INVALID, "/damaged",
                             "[%" PRId64 ", %" PRId64 "] should be members [begin, end) of the "
                             "job's %" PRId64 ", ascending",
                             range[0], range[1], members);
        upto = range[1];
    }
    return 0;
}

static int find_members(struct retry *y, struct error *e)
{
    struct queue_ranges done = {0};
    int r = check_damaged(y, e);
    if (!r)
        r = queue_ranges_of(y->q, y->counts.id, RANGE_DONE, &done, e);
    if (!r)
        r = queue_ranges_of(y->q, y->counts.id, RANGE_DEAD, &y->dead, e);
    if (!r)
        subtract(&done, y->how, &y->kept);
    if (!r)
        complement(&y->kept, y->counts.members, &y->open);
    free(done.items);
    return r;
}

/* ---- whether it may be ---- */

static int read_job(struct retry *y, int64_t job, struct error *e)
{
    sqlite3_stmt *s;
    int r = queue_counts(y->q, job, &y->counts, e);
    if (!r)
        r = database_row(&y->q->database, e, &s, STATEMENT_JOB_RETRY_GET, INTEGER(job));
    if (r)
        return r;
    y->sync_left = sqlite3_column_int(s, 0);
    y->started = sqlite3_column_int64(s, 1);
    y->store = database_new_text(s, 2);
    y->model_hash = database_new_text(s, 3);
    database_end(s);
    return 0;
}

static int check_state(const struct retry *y, struct error *e)
{
    const struct queue_counts *c = &y->counts;
    if (!job_state_is_final(c->state))
        return error_set(e, QUEUE_REFUSED, NULL,
                         "job %" PRId64 " is %s: it can be retried once it has ended", c->id,
                         job_state_name(c->state));
    if (c->state == JOB_SUCCEEDED && y->open.n == 0 && !y->how->repairs)
        return error_set(e, QUEUE_REFUSED, NULL,
                         "all members of job %" PRId64 " are done: there is nothing to retry",
                         c->id);
    if (y->sync_left)
        return error_set(e, QUEUE_BUSY, NULL,
                         "job %" PRId64 " has just ended: its locks are being removed; try again",
                         c->id);
    return 0;
}

int queue_later_store(struct queue *q, int64_t job, const char *store, int64_t *ret_later,
                      struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_LATER_STORE, TEXT(store), INTEGER(job));
    *ret_later = 0;
    if (r)
        return r == QUEUE_NO_SUCH ? 0 : r;
    *ret_later = sqlite3_column_int64(s, 0);
    database_end(s);
    return 0;
}

int queue_check_store_is_kept(struct queue *q, int64_t job, const char *store, struct error *e)
{
    int64_t other = 0;
    bool sync_left, is_removing;
    int r = queue_removal_of(q, job, &sync_left, &is_removing, e);
    if (!r && is_removing)
        r = error_set(e, QUEUE_REFUSED, NULL, "job %" PRId64 " is being removed", job);
    if (!r)
        r = queue_later_store(q, job, store, &other, e);
    if (r || other == 0)
        return r;
    return error_set(e, QUEUE_REFUSED, NULL,
                     "the store of job %" PRId64 ", %s, was given to job %" PRId64
                     ": submit the job again",
                     job, store, other);
}

static int read_fenced(struct queue *q, int64_t job, int64_t **ret, size_t *ret_n, struct error *e)
{
    sqlite3_stmt *s;
    size_t capacity = 0;
    int r = database_rows(&q->database, e, &s, STATEMENT_FENCED_LIST, INTEGER(job));
    for (; !r; r = database_next(&q->database, e, s)) {
        *ret = mem_grow(*ret, *ret_n, &capacity, sizeof **ret);
        (*ret)[(*ret_n)++] = sqlite3_column_int64(s, 0);
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}

int queue_claim_again(struct queue *q, const struct queue_counts *c, const char *store,
                      const char *model_hash, const struct queue_retry *how, struct error *e)
{
    int64_t *fenced = NULL;
    size_t n_fenced = 0;
    int r = how->claim ? read_fenced(q, c->id, &fenced, &n_fenced, e) : 0;
    if (r == 0 && how->claim) {
        char *path = queue_absolute_store(q, store);
        const struct queue_retry_store again = {.path = path,
                                                .model_hash = model_hash,
                                                .has_members = c->done > 0,
                                                .repairs = how->repairs || how->n_damaged > 0,
                                                .fenced = fenced,
                                                .n_fenced = n_fenced};
        r = how->claim(how->userdata, c->id, &again, e);
        free(path);
    }
    free(fenced);
    return r;
}

/* ---- what changes ---- */

static int remember_attempts(const struct retry *y, int64_t member, struct error *e)
{
    sqlite3_stmt *s;
    int64_t job = y->counts.id;
    int r = database_row(&y->q->database, e, &s, STATEMENT_RANGE_BEFORE, INTEGER(job),
                         INTEGER(RANGE_DEAD), INTEGER(member + 1), INTEGER(1));
    if (r)
        return r;
    struct queue_attempts a = {.earlier = sqlite3_column_int64(s, 2)};
    database_end(s);
    return queue_attempts_set(y->q, job, member, &a, e);
}

static int remember_all_attempts(const struct retry *y, struct error *e)
{
    int r = 0, n = 0;
    for (size_t i = 0; i < y->dead.n && !r; i++)
        for (int64_t m = y->dead.items[i].begin;
             m < y->dead.items[i].end && n < ATTEMPTS_KEPT && !r; m++, n++)
            r = remember_attempts(y, m, e);
    return r;
}

/* What is open up to the end is no row, but beyond the frontier. */
static int put_ranges(const struct retry *y, int64_t *ret_frontier, struct error *e)
{
    int64_t job = y->counts.id, members = y->counts.members;
    const struct queue_ranges *open = &y->open;
    bool is_behind = open->n > 0 && open->items[open->n - 1].end == members;
    size_t n_rows = open->n - is_behind;
    int r = database_run(&y->q->database, e, STATEMENT_RANGE_REMOVE_JOB, INTEGER(job));
    for (size_t i = 0; i < y->kept.n && !r; i++)
        r = queue_range_add(y->q, job, RANGE_DONE, y->kept.items[i].begin, y->kept.items[i].end, e);
    for (size_t i = 0; i < n_rows && !r; i++)
        r = queue_range_add(y->q, job, RANGE_FREE, open->items[i].begin, open->items[i].end, e);
    *ret_frontier = is_behind ? open->items[open->n - 1].begin : members;
    return r;
}

/* Without a member that is done, it is as if none had run. */
static int forget_layout(const struct retry *y, struct error *e)
{
    struct database *d = &y->q->database;
    int r = database_run(d, e, STATEMENT_JOB_LAYOUT, INTEGER(y->counts.id), TEXT(NULL));
    return r ? r : database_run(d, e, STATEMENT_JOB_NO_LAYOUT, INTEGER(y->counts.id));
}

static int keep(const struct retry *y, struct error *e)
{
    char *kept = queue_ranges_text(&y->kept);
    int r = database_run(&y->q->database, e, STATEMENT_JOB_KEEP, INTEGER(y->counts.id), TEXT(kept));
    free(kept);
    return r;
}

/* Its end is taken back; all that was told before it stays. */
static int tell(const struct retry *y, int64_t open, struct error *e)
{
    int r = database_run(&y->q->database, e, STATEMENT_EVENT_REMOVE_END, INTEGER(y->counts.id));
    if (r)
        return r;
    char *data = mem_printf("{\"members\":%" PRId64 "}", open);
    r = queue_event_add(y->q, y->counts.id, "retried", data, e);
    free(data);
    return r;
}

static int reopen(const struct retry *y, struct error *e)
{
    int64_t job = y->counts.id, frontier = 0, open = queue_ranges_members(&y->open);
    int64_t done = queue_ranges_members(&y->kept);
    enum job_state state = y->started ? JOB_RUNNING : JOB_QUEUED;
    int r = remember_all_attempts(y, e);
    if (!r)
        r = put_ranges(y, &frontier, e);
    if (!r)
        r = database_run(&y->q->database, e, STATEMENT_JOB_REOPEN, INTEGER(job), INTEGER(state),
                         INTEGER(done), INTEGER(open), INTEGER(frontier),
                         INTEGER(y->how->repairs || y->how->n_damaged > 0));
    if (!r && done == 0)
        r = forget_layout(y, e);
    if (!r)
        r = keep(y, e);
    live_touch(y->q, job);
    return r ? r : tell(y, open, e);
}

int queue_retry(struct queue *q, int64_t job, const struct queue_retry *how, struct error *e)
{
    struct retry y = {.q = q, .how = how};
    int r = read_job(&y, job, e);
    if (!r)
        r = find_members(&y, e);
    if (!r)
        r = check_state(&y, e);
    if (!r)
        r = queue_check_store_is_kept(q, job, y.store, e);
    if (!r)
        r = queue_claim_again(q, &y.counts, y.store, y.model_hash, how, e);
    if (!r)
        r = reopen(&y, e);
    clear(&y);
    return r;
}

int queue_job_kept(struct queue *q, int64_t job, char **ret_kept, bool *ret_repairs,
                   struct error *e)
{
    sqlite3_stmt *s;
    int r = database_row(&q->database, e, &s, STATEMENT_JOB_REPAIRS, INTEGER(job));
    if (r)
        return r == QUEUE_NO_SUCH ? queue_no_such_job(e, job) : r;
    bool repairs = sqlite3_column_int(s, 0);
    database_end(s);
    r = database_row(&q->database, e, &s, STATEMENT_JOB_KEPT, INTEGER(job));
    if (r)
        return r == QUEUE_NO_SUCH ? queue_no_such_job(e, job) : r;
    char *kept = database_new_text(s, 0);
    database_end(s);
    *ret_kept = kept ? kept : mem_strdup("[]");
    *ret_repairs = repairs;
    return 0;
}
