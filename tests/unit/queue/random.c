/* SPDX-License-Identifier: Apache-2.0 */
/* Random operations, the oracle's word on each, and the invariants after each; with and without a
 * disk that fails. A seed gives one run. */
#include "fault.h"
#include "fixture.h"
#include "oracle.h"

#include "base/loop.h"

#include <errno.h>
#include <string.h>

struct run {
    struct fixture f;
    struct oracle now, committed;
    struct queue_numbers numbers; /* as committed */
    int64_t last_fence;
    uint64_t random;
    bool faults;
    long failed; /* turns that were rolled back */
};

enum { SEEDS = 12, REST_MS = 3600000 };

/* splitmix64 */
static uint64_t draw(struct run *run, uint64_t below)
{
    uint64_t z = run->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

static void check(struct run *run)
{
    oracle_compare(&run->now, run->f.q);
    check_invariants(run->f.q);
}

static void disarm(struct run *run)
{
    fault_arm(0, 0, false);
    fault_interrupt(run->f.q->database.connection, 0);
}

static void roll_back(struct run *run)
{
    disarm(run);
    run->now = run->committed;
    run->failed++;
    cr_assert(!queue_dirty(run->f.q));
    cr_assert_eq(queue_last_event(run->f.q), run->numbers.last_event);
    cr_assert_eq(memcmp(&run->f.q->numbers, &run->numbers, sizeof run->numbers), 0);
    check(run);
}

/* Compares a result with what the oracle says. True where both are 0; where the disk failed, the
 * turn has to fail as a whole. */
static bool agree(struct run *run, int result, int expected, const struct oracle *before,
                  const struct error *e)
{
    if (run->faults && result < 0) {
        struct error failure = {0};
        run->now = *before;
        fault_interrupt(run->f.q->database.connection, 0);
        cr_assert(queue_dirty(run->f.q) == run->f.q->database.broken);
        if (queue_dirty(run->f.q)) {
            cr_assert_eq(queue_commit(run->f.q, &failure), result);
            cr_assert(*failure.message);
            roll_back(run);
        } else {
            disarm(run); /* nothing of the turn was begun */
        }
        return false;
    }
    cr_assert_eq(result, expected, "%d, not %d: %s", result, expected, e->message);
    return result == 0;
}

/* ---- operations ---- */

static void try_submit(struct run *run)
{
    if (run->now.n_jobs == ORACLE_JOBS)
        return;
    struct oracle before = run->now;
    struct error e = {0};
    int64_t id = 0;
    bool existed;
    struct queue_submission s = submission_of(1 + (int64_t)draw(run, ORACLE_MEMBERS));
    s.max_attempts = 1 + (int64_t)draw(run, 3);
    s.priority = (int64_t)draw(run, 3);
    int r = queue_submit(run->f.q, &s, &id, &existed, &e);
    oracle_submit(&run->now, (int)s.members, (int)s.max_attempts, s.priority);
    if (agree(run, r, 0, &before, &e))
        cr_assert_eq(id, run->now.n_jobs);
}

static void try_lease(struct run *run)
{
    struct oracle before = run->now;
    struct error e = {0};
    struct queue_lease l;
    int64_t job = oracle_next_job(&run->now), begin = 0, end = 0;
    if (job == 0 || draw(run, 3) == 0)
        job = 1 + (int64_t)draw(run, (uint64_t)run->now.n_jobs);
    int64_t want = 1 + (int64_t)draw(run, 20), align = 1 + (int64_t)draw(run, 8);
    int expected = oracle_pick(&run->now, job, want, align, &begin, &end);
    int r = queue_lease(run->f.q, job, "worker", want, align, &l, &e);
    if (!agree(run, r, expected, &before, &e))
        return;
    cr_assert(l.begin == begin && l.end == end, "[%" PRId64 ", %" PRId64 ")", l.begin, l.end);
    cr_assert_gt(l.id, run->last_fence);
    run->last_fence = l.id;
    oracle_take(&run->now, &l);
}

static void try_lease_alone(struct run *run)
{
    struct oracle before = run->now;
    struct error e = {0};
    struct queue_lease l;
    int64_t suspicion = 0, member = 0, job = 1 + (int64_t)draw(run, (uint64_t)run->now.n_jobs);
    int expected = oracle_pick_alone(&run->now, job, &member);
    int r = queue_lease_alone(run->f.q, job, "worker", &l, &suspicion, &e);
    if (!agree(run, r, expected, &before, &e))
        return;
    cr_assert(l.begin == member && l.end == member + 1);
    cr_assert_eq(suspicion, run->now.jobs[job - 1].suspicion[member]);
    cr_assert_gt(l.id, run->last_fence);
    run->last_fence = l.id;
    oracle_take(&run->now, &l);
}

static void try_add_layout(struct run *run, struct oracle_lease *l)
{
    struct oracle before = run->now;
    struct error e = {0};
    char text[256];
    int64_t size = l->lease.end - l->lease.begin;
    int64_t member = l->lease.begin + (int64_t)draw(run, (uint64_t)size + 1) - (draw(run, 9) == 0);
    unsigned arrays = (unsigned)draw(run, 1u << ORACLE_ARRAYS);
    if (member < 0)
        member = 0;
    oracle_layout(member, arrays, text);
    int r = queue_add_layout(run->f.q, &l->lease, member, text, &e);
    agree(run, r, oracle_add_layout(&run->now, l, member, arrays), &before, &e);
}

static void try_report(struct run *run, struct oracle_lease *l)
{
    struct oracle before = run->now;
    struct error e = {0};
    int64_t size = l->lease.end - l->lease.begin;
    int64_t begin = l->lease.begin + (int64_t)draw(run, (uint64_t)size + 1) - (draw(run, 9) == 0);
    int64_t end = begin + (int64_t)draw(run, (uint64_t)size + 1);
    if (draw(run, 8) && end > l->lease.end)
        end = l->lease.end;
    int r = queue_done(run->f.q, &l->lease, begin, end, &e);
    agree(run, r, oracle_done(&run->now, l, begin, end), &before, &e);
}

static void try_fail_member(struct run *run, struct oracle_lease *l)
{
    struct oracle before = run->now;
    struct error e = {0};
    int64_t size = l->lease.end - l->lease.begin;
    int64_t member = l->lease.begin + (int64_t)draw(run, (uint64_t)size + 1);
    int r = queue_member_failed(run->f.q, &l->lease, member, DEATH("bad"), &e);
    agree(run, r, oracle_failed(&run->now, l, member), &before, &e);
}

static void try_with_lease(struct run *run)
{
    struct oracle before = run->now;
    struct error e = {0};
    if (run->now.n_leases == 0)
        return;
    int i = (int)draw(run, (uint64_t)run->now.n_leases);
    if (draw(run, 3)) { /* rather a newer one */
        int back = (int)draw(run, 6);
        i = run->now.n_leases - 1 - (back < run->now.n_leases ? back : 0);
    }
    struct oracle_lease *l = &run->now.leases[i];
    switch (draw(run, 7)) {
    case 0:
    case 1:
    case 2:
        try_report(run, l);
        break;
    case 3:
        try_fail_member(run, l);
        break;
    case 4: {
        int r = queue_release(run->f.q, &l->lease, &e);
        agree(run, r, oracle_release(&run->now, l), &before, &e);
        break;
    }
    case 5: {
        int r = queue_lost(run->f.q, &l->lease, DEATH("killed"), &e);
        agree(run, r, oracle_lost(&run->now, l), &before, &e);
        break;
    }
    default:
        try_add_layout(run, l);
    }
}

static void try_end(struct run *run)
{
    struct oracle before = run->now;
    struct error e = {0};
    int64_t job = 1 + (int64_t)draw(run, (uint64_t)run->now.n_jobs);
    uint64_t way = draw(run, 20);
    if (way > 1) {
        int r = queue_finish(run->f.q, job, &e);
        agree(run, r, oracle_finish(&run->now, job), &before, &e);
    } else {
        int r = way ? queue_cancel(run->f.q, job, "no", &e) : queue_fail(run->f.q, job, "no", &e);
        agree(run, r, oracle_end(&run->now, job, way ? JOB_CANCELLED : JOB_FAILED), &before, &e);
    }
}

static void commit(struct run *run)
{
    struct error e = {0};
    int r = queue_commit(run->f.q, &e);
    if (run->faults && r != 0) {
        cr_assert_lt(r, 0);
        roll_back(run);
        return;
    }
    expect_ok(r, &e);
    run->committed = run->now;
    run->numbers = run->f.q->numbers;
}

/* All rest for as long: long after, all have. */
static void try_end_rests(struct run *run)
{
    struct oracle before = run->now;
    struct error e = {0};
    int64_t due = 0;
    bool all = draw(run, 2);
    int r = queue_end_rests(run->f.q, loop_now() + (all ? 2 * REST_MS : 0), &due, &e);
    if (all)
        oracle_end_rests(&run->now);
    if (agree(run, r, 0, &before, &e) && all)
        cr_assert_eq(due, INT64_MAX);
}

enum { SIGHTINGS = 2 * ORACLE_LEASES };

/* What the workers of the daemon that died may have said: the truth, nothing, or what is false. */
static void see(struct run *run, struct queue_options *o, struct queue_sighting *sightings)
{
    const struct oracle *committed = &run->committed;
    o->sightings = sightings;
    o->all_seen = draw(run, 2);
    for (int i = 0; i < committed->n_leases; i++) {
        const struct queue_lease *l = &committed->leases[i].lease;
        uint64_t way = committed->leases[i].live ? draw(run, 6) : 5;
        int64_t member = l->begin + (int64_t)draw(run, (uint64_t)(l->end - l->begin));
        if (draw(run, 2))
            member = l->begin; /* the same one again and again */
        if (way < 4)
            sightings[o->n_sightings++] = (struct queue_sighting){l->job, l->id, member};
        if (way == 3)
            sightings[o->n_sightings++] = (struct queue_sighting){l->job, l->id, l->begin};
        if (way == 4)
            sightings[o->n_sightings++] = (struct queue_sighting){l->job, l->id, l->end};
    }
}

static void reopen(struct run *run)
{
    struct queue_sighting sightings[SIGHTINGS];
    struct queue_options o = options_of(&run->f);
    struct error e = {0};
    o.backoff_ms = o.backoff_max_ms = run->now.has_backoff ? REST_MS : 0;
    bool died = draw(run, 3) > 0;
    disarm(run);
    if (died)
        see(run, &o, sightings);
    else if (queue_dirty(run->f.q)) /* it is committed with the stop */
        run->committed = run->now;
    if (!died)
        expect_ok(queue_stop(run->f.q, &e), &e);
    fixture_reopen_with(&run->f, &o);
    oracle_restart(&run->committed, died, &o);
    run->now = run->committed;
    run->numbers = run->f.q->numbers;
    run->last_fence = run->f.q->last_fence;
}

/* May write, to see whether it can. */
static void tick(struct run *run)
{
    queue_tick(run->f.q, INT64_MAX / 2);
    run->numbers.fences_reserved = run->f.q->committed.fences_reserved;
}

static void step(struct run *run)
{
    if (run->faults && draw(run, 10) == 0)
        fault_arm(1 + (long)draw(run, 30), draw(run, 2) ? ENOSPC : EIO, draw(run, 2));
    if (run->faults && draw(run, 10) == 0)
        fault_interrupt(run->f.q->database.connection, 1 + (long)draw(run, 150));
    uint64_t way = run->now.n_jobs == 0 ? 0 : draw(run, 100);
    if (way < 3)
        try_submit(run);
    else if (way < 33)
        try_lease(run);
    else if (way < 36)
        try_lease_alone(run);
    else if (way < 82)
        try_with_lease(run);
    else if (way < 85)
        try_end(run);
    else if (way < 96)
        commit(run);
    else if (way < 97)
        tick(run);
    else if (way < 98)
        try_end_rests(run);
    else
        reopen(run);
    fault_interrupt(run->f.q->database.connection, 0);
    check(run);
}

static long random_run(uint64_t seed, int steps, bool faults)
{
    struct run run = {.random = seed, .faults = faults};
    fixture_open(&run.f);
    run.numbers = run.f.q->numbers;
    run.now.has_backoff = run.committed.has_backoff = seed % 2;
    reopen(&run);
    for (int i = 0; i < steps; i++)
        step(&run);
    fault_arm(0, 0, false);
    fixture_close(&run.f);
    return run.failed;
}

Test(random, agrees_with_the_oracle)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        random_run(seed, 400, false);
}

Test(random, agrees_with_the_oracle_on_a_failing_disk)
{
    long failed = 0;
    fault_install();
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        failed += random_run(seed, 400, true);
    cr_assert_gt(failed, 50, "only %ld turns failed", failed);
}

/* ---- each write and sync of one turn ---- */

static void one_turn(struct fixture *f, int64_t job, int *ret_result, struct error *e)
{
    struct queue_lease l = {0};
    struct queue_submission s = submission_of(5);
    int64_t id;
    bool existed;
    int r = queue_submit(f->q, &s, &id, &existed, e);
    if (!r)
        r = queue_lease(f->q, job, "worker", 5, 1, &l, e);
    if (!r)
        r = queue_done(f->q, &l, l.begin, l.end, e);
    /* A failure before the first write leaves nothing to commit. */
    int committed = queue_commit(f->q, e);
    *ret_result = r ? r : committed;
}

struct sight {
    int64_t done, last_event, last_job;
};

static struct sight look(struct fixture *f, int64_t job)
{
    struct queue_counts c;
    struct error e = {0};
    check_invariants(f->q);
    expect_ok(queue_counts(f->q, job, &c, &e), &e);
    return (struct sight){c.done, queue_last_event(f->q), f->q->numbers.last_job};
}

/* Until a turn passes without its Nth failure; returns how many failed. */
static int fail_each(struct fixture *f, int64_t job, void (*arm)(struct fixture *f, long n))
{
    for (long n = 1;; n++) {
        cr_assert_lt(n, 100000, "turns fail for ever");
        struct sight before = look(f, job);
        struct error e = {0};
        struct queue_job j;
        int r;
        arm(f, n);
        one_turn(f, job, &r, &e);
        arm(f, 0);
        struct sight after = look(f, job);
        cr_assert_eq(after.done, r ? before.done : before.done + 5);
        cr_assert_eq(after.last_job, r ? before.last_job : before.last_job + 1);
        cr_assert_eq(after.last_event == before.last_event, r != 0);
        cr_assert_eq(queue_job(f->q, before.last_job + 1, &j, &e), r ? QUEUE_NO_SUCH : 0);
        if (r)
            continue;
        queue_job_clear(&j);
        return (int)n - 1;
    }
}

static void arm_disk(struct fixture *f, long n)
{
    (void)f;
    fault_arm(n, n == 0 ? 0 : n % 2 ? EIO : ENOSPC, false);
}

static void arm_interrupt(struct fixture *f, long n)
{
    fault_interrupt(f->q->database.connection, n);
}

Test(random, each_failure_of_a_turn_rolls_it_back)
{
    struct fixture f;
    fault_install();
    fixture_open(&f);
    int64_t job = submit_with_layout(f.q, 1000);
    fixture_commit(&f);
    int disk = fail_each(&f, job, arm_disk), instructions = fail_each(&f, job, arm_interrupt);
    cr_assert_gt(disk, 5, "writes and a sync of one turn: %d", disk);
    cr_assert_gt(instructions, 100, "instructions of one turn: %d", instructions);
    fixture_close(&f);
}

/* The same through SQLite's own limit, as a quota would. */
Test(random, a_full_database_takes_no_more_and_recovers)
{
    struct fixture f;
    struct error e = {0};
    fixture_open(&f);
    submit(f.q, 1);
    fixture_commit(&f);
    sqlite3 *connection = f.q->database.connection;
    sqlite3_exec(connection, "PRAGMA max_page_count = 1", NULL, NULL, NULL); /* as many as it has */
    int r = 0, submitted = 0;
    while (r == 0 && submitted < 100000) {
        struct queue_submission s = submission_of(1);
        int64_t id;
        bool existed;
        r = queue_submit(f.q, &s, &id, &existed, &e);
        submitted++;
    }
    cr_assert_eq(r, -ENOSPC);
    cr_expect(strstr(e.message, "full"), "%s", e.message);
    cr_assert_eq(queue_cancel(f.q, 1, NULL, &e), -ENOSPC, "the turn is broken");
    cr_assert_eq(queue_commit(f.q, &e), -ENOSPC);
    cr_expect_eq((int)state_of(f.q, 1), JOB_QUEUED);
    cr_expect_eq(queue_last_event(f.q), 1);
    sqlite3_exec(connection, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL);
    cr_expect_eq(submit(f.q, 1), 2);
    fixture_commit(&f);
    check_invariants(f.q);
    fixture_close(&f);
}
