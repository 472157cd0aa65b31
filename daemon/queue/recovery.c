/* SPDX-License-Identifier: Apache-2.0 */
/* Leases that a former daemon left. After an orderly stop, or where the machine itself went down,
 * they are released. Else a member that ran then may be what took the daemon down. */
#include "queue/queue_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SUSPECT = 2 }; /* deaths of the daemon after which a member is to run alone */

struct recovery {
    struct queue *queue;
    const struct queue_options *options;
    size_t n_leases;
};

/* The member that was seen running under the lease; -1 where none was, or two say so. */
static int64_t seen_member(const struct queue_options *o, const struct queue_live_lease *live)
{
    int64_t member = -1;
    int n = 0;
    for (size_t i = 0; i < o->n_sightings; i++) {
        const struct queue_sighting *s = &o->sightings[i];
        if (s->lease != live->fence)
            continue;
        n++;
        if (s->job == live->job && s->member >= live->range.begin && s->member < live->range.end)
            member = s->member;
    }
    return n == 1 ? member : -1;
}

/* Counts the daemon's death against a member, and an attempt where nothing else ran. */
static int blame(struct recovery *y, const struct queue_live_lease *live, int64_t member,
                 struct queue_attempts *ret_attempts, bool *ret_lives, struct error *e)
{
    struct queue *q = y->queue;
    struct queue_attempts a;
    *ret_lives = true;
    int r = queue_attempts(q, live->job, member, &a, e);
    if (r)
        return r;
    a.suspicion++;
    *ret_attempts = a;
    r = queue_attempts_set(q, live->job, member, &a, e);
    if (r || live->from != RANGE_ALONE || y->n_leases > 1)
        return r;
    char *reason = mem_printf("the daemon died %" PRId64 " times while this member ran, at last %s",
                              a.suspicion, "while nothing else did");
    const struct queue_death death = {.cause = QUEUE_CAUSE_DAEMON, .reason = reason};
    r = queue_count_attempt(q, live->job, member, &death, ret_lives, e);
    free(reason);
    return r;
}

/* Members of the lease that are open, in two: the others, and `member`, which is to be alone. */
static int give_back_apart(struct queue *q, const struct queue_live_lease *live, int64_t member,
                           struct error *e)
{
    struct queue_ranges others = {0}, alone = {0};
    enum range_state state = live->from == RANGE_ALONE ? RANGE_FREE : live->from;
    int r = queue_range_unfinished(q, live->job, live->range.begin, member, &others, e);
    if (!r)
        r = queue_range_unfinished(q, live->job, member + 1, live->range.end, &others, e);
    queue_ranges_add(&alone, member, member + 1);
    if (!r)
        r = queue_give_back(q, live->job, &others, state, e);
    if (!r)
        r = queue_give_back(q, live->job, &alone, RANGE_ALONE, e);
    free(others.items);
    free(alone.items);
    return r ? r : queue_end_lease(q, live, e);
}

static int suspect(struct recovery *y, const struct queue_live_lease *live, int64_t member,
                   struct error *e)
{
    struct queue_attempts a = {0};
    bool is_finished = false, lives = true;
    int r = queue_range_finished(y->queue, live->job, member, member + 1, &is_finished, e);
    if (!r && !is_finished)
        r = blame(y, live, member, &a, &lives, e);
    if (r)
        return r;
    if (lives && a.suspicion >= SUSPECT)
        return give_back_apart(y->queue, live, member, e);
    return queue_release_lease(y->queue, live, e);
}

static int judge(struct recovery *y, const struct queue_lease *lease, bool is_suspicious,
                 struct error *e)
{
    struct queue_live_lease live;
    int r = queue_live_lease(y->queue, lease, &live, e);
    if (r)
        return r;
    int64_t member = is_suspicious ? seen_member(y->options, &live) : -1;
    bool is_blind = is_suspicious && member < 0 && !y->options->all_seen;
    if (is_blind && live.range.end - live.range.begin > 1)
        return queue_halve_lease(y->queue, &live, e);
    if (is_blind)
        member = live.range.begin;
    return member >= 0 ? suspect(y, &live, member, e) : queue_release_lease(y->queue, &live, e);
}

struct left_lease {
    struct queue_lease lease;
    bool may_run; /* its worker may live */
};

static int list_leases(const struct recovery *y, struct left_lease **ret, size_t *ret_n,
                       struct error *e)
{
    size_t capacity = 0;
    sqlite3_stmt *s;
    const struct queue_options *o = y->options;
    int r = database_rows(&y->queue->database, e, &s, STATEMENT_LEASE_LIST, INTEGER(0));
    for (; !r; r = database_next(&y->queue->database, e, s)) {
        *ret = mem_grow(*ret, *ret_n, &capacity, sizeof **ret);
        (*ret)[(*ret_n)++] =
            (struct left_lease){.lease.id = sqlite3_column_int64(s, 0),
                                .lease.job = sqlite3_column_int64(s, 1),
                                .may_run = o->is_dead && !o->is_dead(database_text(s, 2))};
    }
    return r == QUEUE_NO_SUCH ? 0 : r;
}

static int end_lease(struct recovery *y, const struct left_lease *left, bool died, struct error *e)
{
    int r = 0;
    if (left->may_run)
        r = database_run(&y->queue->database, e, STATEMENT_FENCED_ADD, INTEGER(left->lease.job),
                         INTEGER(left->lease.id), INTEGER(1));
    return r ? r : judge(y, &left->lease, died && !left->may_run, e);
}

int queue_recover(struct queue *q, const struct queue_options *o, bool died, struct error *e)
{
    struct recovery y = {.queue = q, .options = o};
    struct left_lease *leases = NULL;
    int r = list_leases(&y, &leases, &y.n_leases, e);
    for (size_t i = 0; !r && i < y.n_leases; i++)
        r = end_lease(&y, &leases[i], died, e);
    free(leases);
    return r;
}
