/* SPDX-License-Identifier: Apache-2.0 */
/* Runs members of one job and puts their outputs into its store: the middle of `run` and `serve`.
 *
 * Invariant: outputs are buffered within a bound and written a chunk row at a time, each chunk once
 * where the range holds all of it; `done` is called only for members whose chunks are on disk. */
#ifndef WORKER_MEMBER_H
#define WORKER_MEMBER_H

#include "model/job.h"
#include "worker/library.h"

struct members;

struct members_events {
    /* [begin, end) are stored. */
    int (*done)(void *userdata, int64_t begin, int64_t end);
    /* A member failed by its own code. The range goes on without it. */
    int (*failed)(void *userdata, int64_t member, const struct error *why);
    /* Chunk shapes were proposed by the first member (see layout below). */
    int (*layout)(void *userdata, const char *layout);
    void (*log)(void *userdata, int64_t member, const char *line);
    /* Between steps: non-zero stops the range (cancelled). */
    int (*step)(void *userdata, int64_t member, int64_t step);
    void *userdata;
};

/* `store_path` is made and filled with inputs, clocks and provenance by the first range (that of
 * member 0). `layout`: JSON of the arrays' metadata as recorded with the job, or NULL, when the
 * first member decides: {"profile__u": {"shape": […], "chunks": […], "dims": […]}}. Job borrowed.
 */
int members_new(const struct job *job, const struct libraries *l, const char *store_path,
                const char *layout, const struct members_events *events,
                struct members **ret_members, struct error *e);
struct members *members_free(struct members *m);

/* Runs [begin, end). 0, or what a callback returned, or ERROR_STORAGE. */
int members_run(struct members *m, int64_t begin, int64_t end, struct error *e);

/* After the last member: verifies the store where every member is done (`complete`), and closes it
 * (store_finish). */
int members_finish(struct members *m, bool complete, struct error *e);

/* Checks the encodings of a job's outputs, as far as can be told before the first member has shown
 * its sizes. ERROR_INVALID with a pointer into the job. */
int members_check(const struct job *job, struct error *e);

#endif
