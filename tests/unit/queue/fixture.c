/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECK 1
#endif
#endif
#ifdef HAS_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#endif

struct queue_options options_of(const struct fixture *f)
{
    return (struct queue_options){.path = f->path, .root = "/stores", .all_seen = true};
}

void fixture_open(struct fixture *f)
{
    strcpy(f->directory, "/tmp/simlab-queue-XXXXXX");
    cr_assert(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/queue.db", f->directory);
    struct error e = {0};
    struct queue_options o = options_of(f);
    expect_ok(queue_open(&o, &f->q, &e), &e);
}

static bool pinned(void *userdata, int64_t job)
{
    (void)userdata;
    (void)job;
    return true;
}

void fixture_reopen_with(struct fixture *f, const struct queue_options *o)
{
    struct error e = {0};
    bool all;
    json_t *none = json_object();
    f->q = queue_close(f->q);
    expect_ok(queue_open(o, &f->q, &e), &e);
    expect_ok(queue_pin_unpinned(f->q, none, pinned, NULL, &all, &e), &e);
    json_decref(none);
}

void fixture_reopen(struct fixture *f)
{
    struct queue_options o = options_of(f);
    fixture_reopen_with(f, &o);
}

void fixture_close(struct fixture *f)
{
    f->q = queue_close(f->q);
    cr_assert_eq(file_remove_tree(f->directory), 0);
#ifdef HAS_LEAK_CHECK
    cr_assert_eq(__lsan_do_recoverable_leak_check(), 0);
#endif
}

void expect_ok(int r, const struct error *e)
{
    cr_assert_eq(r, 0, "%d: %s", r, e->message);
}

static char *waiting(struct queue *q, int64_t id)
{
    struct queue_job j;
    struct error e = {0};
    expect_ok(queue_job(q, id, &j, &e), &e);
    char *text = j.waiting;
    j.waiting = NULL;
    queue_job_clear(&j);
    return text;
}

void expect_waiting(struct queue *q, int64_t id, const char *expected)
{
    char *text = waiting(q, id);
    cr_expect_str_eq(text ? text : "(nothing)", expected);
    free(text);
}

void fixture_commit(struct fixture *f)
{
    struct error e = {0};
    expect_ok(queue_commit(f->q, &e), &e);
}

struct queue_submission submission_of(int64_t members)
{
    return (struct queue_submission){.document = "{\"model\":\"m\"}",
                                     .document_hash = "hash-of-document",
                                     .model_hash = "hash-of-model",
                                     .members = members,
                                     .max_attempts = 3,
                                     .member_timeout = 1.5};
}

int64_t submit(struct queue *q, int64_t members)
{
    struct queue_submission s = submission_of(members);
    struct error e = {0};
    int64_t id;
    bool existed;
    expect_ok(queue_submit(q, &s, &id, &existed, &e), &e);
    cr_assert(!existed);
    return id;
}

struct queue_lease lease(struct queue *q, int64_t job, int64_t want, int64_t align)
{
    struct queue_lease l;
    struct error e = {0};
    expect_ok(queue_lease(q, job, "worker", want, align, &l, &e), &e);
    cr_assert_eq(l.job, job);
    return l;
}

int64_t submit_with_layout(struct queue *q, int64_t members)
{
    int64_t job = submit(q, members);
    struct queue_lease l = lease(q, job, 100, 1);
    struct error e = {0};
    expect_ok(queue_add_layout(q, &l, 0, "{}", &e), &e);
    expect_ok(queue_done(q, &l, 0, 1, &e), &e);
    expect_ok(queue_release(q, &l, &e), &e);
    return job;
}

int64_t next_job(struct queue *q)
{
    struct error e = {0};
    int64_t job = 0;
    int r = queue_next_job(q, 0, &job, &e);
    if (r != QUEUE_NO_SUCH)
        expect_ok(r, &e);
    return job;
}

bool is_complete(struct queue *q, int64_t job)
{
    struct error e = {0};
    struct queue_outline o;
    expect_ok(queue_outline(q, job, &o, &e), &e);
    return o.is_complete;
}

enum job_state state_of(struct queue *q, int64_t job)
{
    struct queue_job j;
    struct error e = {0};
    expect_ok(queue_job(q, job, &j, &e), &e);
    enum job_state state = j.state;
    queue_job_clear(&j);
    return state;
}

const char *event_kinds(struct queue *q, int64_t job)
{
    static char kinds[1000];
    kinds[0] = '\0';
    json_t *page, *event;
    size_t i;
    struct error e = {0};
    expect_ok(queue_events(q, job, 0, 100, &page, &e), &e);
    json_array_foreach(page, i, event)
    {
        strcat(kinds, i ? " " : "");
        strcat(kinds, json_string_value(json_object_get(event, "kind")));
    }
    json_decref(page);
    return kinds;
}

/* ---- invariants ---- */

static sqlite3_stmt *query(struct queue *q, const char *sql, int64_t job)
{
    sqlite3_stmt *s;
    cr_assert_eq(sqlite3_prepare_v2(q->database.connection, sql, -1, &s, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(q->database.connection));
    sqlite3_bind_int64(s, 1, job);
    return s;
}

/* What a row says of each member, one bit per kind of row. */
enum { LEASED = 6, BEYOND_FRONTIER = 7 };

static void mark(unsigned char *marks, int64_t members, int64_t begin, int64_t end, int kind)
{
    cr_assert(0 <= begin && begin < end && end <= members, "a row of [%" PRId64 ", %" PRId64 ")",
              begin, end);
    for (int64_t m = begin; m < end; m++) {
        cr_assert(!(marks[m] & 1 << kind), "member %" PRId64 " is twice in rows of kind %d", m,
                  kind);
        marks[m] |= (unsigned char)(1 << kind);
    }
}

static void mark_ranges(struct queue *q, int64_t job, int64_t members, unsigned char *marks)
{
    sqlite3_stmt *s = query(q,
                            "SELECT state, begin, end, attempts, coalesce(reason, '') FROM "
                            "member_range WHERE job = ?1 ORDER BY state, begin",
                            job);
    int64_t state = -1, end = -1, attempts = -1;
    char *reason = mem_strdup("");
    while (sqlite3_step(s) == SQLITE_ROW) {
        bool alike = sqlite3_column_int64(s, 0) == state && state != RANGE_CUT &&
                     state != RANGE_ALONE && state != RANGE_RESTING &&
                     sqlite3_column_int64(s, 3) == attempts &&
                     strcmp(reason, database_text(s, 4)) == 0;
        cr_assert(!alike || sqlite3_column_int64(s, 1) != end,
                  "neighbours in state %d are not one row", (int)state);
        state = sqlite3_column_int64(s, 0);
        end = sqlite3_column_int64(s, 2);
        attempts = sqlite3_column_int64(s, 3);
        cr_assert_eq(state == RANGE_DEAD, attempts > 0);
        free(reason);
        reason = database_new_text(s, 4);
        mark(marks, members, sqlite3_column_int64(s, 1), end, (int)state);
    }
    free(reason);
    sqlite3_finalize(s);
}

static void mark_leases(struct queue *q, int64_t job, int64_t members, unsigned char *marks)
{
    sqlite3_stmt *s = query(q, "SELECT begin, end FROM lease WHERE job = ?1", job);
    while (sqlite3_step(s) == SQLITE_ROW)
        mark(marks, members, sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1), LEASED);
    sqlite3_finalize(s);
}

static int count_bits(unsigned char mask)
{
    return __builtin_popcount(mask);
}

static void check_job(struct queue *q, int64_t job)
{
    struct queue_counts c;
    struct error e = {0};
    expect_ok(queue_counts(q, job, &c, &e), &e);
    bool live = !job_state_is_final(c.state);
    unsigned char *marks = mem_new((size_t)c.members);
    mark_ranges(q, job, c.members, marks);
    mark_leases(q, job, c.members, marks);
    if (live && c.frontier < c.members)
        mark(marks, c.members, c.frontier, c.members, BEYOND_FRONTIER);
    int64_t counts[8] = {0};
    for (int64_t m = 0; m < c.members; m++) {
        unsigned char kinds = marks[m];
        for (int kind = 0; kind < 8; kind++)
            counts[kind] += kinds >> kind & 1;
        if (kinds & (1 << RANGE_DONE | 1 << RANGE_DEAD))
            kinds &= (unsigned char)~(1 << LEASED); /* finished, its lease goes on */
        cr_assert_leq(count_bits(kinds), 1, "member %" PRId64 " of job %" PRId64 ": %x", m, job,
                      kinds);
        cr_assert(!live || kinds, "member %" PRId64 " of job %" PRId64 " is lost", m, job);
    }
    free(marks);
    cr_assert_eq(c.done, counts[RANGE_DONE]);
    cr_assert_eq(c.dead, counts[RANGE_DEAD]);
    cr_assert_eq(c.free, counts[RANGE_FREE] + counts[RANGE_CUT] + counts[RANGE_ALONE] +
                             counts[RANGE_RESTING] + counts[BEYOND_FRONTIER]);
    cr_assert_eq(c.resting, counts[RANGE_RESTING]);
    cr_assert_eq(c.suspects, counts[RANGE_ALONE]);
    cr_assert(live || counts[LEASED] == 0);
    cr_assert(c.state != JOB_SUCCEEDED || c.done == c.members);
    cr_assert(c.state != JOB_PARTIAL || (c.dead > 0 && c.done > 0));
    cr_assert((c.state != JOB_PARTIAL && c.state != JOB_SUCCEEDED) || c.done + c.dead == c.members);
    cr_assert(c.state != JOB_QUEUED || c.free == c.members);
}

static void check_fences(struct queue *q)
{
    sqlite3_stmt *s = query(q,
                            "SELECT ifnull(max(fence), 0), (SELECT reserved FROM fence) "
                            "FROM lease",
                            0);
    cr_assert_eq(sqlite3_step(s), SQLITE_ROW);
    int64_t greatest = sqlite3_column_int64(s, 0), reserved = sqlite3_column_int64(s, 1);
    sqlite3_finalize(s);
    cr_assert_leq(greatest, reserved);
    cr_assert_leq(greatest, q->last_fence);
}

/* A state is moved to by the table, and each move is one event. */
static void check_moves(struct queue *q, int64_t job)
{
    sqlite3_stmt *s = query(q, "SELECT kind FROM event WHERE job = ?1 ORDER BY id", job);
    int at = -1, progress = 0;
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *kind = database_text(s, 0);
        enum job_state to;
        progress += strcmp(kind, "progress") == 0;
        if (!job_state_from_name(kind, &to))
            continue;
        cr_assert(at < 0 ? to == JOB_QUEUED : job_state_may_move((enum job_state)at, to));
        at = (int)to;
    }
    sqlite3_finalize(s);
    cr_assert_eq(at, (int)state_of(q, job));
    cr_assert_leq(progress, 1);
}

void check_invariants(struct queue *q)
{
    sqlite3_stmt *s = query(q, "SELECT id FROM job WHERE id > ?1", 0);
    while (sqlite3_step(s) == SQLITE_ROW) {
        check_job(q, sqlite3_column_int64(s, 0));
        check_moves(q, sqlite3_column_int64(s, 0));
    }
    sqlite3_finalize(s);
    check_fences(q);
}
