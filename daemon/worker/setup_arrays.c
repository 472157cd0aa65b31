/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/setup_arrays.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/cf.h"
#include "worker/crs.h"
#include "worker/provenance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One array of those that are known before: a clock, a coordinate or an input that is no output. */
struct setup_array {
    const char *name;
    const struct ndarray *values;
    const struct job_series *series; /* of which they have no data; or NULL */
    const json_t *attrs;
    bool is_batch_first;
    int64_t expected; /* members; where is_batch_first */
};

/* Values of members [at, at + box[0]). */
static int write_values(struct store *s, const struct setup_array *a, int64_t at,
                        const int64_t *box, struct error *e)
{
    const struct ndarray *all = a->values;
    int64_t start[SIMLAB_MAX_DIMS] = {at};
    void *values = mem_try_array((size_t)box[0], ndarray_bytes(all) / (size_t)all->shape[0]);
    int r = values ? job_series_read(a->series, at, box[0], values) : -ENOMEM;
    r = r < 0 ? error_errno(e, r, "read an input") : store_write(s, a->name, start, box, values, e);
    free(values);
    return r;
}

/* Whole chunks, in which members [begin, end) are; of `is_missing`, those that are not there. */
static int write_series(struct store *s, const struct setup_array *a, int64_t chunk, int64_t begin,
                        int64_t end, bool is_missing, struct error *e)
{
    int64_t start[SIMLAB_MAX_DIMS] = {begin / chunk * chunk}, box[SIMLAB_MAX_DIMS];
    int r = 0;
    memcpy(box, a->values->shape, sizeof box);
    for (; start[0] < end && r == 0; start[0] += chunk) {
        int64_t left = a->values->shape[0] - start[0];
        bool is_there = false;
        box[0] = left < chunk ? left : chunk;
        if (is_missing)
            r = store_has_box(s, a->name, start, box, &is_there, e);
        if (r == 0 && !is_there)
            r = write_values(s, a, start[0], box, e);
    }
    return r;
}

struct setup {
    const struct job *job;
    struct store *store;
    bool may_be_late;
    int64_t begin, end; /* members, of fill_one */
    struct error *e;
    int (*fn)(void *userdata, const char *name);
    void *userdata;
};

static int create_array(const struct setup *x, const struct setup_array *array,
                        const struct store_meta *m)
{
    const char *const *dims = (const char *const *)array->values->dims;
    json_t *attrs = cf_attributes(x->job, array->name, array->values->ndim, dims, array->attrs);
    int r = store_create_array(x->store, array->name, m, dims, attrs, x->e);
    json_decref(attrs);
    return r;
}

static int write_array(const struct setup *x, const struct setup_array *array)
{
    const struct ndarray *a = array->values;
    struct store_meta meta;
    store_meta_default(&meta, a->dtype, a->itemsize, a->ndim, a->shape);
    /* As xarray writes a data set: only floats have a fill value. */
    meta.has_fill = dtype_is_float(a->dtype) || a->dtype == SIMLAB_C8 || a->dtype == SIMLAB_C16;
    int64_t shape[SIMLAB_MAX_DIMS];
    memcpy(shape, a->shape, sizeof shape);
    if (array->is_batch_first)
        shape[0] = array->expected;
    store_choose_chunks(a->itemsize, a->ndim, shape, array->is_batch_first, false, meta.chunks);
    int r = create_array(x, array, &meta);
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    bool is_late = x->may_be_late && array->series && meta.has_fill;
    if (r == 0 && array->series && !is_late)
        r = write_series(x->store, array, meta.chunks[0], 0, a->shape[0], false, x->e);
    else if (r == 0 && !array->series && ndarray_size(a) > 0)
        r = store_write(x->store, array->name, start, a->shape, a->data, x->e);
    store_meta_clear(&meta);
    return worker_result_of_store(r);
}

static void add_name(struct buffer *names, const char *name)
{
    buffer_printf(names, "%s%s", names->size ? " " : "", name);
}

/* Labels of a dimension are a coordinate by their name alone. */
static bool is_labels(const struct job_coord *c)
{
    return c->values.ndim == 1 && !strcmp(c->values.dims[0], c->name);
}

/* Names in a set-up's own list are not told twice. */
static bool is_word_of(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

/* What the root says of itself: the set-up's attributes, which variables are coordinates (as xarray
 * writes it), and where the data come from. */
static json_t *root_attributes(const struct job *job)
{
    json_t *attrs = json_deep_copy(job->attrs), *from = provenance_new(job);
    struct buffer names = {0};
    const char *given = json_string_value(json_object_get(attrs, "coordinates"));
    if (given)
        buffer_text(&names, given);
    for (int i = 0; i < job->n_coords; i++)
        if (!is_labels(&job->coords[i]) && !is_word_of(given ? given : "", job->coords[i].name))
            add_name(&names, job->coords[i].name);
    for (int i = 0; i < job->n_inputs; i++)
        if (job->inputs[i].is_coordinate && !job->inputs[i].is_output)
            add_name(&names, job->model->slots[job->inputs[i].slot].name);
    for (int i = 0; i < job->n_outputs; i++)
        if (job->outputs[i].is_labels)
            add_name(&names, job->outputs[i].name);
    if (job->swept && !json_object_get(attrs, "swept"))
        json_object_set_new(attrs, "swept", json_string(job->swept));
    if (JOB_HAS_CRS(job) && !is_word_of(given ? given : "", JOB_CRS_ARRAY))
        add_name(&names, JOB_CRS_ARRAY);
    cf_add_conventions(attrs);
    if (names.size)
        json_object_set_new(attrs, "coordinates", json_string(names.data));
    buffer_free(&names);
    char *text = json_canonical(from);
    json_object_set_new(attrs, STORE_PROVENANCE, json_string(text));
    free(text);
    json_decref(from);
    return attrs;
}

static bool is_batch_first(const struct job *job, const struct ndarray *a)
{
    return job->batch_dim && a->ndim && !strcmp(a->dims[0], job->batch_dim);
}

/* A number without a meaning, which has the coordinate system in its attributes. */
static int with_crs(const struct job *job,
                    int (*fn)(void *userdata, const struct setup_array *array), void *userdata)
{
    int64_t zero = 0;
    struct ndarray number = {.dtype = SIMLAB_I8, .itemsize = sizeof zero, .data = &zero};
    json_t *attrs = crs_attributes(&job->crs);
    int r = fn(userdata,
               &(struct setup_array){.name = JOB_CRS_ARRAY, .values = &number, .attrs = attrs});
    json_decref(attrs);
    return r;
}

static int each_array(const struct job *job,
                      int (*fn)(void *userdata, const struct setup_array *array), void *userdata)
{
    int r = 0;
    for (int i = 0; i < job->n_clocks && r == 0; i++)
        r = fn(userdata, &(struct setup_array){job->clocks[i].name, &job->clocks[i].labels, NULL,
                                               job->clocks[i].attrs, false, 0});
    for (int i = 0; i < job->n_coords && r == 0; i++)
        r = fn(userdata,
               &(struct setup_array){job->coords[i].name, &job->coords[i].values, NULL,
                                     job->coords[i].attrs,
                                     is_batch_first(job, &job->coords[i].values), job->expected});
    for (int i = 0; i < job->n_inputs && r == 0; i++) {
        const struct job_input *in = &job->inputs[i];
        if (!in->is_output)
            r = fn(userdata, &(struct setup_array){job->model->slots[in->slot].name, &in->given,
                                                   in->series, in->attrs,
                                                   is_batch_first(job, &in->given), job->expected});
    }
    return r || !JOB_HAS_CRS(job) ? r : with_crs(job, fn, userdata);
}

static int write_one(void *setup, const struct setup_array *a)
{
    return write_array(setup, a);
}

static int call_for_one(void *setup, const struct setup_array *a)
{
    const struct setup *x = setup;
    return x->fn(x->userdata, a->name);
}

int setup_arrays_each(const struct job *job, int (*fn)(void *userdata, const char *name),
                      void *userdata)
{
    struct setup x = {.fn = fn, .userdata = userdata};
    return each_array(job, call_for_one, &x);
}

static int write_all(const struct job *job, struct store *s, bool may_be_late, struct error *e)
{
    json_t *attrs = root_attributes(job);
    struct setup x = {.job = job, .store = s, .may_be_late = may_be_late, .e = e};
    int r = worker_result_of_store(store_set_attributes(s, attrs, e));
    json_decref(attrs);
    return r ? r : each_array(job, write_one, &x);
}

int setup_arrays_write(const struct job *job, struct store *s, struct error *e)
{
    return write_all(job, s, false, e);
}

int setup_arrays_begin(const struct job *job, struct store *s, struct error *e)
{
    return write_all(job, s, !job->is_open, e);
}

/* An array that is not there, or broken, is left to the job's end. */
static int fill_one(void *setup, const struct setup_array *a)
{
    const struct setup *x = setup;
    struct store_meta meta;
    if (!a->series)
        return 0;
    int r = store_array(x->store, a->name, &meta, NULL, NULL, x->e);
    if (r == 0) {
        int64_t chunk = meta.chunks[0];
        store_meta_clear(&meta);
        r = write_series(x->store, a, chunk, x->begin, x->end, true, x->e);
    } else if (r > 0) {
        error_clear(x->e);
        r = 0;
    }
    return worker_result_of_store(r);
}

int setup_arrays_fill(const struct job *job, struct store *s, int64_t begin, int64_t end,
                      struct error *e)
{
    struct setup x = {.store = s, .begin = begin, .end = end, .e = e};
    return job->is_open ? 0 : each_array(job, fill_one, &x);
}

/* ---- members that were appended ---- */

struct growth {
    struct store *store;
    int64_t seen; /* members that readers see */
    struct error *e;
};

/* Whole chunks: what a power cut left in the one that readers see a part of does not matter. */
static int grow_one(void *growth, const struct setup_array *array)
{
    const struct growth *x = growth;
    const struct ndarray *a = array->values;
    struct store_meta meta;
    if (!array->is_batch_first)
        return 0;
    int r = store_grow(x->store, array->name, a->shape, x->e);
    if (r == 0)
        r = store_array(x->store, array->name, &meta, NULL, NULL, x->e);
    if (r > 0)
        error_clear(x->e);
    if (r)
        return r < 0 ? r : 0;
    int64_t chunk = meta.chunks[0], start[SIMLAB_MAX_DIMS] = {x->seen / chunk * chunk};
    int64_t count[SIMLAB_MAX_DIMS];
    size_t row = ndarray_bytes(a) / (size_t)a->shape[0];
    store_meta_clear(&meta);
    memcpy(count, a->shape, sizeof count);
    count[0] -= start[0];
    if (array->series)
        r = write_series(x->store, array, chunk, x->seen, a->shape[0], false, x->e);
    else if (ndarray_size(a) > 0)
        r = store_write(x->store, array->name, start, count,
                        (const char *)a->data + (size_t)start[0] * row, x->e);
    return worker_result_of_store(r);
}

int setup_arrays_grow(const struct job *job, struct store *s, struct error *e)
{
    struct growth x = {.store = s, .e = e};
    if (!job->is_open)
        return 0;
    int r = worker_result_of_store(store_seen_extent(s, job->batch_dim, &x.seen, e));
    if (r || x.seen >= job->n_members)
        return r;
    x.seen = x.seen < 0 ? 0 : x.seen;
    r = each_array(job, grow_one, &x);
    r = r ? r : worker_result_of_store(store_sync(s, e));
    return r ? r : worker_result_of_store(store_show_extent(s, job->batch_dim, job->n_members, e));
}

int setup_arrays_check_attributes(const struct job *job, struct store *s, struct error *e)
{
    json_t *attrs = NULL, *from = NULL;
    int r = store_attributes(s, &attrs, e);
    if (r == 0)
        from = store_provenance(attrs);
    const char *hash = json_member_string(from, "model_hash");
    if (r == 0 && (!hash || strcmp(hash, job->model->hash) != 0))
        r = error_set(e, STORE_BROKEN, NULL, "the attributes of %s are not the job's",
                      store_path(s));
    json_decref(from);
    json_decref(attrs);
    return worker_result_of_store(r);
}

static int64_t along(const struct ndarray *a, const char *dim)
{
    for (int i = 0; i < a->ndim; i++)
        if (!strcmp(a->dims[i], dim))
            return a->shape[i];
    return -1;
}

int64_t setup_arrays_extent(const struct job *job, const char *dim, const char **ret_array)
{
    int64_t n = -1;
    for (int i = 0; i < job->n_clocks && n < 0; i++) {
        n = along(&job->clocks[i].labels, dim);
        *ret_array = job->clocks[i].name;
    }
    for (int i = 0; i < job->n_coords && n < 0; i++) {
        n = along(&job->coords[i].values, dim);
        *ret_array = job->coords[i].name;
    }
    for (int i = 0; i < job->n_inputs && n < 0; i++) {
        if (job->inputs[i].is_output)
            continue;
        n = along(&job->inputs[i].given, dim);
        *ret_array = job->model->slots[job->inputs[i].slot].name;
    }
    return n;
}
