/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoints of a job's members: STORE.sync/.checkpoints/MEMBER, from the first that is saved
 * to the member's end.
 *
 * Invariants
 *  1. A file is whole, and what its run relies on in the store is on the disk before it has its
 *     name: whoever finds it goes on to the bits of an undisturbed run.
 *  2. The time loop waits for a copy of the state only: a thread aside writes it. While that
 * writes, no other is saved; but one that is kept waits for it.
 *
 * All functions are called by the thread that runs members. */
#ifndef WORKER_CHECKPOINTS_H
#define WORKER_CHECKPOINTS_H

#include "base/buffer.h"
#include "model/job.h"
#include "stage/stage.h"
#include "worker/checkpoint_file.h"
#include "worker/output_writer.h"

struct checkpoints;

/* Starts the thread: before members begin (worker/clean_room.h). The job's store is open. 0, or a
 * negative errno with words. */
int checkpoints_new(const struct job *job, const char *store, bool is_durable,
                    struct checkpoints **ret, struct error *e);
struct checkpoints *checkpoints_free(struct checkpoints *c);

/* A member begins, or goes on. */
void checkpoints_begin(struct checkpoints *c);
enum checkpoint_kind {
    CHECKPOINT_NEXT = 1, /* to go on from: in the place of the one before */
    CHECKPOINT_KEPT = 2  /* for others to start from: worker/checkpoint_kept.h */
};
/* Which are to be saved after so many steps; 0: none. */
unsigned checkpoints_due(struct checkpoints *c, int64_t steps);

/* Whether checkpoints_prepare has been called for this member. */
bool checkpoints_are_ready(const struct checkpoints *c);
/* Within stage_events.step, where none is due: memory for the member's first is made ready by the
 * thread, so that the copy of a large state need not wait for its pages. */
void checkpoints_prepare(struct checkpoints *c, const struct simulation *s);
/* What the member has logged: so many lines, and the first of them, each with its NUL. */
struct checkpoint_lines {
    int64_t n;
    const struct buffer *text;
};
/* Within stage_events.step: copies the run, and has it written as `what`. 0; or why there is none,
 * with words: the run goes on without. */
int checkpoints_save(struct checkpoints *c, struct simulation *s, const struct output_writer *g,
                     int64_t member, int64_t steps, unsigned what,
                     const struct checkpoint_lines *lines, struct error *e);
/* Why the last could not be written, once; 0: nothing is known of any failure. */
int checkpoints_failure(struct checkpoints *c, struct error *e);
/* Waits until none is being written; `is_void`: nobody needs it any more. True where `member` has
 * one on the disk. */
bool checkpoints_finish(struct checkpoints *c, int64_t member, bool is_void);

/* The member's, that fits this job, release and machine: see checkpoint_file_read. */
int checkpoints_read(const struct checkpoints *c, int64_t member, struct checkpoint_content *ret,
                     void **ret_memory, struct error *e);
/* The member has ended; or all, kept ones too, since the store is made anew. */
void checkpoints_remove(struct checkpoints *c, int64_t member);
void checkpoints_remove_all(const struct checkpoints *c);

#endif
