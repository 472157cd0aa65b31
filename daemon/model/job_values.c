/* SPDX-License-Identifier: Apache-2.0 */
/* Data become arrays, or are only looked at, a piece at a time. */
#include "model/job_parts.h"

#include "base/mem.h"
#include "base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 64 * 1024,
    QUICK_ELEMENTS = 16 * 1024 /* are looked at even where nothing may take long */
};

/* ---- casts that lose nothing but a float's digits ---- */

static bool is_complex(int dtype)
{
    return dtype == SIMLAB_C8 || dtype == SIMLAB_C16;
}

static bool kinds_fit(int from, int to)
{
    if (from == to)
        return true;
    if (from == SIMLAB_STR || to == SIMLAB_STR || from == SIMLAB_BOOL || to == SIMLAB_BOOL)
        return false;
    return is_complex(to) || !is_complex(from);
}

/* Elements that were cast. */
struct cast {
    int from, to;
    size_t from_size, to_size;
    const char *before, *after;
};

/* Element i is the integer that it became. */
static bool kept_integer(const struct cast *c, size_t i)
{
    double before = dtype_to_double(c->from, c->before, i);
    double after = dtype_to_double(c->to, c->after, i);
    if (dtype_is_float(c->from))
        return before == after;
    /* Integers beyond 2^53: compare by casting back, and by sign. */
    int64_t back, original = 0;
    unsigned char wide[8] = {0};
    dtype_cast(c->to, c->to_size, c->after + i * c->to_size, c->from, c->from_size, wide, 1);
    memcpy(&back, wide, sizeof back);
    memcpy(&original, c->before + i * c->from_size, c->from_size);
    return back == original && (before < 0) == (after < 0);
}

/* n elements, of which the first is element `at` of the whole. */
static int check_kept(const struct cast *c, size_t at, size_t n, struct error *e)
{
    for (size_t i = 0; i < n; i++) {
        bool kept = true;
        if (c->to == SIMLAB_STR)
            kept = strnlen(c->before + i * c->from_size, c->from_size) <= c->to_size;
        else if (dtype_is_integer(c->to))
            kept = kept_integer(c, i);
        char value[NUMBER_TEXT_SIZE];
        if (!kept)
            return error_set(e, MODEL_INVALID, NULL, "element %zu, %s, does not fit into %s",
                             at + i, number_text(dtype_to_double(c->from, c->before, i), value),
                             dtype_name(c->to));
    }
    return 0;
}

/* ---- looking ---- */

struct looking {
    struct making *m;
    const struct job_data *d;
    const struct job_look *look;
    bool is_cast;
    struct cast cast;
    void *before, *after; /* room for a piece */
    size_t piece;         /* elements */
};

static int look_at_piece(struct looking *l, size_t at, size_t n)
{
    int r = job_data_read(l->d, at, n, l->before);
    if (r < 0)
        return error_errno(l->m->error, r, "read an upload");
    if (l->is_cast) {
        dtype_cast(l->cast.from, l->cast.from_size, l->before, l->cast.to, l->cast.to_size,
                   l->after, n);
        r = check_kept(&l->cast, at, n, l->m->error);
    }
    if (r == 0 && l->look && l->look->fn)
        r = l->look->fn(l->look->userdata, l->d, l->is_cast ? l->after : l->before, at, n);
    return r;
}

static int look_at_range(struct looking *l, size_t begin, size_t end)
{
    int r = 0;
    for (size_t at = begin; at < end && r == 0; at += l->piece)
        r = look_at_piece(l, at, end - at < l->piece ? end - at : l->piece);
    return r;
}

static bool ends_suffice(const struct looking *l)
{
    if (!job_data_is_progression(l->d) ||
        (l->is_cast && dtype_is_integer(l->cast.to) && !job_data_is_whole(l->d)))
        return false;
    if (!l->look || !l->look->fn)
        return true;
    return l->look->kind == JOB_LOOK_BOUNDS ||
           (l->look->kind == JOB_LOOK_ORDER && job_data_is_even(l->d));
}

static int look_at_all(struct looking *l)
{
    const struct job_sources *sources = l->m->sources;
    size_t n = job_data_size(l->d);
    if (n > 4 && ends_suffice(l)) {
        int r = look_at_range(l, 0, 2);
        return r ? r : look_at_range(l, n - 2, n);
    }
    if (sources && sources->is_quick &&
        (l->d->form == JOB_DATA_FILE || (job_data_is_progression(l->d) && n > QUICK_ELEMENTS)))
        return MODEL_LONG;
    return look_at_range(l, 0, n);
}

static int look_through(struct making *m, const struct job_data *d, const struct cast *cast,
                        const struct job_look *look)
{
    size_t size = d->itemsize > cast->to_size ? d->itemsize : cast->to_size;
    struct looking l = {.m = m, .d = d, .look = look, .cast = *cast};
    l.is_cast = cast->from != cast->to || cast->from_size != cast->to_size;
    if (!l.is_cast && (!look || !look->fn))
        return 0;
    l.piece = size < PIECE_BYTES ? PIECE_BYTES / size : 1;
    l.before = mem_try_array(l.piece, d->itemsize);
    l.after = mem_try_array(l.piece, cast->to_size);
    l.cast.before = l.before;
    l.cast.after = l.after;
    int r = l.before && l.after ? look_at_all(&l) : -ENOMEM;
    free(l.before);
    free(l.after);
    return r;
}

/* ---- taking ---- */

static int make(struct job_data *d, struct ndarray *ret)
{
    if (d->form == JOB_DATA_ARRAY) {
        *ret = d->array;
        d->array = (struct ndarray){0};
        return 0;
    }
    struct ndarray a;
    int r = ndarray_init(&a, d->dtype, d->itemsize, d->ndim, d->shape);
    if (r == 0)
        r = job_data_read(d, 0, job_data_size(d), a.data);
    if (r == 0)
        *ret = a;
    return r;
}

static int cast_whole(struct ndarray *a, struct cast *c, struct error *e)
{
    if (c->from == c->to && c->from_size == c->to_size)
        return 0;
    struct ndarray to;
    int r = ndarray_init(&to, c->to, c->to_size, a->ndim, a->shape);
    if (r)
        return r;
    dtype_cast(c->from, c->from_size, a->data, c->to, c->to_size, to.data, ndarray_size(a));
    c->before = a->data;
    c->after = to.data;
    r = check_kept(c, 0, ndarray_size(a), e);
    struct ndarray *gone = r ? &to : a;
    ndarray_clear(gone);
    if (r == 0)
        *a = to;
    return r;
}

static int take_whole(struct making *m, struct job_data *d, struct cast *c,
                      const struct job_look *look, struct ndarray *ret)
{
    struct ndarray a = {0};
    int r = make(d, &a);
    r = r ? r : cast_whole(&a, c, m->error);
    if (r == 0 && look && look->fn)
        r = look->fn(look->userdata, d, a.data, 0, ndarray_size(&a));
    if (r)
        ndarray_clear(&a);
    else
        *ret = a;
    return r;
}

void job_values_shape(int dtype, size_t itemsize, int ndim, const int64_t *shape,
                      struct ndarray *ret)
{
    *ret = (struct ndarray){.dtype = dtype, .itemsize = itemsize, .ndim = ndim};
    memcpy(ret->shape, shape, (size_t)ndim * sizeof *shape);
}

int job_values_take(struct making *m, struct job_data *d, int dtype, size_t itemsize,
                    size_t counted, const struct job_look *look, struct ndarray *ret)
{
    struct cast c = {.from = d->dtype, .from_size = d->itemsize, .to = dtype, .to_size = itemsize};
    if (dtype < 0) {
        c.to = d->dtype;
        c.to_size = d->itemsize;
    }
    if (!kinds_fit(c.from, c.to))
        return error_set(m->error, MODEL_INVALID, NULL, "an array of %s does not fit into %s",
                         dtype_name(c.from), dtype_name(c.to));
    int r = job_making_count(m, job_data_size(d), counted);
    if (r)
        return r;
    if (!job_making_is_check(m))
        return take_whole(m, d, &c, look, ret);
    r = look_through(m, d, &c, look);
    if (r == 0)
        job_values_shape(c.to, c.to_size, d->ndim, d->shape, ret);
    return r;
}

/* Long enough that it matters. */
static bool is_series(const struct making *m, const struct job_data *d, const struct cast *c)
{
    bool is_file = d->form == JOB_DATA_FILE && m->n_files < JOB_SERIES_FILES;
    return !job_making_is_check(m) && (job_data_is_progression(d) || is_file) &&
           job_data_size(d) > JOB_SERIES_MORE && kinds_fit(c->from, c->to) &&
           c->from_size <= JOB_SERIES_ITEM && c->to_size <= JOB_SERIES_ITEM;
}

static int take_series(struct making *m, struct job_data *d, const struct cast *c,
                       const struct job_look *look, struct ndarray *ret,
                       struct job_series **ret_series)
{
    int r = job_making_count(m, job_data_size(d), c->to_size);
    if (r == 0 && d->form != JOB_DATA_FILE) /* a file was looked at when the job was submitted */
        r = look_through(m, d, c, look);
    if (r)
        return r;
    job_values_shape(c->to, c->to_size, d->ndim, d->shape, ret);
    m->n_files += d->form == JOB_DATA_FILE;
    *ret_series = job_series_new(c->to, c->to_size, (int64_t)job_data_size(d) / d->shape[0]);
    job_series_add(*ret_series, d);
    return 0;
}

int job_values_read_series(struct making *m, const json_t *data, int dtype, size_t itemsize,
                           const struct job_look *look, struct ndarray *ret,
                           struct job_series **ret_series)
{
    struct job_data d;
    *ret_series = NULL;
    int r = job_data_open(m, data, dtype, itemsize, &d);
    struct cast c = {.from = d.dtype, .from_size = d.itemsize, .to = dtype, .to_size = itemsize};
    if (dtype < 0) {
        c.to = d.dtype;
        c.to_size = d.itemsize;
    }
    if (r == 0 && is_series(m, &d, &c))
        r = take_series(m, &d, &c, look, ret, ret_series);
    else if (r == 0)
        r = job_values_take(m, &d, dtype, itemsize, c.to_size, look, ret);
    job_data_close(&d);
    return r;
}

int job_values_read(struct making *m, const json_t *data, int dtype, size_t itemsize,
                    const struct job_look *look, struct ndarray *ret)
{
    struct job_data d;
    int r = job_data_open(m, data, dtype, itemsize, &d);
    if (r == 0)
        r = job_values_take(m, &d, dtype, itemsize, dtype < 0 ? d.itemsize : itemsize, look, ret);
    job_data_close(&d);
    return r;
}
