/* SPDX-License-Identifier: Apache-2.0 */
/* The data of inputs, clocks and coordinates, in all the forms that a job may give them. */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const forms[] = {"linspace", "arange", "upload", "file", NULL};

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

static bool get_number(const json_t *list, size_t i, double *ret)
{
    const json_t *value = json_array_get(list, i);
    if (!json_is_number(value))
        return false;
    *ret = json_number_value(value);
    return isfinite(*ret);
}

/* As numpy.linspace: first + i * step, and the last one as given. */
static int read_linspace(const json_t *list, struct ndarray *ret, struct error *e)
{
    double first, last;
    const json_t *count = json_array_get(list, 2);
    if (json_array_size(list) != 3 || !get_number(list, 0, &first) || !get_number(list, 1, &last) ||
        !json_is_integer(count) || json_integer_value(count) < 1)
        return error_set(
            e, MODEL_INVALID, "/linspace",
            "linspace is [first, last, number of values]: two numbers and a positive integer");
    int64_t n = json_integer_value(count);
    if (n > JOB_MAX_ELEMENTS)
        return error_set(e, MODEL_TOO_LARGE, "/linspace", "linspace: more than %d values",
                         JOB_MAX_ELEMENTS);
    int r = ndarray_init(ret, SIMLAB_F8, 0, 1, &n);
    if (r)
        return r;
    double *values = ret->data, delta = last - first;
    double step = n > 1 ? delta / (double)(n - 1) : 0.0;
    for (int64_t i = 0; i < n; i++)
        values[i] = step != 0.0 || n == 1 ? (double)i * step + first
                                          : (double)i / (double)(n - 1) * delta + first;
    if (n > 1)
        values[n - 1] = last;
    return 0;
}

/* As numpy.arange: start + i * ((start + step) - start) for ceil((stop - start) / step) values;
 * integers where all three are. */
static int read_arange(const json_t *list, struct ndarray *ret, struct error *e)
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
        return error_set(e, MODEL_TOO_LARGE, "/arange", "arange: more than %d values",
                         JOB_MAX_ELEMENTS);
    if (!(length >= 1))
        return error_set(e, MODEL_INVALID, "/arange", "arange: no value lies from %.12g to %.12g",
                         start, stop);
    bool integers = fabs(start) < 0x1p53 && fabs(stop) < 0x1p53 && fabs(step) < 0x1p53;
    for (size_t i = 0; i < given; i++)
        integers = integers && json_is_integer(json_array_get(list, i));
    int64_t n = (int64_t)length;
    int r = ndarray_init(ret, integers ? SIMLAB_I8 : SIMLAB_F8, 0, 1, &n);
    if (r)
        return r;
    double second = start + step, delta = second - start;
    for (int64_t i = 0; i < n && !integers; i++)
        ((double *)ret->data)[i] = i == 1 ? second : start + (double)i * delta;
    for (int64_t i = 0; i < n && integers; i++)
        ((int64_t *)ret->data)[i] = (int64_t)start + i * (int64_t)step;
    return 0;
}

static int read_reference(const struct job_sources *sources, const char *form, const json_t *value,
                          struct ndarray *ret, struct error *e)
{
    bool upload = !strcmp(form, "upload");
    int (*read)(void *, const char *, struct ndarray *, struct error *) = !sources ? NULL
                                                                          : upload ? sources->upload
                                                                                   : sources->file;
    char pointer[16] = "/";
    strcat(pointer, upload ? "upload" : "file");
    if (!json_is_string(value))
        return error_set(e, MODEL_INVALID, pointer, "%s is not a text", form);
    if (!read)
        return error_set(e, MODEL_INVALID, pointer,
                         upload
                             ? "uploaded arrays are not to be had here"
                             : "files cannot be read here: upload the array, and give {\"upload\": "
                               "its id}");
    struct ndarray a = {0};
    int r = read(sources->userdata, json_string_value(value), &a, e);
    if (r > 0 && e)
        memcpy(e->pointer, pointer, sizeof pointer);
    if (r)
        return r;
    if (ndarray_size(&a) > JOB_MAX_ELEMENTS) {
        ndarray_clear(&a);
        return error_set(e, MODEL_TOO_LARGE, pointer, "more than %d elements", JOB_MAX_ELEMENTS);
    }
    *ret = a;
    return 0;
}

static int read_form(const struct job_sources *sources, const json_t *data, struct ndarray *ret,
                     struct error *e)
{
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
        return read_linspace(value, ret, e);
    if (!strcmp(form, "arange"))
        return read_arange(value, ret, e);
    return read_reference(sources, form, value, ret, e);
}

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

/* Element i of `from` is the integer that it became. */
static bool kept_integer(const struct ndarray *from, const struct ndarray *to, size_t i)
{
    double before = dtype_to_double(from->dtype, from->data, i);
    double after = dtype_to_double(to->dtype, to->data, i);
    if (dtype_is_float(from->dtype))
        return before == after;
    /* Integers beyond 2^53: compare by casting back, and by sign. */
    int64_t back;
    unsigned char wide[8] = {0};
    dtype_cast(to->dtype, to->itemsize, (const char *)to->data + i * to->itemsize, from->dtype,
               from->itemsize, wide, 1);
    memcpy(&back, wide, sizeof back);
    int64_t original = 0;
    memcpy(&original, (const char *)from->data + i * from->itemsize, from->itemsize);
    return back == original && (before < 0) == (after < 0);
}

static int check_kept(const struct ndarray *from, const struct ndarray *to, struct error *e)
{
    size_t n = ndarray_size(from);
    for (size_t i = 0; i < n; i++) {
        bool kept = true;
        if (to->dtype == SIMLAB_STR)
            kept = strnlen((const char *)from->data + i * from->itemsize, from->itemsize) <=
                   to->itemsize;
        else if (dtype_is_integer(to->dtype))
            kept = kept_integer(from, to, i);
        char value[NUMBER_TEXT_SIZE];
        if (!kept)
            return error_set(e, MODEL_INVALID, NULL, "element %zu, %s, does not fit into %s", i,
                             number_text(dtype_to_double(from->dtype, from->data, i), value),
                             dtype_name(to->dtype));
    }
    return 0;
}

static int cast(struct ndarray *a, int dtype, size_t itemsize, struct error *e)
{
    if (a->dtype == dtype && a->itemsize == itemsize)
        return 0;
    if (!kinds_fit(a->dtype, dtype))
        return error_set(e, MODEL_INVALID, NULL, "an array of %s does not fit into %s",
                         dtype_name(a->dtype), dtype_name(dtype));
    struct ndarray to;
    int r = ndarray_init(&to, dtype, itemsize, a->ndim, a->shape);
    if (r)
        return r;
    dtype_cast(a->dtype, a->itemsize, a->data, dtype, itemsize, to.data, ndarray_size(a));
    r = check_kept(a, &to, e);
    if (r) {
        ndarray_clear(&to);
        return r;
    }
    ndarray_clear(a);
    *a = to;
    return 0;
}

int job_values_read(const struct job_sources *sources, const json_t *data, int dtype,
                    size_t itemsize, struct ndarray *ret, struct error *e)
{
    if (!data)
        return error_set(e, MODEL_INVALID, NULL, "there are no data");
    if (!json_is_object(data)) {
        if (dtype < 0)
            dtype = ndarray_guess_dtype(data, &itemsize);
        return model_result_of_base(
            ndarray_from_json(data, dtype, itemsize, JOB_MAX_ELEMENTS, ret, e));
    }
    struct ndarray a = {0};
    int r = read_form(sources, data, &a, e);
    if (r == 0 && dtype >= 0)
        r = cast(&a, dtype, itemsize, e);
    if (r)
        ndarray_clear(&a);
    else
        *ret = a;
    return r;
}
