/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/layout.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/missing.h"
#include "worker/cf.h"
#include "worker/setup_arrays.h"

#include <stdio.h>
#include <string.h>

static const char *dim_name(const struct job *job, const char *name)
{
    return strcmp(name, SIMLAB_MAIN_CLOCK) ? name : job->clocks[job->main_clock].name;
}

/* The alternative of the owner's dims with that many: the last one, as xarray-simlab picks. */
static const struct dims *own_dims(const struct variable *v, int ndim)
{
    for (int i = v->n_dims - 1; i >= 0; i--)
        if (v->dims[i].ndim == ndim)
            return &v->dims[i];
    return NULL;
}

static const struct job_input *input_of(const struct job *job, int slot)
{
    for (int i = 0; i < job->n_inputs; i++)
        if (job->inputs[i].slot == slot)
            return &job->inputs[i];
    return NULL;
}

static int find_dim(const struct job *job, const struct dims *dims, const char *name)
{
    for (int i = 0; i < dims->ndim; i++)
        if (!strcmp(dim_name(job, dims->names[i]), name))
            return i;
    return -1;
}

/* An output that was an input too has its own dims in the order in which that was given. */
static void order_axes(const struct job *job, const struct job_output *o, const struct dims *dims,
                       struct output_array *a)
{
    const struct job_input *input = input_of(job, o->slot);
    int found = 0;
    for (int i = 0; i < dims->ndim; i++)
        a->axes[i] = i;
    if (!input || job->check_dims != JOB_DIMS_TRANSPOSE || input->ndim != dims->ndim)
        return;
    int axes[SIMLAB_MAX_DIMS] = {0};
    for (int i = 0; i < input->given.ndim && found < dims->ndim; i++) {
        int axis = find_dim(job, dims, input->given.dims[i]);
        if (axis >= 0)
            axes[found++] = axis;
    }
    for (int i = 0; i < found && found == dims->ndim; i++) {
        a->is_transposed = a->is_transposed || axes[i] != i;
        a->axes[i] = axes[i];
    }
}

static int refuse_extent(const char *dim, int64_t outputs, const char *array, int64_t own,
                         struct error *e)
{
    return error_set(e, WORKER_REFUSED, NULL,
                     "the outputs have %lld elements along the dimension '%.100s', but %.200s has "
                     "%lld: a store in which both stood could not be opened by xarray",
                     (long long)outputs, dim, array, (long long)own);
}

int output_array_init(const struct job *job, int output, int64_t member,
                      const struct simlab_view *view, struct output_array *ret_array,
                      struct error *e)
{
    const struct job_output *o = &job->outputs[output];
    const struct variable *v = job->model->slots[o->slot].declared;
    struct output_array a = {.has_batch = job->batch_dim && !o->is_index,
                             .has_clock = o->clock >= 0,
                             .member = member,
                             .dtype = view->dtype,
                             .itemsize = (size_t)view->itemsize};
    int64_t shape[SIMLAB_MAX_DIMS];
    const struct dims *dims = own_dims(v, view->ndim);
    if (!dims || view->ndim + a.has_batch + a.has_clock > SIMLAB_MAX_DIMS)
        return error_set(e, WORKER_REFUSED, NULL,
                         "output %s has %d dimensions, which with batch and clock cannot be stored",
                         o->name, view->ndim);
    if (a.has_batch) {
        a.dims[a.lead] = job->batch_dim;
        shape[a.lead++] = job->n_members;
    }
    if (a.has_clock) {
        a.dims[a.lead] = job->clocks[o->clock].name;
        shape[a.lead++] = job->clocks[o->clock].n;
    }
    int ndim = a.lead + view->ndim;
    order_axes(job, o, dims, &a);
    for (int i = 0; i < view->ndim; i++) {
        a.dims[a.lead + i] = dim_name(job, dims->names[a.axes[i]]);
        shape[a.lead + i] = view->shape[a.axes[i]];
        const char *array = NULL;
        int64_t given = setup_arrays_extent(job, a.dims[a.lead + i], &array);
        if (given >= 0 && given < shape[a.lead + i])
            return refuse_extent(a.dims[a.lead + i], shape[a.lead + i], array, given, e);
    }
    store_meta_default(&a.meta, view->dtype, (size_t)view->itemsize, ndim, shape);
    if (a.has_batch)
        shape[0] = job->expected;
    store_choose_chunks(a.meta.itemsize, ndim, shape, a.has_batch, a.has_clock, a.meta.chunks);
    a.meta.has_fill = view->dtype != SIMLAB_BOOL && a.meta.has_fill;
    int r = worker_result_of_user(store_meta_encode(&a.meta, o->encoding, e));
    if (r == 0)
        r = worker_result_of_user(missing_encode(&a.meta, view->dtype, e));
    if (r == 0)
        r = worker_result_of_user(store_format_check(store_format(job->zarr_format), &a.meta, e));
    if (r > 0) {
        char where[300];
        snprintf(where, sizeof where, "/encoding/%.200s", o->name);
        error_prefix_pointer(e, where);
    }
    if (r)
        output_array_clear(&a);
    else
        *ret_array = a;
    return r;
}

void output_array_clear(struct output_array *a)
{
    store_meta_clear(&a->meta);
}

static json_t *extents(int n, const int64_t *values)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

json_t *output_array_to_json(const struct output_array *a)
{
    int64_t own[SIMLAB_MAX_DIMS];
    int n = a->meta.ndim - a->lead;
    for (int i = 0; i < n; i++)
        own[a->axes[i]] = a->meta.shape[a->lead + i];
    json_t *dims = json_array();
    for (int i = 0; i < a->meta.ndim; i++)
        json_array_append_new(dims, json_string(a->dims[i]));
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:s, s:I, s:I}", "shape",
                          extents(a->meta.ndim, a->meta.shape), "chunks",
                          extents(a->meta.ndim, a->meta.chunks), "dims", dims, "own",
                          extents(n, own), "dtype", dtype_name(a->dtype), "itemsize",
                          (json_int_t)a->itemsize, "member", (json_int_t)a->member);
    mem_assert(o);
    return o;
}

/* False where it is no list of at most SIMLAB_MAX_DIMS integers from `least`. */
static bool read_extents(const json_t *list, int64_t least, int *ret_n, int64_t *ret)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > SIMLAB_MAX_DIMS)
        return false;
    for (size_t i = 0; i < n; i++) {
        ret[i] = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || ret[i] < least)
            return false;
    }
    *ret_n = (int)n;
    return true;
}

int output_array_from_json(const struct job *job, int output, const json_t *recorded,
                           struct output_array *ret_array, struct error *e)
{
    const char *dtype = json_member_string(recorded, "dtype");
    int value_dtype = job->model->slots[job->outputs[output].slot].declared->dtype;
    bool is_known = dtype ? dtype_from_name(dtype, &value_dtype) : value_dtype != SIMLAB_ANY;
    struct simlab_view view = {.dtype = value_dtype,
                               .itemsize = (int32_t)json_member_integer(recorded, "itemsize", 0)};
    int64_t chunks[SIMLAB_MAX_DIMS];
    int n_chunks;
    if (!read_extents(json_object_get(recorded, "own"), 0, &view.ndim, view.shape) ||
        !read_extents(json_object_get(recorded, "chunks"), 1, &n_chunks, chunks) ||
        view.itemsize <= 0 || !is_known)
        return error_set(e, WORKER_STORE, NULL, "the layout recorded for output %s is broken",
                         job->outputs[output].name);
    struct output_array a;
    int r =
        output_array_init(job, output, json_member_integer(recorded, "member", 0), &view, &a, e);
    if (r)
        return r < 0 ? r : WORKER_STORE;
    if (n_chunks != a.meta.ndim) {
        output_array_clear(&a);
        return error_set(e, WORKER_STORE, NULL, "the layout recorded for output %s is another's",
                         job->outputs[output].name);
    }
    memcpy(a.meta.chunks, chunks, (size_t)n_chunks * sizeof *chunks);
    *ret_array = a;
    return 0;
}

int output_array_create(const struct job *job, int output, const struct output_array *a,
                        struct store *s, struct error *e)
{
    const struct job_output *o = &job->outputs[output];
    json_t *attrs = cf_attributes(job, o->name, a->meta.ndim, a->dims, o->attrs);
    int r = store_create_array(s, o->name, &a->meta, a->dims, attrs, e);
    json_decref(attrs);
    return r;
}

int layout_read(const char *text, json_t **ret_layout, struct error *e)
{
    json_t *layout = json_read(text, strlen(text), e);
    if (json_is_object(layout)) {
        *ret_layout = layout;
        return 0;
    }
    json_decref(layout);
    return error_set(e, WORKER_STORE, NULL, "the job's recorded layout is broken");
}

char *layout_merge(const char *layout, const char *additions)
{
    json_t *all = layout ? json_read(layout, strlen(layout), NULL) : json_object();
    json_t *more = json_read(additions, strlen(additions), NULL);
    json_object_update_missing(all, more);
    char *text = json_canonical(all);
    json_decref(all);
    json_decref(more);
    return text;
}

/* ---- dimensions that outputs share ----------------------------------------------------------- */

/* Calls `each` for every dimension of every output that stands in the store. */
static int each_extent(const struct job *job, struct store *s, json_t *extents,
                       bool (*each)(json_t *extents, const char *dim, int64_t *extent),
                       struct error *e)
{
    int r = 0;
    for (int i = 0; i < job->n_outputs && r == 0; i++) {
        struct store_meta meta;
        json_t *dims = NULL;
        bool grows = false;
        r = store_array(s, job->outputs[i].name, &meta, &dims, NULL, e);
        if (r == STORE_NO_SUCH) {
            error_clear(e);
            r = 0;
            continue;
        }
        for (int d = 0; r == 0 && d < meta.ndim; d++)
            grows |=
                each(extents, json_string_value(json_array_get(dims, (size_t)d)), &meta.shape[d]);
        if (r == 0 && grows)
            r = store_grow(s, job->outputs[i].name, meta.shape, e);
        json_decref(dims);
        if (r == 0)
            store_meta_clear(&meta);
    }
    return worker_result_of_store(r);
}

static bool note_extent(json_t *extents, const char *dim, int64_t *extent)
{
    if (*extent >= json_member_integer(extents, dim, 0))
        json_object_set_new(extents, dim, json_integer(*extent));
    return false;
}

static bool take_extent(json_t *extents, const char *dim, int64_t *extent)
{
    int64_t largest = json_member_integer(extents, dim, 0);
    bool grows = largest > *extent;
    *extent = largest;
    return grows;
}

/* Against what was given. */
static int check_extents(const struct job *job, const json_t *extents, struct error *e)
{
    const char *dim, *array = NULL;
    json_t *extent;
    int r = 0;
    json_object_foreach((json_t *)extents, dim, extent)
    {
        int64_t own = setup_arrays_extent(job, dim, &array), n = json_integer_value(extent);
        if (r == 0 && own >= 0 && own != n)
            r = refuse_extent(dim, n, array, own, e);
    }
    return r;
}

int layout_level(const struct job *job, struct store *s, struct error *e)
{
    json_t *extents = json_object();
    int r = each_extent(job, s, extents, note_extent, e);
    if (r == 0)
        r = each_extent(job, s, extents, take_extent, e);
    if (r == 0)
        r = check_extents(job, extents, e);
    json_decref(extents);
    return r;
}
