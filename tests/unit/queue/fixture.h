/* SPDX-License-Identifier: Apache-2.0 */
/* A queue in a fresh directory, for one test. */
#ifndef TESTS_QUEUE_FIXTURE_H
#define TESTS_QUEUE_FIXTURE_H

#include "queue/queue_internal.h"

#include <criterion/criterion.h>
#include <inttypes.h>

/* A member's, for these words. */
#define DEATH(words) (&(struct queue_death){.cause = QUEUE_CAUSE_ERROR, .reason = (words)})

struct fixture {
    char directory[64];
    char path[96];
    struct queue *q;
};

/* As fixture_open has them: nobody was seen at work, and that is all. */
struct queue_options options_of(const struct fixture *f);
void fixture_open(struct fixture *f);
/* Closes and opens again: what was not committed is lost. Libraries are known at once. */
void fixture_reopen(struct fixture *f);
void fixture_reopen_with(struct fixture *f, const struct queue_options *o);
void fixture_close(struct fixture *f); /* removes the directory, and checks for leaks */

/* `r` is 0, or the test fails with the error's words. */
void expect_ok(int r, const struct error *e);
void fixture_commit(struct fixture *f);
/* What queue_job says of why it waits; "(nothing)" where it does not. */
void expect_waiting(struct queue *q, int64_t job, const char *expected);

/* A submission with all that must be given; members as asked, three attempts. */
struct queue_submission submission_of(int64_t members);
/* Submitted (not committed). */
int64_t submit(struct queue *q, int64_t members);
/* With a layout, and member 0 done. */
int64_t submit_with_layout(struct queue *q, int64_t members);
struct queue_lease lease(struct queue *q, int64_t job, int64_t want, int64_t align);
/* The first of queue_next_job; 0: none. */
int64_t next_job(struct queue *q);
bool is_complete(struct queue *q, int64_t job);
enum job_state state_of(struct queue *q, int64_t job);
/* "queued running progress succeeded" of a job's committed events; static storage. */
const char *event_kinds(struct queue *q, int64_t job);

/* Invariants 2 to 7 of queue.h, from the rows. */
void check_invariants(struct queue *q);

#endif
