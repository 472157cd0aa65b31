/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/output_buffer.h"

#include "base/dtype.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LITTLE = 16 << 20 }; /* bytes */

/* Undefined bytes. A machine that cannot give so little is in trouble, and no member is the cause:
 * the worker ends, and the member is tried again. NULL where what it saves is too much. */
static void *take_bytes(size_t n)
{
    return n <= LITTLE ? mem_resize(NULL, n, 1) : mem_try_bytes(n);
}

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
    const struct store_meta *m = &w->array->meta;
    mem_repeat(data, m->has_fill ? m->fill : NULL, m->itemsize, bytes / m->itemsize);
}

void output_buffer_clear(struct output_buffer *w)
{
    free(w->data);
    w->data = NULL;
    w->capacity = 0;
    w->n_rows = 0;
    w->is_dirty = w->is_kept_dirty = false;
}

/* The contents need not be kept. */
static int renew(struct output_buffer *w, size_t bytes)
{
    if (bytes <= w->capacity)
        return 0;
    free(w->data);
    w->capacity = 0;
    w->data = take_bytes(bytes);
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
    output_buffer_keep(w);
    size_t bytes;
    if (!count_bytes(w, w->own, &bytes) || renew(w, bytes ? bytes : 1) < 0) {
        output_buffer_clear(w);
        return -ENOMEM;
    }
    fill(w, w->data, bytes);
    return 0;
}

/* Copies a box of `count` elements between two values with these extents. */
static void copy_value(const struct output_buffer *w, const int64_t *count, char *to,
                       const int64_t *to_extents, const char *from, const int64_t *from_extents)
{
    int64_t to_steps[SIMLAB_MAX_DIMS], from_steps[SIMLAB_MAX_DIMS];
    size_t itemsize = w->array->meta.itemsize;
    ndarray_steps(n_own(w), to_extents, itemsize, to_steps);
    ndarray_steps(n_own(w), from_extents, itemsize, from_steps);
    ndarray_copy_box(n_own(w), count, itemsize, to, to_steps, from, from_steps);
}

/* Other own extents: every value moves to its place in a new buffer. */
static int reshape(struct output_buffer *w, const int64_t *own)
{
    size_t bytes, was, is;
    if (!count_bytes(w, own, &bytes) || !output_buffer_value_bytes(w, own, &is) ||
        !output_buffer_value_bytes(w, w->own, &was))
        return -ENOMEM;
    char *data = take_bytes(bytes);
    if (!data)
        return -ENOMEM;
    fill(w, data, bytes);
    int64_t both[SIMLAB_MAX_DIMS];
    for (int i = 0; i < n_own(w); i++)
        both[i] = own[i] < w->own[i] ? own[i] : w->own[i];
    size_t n = (size_t)(w->n_rows * w->n_labels);
    for (size_t i = 0; was && is && i < n; i++)
        copy_value(w, both, data + i * is, own, w->data + i * was, w->own);
    free(w->data);
    w->data = data;
    w->capacity = bytes ? bytes : 1;
    memcpy(w->own, own, (size_t)n_own(w) * sizeof *own);
    return 0;
}

/* A dense value of the array's dtype into its place. */
static int place(struct output_buffer *w, int64_t row, int64_t label, const void *data,
                 const int64_t *shape)
{
    size_t bytes;
    if (!output_buffer_value_bytes(w, w->own, &bytes))
        return -ENOMEM;
    char *target = w->data + (size_t)((row - w->row) * w->n_labels + label - w->label) * bytes;
    copy_value(w, shape, target, w->own, data, shape);
    return 0;
}

static void put_fill(const struct store_meta *m, const struct simlab_view *view, char *cast)
{
    for (int64_t i = 0; i < view->size; i++)
        if (isnan(dtype_to_double(view->dtype, view->data, (size_t)i)))
            memcpy(cast + (size_t)i * m->itemsize, m->fill, m->itemsize);
}

static int put_dense(struct output_buffer *w, int64_t row, int64_t label,
                     const struct simlab_view *view)
{
    const struct store_meta *m = &w->array->meta;
    bool is_same = view->dtype == m->dtype && (size_t)view->itemsize == m->itemsize;
    if (is_same && !m->nan_is_fill)
        return place(w, row, label, view->data, view->shape);
    size_t bytes;
    void *cast = mem_mul((size_t)view->size, m->itemsize, &bytes) ? take_bytes(bytes) : NULL;
    if (!cast)
        return -ENOMEM;
    dtype_cast(view->dtype, (size_t)view->itemsize, view->data, m->dtype, m->itemsize, cast,
               (size_t)view->size);
    if (m->nan_is_fill)
        put_fill(m, view, cast);
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
    int r = larger_own(w, view, own) ? reshape(w, own) : 0;
    if (r < 0)
        return r;
    w->is_dirty = true;
    if (view->size == 0)
        return 0;
    return w->array->is_transposed ? put_transposed(w, row, label, view)
                                   : put_dense(w, row, label, view);
}

void output_buffer_keep(struct output_buffer *w)
{
    memcpy(w->kept_own, w->own, sizeof w->own);
    w->is_kept_dirty = w->is_dirty;
}

int output_buffer_forget(struct output_buffer *w, int64_t row)
{
    size_t bytes;
    if (!w->data || row < w->row || row >= w->row + w->n_rows ||
        !output_buffer_value_bytes(w, w->own, &bytes))
        return 0;
    bytes *= (size_t)w->n_labels;
    fill(w, w->data + (size_t)(row - w->row) * bytes, bytes);
    w->is_dirty = w->is_kept_dirty;
    return memcmp(w->own, w->kept_own, sizeof w->own) ? reshape(w, w->kept_own) : 0;
}

const void *output_buffer_row(const struct output_buffer *w, int64_t row, size_t *ret_bytes)
{
    size_t bytes;
    if (!w->data || row < w->row || row >= w->row + w->n_rows ||
        !output_buffer_value_bytes(w, w->own, &bytes))
        return NULL;
    *ret_bytes = bytes * (size_t)w->n_labels;
    return w->data + (size_t)(row - w->row) * *ret_bytes;
}

int output_buffer_restore(struct output_buffer *w, int64_t row, const int64_t *own,
                          const void *data)
{
    int64_t larger[SIMLAB_MAX_DIMS];
    size_t was, is, bytes;
    for (int i = 0; i < SIMLAB_MAX_DIMS; i++)
        larger[i] = own[i] > w->own[i] ? own[i] : w->own[i];
    int r = memcmp(w->own, larger, sizeof larger) ? reshape(w, larger) : 0;
    char *to = r == 0 ? (char *)(uintptr_t)output_buffer_row(w, row, &bytes) : NULL;
    if (!to || !output_buffer_value_bytes(w, own, &was) ||
        !output_buffer_value_bytes(w, w->own, &is))
        return -ENOMEM;
    for (int64_t i = 0; was && i < w->n_labels; i++)
        copy_value(w, own, to + (size_t)i * is, w->own, (const char *)data + (size_t)i * was, own);
    w->is_dirty = true;
    return 0;
}

bool output_buffer_box(const struct output_buffer *w, int64_t begin, int64_t end,
                       struct output_box *ret_box)
{
    const struct output_array *a = w->array;
    size_t bytes;
    int axis = 0;
    *ret_box = (struct output_box){.is_larger = false};
    if (a->has_batch) {
        ret_box->start[axis] = begin;
        ret_box->count[axis++] = end - begin;
    }
    if (a->has_clock) {
        ret_box->start[axis] = w->label;
        ret_box->count[axis++] = w->n_labels;
    }
    for (int i = 0; i < a->meta.ndim; i++) {
        if (i >= axis)
            ret_box->count[i] = w->own[i - axis];
        ret_box->shape[i] = i >= axis ? w->own[i - axis] : a->meta.shape[i];
        ret_box->is_larger = ret_box->is_larger || ret_box->shape[i] > a->meta.shape[i];
        if (ret_box->count[i] == 0)
            return false;
    }
    if (!output_buffer_value_bytes(w, w->own, &bytes))
        return false;
    ret_box->data = w->data + (size_t)((begin - w->row) * w->n_labels) * bytes;
    return true;
}
