/* SPDX-License-Identifier: Apache-2.0 */
/* The queue's contract said again, as simply as can be: an array of members per job, no rows. It
 * holds plain values only, so that a copy is a snapshot. */
#ifndef TESTS_QUEUE_ORACLE_H
#define TESTS_QUEUE_ORACLE_H

#include "queue/queue.h"

enum { ORACLE_JOBS = 6, ORACLE_MEMBERS = 48, ORACLE_LEASES = 64, ORACLE_ARRAYS = 4 };

enum oracle_member { MEMBER_FREE, MEMBER_LEASED, MEMBER_DONE, MEMBER_DEAD };

struct oracle_job {
    enum job_state state;
    int members, max_attempts;
    int64_t priority;
    bool has_layout;
    int decided_by[ORACLE_ARRAYS];     /* a member and 1; 0: not in the layout */
    unsigned proposed[ORACLE_MEMBERS]; /* arrays that wait for a decision, a bit each */
    enum oracle_member member[ORACLE_MEMBERS];
    int attempts[ORACLE_MEMBERS];
    int suspicion[ORACLE_MEMBERS]; /* from 2 on, it is leased alone */
    bool rests[ORACLE_MEMBERS];    /* it is free, and not to be leased yet */
    int cut[ORACLE_MEMBERS];       /* free members of one number were cut together; 0: not cut */
};

struct oracle_lease {
    struct queue_lease lease;
    bool live;
    int cut;
};

struct oracle {
    struct oracle_job jobs[ORACLE_JOBS]; /* job 1 first */
    int n_jobs;
    bool has_backoff;
    struct oracle_lease leases[ORACLE_LEASES]; /* the newest ones, dead ones among them */
    int n_leases;
    int cuts;
};

/* Each does what the function of queue.h does, and returns what that should return. */
int oracle_submit(struct oracle *o, int members, int max_attempts, int64_t priority);
int64_t oracle_next_job(const struct oracle *o); /* 0: none */
/* The members that a lease should have. */
int oracle_pick(const struct oracle *o, int64_t job, int64_t want, int64_t align,
                int64_t *ret_begin, int64_t *ret_end);
int oracle_pick_alone(const struct oracle *o, int64_t job, int64_t *ret_member);
void oracle_take(struct oracle *o, const struct queue_lease *lease);
/* The member shows these arrays; oracle_layout is the text. */
int oracle_add_layout(struct oracle *o, const struct oracle_lease *l, int64_t member,
                      unsigned arrays);
void oracle_layout(int64_t member, unsigned arrays, char ret[256]);
int oracle_done(struct oracle *o, const struct oracle_lease *l, int64_t begin, int64_t end);
int oracle_failed(struct oracle *o, const struct oracle_lease *l, int64_t member);
int oracle_release(struct oracle *o, struct oracle_lease *l);
int oracle_lost(struct oracle *o, struct oracle_lease *l);
void oracle_end_rests(struct oracle *o); /* of all */
int oracle_end(struct oracle *o, int64_t job, enum job_state to);
int oracle_finish(struct oracle *o, int64_t job);
/* The daemon stopped in order, or died; then what was seen, in `options`, tells who ran. */
void oracle_restart(struct oracle *o, bool died, const struct queue_options *options);

/* What the queue holds equals it. */
void oracle_compare(const struct oracle *o, struct queue *q);

#endif
