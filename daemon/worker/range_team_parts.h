/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a team share: range_team_mate, then range_team, which tells how it works. */
#ifndef WORKER_RANGE_TEAM_PARTS_H
#define WORKER_RANGE_TEAM_PARTS_H

#include "worker/range_runner_parts.h"

#include <pthread.h>

enum { TURNS = 256 }; /* members that are begun, or wait for their turn */

enum turn_state { TURN_FREE, TURN_RUNS, TURN_WANTS, TURN_LENT, TURN_ENDED };

struct turn {
    int64_t member;
    enum turn_state state;
    struct held_outputs held;
    struct buffer lines; /* each with its NUL */
    int result;          /* the simulation's, with words */
    int put;             /* what came of putting what was held, before the runner was lent */
    struct error e;
};

struct mate {
    struct range_team *team;
    struct simulation *simulation;
    struct turn *turn;
    pthread_t thread;
};

struct range_team {
    struct range_runner *runner;
    struct mate *mates;
    int n, n_threads;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t came;   /* the lowest member has ended, or wants the runner */
    pthread_cond_t moved;  /* another is the lowest, or has the runner; or nobody goes on */
    struct turn turns[TURNS];
    int64_t next, lowest, end;
    atomic_size_t held; /* bytes, of all */
    atomic_bool stops;
};

static inline struct turn *team_turn(struct range_team *t, int64_t member)
{
    return &t->turns[member % TURNS];
}

/* The thread of a mate: runs turns until none is left, or the team stops. */
void *range_team_mate(void *mate);

#endif
