/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays of a job that is made out of its store. */
#include "base/file.h"
#include "base/mem.h"
#include "base/npy.h"
#include "worker/replay_parts.h"

#include <stdlib.h>
#include <string.h>

enum { LISTED_MOST = 1000 /* elements */ };

int replay_read_array(struct replay *x, const char *name, struct ndarray *ret, json_t **ret_attrs)
{
    struct store_meta m;
    json_t *dims = NULL, *attrs = NULL;
    const char *names[SIMLAB_MAX_DIMS] = {0};
    const int64_t start[SIMLAB_MAX_DIMS] = {0};
    int r = store_array(x->store, name, &m, &dims, &attrs, x->e);
    if (r != 0)
        return r;
    for (int d = 0; d < m.ndim; d++)
        names[d] = json_string_value(json_array_get(dims, (size_t)d));
    struct ndarray a = {0};
    r = error_errno(x->e, ndarray_init(&a, m.dtype, m.itemsize, m.ndim, m.shape), "hold an array");
    if (r == 0)
        r = store_read(x->store, name, start, m.shape, a.data, x->e);
    store_meta_clear(&m);
    if (r == 0) {
        ndarray_set_dims(&a, names);
        *ret_attrs = json_copy(attrs);
        json_object_del(*ret_attrs, "_ARRAY_DIMENSIONS");
        json_object_del(*ret_attrs, "_Encoding");
        *ret = a;
    } else {
        ndarray_clear(&a);
    }
    json_decref(dims);
    json_decref(attrs);
    return r;
}

int replay_take_rows(const struct ndarray *a, int64_t first, int64_t n, int64_t step,
                     struct ndarray *ret)
{
    int64_t shape[SIMLAB_MAX_DIMS];
    size_t row = a->shape[0] > 0 ? ndarray_bytes(a) / (size_t)a->shape[0] : 0;
    memcpy(shape, a->shape, sizeof shape);
    shape[0] = n;
    int r = ndarray_init(ret, a->dtype, a->itemsize, a->ndim, shape);
    if (r < 0)
        return r;
    for (int64_t i = 0; i < n; i++)
        memcpy((char *)ret->data + (size_t)i * row,
               (const char *)a->data + (size_t)(first + i * step) * row, row);
    ndarray_set_dims(ret, (const char *const *)a->dims);
    return 0;
}

/* A list is read back as NumPy would; an input's dtype is its variable's. */
static bool is_told_by_list(const struct ndarray *a, const json_t *list, bool is_of_variable)
{
    size_t itemsize = 0;
    if (a->ndim > 1 && ndarray_size(a) == 0)
        return false;
    int dtype = ndarray_guess_dtype(list, &itemsize);
    return is_of_variable ||
           (dtype == a->dtype && (dtype != SIMLAB_STR || itemsize == a->itemsize));
}

/* Beside the document: "JOB.NAME.npy". `part`: "" or what else tells it from others. */
static int write_npy(struct replay *x, const char *name, const char *part, const struct ndarray *a,
                     json_t *object)
{
    size_t n = strlen(x->output);
    bool has_suffix = n > 5 && !strcmp(x->output + n - 5, ".json");
    char *path = mem_printf("%.*s.%s%s.npy", (int)(has_suffix ? n - 5 : n), x->output, name, part);
    const char *slash = strrchr(path, '/');
    int r = error_errno(x->e, npy_write(path, a), "write an array");
    json_object_set_new(object, "file", json_string(slash ? slash + 1 : path));
    free(path);
    return r;
}

/* Sets "data" or "file" of the object. */
static int add_data(struct replay *x, const char *name, const char *part, const struct ndarray *a,
                    bool is_of_variable, json_t *object)
{
    bool is_long = ndarray_size(a) > LISTED_MOST && x->output;
    json_t *list = is_long ? NULL : ndarray_to_json(a);
    if (list && is_told_by_list(a, list, is_of_variable)) {
        json_object_set_new(object, "data", list);
        return 0;
    }
    json_decref(list);
    if (x->output)
        return write_npy(x, name, part, a, object);
    return error_set(x->e, STORE_INVALID, NULL,
                     "%.200s is of %s, which a list does not tell: say -o JOB.json, and it is "
                     "written beside that, as .npy",
                     name, dtype_name(a->dtype));
}

int replay_add_object(struct replay *x, const char *name, const struct ndarray *a,
                      const json_t *attrs, bool is_of_variable, json_t *to)
{
    json_t *dims = json_array(), *object = json_object();
    for (int d = 0; d < a->ndim; d++)
        json_array_append_new(dims, json_string(a->dims[d]));
    json_object_set_new(object, "dims", dims);
    if (json_object_size(attrs) > 0)
        json_object_set(object, "attrs", (json_t *)attrs);
    int r = add_data(x, name, "", a, is_of_variable, object);
    json_object_set_new(to, name, object);
    return r;
}

/* ---- members that came later ---- */

json_t *replay_section(json_t *object, const char *name)
{
    json_t *section = json_object_get(object, name);
    if (!section)
        json_object_set_new(object, name, section = json_object());
    return section;
}

int replay_add_later(struct replay *x, const char *section, const char *name,
                     const struct ndarray *a, bool is_of_variable)
{
    struct ndarray later = {0};
    json_t *object = json_object();
    if (!x->appended)
        x->appended = json_object();
    int r = error_errno(x->e, replay_take_rows(a, x->first, a->shape[0] - x->first, 1, &later),
                        "hold an array");
    if (r == 0)
        r = add_data(x, name, ".appended", &later, is_of_variable, object);
    const json_t *list = json_object_get(object, "data");
    if (r == 0)
        json_object_set(replay_section(x->appended, section), name, list ? (json_t *)list : object);
    json_decref(object);
    ndarray_clear(&later);
    return r;
}

bool replay_is_of_members(const struct replay *x, const struct ndarray *a)
{
    return x->batch_dim && a->ndim > 0 && !strcmp(a->dims[0], x->batch_dim);
}

int replay_add_split(struct replay *x, const char *section, const char *name,
                     const struct ndarray *a, const json_t *attrs, bool is_of_variable)
{
    struct ndarray begin = {0};
    json_t *to = replay_section(x->document, section);
    if (x->first < 0 || !replay_is_of_members(x, a) || a->shape[0] <= x->first)
        return replay_add_object(x, name, a, attrs, is_of_variable, to);
    int r = error_errno(x->e, replay_take_rows(a, 0, x->first, 1, &begin), "hold an array");
    if (r == 0)
        r = replay_add_object(x, name, &begin, attrs, is_of_variable, to);
    ndarray_clear(&begin);
    return r ? r : replay_add_later(x, section, name, a, is_of_variable);
}
