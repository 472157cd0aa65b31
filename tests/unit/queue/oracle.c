/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include "fixture.h"

#include <string.h>

static struct oracle_job *job_of(struct oracle *o, int64_t job)
{
    return &o->jobs[job - 1];
}

static int count(const struct oracle_job *j, enum oracle_member what)
{
    int n = 0;
    for (int m = 0; m < j->members; m++)
        n += j->member[m] == what;
    return n;
}

static bool is_live(const struct oracle_job *j)
{
    return j->state == JOB_QUEUED || j->state == JOB_RUNNING;
}

static bool can_lease(const struct oracle_job *j)
{
    return is_live(j) && count(j, MEMBER_FREE) > 0 && (j->layout || count(j, MEMBER_LEASED) == 0);
}

int oracle_submit(struct oracle *o, int members, int max_attempts, int64_t priority)
{
    o->jobs[o->n_jobs++] =
        (struct oracle_job){.members = members, .max_attempts = max_attempts, .priority = priority};
    return 0;
}

int64_t oracle_next_job(const struct oracle *o)
{
    int best = -1;
    for (int i = 0; i < o->n_jobs; i++) {
        if (can_lease(&o->jobs[i]) && (best < 0 || o->jobs[i].priority > o->jobs[best].priority))
            best = i;
    }
    return best + 1;
}

/* ---- leases ---- */

int oracle_pick(const struct oracle *o, int64_t job, int64_t want, int64_t align,
                int64_t *ret_begin, int64_t *ret_end)
{
    const struct oracle_job *j = &o->jobs[job - 1];
    if (!can_lease(j))
        return QUEUE_NO_SUCH;
    int64_t begin = 0, end;
    while (j->member[begin] != MEMBER_FREE)
        begin++;
    for (end = begin; end < j->members && j->member[end] == MEMBER_FREE; end++) {
        if (j->cut[end] != j->cut[begin])
            break;
    }
    if (!j->layout) {
        end = begin + 1;
    } else if (j->cut[begin] == 0 && end - begin > want) {
        end = begin + want;
        for (int64_t m = end; m > begin; m--) {
            if (m % align == 0) {
                end = m;
                break;
            }
        }
    }
    *ret_begin = begin;
    *ret_end = end;
    return 0;
}

void oracle_take(struct oracle *o, const struct queue_lease *lease)
{
    struct oracle_job *j = job_of(o, lease->job);
    if (o->n_leases == ORACLE_LEASES) {
        memmove(&o->leases[0], &o->leases[1], sizeof o->leases - sizeof o->leases[0]);
        o->n_leases--;
    }
    o->leases[o->n_leases++] =
        (struct oracle_lease){.lease = *lease, .live = true, .cut = j->cut[lease->begin]};
    for (int64_t m = lease->begin; m < lease->end; m++)
        j->member[m] = MEMBER_LEASED;
    j->state = JOB_RUNNING;
}

int oracle_set_layout(struct oracle *o, const struct oracle_lease *l)
{
    if (!l->live)
        return QUEUE_NOT_LIVE;
    job_of(o, l->lease.job)->layout = true;
    return 0;
}

int oracle_done(struct oracle *o, const struct oracle_lease *l, int64_t begin, int64_t end)
{
    if (!l->live)
        return QUEUE_NOT_LIVE;
    if (begin < l->lease.begin || end > l->lease.end || begin > end)
        return QUEUE_INVALID;
    for (int64_t m = begin; m < end; m++) {
        enum oracle_member *member = &job_of(o, l->lease.job)->member[m];
        *member = *member == MEMBER_LEASED ? MEMBER_DONE : *member;
    }
    return 0;
}

static void bury(struct oracle_job *j, int64_t member)
{
    j->member[member] = MEMBER_DEAD;
    j->attempts[member]++;
}

int oracle_failed(struct oracle *o, const struct oracle_lease *l, int64_t member)
{
    struct oracle_job *j = job_of(o, l->lease.job);
    if (!l->live)
        return QUEUE_NOT_LIVE;
    if (member < l->lease.begin || member >= l->lease.end)
        return QUEUE_INVALID;
    if (j->member[member] != MEMBER_LEASED)
        return QUEUE_REFUSED;
    bury(j, member);
    return 0;
}

/* Runs of members that are given back get a number each where they are cut. */
static void give_back(struct oracle *o, const struct oracle_lease *l, bool cut, int half)
{
    struct oracle_job *j = job_of(o, l->lease.job);
    int number = 0, seen = 0;
    for (int64_t m = l->lease.begin; m < l->lease.end; m++) {
        if (j->member[m] != MEMBER_LEASED) {
            number = 0;
            continue;
        }
        if (cut && (number == 0 || seen == half))
            number = ++o->cuts;
        j->member[m] = MEMBER_FREE;
        j->cut[m] = number;
        seen++;
    }
}

int oracle_release(struct oracle *o, struct oracle_lease *l)
{
    if (!l->live)
        return QUEUE_NOT_LIVE;
    give_back(o, l, l->cut != 0, -1);
    l->live = false;
    return 0;
}

int oracle_lost(struct oracle *o, struct oracle_lease *l)
{
    if (!l->live)
        return QUEUE_NOT_LIVE;
    struct oracle_job *j = job_of(o, l->lease.job);
    int64_t m = l->lease.begin;
    int open = 0;
    for (int64_t i = m; i < l->lease.end; i++)
        open += j->member[i] == MEMBER_LEASED;
    if (l->lease.end - m > 1) {
        give_back(o, l, true, open / 2);
    } else if (open > 0 && j->attempts[m] + 1 >= j->max_attempts) {
        bury(j, m);
    } else if (open > 0) {
        j->attempts[m]++;
        give_back(o, l, true, -1);
    }
    l->live = false;
    return 0;
}

void oracle_restart(struct oracle *o)
{
    for (int i = 0; i < o->n_leases; i++)
        oracle_release(o, &o->leases[i]);
}

/* ---- ends ---- */

int oracle_end(struct oracle *o, int64_t job, enum job_state to)
{
    struct oracle_job *j = job_of(o, job);
    if (!is_live(j))
        return QUEUE_REFUSED;
    j->state = to;
    for (int i = 0; i < o->n_leases; i++)
        o->leases[i].live &= o->leases[i].lease.job != job;
    return 0;
}

int oracle_finish(struct oracle *o, int64_t job)
{
    struct oracle_job *j = job_of(o, job);
    int done = count(j, MEMBER_DONE), dead = count(j, MEMBER_DEAD);
    if (done + dead < j->members)
        return QUEUE_REFUSED;
    return oracle_end(o, job, dead == 0 ? JOB_SUCCEEDED : done ? JOB_PARTIAL : JOB_FAILED);
}

/* ---- comparison ---- */

static void compare_dead(const struct oracle_job *j, struct queue *q, int64_t job)
{
    json_t *page;
    struct error e = {0};
    expect_ok(queue_members(q, job, -1, ORACLE_MEMBERS, &page, &e), &e);
    size_t n = 0;
    for (int m = 0; m < j->members; m++) {
        if (j->member[m] != MEMBER_DEAD)
            continue;
        json_t *row = json_array_get(page, n++);
        cr_assert_eq(json_integer_value(json_object_get(row, "member")), m);
        cr_assert_eq(json_integer_value(json_object_get(row, "attempts")), j->attempts[m]);
    }
    cr_assert_eq(json_array_size(page), n);
    json_decref(page);
}

static void compare_job(const struct oracle_job *j, struct queue *q, int64_t job)
{
    struct queue_counts c;
    struct error e = {0};
    expect_ok(queue_job_counts(q, job, &c, &e), &e);
    cr_assert_eq(c.state, j->state);
    cr_assert_eq(c.members, j->members);
    cr_assert_eq(c.done, count(j, MEMBER_DONE));
    cr_assert_eq(c.dead, count(j, MEMBER_DEAD));
    cr_assert_eq(c.free, is_live(j) ? count(j, MEMBER_FREE) : 0);
    cr_assert_eq(c.has_layout, j->layout);
    compare_dead(j, q, job);
}

void oracle_compare(const struct oracle *o, struct queue *q)
{
    for (int64_t job = 1; job <= o->n_jobs; job++)
        compare_job(&o->jobs[job - 1], q, job);
    for (int i = 0; i < o->n_leases; i++)
        cr_assert_eq(queue_lease_live(q, &o->leases[i].lease, NULL),
                     o->leases[i].live ? 0 : QUEUE_NOT_LIVE);
    cr_assert_eq(next_job(q), oracle_next_job(o));
    struct queue_job past_the_last;
    cr_assert_eq(queue_job(q, o->n_jobs + 1, &past_the_last, NULL), QUEUE_NO_SUCH);
}
