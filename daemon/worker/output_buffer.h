/* SPDX-License-Identifier: Apache-2.0 */
/* The part of an output's array that is being gathered: some members (rows) by some labels of its
 * clock by its own dims, in the array's dtype, written to the store in one box.
 *
 * Invariants
 *  1. A buffer covers whole chunks along batch and clock, except at the ends of the lease and of
 *     the array.
 *  2. What no member saved is the array's fill value.
 *  3. Own extents only grow within a buffer; data saved before keep their place. */
#ifndef WORKER_OUTPUT_BUFFER_H
#define WORKER_OUTPUT_BUFFER_H

#include "worker/layout.h"

struct output_buffer {
    const struct output_array *array; /* borrowed */
    const char *name;
    int64_t row, n_rows;          /* members [row, row + n_rows) */
    int64_t label, n_labels;      /* labels [label, label + n_labels) of the clock */
    int64_t own[SIMLAB_MAX_DIMS]; /* extents of the own dims */
    char *data;
    size_t capacity;
    bool is_dirty;
};

void output_buffer_clear(struct output_buffer *w);

/* Bytes of one label's value with these own extents (NULL: those of the array); false where they
 * cannot be counted. */
bool output_buffer_value_bytes(const struct output_buffer *w, const int64_t *own,
                               size_t *ret_bytes);
bool output_buffer_holds(const struct output_buffer *w, int64_t row, int64_t label);

/* Empties it and moves it, with the array's own extents. -ENOMEM where there is no memory: then it
 * holds nothing. */
int output_buffer_move(struct output_buffer *w, int64_t row, int64_t n_rows, int64_t label,
                       int64_t n_labels);

/* Makes room for own extents of at least these. 0 or -ENOMEM. */
int output_buffer_reserve(struct output_buffer *w, const int64_t *own);

/* Puts a member's value in; it must lie in the buffer. 0 or -ENOMEM, and then nothing has changed.
 */
int output_buffer_put(struct output_buffer *w, int64_t row, int64_t label,
                      const struct simlab_view *view);

/* Forgets what a member has put: fill values. */
void output_buffer_forget(struct output_buffer *w, int64_t row);

/* Writes rows [row, end) to the store, growing the array where it is smaller. */
int output_buffer_write(struct output_buffer *w, int64_t end, struct store *s, struct error *e);

#endif
