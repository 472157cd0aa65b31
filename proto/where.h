/* SPDX-License-Identifier: Apache-2.0 */
/* The where page: memory in which a worker says where it is. It is a file, so that it outlives the
 * worker, and the daemon too. Its first WHERE_PAGE bytes are described here; the board behind them,
 * where the threads of a simulation stand, is base/position.h's.
 *
 * Invariants
 *  1. It only informs. User code runs in the worker's memory and may write anything there, or cut
 *     the file: readers read it as a file (a mapping could be torn from under them), check what
 *     they read, and decide by it nothing that would harm another.
 *  2. One thread of the worker writes. What a reader sees of one member may be mixed with the next
 *     one's while the worker runs; of a dead worker it is whole.
 *  3. The format changes with WHERE_VERSION; new fields come after the old ones.
 *  4. The file is sparse: what nobody has written takes no room. */
#ifndef PROTO_WHERE_H
#define PROTO_WHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WHERE_PAGE = 4096,
    WHERE_BOARD = 34 * 4096,
    WHERE_SIZE = WHERE_PAGE + WHERE_BOARD,
    WHERE_VERSION = 1
};

/* A member's output may be read when the page is at the next one. So a worker prints, at the end of
 * a member of which something has not been read yet, a line of this character, the job's number, a
 * space and the member's: what stands before it is of that member. */
#define WHERE_MARK '\x1e'

/* What the page says. */
struct where_at {
    int64_t pid;    /* of the worker; 0: it has not come to say so */
    int64_t job;    /* 0: none */
    int64_t lease;  /* 0: none, or the job's store is being finished */
    int64_t member; /* being run, or stored; -1: none */
    int64_t since;  /* CLOCK_MONOTONIC in ms, when the member began; 0: its clock does not run */
    int64_t step;   /* steps of the member that are done … */
    int64_t nsteps; /* … of how many */
    bool is_silent; /* it ends because it has not heard of the daemon, or not all that was said */
};

/* ---- the daemon's side ---- */

/* Makes the file, mode 0600, in place of what stands there. The descriptor is for the worker to
 * inherit, and to read by. 0 or -errno. */
int where_create(const char *path, int *ret_fd);
/* What it says; false where that is nothing that a worker of this version says. */
bool where_read(int fd, struct where_at *ret);
/* The board: `size` bytes of it, zero where nothing was written or can be read. */
void where_read_board(int fd, void *ret, size_t size);
/* Its worker has not come to write to it. */
bool where_is_blank(int fd);

/* ---- the worker's side ---- */

struct where;

/* Maps an inherited descriptor; -1: memory of its own, which nobody else reads. 0 or -errno. */
int where_open(int fd, struct where **ret_where);
struct where *where_close(struct where *w);

/* The worker has come to say where it is. */
void where_set_pid(struct where *w, int64_t pid);
/* No member yet. `lease` 0 with a job: its store is being finished. All 0: nothing is being done.
 */
void where_set_lease(struct where *w, int64_t job, int64_t lease, int64_t nsteps);
/* A member begins at `now`, and its clock; its clock stops at its end, while its outputs are put
 * away. */
void where_begin_member(struct where *w, int64_t member, int64_t now);
void where_end_member(struct where *w);
/* Costs a store. */
void where_set_step(struct where *w, int64_t step);
/* From any thread of the worker, before it ends for trouble of its session with the daemon. */
void where_set_silent(struct where *w);

/* WHERE_BOARD bytes, zero at first. */
void *where_board(struct where *w);

/* From any thread of the worker. A member that is seen has its own `since`, or a later one. */
void where_look(const struct where *w, struct where_at *ret);

#endif
