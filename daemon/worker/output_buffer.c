/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/output_buffer.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int n_own(const struct output_buffer *w)
{
    return w->array->meta.ndim - w->array->lead;
}

static const int64_t *array_own(const struct output_buffer *w)
{
    return w->array->meta.shape + w->array->lead;
}

bool output_buffer_value_bytes(const struct output_buffer *w, const int64_t *own, size_t *ret_bytes)
{
    size_t bytes = w->array->meta.itemsize;
    own = own ? own : array_own(w);
    for (int i = 0; i < n_own(w); i++)
        if (!mem_mul(bytes, (size_t)own[i], &bytes))
            return false;
    *ret_bytes = bytes;
    return true;
}

static bool count_bytes(const struct output_buffer *w, const int64_t *own, size_t *ret)
{
    size_t bytes;
    return output_buffer_value_bytes(w, own, &bytes) && mem_mul(bytes, (size_t)w->n_rows, &bytes) &&
           mem_mul(bytes, (size_t)w->n_labels, ret);
}

/* The window's own extents, or the value's where that is larger; true where any is. */
static bool larger_own(const struct output_buffer *w, const struct simlab_view *view,
                       int64_t *ret_own)
{
    bool grows = false;
    for (int i = 0; i < n_own(w); i++) {
        int64_t extent = view->shape[w->array->axes[i]];
        grows = grows || extent > w->own[i];
        ret_own[i] = extent > w->own[i] ? extent : w->own[i];
    }
    return grows;
}

bool output_buffer_holds(const struct output_buffer *w, int64_t row, int64_t label)
{
    return w->data && row >= w->row && row < w->row + w->n_rows && label >= w->label &&
           label < w->label + w->n_labels;
}

static void fill(const struct output_buffer *w, char *data, size_t bytes)
{
    size_t itemsize = w->array->meta.itemsize;
    if (!w->array->meta.has_fill) {
        memset(data, 0, bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += itemsize)
        memcpy(data + i, w->array->meta.fill, itemsize);
}

void output_buffer_clear(struct output_buffer *w)
{
    free(w->data);
    w->data = NULL;
    w->capacity = 0;
    w->is_dirty = false;
}

/* The contents need not be kept. */
static int renew(struct output_buffer *w, size_t bytes)
{
    if (bytes <= w->capacity)
        return 0;
    output_buffer_clear(w);
    w->data = mem_try_bytes(bytes);
    if (!w->data)
        return -ENOMEM;
    w->capacity = bytes;
    return 0;
}

int output_buffer_move(struct output_buffer *w, int64_t row, int64_t n_rows, int64_t label,
                       int64_t n_labels)
{
    w->row = row;
    w->n_rows = n_rows;
    w->label = label;
    w->n_labels = n_labels;
    w->is_dirty = false;
    memset(w->own, 0, sizeof w->own);
    memcpy(w->own, array_own(w), (size_t)n_own(w) * sizeof *w->own);
    size_t bytes;
    if (!count_bytes(w, w->own, &bytes) || renew(w, bytes ? bytes : 1) < 0) {
        output_buffer_clear(w);
        return -ENOMEM;
    }
    fill(w, w->data, bytes);
    return 0;
}

/* Copies a box of `shape` elements from dense data into a place whose extents are `extents`. */
static void copy_box(char *target, const int64_t *extents, const char *source, const int64_t *shape,
                     int ndim, size_t itemsize)
{
    if (ndim == 0) {
        memcpy(target, source, itemsize);
        return;
    }
    size_t source_step = itemsize, target_step = itemsize;
    for (int i = 1; i < ndim; i++) {
        source_step *= (size_t)shape[i];
        target_step *= (size_t)extents[i];
    }
    if (ndim == 1 || !memcmp(shape + 1, extents + 1, (size_t)(ndim - 1) * sizeof *shape)) {
        memcpy(target, source, source_step * (size_t)shape[0]);
        return;
    }
    for (int64_t i = 0; i < shape[0]; i++)
        copy_box(target + (size_t)i * target_step, extents + 1, source + (size_t)i * source_step,
                 shape + 1, ndim - 1, itemsize);
}

/* Larger own extents: every value moves to its place in a new buffer. */
static int grow(struct output_buffer *w, const int64_t *own)
{
    size_t bytes, was, is;
    if (!count_bytes(w, own, &bytes) || !output_buffer_value_bytes(w, own, &is) ||
        !output_buffer_value_bytes(w, w->own, &was))
        return -ENOMEM;
    char *data = mem_try_bytes(bytes);
    if (!data)
        return -ENOMEM;
    fill(w, data, bytes);
    size_t n = (size_t)(w->n_rows * w->n_labels);
    for (size_t i = 0; was && i < n; i++)
        copy_box(data + i * is, own, w->data + i * was, w->own, n_own(w), w->array->meta.itemsize);
    free(w->data);
    w->data = data;
    w->capacity = bytes ? bytes : 1;
    memcpy(w->own, own, (size_t)n_own(w) * sizeof *own);
    return 0;
}

int output_buffer_reserve(struct output_buffer *w, const int64_t *own)
{
    int64_t larger[SIMLAB_MAX_DIMS];
    bool grows = false;
    for (int i = 0; i < n_own(w); i++) {
        grows = grows || own[i] > w->own[i];
        larger[i] = own[i] > w->own[i] ? own[i] : w->own[i];
    }
    return grows ? grow(w, larger) : 0;
}

/* A dense value of the array's dtype into its place. */
static int place(struct output_buffer *w, int64_t row, int64_t label, const void *data,
                 const int64_t *shape)
{
    size_t bytes;
    if (!output_buffer_value_bytes(w, w->own, &bytes))
        return -ENOMEM;
    char *target = w->data + (size_t)((row - w->row) * w->n_labels + label - w->label) * bytes;
    copy_box(target, w->own, data, shape, n_own(w), w->array->meta.itemsize);
    return 0;
}

static int put_dense(struct output_buffer *w, int64_t row, int64_t label,
                     const struct simlab_view *view)
{
    const struct store_meta *m = &w->array->meta;
    if (view->dtype == m->dtype && (size_t)view->itemsize == m->itemsize)
        return place(w, row, label, view->data, view->shape);
    void *cast = mem_try_array((size_t)view->size, m->itemsize);
    if (!cast)
        return -ENOMEM;
    dtype_cast(view->dtype, (size_t)view->itemsize, view->data, m->dtype, m->itemsize, cast,
               (size_t)view->size);
    int r = place(w, row, label, cast, view->shape);
    free(cast);
    return r;
}

static int put_transposed(struct output_buffer *w, int64_t row, int64_t label,
                          const struct simlab_view *view)
{
    struct ndarray value = {.dtype = view->dtype,
                            .itemsize = (size_t)view->itemsize,
                            .ndim = view->ndim,
                            .data = view->data};
    memcpy(value.shape, view->shape, sizeof value.shape);
    struct ndarray turned;
    int r = ndarray_transpose(&value, w->array->axes, &turned);
    if (r < 0)
        return r;
    struct simlab_view v = *view;
    v.data = turned.data;
    memcpy(v.shape, turned.shape, sizeof v.shape);
    r = put_dense(w, row, label, &v);
    ndarray_clear(&turned);
    return r;
}

int output_buffer_put(struct output_buffer *w, int64_t row, int64_t label,
                      const struct simlab_view *view)
{
    int64_t own[SIMLAB_MAX_DIMS];
    int r = larger_own(w, view, own) ? grow(w, own) : 0;
    if (r < 0)
        return r;
    w->is_dirty = true;
    if (view->size == 0)
        return 0;
    return w->array->is_transposed ? put_transposed(w, row, label, view)
                                   : put_dense(w, row, label, view);
}

void output_buffer_forget(struct output_buffer *w, int64_t row)
{
    size_t bytes;
    if (!w->data || row < w->row || row >= w->row + w->n_rows ||
        !output_buffer_value_bytes(w, w->own, &bytes))
        return;
    bytes *= (size_t)w->n_labels;
    fill(w, w->data + (size_t)(row - w->row) * bytes, bytes);
}

int output_buffer_write(struct output_buffer *w, int64_t end, struct store *s, struct error *e)
{
    const struct output_array *a = w->array;
    int64_t start[SIMLAB_MAX_DIMS] = {0}, count[SIMLAB_MAX_DIMS], least[SIMLAB_MAX_DIMS];
    int axis = 0;
    bool grows = false;
    if (a->has_batch) {
        start[axis] = w->row;
        count[axis++] = end - w->row;
    }
    if (a->has_clock) {
        start[axis] = w->label;
        count[axis++] = w->n_labels;
    }
    for (int i = 0; i < a->meta.ndim; i++) {
        if (i >= axis)
            count[i] = w->own[i - axis];
        least[i] = i >= axis ? w->own[i - axis] : a->meta.shape[i];
        grows = grows || least[i] > a->meta.shape[i];
        if (count[i] == 0)
            return 0;
    }
    int r = grows ? store_grow(s, w->name, least, e) : 0;
    return r ? r : store_write(s, w->name, start, count, w->data, e);
}
