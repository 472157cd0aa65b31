/* SPDX-License-Identifier: Apache-2.0 */
/* Runs members of one job and puts their outputs into its store: the middle of `run` and `serve`.
 * Each member finds a clean room (worker/clean_room.h).
 *
 * Of a job that isolates them, one member is all that is run: then WORKER_RENEW. That no other has
 * run before in the process is the caller's to see to.
 *
 * A member of which there is a checkpoint goes on from it, and says so in its log; where that does
 * not fit, it runs from its start.
 *
 * Invariant: `done` is called only for members whose chunks are on disk, `layout` once, before it.
 */
#ifndef WORKER_RANGE_RUNNER_H
#define WORKER_RANGE_RUNNER_H

#include "model/job.h"
#include "worker/clean_room.h"
#include "worker/job_store.h"
#include "worker/library.h"

struct range_runner;

#define RANGE_LEAVES (-ESHUTDOWN)
enum { RANGE_OWN_WORD = -1 };
#define RANGE_ISOLATES "each member of its job has a process of its own"

/* Those that return an int return 0, or a negative errno, which ends the range. Of members that run
 * side by side, begin and end are called in their order, for the lowest that is not put away yet,
 * and what they log comes at their end; step is asked only why they were cancelled. Begin is also
 * called by a signal handler, for the member by whose thread the process ends. */
struct range_events {
    /* [begin, end) are stored. */
    int (*done)(void *userdata, int64_t begin, int64_t end);
    /* A member failed by its own code. The range goes on without it. */
    int (*failed)(void *userdata, int64_t member, const struct error *why);
    /* The first member that succeeded has decided the outputs' arrays (see layout below). */
    int (*layout)(void *userdata, int64_t member, const char *layout);
    /* A later member has saved outputs that the layout lacks, and succeeded: their arrays, as its
     * values show them. It is not done, and is to run again once the layout has them. */
    int (*late)(void *userdata, int64_t member, const char *layout);
    /* Of a runner that is ahead (job_store.is_ahead): the layout, which lives as long as the
     * runner; or NULL where it is now for this one to decide. -EAGAIN where that is not known,
     * unless it `waits`. `member` is running, -1: none is. */
    int (*await)(void *userdata, int64_t member, bool waits, const char **ret_layout);
    /* `ordinal`: of the member's own lines, 0, 1, …; RANGE_OWN_WORD: it is the runner's. Who goes
     * on from a checkpoint says those before it again. */
    void (*log)(void *userdata, int64_t member, int64_t ordinal, const char *line);
    /* Before a member's `initialize`; NULL is allowed. */
    void (*begin)(void *userdata, int64_t member);
    /* Between steps: -errno stops the range (cancelled). RANGE_LEAVES: this process is to end; a
     * member of a job with checkpoints is saved before. */
    int (*step)(void *userdata, int64_t member, int64_t step);
    /* After a member's `finalize`, however it went, before its outputs are put away. Whether it may
     * have printed is told from what its libraries import. NULL is allowed. */
    void (*end)(void *userdata, int64_t member, bool may_have_printed);
    /* A member asks for more memory than there can be (stage_events.abandon): it was told as
     * failed, and all before it as done. Does not return: the process leaves, as after WORKER_RENEW
     * with the words of `why`. NULL: the member goes on for nothing. */
    void (*abandon)(void *userdata, const struct error *why);
    /* NULL, or true once the range is to stop: long calls may look (stage_events.is_cancelled). */
    const atomic_bool *is_cancelled;
    /* A worker that helped with a member has ended: what it was at is neither done nor undone, so
     * the process is to leave, and the member to start again in another. Called by another thread,
     * in the midst of the member; does not return. */
    void (*lost)(void *userdata, const char *why);
    /* A socket where lanes are offered to helpers, or that helpers connect to (worker/lead.h); -1:
     * none are wanted. */
    int share;
    bool share_listens;
    bool is_few;        /* members of a batch: fewer than workers, so that each may have several */
    int64_t most_spans; /* of a job that is profiled: calls that range_runner_trace has */
    void *userdata;
    struct position_board *board; /* where its lanes say where they stand (base/position.h); NULL */
};

/* Without a layout, the store is made and filled with inputs, clocks and provenance, and the first
 * member to succeed decides the layout: nobody else may be running members of the job. Else it is
 * as the `layout` event told it: {"profile__u": {"shape": […], "chunks": […], "dims": […], …}}.
 * A runner that is ahead leaves the store alone and holds what its members save in memory
 * (worker/held_outputs.h), until await tells; members of a job with checkpoints wait for it before
 * they begin. It runs one range.
 * What `where` points to, job, libraries and room (NULL: none) are borrowed. Results are
 * worker/result.h's, with words.
 */
int range_runner_new(const struct job *job, const struct libraries *l, struct clean_room *room,
                     const struct job_store *where, const struct range_events *events,
                     struct range_runner **ret_runner, struct error *e);
struct range_runner *range_runner_free(struct range_runner *m);
/* Of all that ran so far: simulation_profile, simulation_trace. For the caller; NULL where the job
 * is not profiled. */
json_t *range_runner_profile(const struct range_runner *m);
json_t *range_runner_trace(const struct range_runner *m);
/* simulation_memory, of a member that ran alone. */
size_t range_runner_memory(const struct range_runner *m);
/* Seconds of its last run that no further member takes: to make arrays, to tell the layout, to open
 * the store once it is known and put away what was held, to wait for the disk. */
double range_runner_aside(const struct range_runner *m);
/* Lanes that one simulation of the job is to have, or, where its members run beside each other, all
 * of them. */
int range_runner_lanes(const struct job *job, bool is_few);
/* Whether its members run as a single simulation does, each on all lanes: of a batch, where it has
 * few (range_events.is_few). */
bool range_runner_is_single(const struct job *job, bool is_few);
/* The one that it asks for; of "auto", "processes" where several types of its model are movable and
 * helpers may come. */
const char *range_runner_scheduler(const struct job *job, bool is_few);

/* Runs [begin, end). 0; a negative errno, of the store with words in `e`, or of a callback;
 * WORKER_STORE; WORKER_RENEW, where the range ended early since no further member may run in this
 * process: what was run before was told by the events, and `e` says why; WORKER_LAYOUT, where it
 * ended before a member whose outputs `late` has told. After any but 0 it can only be freed. `e` is
 * not NULL. */
int range_runner_run(struct range_runner *m, int64_t begin, int64_t end, struct error *e);

#endif
