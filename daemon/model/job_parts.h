/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of job_new, in the order in which it takes them, and what they share. */
#ifndef MODEL_JOB_PARTS_H
#define MODEL_JOB_PARTS_H

#include "base/npy.h"
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
    size_t bytes;   /* of all arrays until now: JOB_MAX_BYTES */
    int n_files;    /* of series */
    struct error *error;
};

static inline bool job_making_is_check(const struct making *m)
{
    return m->sources && m->sources->is_check;
}

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

/* Another array, of n elements of so many bytes, before memory is taken for it: MODEL_TOO_LARGE,
 * with both numbers, where all together are too large. */
int job_making_count(struct making *m, size_t n, size_t itemsize);

/* ---- job_document.c: what was given → the job's own form ---- */

/* Builds the model too. Errors point into what was given, as far as it is there. */
int job_document_normalize(const struct registry *r, const json_t *given,
                           const struct job_sources *sources, json_t **ret_document,
                           struct model **ret_model, struct error *e);
void job_document_locate(const json_t *given, struct error *e);

/* An xarray-simlab set-up: sets clocks, main_clock, inputs, outputs, coords and attrs in `target`.
 * Errors point into the set-up. */
int job_setup_convert(const json_t *setup, const struct model *m, json_t *target, struct error *e);

/* ---- job_data.c: data in all forms, before they are in memory ---- */

/* A list, one value, {"linspace": [first, last, n]}, {"arange": [start, stop, step]}, {"upload":
 * id} or {"file": path}. Its shape is known at once; its elements are made, or read, as they are
 * asked for. */
struct job_data {
    enum { JOB_DATA_ARRAY, JOB_DATA_LINSPACE, JOB_DATA_ARANGE, JOB_DATA_FILE } form;
    int dtype;
    size_t itemsize;
    int ndim;
    int64_t shape[SIMLAB_MAX_DIMS];
    struct ndarray array;     /* JOB_DATA_ARRAY */
    double first, last, step; /* linspace and arange */
    int fd;                   /* JOB_DATA_FILE; -1 */
    struct npy_header npy;
};

/* dtype -1: as NumPy would have it. Otherwise lists are read as that; other forms have their own,
 * and are cast by who takes them. Zeroed before. */
int job_data_open(const struct making *m, const json_t *data, int dtype, size_t itemsize,
                  struct job_data *ret);
void job_data_close(struct job_data *d);
size_t job_data_size(const struct job_data *d);
/* Elements [at, at + n), native; a file's in the file's order. 0 or -errno. */
int job_data_read(const struct job_data *d, size_t at, size_t n, void *ret);

/* A linspace or arange: elements do not descend where the last two do not come before the first
 * two, and do not ascend where they do not come after. */
bool job_data_is_progression(const struct job_data *d);
/* One whose neighbours doubles tell apart with certainty: it ascends, or descends, strictly. */
bool job_data_is_even(const struct job_data *d);
/* One of integers that doubles hold exactly. */
bool job_data_is_whole(const struct job_data *d);

/* ---- job_series.c ---- */

enum {
    JOB_SERIES_MORE = 64 * 1024, /* elements: so many, or less, are an array */
    JOB_SERIES_ITEM = 16,        /* bytes of an element that is cast, at most */
    JOB_SERIES_FILES = 64,       /* of a job, which stay open */
    JOB_ROOM_BYTES = 4096        /* of a file are read at once, or one value */
};

/* Of nothing yet: values of `own` elements (1 or more), of this dtype. */
struct job_series *job_series_new(int dtype, size_t itemsize, int64_t own);
struct job_series *job_series_free(struct job_series *s);
int64_t job_series_length(const struct job_series *s); /* members */
/* A value for each of more members, along the data's first axis: they are the series' own then. */
void job_series_add(struct job_series *s, struct job_data *d);
/* The same of an array, which has no data then. */
void job_series_add_array(struct job_series *s, struct ndarray *a);
/* Those of another, which is freed. */
void job_series_add_all(struct job_series *s, struct job_series *more);
/* Of what was added, which was done once: member i of n has value (i / inner) mod their number. */
void job_series_spread(struct job_series *s, int64_t n, int64_t inner);
/* n elements from element `at` of the whole on, of one value: where they lie, or in `room`. 0 or
 * -errno. */
int job_series_at(const struct job_series *s, int64_t at, int64_t n, struct job_room *room,
                  const void **ret);

/* ---- job_values.c: data → an array ---- */

/* Looks at elements [at, at + n) of data, cast to the dtype wanted. 0 or what is at fault. */
typedef int (*job_look_fn)(void *userdata, const struct job_data *d, const void *elements,
                           size_t at, size_t n);
struct job_look {
    job_look_fn fn; /* NULL: nothing is looked at */
    void *userdata;
    enum {
        JOB_LOOK_ALL,
        JOB_LOOK_BOUNDS, /* content with the ends of a progression … */
        JOB_LOOK_ORDER   /* … of an even one */
    } kind;
};

/* Counts the array (job_making_count), checks that the cast to dtype (-1: none) loses nothing but a
 * float's digits, and lets `look` (NULL: none) see the elements. Dims are unnamed. Where the job is
 * but checked, the array has a shape and no data. */
int job_values_read(struct making *m, const json_t *data, int dtype, size_t itemsize,
                    const struct job_look *look, struct ndarray *ret);
/* The same; a long progression, or upload, becomes a series along its first axis, and *ret has no
 * data (struct job_input). */
int job_values_read_series(struct making *m, const json_t *data, int dtype, size_t itemsize,
                           const struct job_look *look, struct ndarray *ret,
                           struct job_series **ret_series);
/* The same of data that were opened; each element counts `counted` bytes. */
int job_values_take(struct making *m, struct job_data *d, int dtype, size_t itemsize,
                    size_t counted, const struct job_look *look, struct ndarray *ret);
/* A shape without data. */
void job_values_shape(int dtype, size_t itemsize, int ndim, const int64_t *shape,
                      struct ndarray *ret);

/* An array's object: no key but `keys`, and one source of data. */
int job_values_check_keys(const json_t *object, const char *const *keys, struct error *e);

/* The member of `object` that is the data: "data", or the object itself where it has one of the
 * other forms' keys. NULL where there is none. *ret_below is the pointer from `object` to it. */
const json_t *job_values_member(const json_t *object, json_t **ret_owned, const char **ret_below);

/* ---- job_labels.c: clocks' labels ---- */

/* Reads a clock's labels from `data` (at `below`), which stay open in `d` (zeroed, fd -1). */
int job_labels_read(struct making *m, struct clock *c, struct job_data *d, const json_t *data,
                    const char *below);
/* What a label in a clock's own units is to be multiplied with to be one in the main clock's: where
 * it is not 1, its labels become the main clock's own. */
struct job_clock_ratio {
    int64_t up, down;
};
/* Finds the labels of a clock among those of the main clock; data[i]: what clock i was read from.
 * `nearest`: those that are nearest, each once. */
int job_labels_synchronize(struct making *m, const struct job_data *data, int clock, bool nearest,
                           const struct job_clock_ratio *ratio);
/* Gives a clock the first label of the main one, and each `every`-th after it. */
int job_labels_thin(struct making *m, struct clock *c, int64_t every);

/* ---- job_stop_when.c ---- */

/* Reads one condition, which stands at `pointer`. */
int job_stop_when_read(struct making *m, const json_t *given, const char *pointer,
                       struct stop_when *ret);

/* ---- job_clock_units.c ---- */

/* That readers make dates of the units, and that they are the main clock's, which others become
 * where they are multiples or parts of these. */
int job_clock_units_check(struct making *m, struct clock *c, struct job_clock_ratio *ret_ratio);

/* ---- the parts, each from its key of the document ---- */
int job_options_read(struct making *m);
int job_clocks_read(struct making *m);
int job_sweep_read(struct making *m); /* sets batch_dim, and `given` of the inputs that it sweeps */
int job_coords_read(struct making *m);
int job_inputs_read(struct making *m);
/* After inputs and coords: lengthens those that have the batch dimension; sets `expected`. */
int job_appended_read(struct making *m);
int job_checkpoint_read(struct making *m);
int job_from_read(struct making *m);
int job_outputs_read(struct making *m);

/* ---- job_crs.c ---- */

/* After the index variables were added. */
int job_crs_read(struct making *m);

/* ---- job_indexes.c ---- */

/* After the outputs that were asked for: all index variables. */
void job_indexes_add(struct making *m);

/* Names `given`'s dims: as given, or those accepted with as many. */
int job_input_dims_name(struct making *m, struct job_input *input, const json_t *dims);
int job_input_dims_guess(struct making *m, struct job_input *input);
/* Sets has_batch, has_clock, ndim and `value`, and has no series left that is not along the batch.
 */
int job_input_dims_match(struct making *m, struct job_input *input);

/* Looks at an input's values: bounds and choices. */
struct job_input_look {
    struct making *m;
    const struct variable *variable;
};
/* Fills `look`, which what is returned refers to. */
struct job_look job_input_look(struct making *m, int slot, struct job_input_look *look);

/* A place in job->inputs by the input's name; -1 and a fault that says what would be right. */
int job_inputs_find(struct making *m, const char *section, const char *name);

/* ---- job_registry.c ---- */

/* The registry for a document that is laid over `base` (NULL: none). Borrowed from `r`.
 * MODEL_INVALID. */
int job_registry(const struct registry *r, const json_t *document, const json_t *base,
                 const struct registry **ret_registry, struct error *e);

#endif
