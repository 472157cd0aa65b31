/* SPDX-License-Identifier: Apache-2.0 */
/* The outputs of members on their way into the store: one buffer for each output, written a chunk
 * row at a time.
 *
 * Invariants
 *  1. Buffers hold at most OUTPUT_WRITER_BYTES, or a single value where that alone is larger. A
 *     chunk row that would be more is written in parts, and so is a member whose values have grown
 *     too large. (Only values that grow along different dims can make a buffer larger than each of
 *     them.)
 *  2. What is on disk, and in which files, does not depend on how members were cut into ranges:
 *     parts of chunks are put together under the chunk's lock.
 *  3. Nothing of a member is seen in the store before it has ended well: neither values, nor larger
 *     extents, nor chunks. What does not fit into the buffers is staged (store_stage). (Where there
 *     is no layout yet, nobody else is writing, and the arrays of a member that fails are removed.)
 *  4. What the layout lacks is not stored: the member that saves it tells its sizes (`late`), and
 * is run again once it has been decided.
 *
 * Results, with words: 0; WORKER_REFUSED where a member's output cannot be stored, which is its own
 * failure; WORKER_STORE or a negative errno, and is_broken, where the store is at fault. */
#ifndef WORKER_OUTPUT_WRITER_H
#define WORKER_OUTPUT_WRITER_H

#include "worker/output_buffer.h"

#define OUTPUT_WRITER_BYTES ((size_t)256 << 20)

struct writer_output {
    bool is_known; /* `array` is set, and stands in the store */
    struct output_array array;
    struct output_buffer buffer;
    int64_t rows, labels; /* of a buffer */
    int64_t written;      /* members below it are in the store */
    int64_t part;         /* the member of which labels have left the buffer, or -1 … */
    int64_t part_own[SIMLAB_MAX_DIMS]; /* … in these extents at most */
    int64_t single;                    /* the member whose values have grown too large, or -1 */
    /* Of an index: what the member that runs is to do once it has ended well. */
    bool is_put, is_larger;
    int64_t shape[SIMLAB_MAX_DIMS];
};

struct output_writer {
    const struct job *job; /* borrowed, like the store */
    struct store *store;
    struct writer_output *outputs; /* job->n_outputs */
    json_t *layout;                /* {output: output_array_to_json} */
    json_t *late;                  /* the same, of what the member that runs saves beyond it */
    bool proposes;                 /* no layout was given: the next member to succeed decides it */
    bool is_broken;
    int64_t end;  /* of the range */
    int64_t done; /* members of the range below it may have been told to be done */
    size_t room;  /* of a buffer: OUTPUT_WRITER_BYTES, less in tests */
};

/* `g` is zeroed, or tells the room. `layout`: as recorded with the job; its arrays are joined, or
 * made where they were only decided. NULL: then arrays of outputs that stand in the store are those
 * of a member that died, and are removed. */
int output_writer_open(struct output_writer *g, const struct job *job, struct store *s,
                       const char *layout, struct error *e);
/* For a member that goes on where it was saved before there was a layout: `layout` are the arrays
 * that it had shown by then, and they stand in the store. */
int output_writer_join(struct output_writer *g, const struct job *job, struct store *s,
                       const json_t *layout, struct error *e);
void output_writer_close(struct output_writer *g); /* also of a zeroed one */

/* Begins a range; what an earlier one left in the buffers is forgotten. */
void output_writer_begin(struct output_writer *g, int64_t begin, int64_t end);

/* The range ends at `end` already: before output_writer_write of its last member. */
void output_writer_end(struct output_writer *g, int64_t end);

/* A value that a member saved. Its labels come in ascending order. */
int output_writer_put(struct output_writer *g, int64_t member, int output, int64_t at,
                      const struct simlab_view *view, struct error *e);

/* The member has ended well: what it saved is to be stored. */
int output_writer_keep(struct output_writer *g, int64_t member, struct error *e);
/* It has not: nothing of it is stored. */
int output_writer_forget(struct output_writer *g, int64_t member, struct error *e);

/* While a member runs, between two of its steps: all that it has saved and that does not stand in
 * the store by then, or is staged there: see output_writer_saved.c. Appended. */
void output_writer_save(const struct output_writer *g, int64_t member, struct buffer *ret);
/* As if the member had saved it, after output_writer_begin. WORKER_REFUSED where it does not fit
 * the store and its layout as they are now: then the member can be forgotten, and run from its
 * start. */
int output_writer_restore(struct output_writer *g, int64_t member, const char *saved, size_t n,
                          struct error *e);
/* The layout that a saved member had shown, where it was to decide it; NULL: it was decided, or
 * nothing can be read here. A new reference. */
json_t *output_writer_saved_layout(const char *saved, size_t n);

/* After either: writes the buffers that are full. Members of the range below *ret_written are in
 * the store (perhaps not on the disk yet). */
int output_writer_write(struct output_writer *g, int64_t member, int64_t *ret_written,
                        struct error *e);

#endif
