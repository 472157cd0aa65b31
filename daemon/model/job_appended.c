/* SPDX-License-Identifier: Apache-2.0 */
/* Members that were appended to an open batch: one list of values after another, behind those of
 * the inputs and coordinates that have the batch dimension. */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a batch that does not say how many members it will have: as small ones have them. */
enum { EXPECTED = 1024 };

/* One array that has the batch dimension. */
struct column {
    const char *section; /* "inputs" or "coords" */
    const char *name;
    struct ndarray *array, *twin; /* twin: an input's value, which shares the data; or NULL */
    struct job_input *input;
};

struct piece {
    struct ndarray values;
    struct job_series *series; /* of which they have no data; or NULL */
};

struct appending {
    struct making *m;
    const json_t *list;
    size_t n;
    int64_t *counts; /* members of each; -1: not known yet */
    const char **who;
    struct column *columns;
    size_t n_columns;
};

/* ---- what has the batch dimension ---- */

static bool has_batch(const struct making *m, const struct ndarray *a, bool *ret_is_first)
{
    for (int i = 0; i < a->ndim; i++)
        if (!strcmp(a->dims[i], m->job->batch_dim)) {
            *ret_is_first = i == 0;
            return true;
        }
    return false;
}

static int add_column(struct appending *x, struct column c)
{
    bool is_first, is_moved = c.twin && c.twin->data != c.array->data;
    if (!has_batch(x->m, c.array, &is_first))
        return 0;
    for (int i = 0; c.twin && i < c.array->ndim; i++)
        is_moved = is_moved || strcmp(c.twin->dims[i], c.array->dims[i]) != 0;
    if (!is_first || is_moved)
        return job_making_fault(x->m, c.section, c.name, "/dims",
                                "members can only be appended where '%s' is the first dimension, "
                                "and the others are in the order that the variable accepts",
                                x->m->job->batch_dim);
    x->columns[x->n_columns++] = c;
    return 0;
}

static int find_columns(struct appending *x)
{
    struct job *j = x->m->job;
    int r = 0;
    x->columns = mem_array((size_t)(j->n_inputs + j->n_coords), sizeof *x->columns);
    for (int i = 0; i < j->n_inputs && r == 0; i++)
        r = add_column(x, (struct column){"inputs", j->model->slots[j->inputs[i].slot].name,
                                          &j->inputs[i].given, &j->inputs[i].value, &j->inputs[i]});
    for (int i = 0; i < j->n_coords && r == 0; i++)
        r = add_column(
            x, (struct column){"coords", j->coords[i].name, &j->coords[i].values, NULL, NULL});
    return r;
}

/* ---- what was appended ---- */

static bool is_column(const struct appending *x, const char *section, const char *name)
{
    for (size_t i = 0; i < x->n_columns; i++)
        if (!strcmp(x->columns[i].section, section) && !strcmp(x->columns[i].name, name))
            return true;
    return false;
}

static int check_section(struct appending *x, size_t k, const char *section)
{
    const json_t *given = json_object_get(json_array_get(x->list, k), section);
    const char *name;
    json_t *value;
    char where[64];
    snprintf(where, sizeof where, "appended/%zu/%s", k, section);
    if (given && !json_is_object(given)) {
        char pointer[72];
        snprintf(pointer, sizeof pointer, "/%s", where);
        return error_set(x->m->error, MODEL_INVALID, pointer, "%s is not an object", section);
    }
    json_object_foreach((json_t *)given, name, value)
    {
        if (!strcmp(section, "inputs") && job_inputs_find(x->m, where, name) < 0)
            return MODEL_INVALID;
        if (!is_column(x, section, name))
            return job_making_fault(x->m, where, name, "",
                                    "it does not vary by member: the batch was opened with one "
                                    "value of it for all");
    }
    return 0;
}

static int check_parts(struct appending *x)
{
    static const char *const keys[] = {"inputs", "coords", NULL};
    int r = 0;
    for (size_t k = 0; k < x->n && r == 0; k++) {
        const json_t *part = json_array_get(x->list, k);
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/appended/%zu", k);
        if (!json_is_object(part))
            return error_set(x->m->error, MODEL_INVALID, pointer,
                             "what is appended is an object: {\"inputs\": {name: values}}");
        r = model_result_of_base(json_check_keys(part, keys, pointer, x->m->error));
        r = r ? r : check_section(x, k, "inputs");
        r = r ? r : check_section(x, k, "coords");
        x->counts[k] = -1;
    }
    return r;
}

/* ---- values ---- */

static int read_values(struct appending *x, const struct column *c, const char *where,
                       const json_t *given, struct piece *ret)
{
    static const char *const keys[] = {"linspace", "arange", "upload", "file", NULL};
    const json_t *data = given;
    const char *below = "";
    json_t *owned = NULL;
    int r = 0;
    if (json_is_object(given)) {
        r = job_values_check_keys(given, keys, x->m->error);
        if (r == 0)
            data = job_values_member(given, &owned, &below);
    }
    struct job_input_look at;
    struct job_look look = {0};
    if (c->input)
        look = job_input_look(x->m, c->input->slot, &at);
    int dtype = c->array->dtype;
    size_t itemsize = c->array->itemsize;
    if (r == 0)
        r = c->input ? job_values_read_series(x->m, data, dtype, itemsize, &look, &ret->values,
                                              &ret->series)
                     : job_values_read(x->m, data, dtype, itemsize, NULL, &ret->values);
    json_decref(owned);
    return job_making_blame(x->m, r, where, c->name, below);
}

/* As the batch's own, but for how many there are. */
static int check_shape(struct appending *x, const struct column *c, size_t k, const char *where,
                       const struct ndarray *a)
{
    bool same = a->ndim == c->array->ndim;
    for (int i = 1; same && i < a->ndim; i++)
        if (a->shape[i] != c->array->shape[i])
            return job_making_fault(x->m, where, c->name, "",
                                    "it has %lld labels along the dimension '%.100s', but those "
                                    "before have %lld",
                                    (long long)a->shape[i], c->array->dims[i],
                                    (long long)c->array->shape[i]);
    if (!same)
        return job_making_fault(x->m, where, c->name, "",
                                "it has %d dimensions, but those before have %d, of which '%s' is "
                                "the first",
                                a->ndim, c->array->ndim, x->m->job->batch_dim);
    if (x->counts[k] < 0) {
        x->counts[k] = a->shape[0];
        x->who[k] = c->name;
    }
    if (a->shape[0] == 0)
        return job_making_fault(x->m, where, c->name, "", "it has no members");
    if (a->shape[0] != x->counts[k])
        return job_making_fault(x->m, where, c->name, "",
                                "it has values for %lld members, but %.100s has them for %lld",
                                (long long)a->shape[0], x->who[k], (long long)x->counts[k]);
    return 0;
}

static int read_piece(struct appending *x, const struct column *c, size_t k, struct piece *ret)
{
    const json_t *part = json_object_get(json_array_get(x->list, k), c->section);
    const json_t *given = json_object_get(part, c->name);
    char where[64];
    snprintf(where, sizeof where, "appended/%zu/%s", k, c->section);
    if (!given)
        return job_making_fault(x->m, where, c->name, "",
                                "it varies by member: it needs a value for each that is appended");
    int r = read_values(x, c, where, given, ret);
    return r ? r : check_shape(x, c, k, where, &ret->values);
}

static bool is_series(const struct appending *x, const struct column *c, const struct piece *pieces)
{
    bool is = c->input && c->input->series;
    for (size_t k = 0; k < x->n; k++)
        is = is || pieces[k].series;
    return is;
}

static void join_series(const struct appending *x, const struct column *c, struct piece *pieces)
{
    struct ndarray *a = c->array;
    if (!c->input->series) {
        int64_t own = (int64_t)ndarray_size(a) / a->shape[0];
        c->input->series = job_series_new(a->dtype, a->itemsize, own);
        job_series_add_array(c->input->series, a);
    }
    for (size_t k = 0; k < x->n; k++) {
        if (pieces[k].series)
            job_series_add_all(c->input->series, pieces[k].series);
        else
            job_series_add_array(c->input->series, &pieces[k].values);
        pieces[k].series = NULL;
    }
}

static int join_arrays(const struct appending *x, const struct column *c,
                       const struct piece *pieces, int64_t n)
{
    struct ndarray *a = c->array;
    size_t row = ndarray_bytes(a) / (size_t)a->shape[0], at = ndarray_bytes(a);
    char *all = mem_try_array((size_t)n, row);
    if (!all)
        return error_errno(x->m->error, -ENOMEM, "hold an input");
    memcpy(all, a->data, at);
    for (size_t k = 0; k < x->n; k++) {
        memcpy(all + at, pieces[k].values.data, ndarray_bytes(&pieces[k].values));
        at += ndarray_bytes(&pieces[k].values);
    }
    free(a->data);
    a->data = all;
    return 0;
}

/* The pieces behind what is there. */
static int join(struct appending *x, const struct column *c, struct piece *pieces)
{
    int64_t n = c->array->shape[0];
    int r = 0;
    for (size_t k = 0; k < x->n; k++)
        n += pieces[k].values.shape[0];
    if (is_series(x, c, pieces))
        join_series(x, c, pieces);
    else if (!job_making_is_check(x->m))
        r = join_arrays(x, c, pieces, n);
    if (r)
        return r;
    c->array->shape[0] = n;
    if (c->twin) {
        c->twin->data = c->array->data;
        c->twin->shape[0] = n;
    }
    return 0;
}

static int lengthen(struct appending *x, const struct column *c)
{
    struct piece *pieces = mem_array(x->n, sizeof *pieces);
    int r = 0;
    for (size_t k = 0; k < x->n && r == 0; k++)
        r = read_piece(x, c, k, &pieces[k]);
    if (r == 0)
        r = join(x, c, pieces);
    for (size_t k = 0; k < x->n; k++) {
        ndarray_clear(&pieces[k].values);
        job_series_free(pieces[k].series);
    }
    free(pieces);
    return r;
}

/* ---- the whole ---- */

static int count(struct appending *x)
{
    struct job *j = x->m->job;
    for (size_t k = 0; k < x->n; k++)
        j->n_members += j->n_latest = x->counts[k];
    if (j->n_members > JOB_MAX_MEMBERS)
        return error_set(x->m->error, MODEL_TOO_LARGE, "/appended",
                         "the batch has %lld members with those that were appended: at most %d",
                         (long long)j->n_members, JOB_MAX_MEMBERS);
    json_object_set_new(x->m->sizes, j->batch_dim, json_integer(j->n_members));
    j->bytes = x->m->bytes;
    for (size_t i = 0; i < x->n_columns; i++)
        j->member_bytes += ndarray_bytes(x->columns[i].array) / (size_t)j->n_members;
    return 0;
}

static int append_all(struct appending *x)
{
    int r = find_columns(x);
    r = r ? r : check_parts(x);
    for (size_t i = 0; i < x->n_columns && x->n > 0 && r == 0; i++)
        r = lengthen(x, &x->columns[i]);
    return r ? r : count(x);
}

int job_appended_read(struct making *m)
{
    struct job *j = m->job;
    const json_t *list = json_object_get(m->document, "appended");
    if (list && !json_is_null(list) && (!json_is_array(list) || !j->is_open))
        return error_set(m->error, MODEL_INVALID, "/appended",
                         j->is_open ? "appended is not a list"
                                    : "appended: only a batch that is \"open\" has such members");
    if (!j->is_open) {
        j->expected = j->n_members;
        return 0;
    }
    j->expected = j->expected ? j->expected : EXPECTED;
    j->expected = j->n_members > j->expected ? j->n_members : j->expected;
    size_t n = json_array_size(list);
    struct appending x = {.m = m,
                          .list = list,
                          .n = n,
                          .counts = mem_array(n, sizeof *x.counts),
                          .who = mem_array(n, sizeof *x.who)};
    int r = append_all(&x);
    free(x.columns);
    free(x.counts);
    free((void *)x.who);
    return r;
}
