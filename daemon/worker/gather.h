/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of members on their way into the store: one window for each output, written a chunk
 * row at a time.
 *
 * Invariants
 *  1. Windows hold at most GATHER_BYTES, or a single value where that alone is larger. A chunk row
 *     that would be more is written in parts, and so is a member whose values have grown too large.
 *     (Only values that grow along different dims can make a window larger than each of them.)
 *  2. What is on disk, and in which files, does not depend on how members were cut into ranges:
 *     parts of chunks are put together under the chunk's lock.
 *  3. A member that failed has left fill values only; one that failed before there was a layout has
 *     left nothing, and does not decide it.
 *
 * Errors need an `e` that is not NULL and has no message yet.
 *
 * Results: 0; ERROR_FAILED or ERROR_INVALID where a member's output cannot be stored, which is its
 * own failure; anything else, and is_broken, where the store is at fault. */
#ifndef WORKER_GATHER_H
#define WORKER_GATHER_H

#include "worker/window.h"

#define GATHER_BYTES ((size_t)256 << 20)

struct gather_output {
    bool is_known; /* `array` is set, and stands in the store */
    struct output_array array;
    struct window window;
    int64_t rows, labels;              /* of a window */
    int64_t written;                   /* members below it are on disk */
    int64_t part;                      /* the member of which labels were written before its window,
                                        * or -1; */
    int64_t part_own[SIMLAB_MAX_DIMS]; /* … in these extents at most */
    int64_t single;                    /* the member whose values have grown too large, or -1 */
};

struct gather {
    const struct job *job; /* borrowed, like the store */
    struct store *store;
    struct gather_output *outputs; /* job->n_outputs */
    json_t *layout;                /* {output: output_array_to_json} */
    bool proposes;                 /* no layout was given: the next member to succeed decides it */
    bool is_broken;
    int64_t end; /* of the range */
    size_t room; /* of a window: GATHER_BYTES, less in tests */
};

/* `g` is zeroed, or tells the room. `layout`: as recorded with the job, or NULL: then arrays of
 * outputs that stand in the store are those of a member that died, and are removed. */
int gather_open(struct gather *g, const struct job *job, struct store *s, const char *layout,
                struct error *e);
void gather_close(struct gather *g); /* also of a zeroed one */

/* Begins a range; what an earlier one left in the windows is forgotten. */
void gather_begin(struct gather *g, int64_t begin, int64_t end);

/* A value that a member saved. Its labels come in ascending order. */
int gather_put(struct gather *g, int64_t member, int output, int64_t at,
               const struct simlab_view *view, struct error *e);

/* What a failed member saved. */
int gather_forget(struct gather *g, int64_t member, struct error *e);

/* After a member, failed or not: writes the windows that are full. Members of the range below
 * *ret_written are in the store (perhaps not on the disk yet). */
int gather_write(struct gather *g, int64_t member, int64_t *ret_written, struct error *e);

/* Every chunk of the output's array was written, where all members are done: sizes did not differ,
 * and no member may have ended early. */
bool gather_is_regular(const struct gather *g, int output);

#endif
