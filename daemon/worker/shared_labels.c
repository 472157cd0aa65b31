/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/shared_labels.h"

#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/cf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The array along the batch, and what its rows have in common. */
struct rows {
    const struct shared_labels *labels;
    const char *name;
    struct store_meta meta;
    json_t *dims;
    size_t bytes; /* of a row */
    char *joined; /* NULL: none yet */
    struct error *e;
};

static int64_t next_living(const struct shared_labels *s, int64_t member)
{
    for (size_t i = 0; i < s->n_dead; i++)
        if (s->dead[i][0] <= member && member < s->dead[i][1])
            member = s->dead[i][1];
    return member;
}

static bool is_missing(const struct rows *x, const char *element)
{
    return x->meta.has_fill && !memcmp(element, x->meta.fill, x->meta.itemsize);
}

/* What the row has beyond those before it is joined to them. */
static bool join_row(struct rows *x, const char *row)
{
    size_t size = x->meta.itemsize;
    for (size_t at = 0; at < x->bytes; at += size) {
        if (!memcmp(x->joined + at, row + at, size) || is_missing(x, row + at))
            continue;
        if (!is_missing(x, x->joined + at))
            return false;
        memcpy(x->joined + at, row + at, size);
    }
    return true;
}

/* Rows [begin, end), which are in memory. */
static bool join(struct rows *x, const char *data, int64_t begin, int64_t end)
{
    for (int64_t m = next_living(x->labels, begin); m < end; m = next_living(x->labels, m + 1)) {
        const char *row = data + (size_t)(m - begin) * x->bytes;
        if (!x->joined) {
            x->joined = mem_array(x->bytes + 1, 1);
            memcpy(x->joined, row, x->bytes);
        }
        if (!join_row(x, row))
            return false;
    }
    return true;
}

/* A chunk row at a time. */
static int join_all(struct rows *x, bool *ret_same)
{
    int64_t start[SIMLAB_MAX_DIMS] = {0}, count[SIMLAB_MAX_DIMS], n = x->meta.shape[0];
    size_t bytes;
    memcpy(count, x->meta.shape, sizeof count);
    count[0] = x->meta.chunks[0] < n ? x->meta.chunks[0] : n;
    char *data = mem_mul(x->bytes, (size_t)count[0], &bytes) ? mem_try_array(bytes + 1, 1) : NULL;
    if (!data)
        return error_errno(x->e, -ENOMEM, "compare the members' labels");
    bool same = true;
    int r = 0;
    for (; start[0] < n && same && r == 0; start[0] += count[0]) {
        count[0] = count[0] < n - start[0] ? count[0] : n - start[0];
        r = worker_result_of_store(store_read(x->labels->store, x->name, start, count, data, x->e));
        same = r == 0 && join(x, data, start[0], start[0] + count[0]);
    }
    free(data);
    if (r == 0)
        *ret_same = same && x->joined;
    return r;
}

static int describe(const struct rows *x, const struct job_output *o, struct store_meta *ret)
{
    store_meta_default(ret, x->meta.dtype, x->meta.itemsize, x->meta.ndim - 1, x->meta.shape + 1);
    store_choose_chunks(ret->itemsize, ret->ndim, ret->shape, false, false, ret->chunks);
    ret->has_fill = x->meta.has_fill;
    memcpy(ret->fill, x->meta.fill, sizeof ret->fill);
    return worker_result_of_user(store_meta_encode(ret, o->labels_encoding, x->e));
}

static int write_values(struct rows *x, const char *name, const struct store_meta *m)
{
    int64_t start[SIMLAB_MAX_DIMS] = {0};
    size_t n = x->bytes / x->meta.itemsize;
    char *values = mem_array(n + 1, m->itemsize);
    dtype_cast(x->meta.dtype, x->meta.itemsize, x->joined, m->dtype, m->itemsize, values, n);
    int r = n ? store_write(x->labels->store, name, start, m->shape, values, x->e) : 0;
    free(values);
    return r;
}

static int write_joined(struct rows *x, const struct job_output *o)
{
    const char *dims[SIMLAB_MAX_DIMS];
    struct store_meta meta;
    for (int i = 1; i < x->meta.ndim; i++)
        dims[i - 1] = json_string_value(json_array_get(x->dims, (size_t)i));
    int r = describe(x, o, &meta);
    json_t *attrs = cf_attributes(x->labels->job, o->labels, x->meta.ndim - 1, dims, o->attrs);
    if (r == 0)
        r = worker_result_of_store(
            store_create_array(x->labels->store, o->labels, &meta, dims, attrs, x->e));
    json_decref(attrs);
    if (r == 0)
        r = worker_result_of_store(write_values(x, o->labels, &meta));
    store_meta_clear(&meta);
    return r;
}

static int row_bytes(struct rows *x)
{
    x->bytes = x->meta.itemsize;
    for (int i = 1; i < x->meta.ndim; i++)
        if (!mem_mul(x->bytes, (size_t)x->meta.shape[i], &x->bytes))
            return error_errno(x->e, -ENOMEM, "compare the members' labels");
    return 0;
}

int shared_labels_write(const struct shared_labels *s, int output, bool is_stored, struct error *e)
{
    const struct job_output *o = &s->job->outputs[output];
    struct rows x = {.labels = s, .name = o->name, .e = e};
    bool same = false;
    int r = worker_result_of_store(store_remove_array(s->store, o->labels, e));
    if (r || !is_stored)
        return r;
    r = worker_result_of_store(store_array(s->store, o->name, &x.meta, &x.dims, NULL, e));
    if (r)
        return r;
    r = row_bytes(&x);
    r = r ? r : join_all(&x, &same);
    if (r == 0 && same)
        r = write_joined(&x, o);
    free(x.joined);
    json_decref(x.dims);
    store_meta_clear(&x.meta);
    return r;
}
