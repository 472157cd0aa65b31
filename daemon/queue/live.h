/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that are queued or running, in memory: what dispatch asks about again and again. It is
 * derived from the rows; what a turn changed is read again when it is next asked for.
 *
 * Invariants
 *  1. After live_settle returned 0, there is an entry for each live job of the turn and for no
 *     other, and it says what the job's row says.
 *  2. Whoever writes to a job's rows calls live_touch. A rollback reads again what the turn
 * touched.
 *  3. Listed, in the order in which they are served, are the entries that have something to lease,
 *     are not held, and whose libraries are known. */
#ifndef QUEUE_LIVE_H
#define QUEUE_LIVE_H

#include "base/id_list.h"
#include "base/id_map.h"
#include "queue/queue.h"

enum { LIVE_LEVELS = 16 };

struct live_job {
    struct queue_outline outline;
    char *waiting;        /* or NULL */
    char *kept;           /* why it is not leased, whatever workers there are; or NULL */
    int64_t step, nsteps; /* of a job without a batch, as last heard */
    bool can_lease, is_held, is_unpinned, is_listed;
    bool is_stale, is_in_turn, is_changed; /* stands in that list */
    int height;                            /* in the list, a skip list */
    struct live_job *next[];
};

struct live {
    struct id_map jobs;
    struct live_job *first[LIVE_LEVELS];
    struct id_list stale;   /* to be read again */
    struct id_list turn;    /* touched in this turn */
    struct id_list changed; /* to be told by queue_next_changed */
    char *waiting;          /* why all wait, or NULL */
};

/* Reads all that are live. */
int live_load(struct queue *q, struct error *e);
void live_clear(struct live *l);

void live_touch(struct queue *q, int64_t job);
int live_settle(struct queue *q, struct error *e);
void live_commit(struct queue *q);
void live_roll_back(struct queue *q);

/* What libraries a live job needs is not known yet, or is now. */
void live_set_unpinned(struct queue *q, int64_t job, bool is_unpinned);

/* As last settled; NULL where it is not live. */
const struct live_job *live_find(const struct queue *q, int64_t job);
/* Why it waits, or NULL. */
const char *live_waiting(const struct queue *q, int64_t job);

#endif
