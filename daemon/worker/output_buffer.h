/* SPDX-License-Identifier: Apache-2.0 */
/* The part of an output's array that is being gathered: some members (rows) by some labels of its
 * clock by its own dims, in the array's dtype, written to the store in one box.
 *
 * Invariants
 *  1. A buffer covers whole chunks along batch and clock, except at the ends of the lease and of
 *     the array.
 *  2. What no member saved is the array's fill value.
 *  3. Own extents grow while a member runs, and data saved before keep their place; what a member
 *     made larger that is forgotten is made smaller again. */
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
    /* As it was before the member that runs now. */
    int64_t kept_own[SIMLAB_MAX_DIMS];
    bool is_kept_dirty;
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

/* Puts a member's value in; it must lie in the buffer. 0 or -ENOMEM, and then nothing has changed.
 */
int output_buffer_put(struct output_buffer *w, int64_t row, int64_t label,
                      const struct simlab_view *view);

/* The member that ran has ended well: what it put stays. */
void output_buffer_keep(struct output_buffer *w);
/* Forgets what the member that ran has put: its row is of fill values, the extents are as before.
 * 0 or -ENOMEM. */
int output_buffer_forget(struct output_buffer *w, int64_t row);

/* The values of a row, one label after the other, for a run that is saved: *ret_bytes of them. NULL
 * where it does not hold the row. */
const void *output_buffer_row(const struct output_buffer *w, int64_t row, size_t *ret_bytes);
/* Puts them back into a buffer that holds the row and the same labels: those of values with these
 * own extents. 0 or -ENOMEM. */
int output_buffer_restore(struct output_buffer *w, int64_t row, const int64_t *own,
                          const void *data);

/* A box of an array, as the store takes it. */
struct output_box {
    int64_t start[SIMLAB_MAX_DIMS], count[SIMLAB_MAX_DIMS];
    int64_t shape[SIMLAB_MAX_DIMS]; /* that the array must have for it */
    bool is_larger;                 /* than that which it began with */
    const void *data;
};

/* Rows [begin, end). False where the box is empty. */
bool output_buffer_box(const struct output_buffer *w, int64_t begin, int64_t end,
                       struct output_box *ret_box);

#endif
