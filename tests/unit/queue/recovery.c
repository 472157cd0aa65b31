/* SPDX-License-Identifier: Apache-2.0 */
/* What ran when the daemon died: invariant 6 of queue.h. */
#include "fixture.h"

#include <string.h>

static void expect_lease(const struct queue_lease *l, int64_t begin, int64_t end)
{
    cr_assert(l->begin == begin && l->end == end, "[%" PRId64 ", %" PRId64 ")", l->begin, l->end);
}

/* The daemon dies, and the next one finds what this worker said. */
static void die(struct fixture *f, const struct queue_lease *l, int64_t member)
{
    struct queue_options o = options_of(f);
    struct queue_sighting seen = {l->job, l->id, member};
    fixture_commit(f);
    o.sightings = &seen;
    o.n_sightings = 1;
    fixture_reopen_with(f, &o);
    fixture_commit(f);
    check_invariants(f->q);
}

static int64_t suspects(struct queue *q, int64_t job)
{
    struct queue_outline o;
    struct error e = {0};
    expect_ok(queue_outline(q, job, &o, &e), &e);
    return o.suspects;
}

static struct queue_lease lease_alone(struct queue *q, int64_t job, int64_t member,
                                      int64_t suspicion)
{
    struct queue_lease l;
    struct error e = {0};
    int64_t said = 0;
    expect_ok(queue_lease_alone(q, job, "worker", &l, &said, &e), &e);
    expect_lease(&l, member, member + 1);
    cr_assert_eq(said, suspicion);
    return l;
}

Test(recovery, a_member_that_takes_the_daemon_down_dies_alone)
{
    struct fixture f;
    struct error e = {0};
    struct queue_lease none;
    json_t *page;
    int64_t said;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 100); /* three attempts */
    struct queue_lease l = lease(f.q, job, 20, 1);
    die(&f, &l, 7);
    cr_expect_eq(suspects(f.q, job), 0, "once is no suspicion");
    cr_expect_eq(queue_lease_alone(f.q, job, "w", &none, &said, &e), QUEUE_NO_SUCH);
    l = lease(f.q, job, 20, 1);
    expect_lease(&l, 1, 21);
    die(&f, &l, 7);
    cr_expect_eq(suspects(f.q, job), 1);
    l = lease(f.q, job, 20, 1);
    expect_lease(&l, 1, 7);
    l = lease(f.q, job, 20, 1);
    expect_lease(&l, 8, 28);
    fixture_commit(&f);
    fixture_reopen(&f);
    for (int attempt = 0; attempt < 3; attempt++) {
        cr_expect_eq(suspects(f.q, job), 1);
        l = lease_alone(f.q, job, 7, 2 + attempt);
        cr_expect_eq(suspects(f.q, job), 0);
        die(&f, &l, 7);
    }
    cr_expect_eq(suspects(f.q, job), 0);
    expect_ok(queue_members(f.q, job, -1, 10, &page, &e), &e);
    cr_assert_eq(json_array_size(page), 1);
    const json_t *dead = json_array_get(page, 0);
    cr_expect_eq(json_integer_value(json_object_get(dead, "member")), 7);
    cr_expect_eq(json_integer_value(json_object_get(dead, "attempts")), 3);
    cr_expect_str_eq(json_string_value(json_object_get(dead, "reason")),
                     "the daemon died 5 times while this member ran, at last while nothing else "
                     "did");
    json_decref(page);
    l = lease(f.q, job, 100, 1);
    expect_lease(&l, 1, 7);
    l = lease(f.q, job, 100, 1);
    expect_lease(&l, 8, 100);
    fixture_close(&f);
}

Test(recovery, beside_others_no_attempt_is_counted)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 100), other = submit_with_layout(f.q, 10);
    struct queue_lease l = lease(f.q, job, 1, 1);
    die(&f, &l, 1);
    l = lease(f.q, job, 1, 1);
    die(&f, &l, 1);
    for (int i = 0; i < 20; i++) {
        l = lease_alone(f.q, job, 1, 2 + i);
        lease(f.q, other, 1, 1); /* it has outlived its time alone */
        die(&f, &l, 1);
    }
    struct queue_attempts a;
    struct error e = {0};
    expect_ok(queue_attempts(f.q, job, 1, &a, &e), &e);
    cr_expect(a.attempts == 0 && a.suspicion == 22);
    l = lease_alone(f.q, job, 1, 22);
    expect_ok(queue_done(f.q, &l, 1, 2, &e), &e);
    expect_ok(queue_attempts(f.q, job, 1, &a, &e), &e);
    cr_expect(a.attempts == 0 && a.suspicion == 0, "it is forgotten");
    fixture_close(&f);
}

Test(recovery, an_orderly_stop_suspects_nobody)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit(f.q, 1);
    for (int i = 0; i < 5; i++) {
        struct queue_lease l = lease(f.q, job, 1, 1);
        fixture_commit(&f);
        expect_ok(queue_stop(f.q, &e), &e);
        die(&f, &l, 0);
        cr_expect_eq(suspects(f.q, job), 0);
    }
    fixture_close(&f);
}

Test(recovery, nor_does_a_machine_that_goes_down)
{
    struct fixture f;
    fixture_open(&f);
    int64_t job = submit(f.q, 1);
    for (int i = 0; i < 5; i++) {
        struct queue_lease l = lease(f.q, job, 1, 1);
        fixture_commit(&f);
        cr_assert_eq(sqlite3_exec(f.q->database.connection, "UPDATE daemon SET boot = 'another'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
        die(&f, &l, 0);
        cr_expect_eq(suspects(f.q, job), 0);
    }
    fixture_close(&f);
}

/* Where nothing is known of the workers, a lease of one member says enough, and others are cut. */
Test(recovery, without_sightings)
{
    struct fixture f;
    fixture_open(&f);
    struct queue_options o = options_of(&f);
    o.all_seen = false;
    int64_t job = submit_with_layout(f.q, 9); /* [1, 9) */
    for (int i = 0; i < 5; i++) {
        struct queue_lease l = lease(f.q, job, 100, 1);
        cr_assert_eq(l.begin, 1);
        cr_assert_eq(l.end, i == 0 ? 9 : i == 1 ? 5 : i == 2 ? 3 : 2);
        fixture_commit(&f);
        fixture_reopen_with(&f, &o);
        check_invariants(f.q);
    }
    cr_expect_eq(suspects(f.q, job), 1);
    lease_alone(f.q, job, 1, 2);
    fixture_close(&f);
}

Test(recovery, what_is_false_or_done_is_not_believed)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 100);
    for (int i = 0; i < 6; i++) {
        struct queue_lease l = lease(f.q, job, 10, 1);
        if (i < 3)
            expect_ok(queue_done(f.q, &l, l.begin, l.begin + 1, &e), &e);
        struct queue_lease said = l;
        said.job += i == 3;
        die(&f, &said, i < 3 ? l.begin : i == 4 ? l.end : l.begin - (i == 5));
        cr_expect_eq(suspects(f.q, job), 0);
    }
    fixture_close(&f);
}

/* The first member decides the layout: nobody goes before it. */
Test(recovery, a_suspect_that_is_first)
{
    struct fixture f;
    struct error e = {0};
    struct queue_lease other;
    fixture_open(&f);
    int64_t job = submit(f.q, 10);
    for (int i = 0; i < 2; i++) {
        struct queue_lease l = lease(f.q, job, 1, 1);
        die(&f, &l, 0);
    }
    cr_expect_eq(next_job(f.q), 0);
    cr_expect_eq(queue_lease(f.q, job, "w", 1, 1, &other, &e), QUEUE_NO_SUCH);
    struct queue_lease l = lease_alone(f.q, job, 0, 2);
    expect_ok(queue_add_layout(f.q, &l, 0, "{}", &e), &e);
    expect_ok(queue_done(f.q, &l, 0, 1, &e), &e);
    cr_expect_eq(next_job(f.q), job);
    fixture_close(&f);
}
