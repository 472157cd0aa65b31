/* SPDX-License-Identifier: Apache-2.0 */
#include "oracle.h"

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUSPECT = 2 };

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

static bool is_alone(const struct oracle_job *j, int64_t m)
{
    return j->suspicion[m] >= SUSPECT;
}

static bool is_finished(const struct oracle_job *j, int64_t m)
{
    return j->member[m] == MEMBER_DONE || j->member[m] == MEMBER_DEAD;
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
    int64_t begin, end;
    for (int i = 0; i < o->n_jobs; i++) {
        if (oracle_pick(o, i + 1, 1, 1, &begin, &end) == 0 &&
            (best < 0 || o->jobs[i].priority > o->jobs[best].priority))
            best = i;
    }
    return best + 1;
}

/* ---- leases ---- */

/* Members from here on wait for a decision about the layout. */
static int64_t limit_of(const struct oracle_job *j)
{
    int64_t m = 0;
    while (m < j->members && j->proposed[m] == 0)
        m++;
    return m;
}

/* Before there is a layout, none below the first free member may be leased. */
static bool may_begin(const struct oracle_job *j, int64_t first)
{
    bool leads = true;
    for (int64_t m = 0; m < first; m++)
        leads = leads && j->member[m] != MEMBER_LEASED;
    return is_live(j) && (j->has_layout || leads);
}

/* The first free member of that kind; j->members where there is none. */
static int64_t first_free(const struct oracle_job *j, bool alone)
{
    int64_t m = 0;
    while (m < j->members &&
           (j->member[m] != MEMBER_FREE || j->rests[m] || is_alone(j, m) != alone))
        m++;
    return m;
}

static bool one_rests_below(const struct oracle_job *j, int64_t member)
{
    bool rests = false;
    for (int64_t m = 0; m < member; m++)
        rests = rests || j->rests[m];
    return rests;
}

int oracle_pick(const struct oracle *o, int64_t job, int64_t want, int64_t align,
                int64_t *ret_begin, int64_t *ret_end)
{
    const struct oracle_job *j = &o->jobs[job - 1];
    int64_t limit = limit_of(j), begin = first_free(j, false), end = begin;
    if (!may_begin(j, begin) || begin >= limit)
        return QUEUE_NO_SUCH;
    if (!j->has_layout && (first_free(j, true) < begin || one_rests_below(j, begin)))
        return QUEUE_NO_SUCH;
    while (end < limit && j->member[end] == MEMBER_FREE && !is_alone(j, end) && !j->rests[end] &&
           j->cut[end] == j->cut[begin])
        end++;
    if (j->cut[begin] == 0 && end - begin > want) {
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

int oracle_pick_alone(const struct oracle *o, int64_t job, int64_t *ret_member)
{
    const struct oracle_job *j = &o->jobs[job - 1];
    int64_t member = first_free(j, true);
    if (!is_live(j) || (!j->has_layout && count(j, MEMBER_LEASED) > 0) || member >= limit_of(j) ||
        (!j->has_layout && (first_free(j, false) < member || one_rests_below(j, member))))
        return QUEUE_NO_SUCH;
    *ret_member = member;
    return 0;
}

void oracle_take(struct oracle *o, const struct queue_lease *lease)
{
    struct oracle_job *j = job_of(o, lease->job);
    if (o->n_leases == ORACLE_LEASES) {
        cr_assert(!o->leases[0].live, "too many leases for the oracle");
        memmove(&o->leases[0], &o->leases[1], sizeof o->leases - sizeof o->leases[0]);
        o->n_leases--;
    }
    o->leases[o->n_leases++] =
        (struct oracle_lease){.lease = *lease, .live = true, .cut = j->cut[lease->begin]};
    for (int64_t m = lease->begin; m < lease->end; m++)
        j->member[m] = MEMBER_LEASED;
    j->state = JOB_RUNNING;
}

/* ---- layouts ---- */

void oracle_layout(int64_t member, unsigned arrays, char ret[256])
{
    strcpy(ret, "{");
    for (int a = 0; a < ORACLE_ARRAYS; a++) {
        if (arrays >> a & 1)
            sprintf(ret + strlen(ret), "%s\"a%d\":{\"by\":%d}", ret[1] ? "," : "", a, (int)member);
    }
    strcat(ret, "}");
}

static unsigned laid_out(const struct oracle_job *j)
{
    unsigned arrays = 0;
    for (int a = 0; a < ORACLE_ARRAYS; a++)
        arrays |= (unsigned)(j->decided_by[a] > 0) << a;
    return arrays;
}

static void decide(struct oracle_job *j, int64_t member, unsigned arrays)
{
    for (int a = 0; a < ORACLE_ARRAYS; a++)
        if ((arrays & ~laid_out(j)) >> a & 1)
            j->decided_by[a] = (int)member + 1;
}

/* The lowest that asks decides, once all below it are through. */
static void settle(struct oracle_job *j)
{
    for (int64_t m = 0; m < j->members; m++) {
        j->proposed[m] &= ~laid_out(j);
        if (j->proposed[m] != 0) {
            decide(j, m, j->proposed[m]);
            j->proposed[m] = 0;
        }
        if (!is_finished(j, m))
            break;
    }
    for (int64_t m = 0; m < j->members; m++)
        j->proposed[m] &= ~laid_out(j);
}

int oracle_add_layout(struct oracle *o, const struct oracle_lease *l, int64_t member,
                      unsigned arrays)
{
    struct oracle_job *j = job_of(o, l->lease.job);
    if (!l->live)
        return QUEUE_NOT_LIVE;
    if (member < l->lease.begin || member >= l->lease.end || j->member[member] != MEMBER_LEASED)
        return QUEUE_INVALID;
    if (!j->has_layout)
        decide(j, member, arrays);
    else if (arrays & ~laid_out(j))
        j->proposed[member] = arrays & ~laid_out(j);
    j->has_layout = true;
    settle(j);
    return 0;
}

/* ---- members ---- */

int oracle_done(struct oracle *o, const struct oracle_lease *l, int64_t begin, int64_t end)
{
    struct oracle_job *j = job_of(o, l->lease.job);
    if (!l->live)
        return QUEUE_NOT_LIVE;
    if (begin < l->lease.begin || end > l->lease.end || begin > end)
        return QUEUE_INVALID;
    for (int64_t m = begin; m < end; m++)
        j->member[m] = j->member[m] == MEMBER_LEASED ? MEMBER_DONE : j->member[m];
    settle(j);
    return 0;
}

static void bury(struct oracle_job *j, int64_t member)
{
    j->member[member] = MEMBER_DEAD;
    j->attempts[member]++;
    settle(j);
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

/* One more attempt failed: dead, or to be given back. */
static void count_attempt(struct oracle_job *j, int64_t member)
{
    if (j->attempts[member] + 1 >= j->max_attempts)
        bury(j, member);
    else
        j->attempts[member]++;
}

/* Runs of members that are given back get a number each where they are cut; one that is to be alone
 * is in no run. */
static void give_back(struct oracle *o, struct oracle_lease *l, bool cut, int half)
{
    struct oracle_job *j = job_of(o, l->lease.job);
    int number = 0, seen = 0;
    for (int64_t m = l->lease.begin; m < l->lease.end; m++) {
        if (j->member[m] != MEMBER_LEASED || is_alone(j, m)) {
            if (j->member[m] == MEMBER_LEASED)
                j->member[m] = MEMBER_FREE;
            number = 0;
            continue;
        }
        if (cut && (number == 0 || seen == half))
            number = ++o->cuts;
        j->member[m] = MEMBER_FREE;
        j->cut[m] = number;
        seen++;
    }
    l->live = false;
}

int oracle_release(struct oracle *o, struct oracle_lease *l)
{
    if (!l->live)
        return QUEUE_NOT_LIVE;
    give_back(o, l, l->cut != 0, -1);
    return 0;
}

static void halve(struct oracle *o, struct oracle_lease *l)
{
    const struct oracle_job *j = job_of(o, l->lease.job);
    int open = 0;
    for (int64_t m = l->lease.begin; m < l->lease.end; m++)
        open += j->member[m] == MEMBER_LEASED;
    give_back(o, l, true, open / 2);
}

int oracle_lost(struct oracle *o, struct oracle_lease *l)
{
    if (!l->live)
        return QUEUE_NOT_LIVE;
    struct oracle_job *j = job_of(o, l->lease.job);
    int64_t m = l->lease.begin;
    if (l->lease.end - m > 1) {
        halve(o, l);
        return 0;
    }
    if (j->member[m] == MEMBER_LEASED)
        count_attempt(j, m);
    j->rests[m] = o->has_backoff && j->member[m] == MEMBER_LEASED && !is_alone(j, m);
    give_back(o, l, true, -1);
    return 0;
}

void oracle_end_rests(struct oracle *o)
{
    for (int i = 0; i < o->n_jobs; i++)
        memset(o->jobs[i].rests, 0, sizeof o->jobs[i].rests);
}

/* ---- the daemon comes again ---- */

static int64_t seen(const struct queue_options *options, const struct oracle_lease *l)
{
    int64_t member = -1;
    int n = 0;
    for (size_t i = 0; i < options->n_sightings; i++) {
        const struct queue_sighting *s = &options->sightings[i];
        n += s->lease == l->lease.id;
        if (s->lease == l->lease.id && s->job == l->lease.job && s->member >= l->lease.begin &&
            s->member < l->lease.end)
            member = s->member;
    }
    return n == 1 ? member : -1;
}

static void judge(struct oracle *o, struct oracle_lease *l, const struct queue_options *options,
                  bool is_only)
{
    struct oracle_job *j = job_of(o, l->lease.job);
    int64_t member = seen(options, l);
    if (member < 0 && !options->all_seen) {
        if (l->lease.end - l->lease.begin > 1) {
            halve(o, l);
            return;
        }
        member = l->lease.begin;
    }
    if (member >= 0 && j->member[member] == MEMBER_LEASED) {
        bool was_alone = is_alone(j, member);
        j->suspicion[member]++;
        if (was_alone && is_only)
            count_attempt(j, member);
    }
    oracle_release(o, l);
}

void oracle_restart(struct oracle *o, bool died, const struct queue_options *options)
{
    int n_live = 0;
    for (int i = 0; i < o->n_leases; i++)
        n_live += o->leases[i].live;
    for (int i = 0; i < o->n_leases; i++) {
        if (o->leases[i].live && died)
            judge(o, &o->leases[i], options, n_live == 1);
        else
            oracle_release(o, &o->leases[i]);
    }
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

static void compare_layout(const struct oracle_job *j, struct queue *q, int64_t job)
{
    char *text, expected[256] = "{";
    struct error e = {0};
    expect_ok(queue_job_layout(q, job, &text, &e), &e);
    for (int a = 0; a < ORACLE_ARRAYS; a++) {
        if (j->decided_by[a] > 0)
            sprintf(expected + strlen(expected), "%s\"a%d\":{\"by\":%d}", expected[1] ? "," : "", a,
                    j->decided_by[a] - 1);
    }
    strcat(expected, "}");
    cr_assert_str_eq(text ? text : "", j->has_layout ? expected : "");
    free(text);
}

/* Of those that are open. */
static void compare_suspicion(const struct oracle_job *j, struct queue *q, int64_t job)
{
    struct error e = {0};
    int suspects = 0;
    for (int m = 0; m < j->members; m++) {
        struct queue_attempts a;
        if (is_finished(j, m) || (j->suspicion[m] == 0 && j->attempts[m] == 0))
            continue;
        expect_ok(queue_attempts(q, job, m, &a, &e), &e);
        cr_assert(a.attempts == j->attempts[m] && a.suspicion == j->suspicion[m]);
        suspects += j->member[m] == MEMBER_FREE && is_alone(j, m);
    }
    struct queue_outline o;
    expect_ok(queue_outline(q, job, &o, &e), &e);
    cr_assert_eq(o.suspects, suspects);
}

static void compare_job(const struct oracle_job *j, struct queue *q, int64_t job)
{
    struct queue_counts c;
    struct error e = {0};
    expect_ok(queue_counts(q, job, &c, &e), &e);
    cr_assert_eq(c.state, j->state);
    cr_assert_eq(c.members, j->members);
    cr_assert_eq(c.done, count(j, MEMBER_DONE));
    cr_assert_eq(c.dead, count(j, MEMBER_DEAD));
    cr_assert_eq(c.free, is_live(j) ? count(j, MEMBER_FREE) : 0);
    cr_assert_eq(c.layouts > 0, j->has_layout);
    cr_assert_eq(c.proposed, is_live(j) && limit_of(j) < j->members ? limit_of(j) : -1);
    compare_dead(j, q, job);
    compare_layout(j, q, job);
    if (is_live(j))
        compare_suspicion(j, q, job);
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
