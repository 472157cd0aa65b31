/* SPDX-License-Identifier: Apache-2.0 */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const forms[] = {"linspace", "arange", "upload", "file", NULL};

/* ---- keys ---- */

const json_t *job_values_member(const json_t *object, json_t **ret_owned, const char **ret_below)
{
    *ret_owned = NULL;
    *ret_below = "/data";
    const json_t *data = json_object_get(object, "data");
    if (data)
        return data;
    *ret_below = "";
    for (int i = 0; forms[i]; i++) {
        json_t *value = json_object_get(object, forms[i]);
        if (!value)
            continue;
        *ret_owned = json_object();
        json_object_set(*ret_owned, forms[i], value);
        return *ret_owned;
    }
    return NULL;
}

int job_values_check_keys(const json_t *object, const char *const *keys, struct error *e)
{
    int r = model_result_of_base(json_check_keys(object, keys, "", e));
    const char *found = json_object_get(object, "data") ? "data" : NULL;
    for (int i = 0; r == 0 && forms[i]; i++) {
        char pointer[32];
        if (!json_object_get(object, forms[i]))
            continue;
        snprintf(pointer, sizeof pointer, "/%s", forms[i]);
        if (found)
            r = error_set(e, MODEL_INVALID, pointer, "%s stands beside %s: give one of them",
                          forms[i], found);
        found = forms[i];
    }
    if (r == 0 && !found)
        r = error_set(e, MODEL_INVALID, NULL,
                      "there are no data: give \"data\", \"linspace\", \"arange\" or \"upload\"");
    return r;
}

/* ---- progressions ---- */

static bool get_number(const json_t *list, size_t i, double *ret)
{
    const json_t *value = json_array_get(list, i);
    if (!json_is_number(value))
        return false;
    *ret = json_number_value(value);
    return isfinite(*ret);
}

static void set_length(struct job_data *d, int dtype, int64_t n)
{
    d->dtype = dtype;
    d->itemsize = dtype_size(dtype);
    d->ndim = 1;
    d->shape[0] = n;
}

static int open_linspace(const json_t *list, struct job_data *d, struct error *e)
{
    const json_t *count = json_array_get(list, 2);
    if (json_array_size(list) != 3 || !get_number(list, 0, &d->first) ||
        !get_number(list, 1, &d->last) || !json_is_integer(count) || json_integer_value(count) < 1)
        return error_set(
            e, MODEL_INVALID, "/linspace",
            "linspace is [first, last, number of values]: two numbers and a positive integer");
    int64_t n = json_integer_value(count);
    if (n > JOB_MAX_ELEMENTS)
        return error_set(e, MODEL_TOO_LARGE, "/linspace", "linspace: %lld values: at most %d",
                         (long long)n, JOB_MAX_ELEMENTS);
    d->form = JOB_DATA_LINSPACE;
    d->step = n > 1 ? (d->last - d->first) / (double)(n - 1) : 0.0;
    set_length(d, SIMLAB_F8, n);
    return 0;
}

/* ceil((stop - start) / step) values; integers where all three are. */
static int open_arange(const json_t *list, struct job_data *d, struct error *e)
{
    double start = 0.0, stop, step = 1.0;
    size_t given = json_array_size(list);
    bool ok = given == 1   ? get_number(list, 0, &stop)
              : given == 2 ? get_number(list, 0, &start) && get_number(list, 1, &stop)
                           : given == 3 && get_number(list, 0, &start) &&
                                 get_number(list, 1, &stop) && get_number(list, 2, &step);
    if (!ok || step == 0.0)
        return error_set(e, MODEL_INVALID, "/arange",
                         "arange is [stop], [start, stop] or [start, stop, step]: numbers, and a "
                         "step other than 0");
    double length = ceil((stop - start) / step);
    if (length > JOB_MAX_ELEMENTS)
        return error_set(e, MODEL_TOO_LARGE, "/arange", "arange: %.0f values: at most %d", length,
                         JOB_MAX_ELEMENTS);
    if (!(length >= 1))
        return error_set(e, MODEL_INVALID, "/arange", "arange: no value lies from %.12g to %.12g",
                         start, stop);
    bool integers = fabs(start) < 0x1p53 && fabs(stop) < 0x1p53 && fabs(step) < 0x1p53;
    for (size_t i = 0; i < given; i++)
        integers = integers && json_is_integer(json_array_get(list, i));
    d->form = JOB_DATA_ARANGE;
    d->first = start;
    d->last = start + step; /* the second value */
    d->step = integers ? step : d->last - start;
    set_length(d, integers ? SIMLAB_I8 : SIMLAB_F8, (int64_t)length);
    return 0;
}

/* As numpy.linspace: first + i * step, and the last one as given. */
static void make_linspace(const struct job_data *d, size_t at, size_t n, double *ret)
{
    size_t last = (size_t)d->shape[0] - 1;
    double delta = d->last - d->first;
    for (size_t k = 0; k < n; k++) {
        double i = (double)(at + k);
        ret[k] = d->step != 0.0 || last == 0 ? i * d->step + d->first
                                             : i / (double)last * delta + d->first;
    }
    if (last > 0 && at + n > last)
        ret[last - at] = d->last;
}

/* As numpy.arange: start + i * ((start + step) - start). */
static void make_arange(const struct job_data *d, size_t at, size_t n, void *ret)
{
    for (size_t k = 0; k < n; k++) {
        size_t i = at + k;
        if (d->dtype == SIMLAB_I8)
            ((int64_t *)ret)[k] = (int64_t)d->first + (int64_t)i * (int64_t)d->step;
        else
            ((double *)ret)[k] = i == 1 ? d->last : d->first + (double)i * d->step;
    }
}

bool job_data_is_progression(const struct job_data *d)
{
    return d->form == JOB_DATA_LINSPACE || d->form == JOB_DATA_ARANGE;
}

/* The far end of an arange is not `last`. */
static double largest(const struct job_data *d)
{
    double end = d->first + d->step * (double)(d->shape[0] - 1);
    return fmax(fabs(d->first), fmax(fabs(d->last), fabs(end)));
}

bool job_data_is_even(const struct job_data *d)
{
    return job_data_is_progression(d) && fabs(d->step) > 1e-15 * largest(d);
}

bool job_data_is_whole(const struct job_data *d)
{
    return job_data_is_progression(d) && d->first == floor(d->first) && d->step == floor(d->step) &&
           largest(d) < 0x1p53;
}

/* ---- references ---- */

static int open_file(const struct job_sources *sources, const char *id, struct job_data *d,
                     struct error *e)
{
    int r = sources->open(sources->userdata, id, &d->fd, e);
    if (r)
        return r;
    d->form = JOB_DATA_FILE;
    r = model_result_of_base(npy_open(d->fd, JOB_MAX_ELEMENTS, &d->npy, e));
    d->dtype = d->npy.dtype;
    d->itemsize = d->npy.itemsize;
    d->ndim = d->npy.ndim;
    memcpy(d->shape, d->npy.shape, sizeof d->shape);
    return error_explain(e, r, "read an upload");
}

static int open_whole(int (*read)(void *, const char *, struct ndarray *, struct error *),
                      const struct job_sources *sources, const char *id, struct job_data *d,
                      struct error *e)
{
    int r = read(sources->userdata, id, &d->array, e);
    if (r == 0 && ndarray_size(&d->array) > JOB_MAX_ELEMENTS)
        r = error_set(e, MODEL_TOO_LARGE, NULL, "%zu elements: at most %d", ndarray_size(&d->array),
                      JOB_MAX_ELEMENTS);
    return r;
}

static int open_reference(const struct job_sources *sources, const char *form, const json_t *value,
                          struct job_data *d, struct error *e)
{
    bool is_upload = !strcmp(form, "upload");
    bool is_opened = is_upload && sources && (sources->is_check || sources->open);
    int (*read)(void *, const char *, struct ndarray *, struct error *) = !sources ? NULL
                                                                          : is_upload
                                                                              ? sources->upload
                                                                              : sources->file;
    char pointer[16] = "/";
    strcat(pointer, form);
    if (!json_is_string(value))
        return error_set(e, MODEL_INVALID, pointer, "%s is not a text", form);
    if (is_opened ? !sources->open : !read)
        return error_set(e, MODEL_INVALID, pointer,
                         is_upload
                             ? "uploaded arrays are not to be had here"
                             : "files cannot be read here: upload the array, and give {\"upload\": "
                               "its id}");
    const char *id = json_string_value(value);
    int r = is_opened ? open_file(sources, id, d, e) : open_whole(read, sources, id, d, e);
    if (r == 0 && is_opened && !sources->is_check && d->npy.fortran && d->ndim > 1) {
        job_data_close(d); /* its elements have another order in memory */
        r = open_whole(read, sources, id, d, e);
    }
    if (r > 0 && e)
        memcpy(e->pointer, pointer, sizeof pointer);
    return r;
}

/* ---- all forms ---- */

static int open_form(const struct making *m, const json_t *data, struct job_data *d)
{
    struct error *e = m->error;
    int r = model_result_of_base(json_check_keys(data, forms, "", e));
    if (r)
        return r;
    if (json_object_size(data) != 1)
        return error_set(e, MODEL_INVALID, NULL,
                         "data are a value, a list, {\"linspace\": [first, last, n]}, {\"arange\": "
                         "[start, stop, step]} or {\"upload\": id}");
    const char *form = json_object_iter_key(json_object_iter((json_t *)data));
    const json_t *value = json_object_get(data, form);
    if (!strcmp(form, "linspace"))
        return open_linspace(value, d, e);
    if (!strcmp(form, "arange"))
        return open_arange(value, d, e);
    return open_reference(m->sources, form, value, d, e);
}

/* A list of texts is as wide as the longest: a few bytes of JSON could ask for much memory. */
static int open_list(const struct making *m, const json_t *data, int dtype, size_t itemsize,
                     struct job_data *d)
{
    if (dtype < 0)
        dtype = ndarray_guess_dtype(data, &itemsize);
    size_t most = JOB_MAX_BYTES / itemsize;
    bool is_wide = most < JOB_MAX_ELEMENTS;
    int r = ndarray_from_json(data, dtype, itemsize, is_wide ? most : JOB_MAX_ELEMENTS, &d->array,
                              m->error);
    if (r == BASE_TOO_LARGE && is_wide)
        return error_set(m->error, MODEL_TOO_LARGE, NULL,
                         "more than %zu elements of %zu bytes each (%d bytes together)", most,
                         itemsize, JOB_MAX_BYTES);
    return model_result_of_base(r);
}

int job_data_open(const struct making *m, const json_t *data, int dtype, size_t itemsize,
                  struct job_data *ret)
{
    *ret = (struct job_data){.fd = -1};
    if (!data)
        return error_set(m->error, MODEL_INVALID, NULL, "there are no data");
    int r =
        json_is_object(data) ? open_form(m, data, ret) : open_list(m, data, dtype, itemsize, ret);
    if (r == 0 && ret->form == JOB_DATA_ARRAY) {
        ret->dtype = ret->array.dtype;
        ret->itemsize = ret->array.itemsize;
        ret->ndim = ret->array.ndim;
        memcpy(ret->shape, ret->array.shape, sizeof ret->shape);
    }
    return r;
}

void job_data_close(struct job_data *d)
{
    ndarray_clear(&d->array);
    if (d->fd >= 0)
        close(d->fd);
    *d = (struct job_data){.fd = -1};
}

size_t job_data_size(const struct job_data *d)
{
    size_t n = 1;
    for (int i = 0; i < d->ndim; i++)
        n *= (size_t)d->shape[i];
    return n;
}

int job_data_read(const struct job_data *d, size_t at, size_t n, void *ret)
{
    switch (d->form) {
    case JOB_DATA_LINSPACE:
        make_linspace(d, at, n, ret);
        return 0;
    case JOB_DATA_ARANGE:
        make_arange(d, at, n, ret);
        return 0;
    case JOB_DATA_FILE:
        return npy_read(d->fd, &d->npy, at, n, ret);
    default:
        memcpy(ret, (const char *)d->array.data + at * d->itemsize, n * d->itemsize);
        return 0;
    }
}
