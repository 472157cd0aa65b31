/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ndarray.h"

#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t ndarray_size(const struct ndarray *a)
{
    size_t n = 1;
    for (int i = 0; i < a->ndim; i++)
        n *= (size_t)a->shape[i];
    return n;
}

size_t ndarray_bytes(const struct ndarray *a)
{
    return ndarray_size(a) * a->itemsize;
}

int ndarray_init(struct ndarray *a, int dtype, size_t itemsize, int ndim, const int64_t *shape)
{
    mem_assert(ndim >= 0 && ndim <= SIMLAB_MAX_DIMS);
    struct ndarray n = {.dtype = dtype, .itemsize = itemsize ? itemsize : dtype_size(dtype)};
    n.ndim = ndim;
    size_t elements = 1, bytes;
    for (int i = 0; i < ndim; i++) {
        n.shape[i] = shape[i];
        if (shape[i] < 0 || !mem_mul(elements, (size_t)shape[i], &elements))
            return -EOVERFLOW;
    }
    if (!mem_mul(elements, n.itemsize, &bytes) || bytes > PTRDIFF_MAX)
        return -EOVERFLOW;
    n.data = mem_try_array(bytes, 1);
    if (!n.data)
        return -ENOMEM;
    *a = n;
    return 0;
}

void ndarray_set_dims(struct ndarray *a, const char *const *dims)
{
    for (int i = 0; i < a->ndim; i++) {
        char *name = mem_strdup(dims[i]);
        free(a->dims[i]);
        a->dims[i] = name;
    }
}

void ndarray_clear(struct ndarray *a)
{
    for (int i = 0; i < SIMLAB_MAX_DIMS; i++)
        free(a->dims[i]);
    free(a->data);
    *a = (struct ndarray){0};
}

/* Depth of nesting and extents, by the first element of each level. A complex value is a pair,
 * which is not a level. */
static int measure(const json_t *data, int dtype, int64_t *shape)
{
    int ndim = 0;
    bool is_complex = dtype == SIMLAB_C8 || dtype == SIMLAB_C16;
    while (json_is_array(data)) {
        bool leaf = json_array_size(data) == 2 && !json_is_array(json_array_get(data, 0));
        if (is_complex && leaf)
            break;
        if (ndim == SIMLAB_MAX_DIMS)
            return -1;
        shape[ndim++] = (int64_t)json_array_size(data);
        data = json_array_get(data, 0);
    }
    return ndim;
}

struct filling {
    struct ndarray *array;
    size_t next;
    struct error *e;
};

static int fill(struct filling *f, const json_t *data, int level, size_t *index)
{
    struct ndarray *a = f->array;
    if (level == a->ndim) {
        char *place = (char *)a->data + f->next++ * a->itemsize;
        return dtype_from_json(a->dtype, a->itemsize, data, place, f->e);
    }
    if (!json_is_array(data))
        return error_set(f->e, BASE_INVALID, NULL, "a value stands where a list of %lld belongs",
                         (long long)a->shape[level]);
    if ((int64_t)json_array_size(data) != a->shape[level])
        return error_set(f->e, BASE_INVALID, NULL,
                         "lists of unequal lengths: %zu elements here, %lld before",
                         json_array_size(data), (long long)a->shape[level]);
    for (size_t i = 0; i < json_array_size(data); i++) {
        index[level] = i;
        int r = fill(f, json_array_get(data, i), level + 1, index);
        if (r) {
            if (r > 0 && f->e && level == 0) {
                /* The path of indices down to the fault; deeper levels are set where it lies. */
                char pointer[256] = "";
                int n = 0;
                for (int k = 0; k < a->ndim && index[k] != SIZE_MAX; k++)
                    n += snprintf(pointer + n, sizeof pointer - (size_t)n, "/%zu", index[k]);
                memcpy(f->e->pointer, pointer, sizeof pointer);
            }
            return r;
        }
        index[level] = SIZE_MAX;
    }
    return 0;
}

int ndarray_from_json(const json_t *data, int dtype, size_t itemsize, size_t max_size,
                      struct ndarray *ret, struct error *e)
{
    int64_t shape[SIMLAB_MAX_DIMS];
    int ndim = measure(data, dtype, shape);
    if (ndim < 0)
        return error_set(e, BASE_INVALID, NULL, "lists nest deeper than %d dimensions",
                         SIMLAB_MAX_DIMS);
    size_t elements = 1;
    for (int i = 0; i < ndim; i++)
        if (!mem_mul(elements, (size_t)shape[i], &elements) || elements > max_size)
            return error_set(e, BASE_TOO_LARGE, NULL, "more than %zu elements", max_size);
    struct ndarray a;
    int r = ndarray_init(&a, dtype, itemsize, ndim, shape);
    if (r < 0)
        return r;
    size_t index[SIMLAB_MAX_DIMS];
    for (int i = 0; i < SIMLAB_MAX_DIMS; i++)
        index[i] = SIZE_MAX;
    struct filling f = {.array = &a, .e = e};
    r = fill(&f, data, 0, index);
    if (r)
        ndarray_clear(&a);
    else
        *ret = a;
    return r;
}

static void guess(const json_t *data, bool *booleans, bool *integers, bool *texts, size_t *longest)
{
    if (json_is_array(data)) {
        size_t i;
        json_t *value;
        json_array_foreach(data, i, value) guess(value, booleans, integers, texts, longest);
        return;
    }
    double number;
    uint64_t large;
    bool is_number_text =
        json_is_string(data) &&
        (dtype_number_from_text(json_string_value(data), &number) || json_is_large(data, &large));
    *booleans = *booleans && json_is_boolean(data);
    *integers = *integers && json_is_integer(data);
    *texts = *texts && json_is_string(data) && !is_number_text;
    if (json_is_string(data) && json_string_length(data) > *longest)
        *longest = json_string_length(data);
}

int ndarray_guess_dtype(const json_t *data, size_t *ret_itemsize)
{
    bool booleans = true, integers = true, texts = true;
    size_t longest = 1;
    guess(data, &booleans, &integers, &texts, &longest);
    bool empty = booleans && integers && texts;
    int dtype = empty      ? SIMLAB_F8
                : booleans ? SIMLAB_BOOL
                : integers ? SIMLAB_I8
                : texts    ? SIMLAB_STR
                           : SIMLAB_F8;
    *ret_itemsize = dtype == SIMLAB_STR ? longest : dtype_size(dtype);
    return dtype;
}

static json_t *to_json(const struct ndarray *a, int level, size_t *next)
{
    if (level == a->ndim) {
        const char *place = (const char *)a->data + (*next)++ * a->itemsize;
        return dtype_to_json(a->dtype, a->itemsize, place);
    }
    json_t *list = json_array();
    for (int64_t i = 0; i < a->shape[level]; i++)
        json_array_append_new(list, to_json(a, level + 1, next));
    return list;
}

json_t *ndarray_to_json(const struct ndarray *a)
{
    size_t next = 0;
    return to_json(a, 0, &next);
}

int ndarray_transpose(const struct ndarray *a, const int *axes, struct ndarray *ret)
{
    int64_t shape[SIMLAB_MAX_DIMS] = {0};
    size_t strides[SIMLAB_MAX_DIMS], stride = a->itemsize;
    for (int i = a->ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= (size_t)a->shape[i];
    }
    for (int i = 0; i < a->ndim; i++)
        shape[i] = a->shape[axes[i]];
    struct ndarray t = {.dtype = a->dtype, .itemsize = a->itemsize, .ndim = a->ndim};
    memcpy(t.shape, shape, (size_t)a->ndim * sizeof *shape);
    int r = a->data ? ndarray_init(&t, a->dtype, a->itemsize, a->ndim, shape) : 0;
    if (r < 0)
        return r;
    for (int i = 0; i < a->ndim; i++)
        t.dims[i] = mem_strdup(a->dims[axes[i]]);
    if (!a->data) {
        *ret = t;
        return 0;
    }
    int64_t at[SIMLAB_MAX_DIMS] = {0};
    size_t n = ndarray_size(&t);
    char *target = t.data;
    for (size_t k = 0; k < n; k++, target += a->itemsize) {
        const char *source = a->data;
        for (int i = 0; i < t.ndim; i++)
            source += (size_t)at[i] * strides[axes[i]];
        memcpy(target, source, a->itemsize);
        for (int i = t.ndim - 1; i >= 0 && ++at[i] == t.shape[i]; i--)
            at[i] = 0;
    }
    *ret = t;
    return 0;
}

/* ---- boxes ----------------------------------------------------------------------------------- */

void ndarray_steps(int ndim, const int64_t *extents, size_t itemsize, int64_t *ret_steps)
{
    int64_t step = (int64_t)itemsize;
    for (int d = ndim - 1; d >= 0; d--) {
        ret_steps[d] = step;
        step *= extents[d];
    }
}

/* The last dims that are one run without a gap in both places: *ret_bytes of it. Returns how many
 * dims are before it. */
static int outer_dims(int ndim, const int64_t *count, size_t itemsize, const int64_t *to_steps,
                      const int64_t *from_steps, int64_t *ret_bytes)
{
    int64_t run = (int64_t)itemsize;
    int d = ndim;
    for (; d > 0; d--) {
        if (count[d - 1] != 1 && (to_steps[d - 1] != run || from_steps[d - 1] != run))
            break;
        run *= count[d - 1];
    }
    *ret_bytes = run;
    return d;
}

void ndarray_copy_box(int ndim, const int64_t *count, size_t itemsize, void *to,
                      const int64_t *to_steps, const void *from, const int64_t *from_steps)
{
    int64_t at[SIMLAB_MAX_DIMS] = {0}, bytes;
    int outer = outer_dims(ndim, count, itemsize, to_steps, from_steps, &bytes);
    char *target = to;
    const char *source = from;
    for (int d = 0; d < outer; d++)
        if (count[d] == 0)
            return;
    for (;;) {
        memcpy(target, source, (size_t)bytes);
        int d = outer;
        while (d-- > 0) {
            target += to_steps[d];
            source += from_steps[d];
            if (++at[d] < count[d])
                break;
            target -= to_steps[d] * count[d];
            source -= from_steps[d] * count[d];
            at[d] = 0;
        }
        if (d < 0)
            return;
    }
}
