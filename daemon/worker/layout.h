/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays of a job's outputs, whose sizes the first member to succeed shows. An output that this
 * one does not save is laid out by the lowest member that saves it.
 *
 * Invariant: an output's metadata are a function of the job and of that member's sizes, so that
 * equal submissions give equal stores. */
#ifndef WORKER_LAYOUT_H
#define WORKER_LAYOUT_H

#include "model/job.h"
#include "simlab/types.h"
#include "store/store.h"
#include "worker/result.h"

/* Where an output lies in its array: dims are (batch), (clock), own. */
struct output_array {
    struct store_meta meta; /* shape: the extents that the first member gives */
    int dtype;              /* of the value, like the next; meta's are those of the encoding */
    size_t itemsize;
    int lead; /* batch and clock axes: 0, 1 or 2 */
    bool has_batch, has_clock;
    int64_t member;                    /* whose sizes these are, and whose value an index has */
    const char *dims[SIMLAB_MAX_DIMS]; /* borrowed from the job */
    /* check_dims: transpose. Own axis i of the array is axis axes[i] of the value, where an input
     * of the same name was given in that order. */
    bool is_transposed;
    int axes[SIMLAB_MAX_DIMS];
};

/* From the value that `member` saved. WORKER_REFUSED where its dims or the encoding do not fit, or
 * where it is larger than what was given along one of its dims. */
int output_array_init(const struct job *job, int output, int64_t member,
                      const struct simlab_view *view, struct output_array *ret_array,
                      struct error *e);
void output_array_clear(struct output_array *a);

/* As recorded with the job: {"shape": […], "chunks": […], "dims": […], "own": […], "dtype": name,
 * "itemsize": n, "member": n}, where `own` are the extents of the value in its own order, and dtype
 * and itemsize are its. The same array comes back, also where another release
 * would choose other chunks. */
json_t *output_array_to_json(const struct output_array *a);
int output_array_from_json(const struct job *job, int output, const json_t *recorded,
                           struct output_array *ret_array, struct error *e);

/* Creates the array, or opens it where it stands. A result of store_create_array. */
int output_array_create(const struct job *job, int output, const struct output_array *a,
                        struct store *s, struct error *e);

/* A job's layout is an object of such records by output's name. Reads one that was recorded; a new
 * reference. WORKER_STORE. */
int layout_read(const char *text, json_t **ret_layout, struct error *e);
/* The layout (NULL: none) with what `additions` has beside; a new string. */
char *layout_merge(const char *layout, const char *additions);

/* Outputs that share a dimension but grew to different extents along it grow to the largest: xarray
 * opens a group only where the extents of a dimension agree. Those not in the store are left out.
 * WORKER_REFUSED where an input or a coordinate has another extent. */
int layout_level(const struct job *job, struct store *s, struct error *e);

#endif
