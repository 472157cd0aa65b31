/* SPDX-License-Identifier: Apache-2.0 */
/* A job: one run of a model, or a batch of runs, as submitted (proto/job.schema.json), checked
 * against its model. The same code checks at submission, in the worker and in `simlab-worker run`.
 *
 * What the schema cannot say
 *  - `sweep`: {"product": {input: values…}} (the first varies slowest), {"zip": {…}} (side by side,
 *    lists of equal lengths), or both (the zipped ones together are one more factor, the fastest).
 *    `values` is a list, {"linspace"…}, {"arange"…}, {"upload"…}, or {"dims": [batch, …], "data"…}
 *    where each value is an array. The batch dimension is `batch_dim`, or "batch".
 *  - `base`: an earlier job. `inputs`, `clocks`, `outputs`, `encoding`, `coords`, `attrs` and
 *    `labels` are laid over its own, name by name (null takes one away, but for `outputs`, where it
 *    means: once, at the end); other keys replace its own; `store` and `name` are not taken over.
 *    A `setup` beside it replaces clocks, inputs, outputs, coords and attrs.
 *  - `model`: a stored model's name or hash, a definition, or {"base": NAME, "processes": {…},
 *    "after": {…}}, a stored model with changes (model_update).
 *  - `stop_when`: {"variable": name, "above" or "below": number, or "not_finite": true}, or a list
 * of these.
 *  - `open`: true, or how many members are expected: the batch may get more. `appended` is a list
 * of
 *    {"inputs": {name: values}, "coords": {…}}: the members that it got, one after another. Each
 * has exactly the inputs, and coordinates, that have the batch dimension, which is their first one.
 *  - `outputs`: {name: clock}, or {name: {"clock", "attrs"}}; a clock is a name, or null.
 *  - `coords`: {name: {"dims", "data", "attrs"}}: arrays that are stored beside the inputs.
 *    `attrs`: attributes of the store's root.
 *
 * Invariant: a job that job_new accepts has a value for every input, in a dtype and dims that the
 * variable accepts, within its declarative bounds and choices (unless `validate` is none); every
 * clock is a subset of the main one; every output exists and has a clock that exists. */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include "base/ndarray.h"
#include "model/model.h"

struct job_series;

struct clock {
    char *name;
    struct ndarray labels; /* one dim, ascending strictly; f8 or i8 as given */
    double *values;        /* the labels as doubles: labels.shape[0] of them */
    int64_t n;
    json_t *attrs; /* an object: attrs, and units and calendar where given */
    /* at[k]: number of the main clock's label that is label k. For the main clock: k itself. */
    int64_t *at;
    bool has_outputs; /* that are saved at its labels */
};

struct job_input {
    int slot;
    bool is_default;
    bool is_output;     /* an output has its name: the store shows that, not what was given */
    int64_t swept;      /* values that a sweep gave for it; 0: it is not swept */
    bool is_coordinate; /* belongs into the root's `coordinates` attribute (swept, or so given) */
    /* As given (batch, clock and own dims in the given order), cast to the variable's dtype. This
     * is what the store shows. Its dims are named. */
    struct ndarray given;
    json_t *attrs; /* the variable's, with those given laid over them */
    /* As used: dims (batch, clock, own dims in the accepted order), C order. Shares `given`'s data
     * unless transposed. */
    struct ndarray value;
    bool has_batch, has_clock; /* value's leading axes */
    int ndim;                  /* own dims, which follow them */
    /* NULL; or `given` and `value` have no data: the values of its members, which are its first
     * axis, are computed, read from uploads, or found among those of a sweep, as they are asked
     * for. */
    struct job_series *series;
};

struct job_output {
    int slot;   /* the slot whose value is saved */
    char *name; /* "process__variable" as asked for; index variables: the variable's name (where
                 * several have it, the last one's; the others' are "process__variable") */
    const struct variable *variable; /* the slot owner's: dims, dtype */
    int clock;                       /* index in job->clocks; -1: once, at the end */
    json_t *attrs;    /* of the array: the owner's, those of what was named, those given */
    json_t *encoding; /* the variable's, with the job's `encoding` laid over it; an object */
    bool is_index;    /* stored for itself: an index variable of the model (without batch dim) */
    /* Stored for itself, too, under its full name and along the batch: an index variable that may
     * differ from member to member, since something that varies leads to it. */
    bool is_own_index;
    bool is_labels; /* it is such an index variable, asked for or not: a coordinate */
    char *labels;   /* NULL; or the name under which that is stored at the job's end, without batch
                     * dim, where all members have the same one … */
    json_t *labels_encoding; /* … and how */
};

/* An array that is stored as it was given: labels of a dimension, or what else a set-up has. */
struct job_coord {
    char *name;
    struct ndarray values; /* dims are named */
    json_t *attrs;
};

enum job_check_dims { JOB_DIMS_STRICT, JOB_DIMS_TRANSPOSE };
enum job_validate { JOB_VALIDATE_INPUTS, JOB_VALIDATE_ALL, JOB_VALIDATE_NONE };

enum stop_kind { STOP_ABOVE, STOP_BELOW, STOP_NOT_FINITE };
struct stop_when { /* ends a member's run after a step where an element of `slot`'s value passes the
                    * bound, or is NaN or infinite */
    int slot;
    enum stop_kind kind;
    double bound;
};

/* When a member's run is saved, so that it goes on from there after its worker's end. */
struct job_checkpoint {
    int64_t steps;  /* after so many; 0: not by steps */
    double seconds; /* the first step's end after so many; 0: not by time */
    int n_keep;
    int64_t *keep; /* ascending: those after so many steps are kept (job_kept_path) */
};

/* Members start from a checkpoint that another job of the same model has kept, and have no
 * `initialize`: their inputs hold from there on. */
struct job_from {
    int64_t steps;  /* that were done; 0: members start from the start */
    int64_t job;    /* whose, or 0 and: */
    char *store;    /* its path, relative to the job's file; in local runs */
    int64_t member; /* of that job; -1: each from the one of its own number */
};

/* The coordinate system of the dimensions y and x: a number in the EPSG registry, or WKT; or
 * neither. */
struct job_crs {
    int64_t epsg;
    char *wkt;
};
#define JOB_HAS_CRS(job) ((job)->crs.epsg || (job)->crs.wkt)
#define JOB_CRS_ARRAY    "spatial_ref" /* of the store: has it in its attributes */

struct job {
    const struct model *model; /* owned when job_new built it */
    struct model *own_model;
    json_t
        *document; /* the job as normalized: model inline, uploads still by name; owned. Its lists
                    * are those given; who needs only the arrays may drop it (decref, NULL) */
    int n_clocks;
    struct clock *clocks; /* in given order */
    int main_clock;
    char *batch_dim; /* NULL: no batch */
    char *swept; /* NULL; or of a sweep whose factors are numbers or texts: the names of an input of
                  * each, with blanks between, by which members can be told apart */
    int64_t n_members; /* 1 without a batch */
    /* Members may be appended to the batch, as the document's `appended` has some. Chunks are cut,
     * and processes told of the batch's size, as of one of `expected` members, so that neither
     * depends on how many there are yet; of other jobs it is n_members. */
    bool is_open;
    int64_t expected;
    int64_t n_latest; /* of the members, those of the last item of `appended` */
    /* Of an open batch: what its arrays count of JOB_MAX_BYTES, and one more member of it. */
    size_t bytes, member_bytes;
    int n_inputs;
    struct job_input *inputs; /* one per model input, in the model's order */
    int n_outputs;
    struct job_output *outputs; /* those asked for in order; then every index variable, for itself
                                 * (so one that is the same for all members and asked for by name
                                 * is there twice) */
    int n_coords;
    struct job_coord *coords;
    json_t *attrs; /* an object: attributes of the store's root, as given */
    struct job_crs crs;
    enum job_check_dims check_dims;
    enum job_validate validate;
    bool parallel;
    char *scheduler; /* "auto", "serial", "threads", "processes" */
    /* Threads on which the processes of one member, and their loops, may run side by side; of a
     * batch by threads, its members. 1: none; 0: as many as there are processors; at most
     * JOB_MOST_LANES. */
    int64_t lanes;
    uint64_t seed;
    int64_t priority;
    int64_t threads;      /* of OpenMP and its like in a worker; 0: as it is set there */
    int64_t most_workers; /* that may run it at a time; 0: all */
    int64_t *after;       /* jobs of the daemon's, each once, that are to succeed before it runs */
    size_t n_after;
    bool is_held;            /* it does not run until somebody releases it */
    int64_t max_attempts;    /* 3 */
    double member_timeout;   /* seconds; 0: none */
    char *store;             /* name asked for; NULL: the daemon picks */
    const char *zarr_format; /* of the store: "2", "3", or "both" over the same chunks */
    int n_stop_when;
    struct stop_when *stop_when;
    int64_t log_every; /* steps; 0: never */
    struct job_checkpoint checkpoint;
    struct job_from from;
    bool finite_outputs; /* a member of which an output is NaN or infinite has failed */
    bool isolate;        /* each member runs in a process of its own */
    bool profile;        /* where its time goes is measured */
    bool debug;          /* a run for authors: mistakes that may pass are looked for */
    int n_hooks;
    char **hooks; /* "library.name", in the order in which they are called */
};

/* How inputs that are references are read: {"upload": SHA256} and {"file": PATH} in `data`.
 * A NULL function refuses that form. Fills ret (dims unnamed). Their results are model's: 0, enum
 * model_result where the document names what is not there or cannot be taken, -errno where it could
 * not be read. */
struct job_sources {
    int (*upload)(void *userdata, const char *id, struct ndarray *ret, struct error *e);
    int (*file)(void *userdata, const char *path, struct ndarray *ret, struct error *e);
    /* A stored model's definition by name or hash (a new reference). */
    int (*model)(void *userdata, const char *name, json_t **ret_definition, struct error *e);
    /* The document of an earlier job, for `base`. */
    int (*job)(void *userdata, const char *id, json_t **ret_document, struct error *e);
    void *userdata;
    /* The job is but checked, and takes no more memory than its document: its arrays (given, value,
     * labels, values, at, coords) have shapes, and no data. Uploads are opened by `open` (a
     * descriptor, which job_new closes), and read a piece at a time. */
    bool is_check;
    int (*open)(void *userdata, const char *id, int *ret_fd, struct error *e);
    /* Without is_check, where there is `open` too: a long upload of values of members stays a file
     * (struct job_input.series), of which only what is asked for is read; it was looked at when the
     * job was submitted, and is not again. */
    /* With is_check: nothing that takes long is done. MODEL_LONG where that is needed. */
    bool is_quick;
};

/* Limits that hold whoever asks: members of a batch; elements of one array; and bytes of all arrays
 * of a job together: clocks (24 bytes a label, as a run needs them), inputs as they are used (a
 * swept one has a value for each member), and coordinates. They are counted before memory is taken.
 */
#define JOB_MAX_MEMBERS  100000000
#define JOB_MAX_ELEMENTS (64 * 1024 * 1024)
#define JOB_MAX_BYTES    (1024 * 1024 * 1024)
#define JOB_MOST_LANES   64

/* Checks the whole document and builds the job. 0, MODEL_INVALID with a pointer into `document` and
 * a message that names process and variable (also for an unknown model or upload),
 * MODEL_TOO_LARGE, MODEL_LONG, or -errno where a source failed. `document` is borrowed. */
int job_new(const struct registry *r, const json_t *document, const struct job_sources *sources,
            struct job **ret_job, struct error *e);
struct job *job_free(struct job *j);

/* What the outputs take, uncompressed, as far as it is known without a run: where a size is not,
 * where a variable has several alternatives, and where members may stop early, the least that it
 * can be. INT64_MAX where it is that or more. */
int64_t job_least_bytes(const struct job *j);

/* Whether members of a batch run side by side in a worker, each on a thread. What is to be told of
 * one at a time (a debug run, a profile, checkpoints, hooks) is so told: they run one by one. */
bool job_runs_beside(const struct job *j);

/* What job->threads will be, of a document that was not checked yet. */
int64_t job_options_library_threads(const json_t *document);

/* As model_libraries, with those of the job's hooks. */
json_t *job_libraries(const struct job *j);
/* What the job's workers must have: these libraries, and of each kind of runtime that they need
 * which: {"@python": a hash}. */
json_t *job_pins(const struct job *j);

/* Whether a store of the job's format can hold the outputs as their encodings ask, and what is
 * given beside them: model/ cannot ask store/, so `check` is given (store_check_encoding). 0;
 * MODEL_INVALID with a pointer ("/encoding/advect__u/chunks"); -errno. */
typedef int (*job_encoding_fn)(const char *zarr_format, const json_t *encoding, int dtype,
                               size_t itemsize, int ndim, struct error *e);
int job_check_encodings(const struct job *job, job_encoding_fn check, struct error *e);

/* Where the checkpoint lies that a member of the job with this store keeps: beside the store, until
 * both are removed by hand. A new string. */
char *job_kept_path(const char *store, int64_t member, int64_t steps);
#define JOB_KEPT_SUFFIX ".checkpoints" /* of their directory */
/* {input: as given}, of those that no branch may change: static ones. A new reference. */
json_t *job_static_inputs(const struct job *j);

/* Some elements of a series that lie together. Zeroed before. */
struct job_room {
    const struct job_series *of;
    int64_t begin, end; /* those that it has */
    char *bytes;
    size_t size;
};
void job_room_clear(struct job_room *room);

/* A member's value of an input in step `step`: where it lies in `value.data`, or in `room`, where
 * that is of a series. `value`'s own dims and sizes hold for it. NULL before the first step (-1),
 * where a time-dependent input has none. 0, or -errno where it could not be read. */
int job_input_at(const struct job *j, const struct job_input *input, int64_t member, int64_t step,
                 struct job_room *room, const void **ret);
/* Values of members [at, at + n); 0 or -errno. On any thread. */
int job_series_read(const struct job_series *s, int64_t at, int64_t n, void *ret);

#endif
