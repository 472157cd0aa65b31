/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several ways to run the same thing again and again is the fastest: found by trying, and
 * tried again now and then, since times drift. Knows nothing of stages.
 *   1. Some runs by the first way; one, if it is long.
 *   2. Whoever runs then says which others may be worth a try (choice_try); some runs by each.
 *   3. The fastest, for a number of runs that doubles from time to time; then again from 1.
 * Where runs become much longer or shorter than they were, it begins again at once. Who is wary
 * goes back to the first way for long where a single run by another took many times as long as
 * usual.
 *
 * A clock costs as much as some short calls: of runs that are short one in a few is timed. */
#ifndef STAGE_CHOICE_H
#define STAGE_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

enum { CHOICE_WAYS = 4 };

enum choice_doing { CHOICE_WARMS_UP, CHOICE_MEASURES, CHOICE_IS_SETTLED };

struct choice {
    enum choice_doing doing;
    int first, way;   /* by which a run is begun */
    int runs;         /* left of what it does */
    int settled_runs; /* the last time */
    int n_off;        /* timed runs, one after the other, that were not as measured */
    int every;        /* one in so many is timed where it is settled */
    bool is_wary;
    int n_regrets;
    int64_t n_interruptions; /* of the thread that runs, as last seen */
    unsigned wanted;         /* bits: ways that are yet to be measured */
    int64_t ns[CHOICE_WAYS]; /* the shortest run; INT64_MAX: none in this round */
};

void choice_init(struct choice *k, int first);

/* Whether the run that begins now is to be timed. */
static inline bool choice_is_timed(const struct choice *k)
{
    return k->doing != CHOICE_IS_SETTLED || k->runs % k->every == 0;
}

/* After a run by k->way that was timed. True: the first way was measured (k->ns[k->first]), and
 * choice_try is to follow. */
bool choice_learn(struct choice *k, int64_t ns);
/* After one that was not. */
static inline void choice_count(struct choice *k)
{
    k->runs--;
}

/* `ways`: bits of those to try beside the first; 0: none. */
void choice_try(struct choice *k, unsigned ways);
/* A way that is not to be had any more: begins again, by the first. */
void choice_again(struct choice *k);

#endif
