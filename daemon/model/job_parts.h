/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of job_new, in the order in which it takes them, and what they share. */
#ifndef MODEL_JOB_PARTS_H
#define MODEL_JOB_PARTS_H

#include "model/job.h"

/* A job in the making. `document` is in the job's own form: no `base`, no `setup`, model inline.
 * Pointers of errors lead into it; job_document_locate turns them into pointers into what was
 * given. */
struct making {
    struct job *job;
    const json_t *document;
    const struct job_sources *sources;
    json_t *sizes;  /* dimension → labels */
    json_t *sizers; /* dimension → who gave the size, for messages */
    json_t *swept;  /* inputs that the sweep gave → attrs given with them */
    struct error *error;
};

enum { JOB_POINTER_SIZE = 512 };

/* "/section/name" into ret. */
void job_making_pointer(const char *section, const char *name, char ret[JOB_POINTER_SIZE]);

/* "input advect__v: …" with the pointer "/section/name" and `below` ("" or "/data…") after it. */
__attribute__((format(printf, 5, 6))) int job_making_fault(struct making *m, const char *section,
                                                           const char *name, const char *below,
                                                           const char *format, ...);

/* What is wrong with `name`'s value, found by a function that set m->error with a pointer relative
 * to it: prefixes both. Gives r back. */
int job_making_blame(struct making *m, int r, const char *section, const char *name,
                     const char *below);

/* dim has n labels, as `who` says; a fault where another said otherwise. */
int job_making_size(struct making *m, const char *section, const char *who, const char *dim,
                    int64_t n);
int64_t job_making_size_of(const struct making *m, const char *dim); /* -1: not known */

/* ---- job_document.c: what was given → the job's own form ---- */

/* Builds the model too. Errors point into what was given, as far as it is there. */
int job_document_normalize(const struct registry *r, const json_t *given,
                           const struct job_sources *sources, json_t **ret_document,
                           struct model **ret_model, struct error *e);
void job_document_locate(const json_t *given, struct error *e);

/* An xarray-simlab set-up: sets clocks, main_clock, inputs, outputs, coords and attrs in `target`.
 * Errors point into the set-up. */
int job_setup_convert(const json_t *setup, const struct model *m, json_t *target, struct error *e);

/* ---- job_values.c: data in all forms → an array ---- */

/* A list, one value, {"linspace": [first, last, n]}, {"arange": [start, stop, step]}, {"upload":
 * id} or {"file": path}. dtype -1: as NumPy would have it; else checked and cast. Dims are unnamed.
 */
int job_values_read(const struct job_sources *sources, const json_t *data, int dtype,
                    size_t itemsize, struct ndarray *ret, struct error *e);

/* An array's object: no key but `keys`, and one source of data. */
int job_values_check_keys(const json_t *object, const char *const *keys, struct error *e);

/* The member of `object` that is the data: "data", or the object itself where it has one of the
 * other forms' keys. NULL where there is none. *ret_below is the pointer from `object` to it. */
const json_t *job_values_member(const json_t *object, json_t **ret_owned, const char **ret_below);

/* ---- the parts, each from its key of the document ---- */
int job_options_read(struct making *m);
int job_clocks_read(struct making *m);
int job_sweep_read(struct making *m); /* sets batch_dim, and `given` of the inputs that it sweeps */
int job_coords_read(struct making *m);
int job_inputs_read(struct making *m);
int job_outputs_read(struct making *m);

/* Names `given`'s dims: as given, or those accepted with as many. */
int job_input_dims_name(struct making *m, struct job_input *input, const json_t *dims);
int job_input_dims_guess(struct making *m, struct job_input *input);
/* Sets has_batch, has_clock, ndim and `value`. */
int job_input_dims_match(struct making *m, struct job_input *input);

/* A place in job->inputs by the input's name; -1 and a fault that says what would be right. */
int job_inputs_find(struct making *m, const char *section, const char *name);

#endif
