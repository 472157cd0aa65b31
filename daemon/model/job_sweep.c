/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps: the batch as the product of lists of values, or lists side by side. The document keeps
 * the lists; so does a great batch, where a small one has its members' values laid out. */
#include "model/job_parts.h"
#include "model/type_parts.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One swept input, and the factor of the product that it belongs to. */
struct swept {
    int input;
    const char *section;       /* "sweep/product" or "sweep/zip", for pointers */
    struct ndarray values;     /* the first axis is the factor's */
    struct job_series *series; /* of which they have no data; or NULL */
    const json_t *dims;        /* NULL: not given */
    int factor;
};

struct sweep {
    struct making *m;
    struct swept *swept;
    int n_swept;
    int64_t *length;  /* of each factor */
    const char **who; /* an input of each factor, for messages */
    int n_factors;
};

static const struct slot *slot_of(const struct sweep *s, int input)
{
    return &s->m->job->model->slots[s->m->job->model->inputs[input]];
}

static int read_values(struct sweep *s, const char *section, const char *name, const json_t *given,
                       struct swept *w)
{
    static const char *const keys[] = {"dims",   "data",   "attrs", "linspace",
                                       "arange", "upload", "file",  NULL};
    struct making *m = s->m;
    const struct variable *v = slot_of(s, w->input)->declared;
    const json_t *data = given;
    const char *below = "";
    json_t *owned = NULL;
    int r = 0;
    if (json_is_object(given)) {
        const json_t *attrs = json_object_get(given, "attrs");
        r = job_values_check_keys(given, keys, m->error);
        if (r == 0 && attrs && !json_is_object(attrs))
            r = error_set(m->error, MODEL_INVALID, "/attrs", "attrs is not an object");
        if (r == 0)
            data = job_values_member(given, &owned, &below);
        if (r == 0 && attrs)
            json_object_set(m->swept, name, (json_t *)attrs);
        w->dims = json_object_get(given, "dims");
    }
    struct job_input_look at;
    struct job_look look = job_input_look(m, m->job->inputs[w->input].slot, &at);
    r = r ? r
          : job_values_read_series(m, data, v->dtype, v->itemsize, &look, &w->values, &w->series);
    json_decref(owned);
    if (r)
        return job_making_blame(m, r, section, name, below);
    if (w->values.ndim == 0)
        return job_making_fault(m, section, name, below, "one value is no sweep: give a list");
    if (w->values.shape[0] == 0)
        return job_making_fault(m, section, name, below, "an empty list is no sweep");
    return 0;
}

static int add_swept(struct sweep *s, const char *section, const char *name, const json_t *given,
                     int factor)
{
    struct making *m = s->m;
    int input = job_inputs_find(m, section, name);
    if (input < 0)
        return MODEL_INVALID;
    if (json_object_get(m->swept, name))
        return job_making_fault(m, section, name, "", "it is swept twice");
    json_object_set_new(m->swept, name, json_object());
    struct swept *w = &s->swept[s->n_swept++];
    w->input = input;
    w->section = section;
    int r = read_values(s, section, name, given, w);
    if (r)
        return r;
    w->factor = factor;
    m->job->inputs[input].swept = w->values.shape[0];
    if (!s->length[factor]) {
        s->who[factor] = slot_of(s, input)->name;
        s->length[factor] = w->values.shape[0];
    }
    if (w->values.shape[0] != s->length[factor])
        return job_making_fault(
            m, section, name, "", "it has %lld values, but %s, which is zipped with it, has %lld",
            (long long)w->values.shape[0], s->who[factor], (long long)s->length[factor]);
    return 0;
}

/* The lists of a product are a factor each; zipped ones are one together. */
static int read_section(struct sweep *s, const char *section, const json_t *lists, bool is_product)
{
    if (!lists)
        return 0;
    if (!json_is_object(lists) || json_object_size(lists) == 0) {
        char pointer[40];
        snprintf(pointer, sizeof pointer, "/%s", section);
        return error_set(s->m->error, MODEL_INVALID, pointer,
                         "%s is an object: the name of an input, and the list of its values",
                         section);
    }
    const char *name;
    json_t *given;
    int factor = s->n_factors;
    json_object_foreach((json_t *)lists, name, given)
    {
        int r = add_swept(s, section, name, given, factor);
        s->n_factors = factor + 1;
        if (r)
            return r;
        factor += is_product;
    }
    return 0;
}

static int count_members(const struct sweep *s, int64_t *ret)
{
    int64_t n = 1;
    for (int f = 0; f < s->n_factors; f++)
        if (__builtin_mul_overflow(n, s->length[f], &n) || n > JOB_MAX_MEMBERS)
            return error_set(s->m->error, MODEL_TOO_LARGE, "/sweep",
                             "the sweep has %lld members or more: at most %d",
                             (long long)(n > 0 ? n : INT64_MAX), JOB_MAX_MEMBERS);
    *ret = n;
    return 0;
}

/* The values of a great batch's members are found as they are asked for. */
static void find_later(struct swept *w, int64_t members, int64_t inner, size_t own,
                       struct job_input *input)
{
    input->series = w->series;
    w->series = NULL;
    if (!input->series) {
        input->series = job_series_new(w->values.dtype, w->values.itemsize, (int64_t)own);
        job_series_add_array(input->series, &w->values);
    }
    job_series_spread(input->series, members, inner);
}

static int lay_out_values(const struct swept *w, int64_t inner, size_t own, struct ndarray *to)
{
    size_t bytes = own * w->values.itemsize;
    to->data = mem_try_array((size_t)to->shape[0], bytes);
    if (!to->data)
        return -ENOMEM;
    for (int64_t i = 0; i < to->shape[0]; i++) {
        size_t k = (size_t)(i / inner % w->values.shape[0]);
        memcpy((char *)to->data + (size_t)i * bytes, (const char *)w->values.data + k * bytes,
               bytes);
    }
    return 0;
}

/* Member i takes value (i / inner) mod length of its factor. */
static int spread(struct sweep *s, struct swept *w, int64_t members)
{
    const struct ndarray *from = &w->values;
    struct job_input *input = &s->m->job->inputs[w->input];
    int64_t inner = 1, shape[SIMLAB_MAX_DIMS];
    for (int f = w->factor + 1; f < s->n_factors; f++)
        inner *= s->length[f];
    memcpy(shape, from->shape, sizeof shape);
    shape[0] = members;
    size_t own = ndarray_size(from) / (size_t)from->shape[0], total;
    if (!mem_mul(own, (size_t)members, &total) || total > JOB_MAX_ELEMENTS)
        return error_set(s->m->error, MODEL_TOO_LARGE, "/sweep",
                         "sweep of %s: %lld members with %zu elements each: at most %d elements "
                         "together",
                         slot_of(s, w->input)->name, (long long)members, own, JOB_MAX_ELEMENTS);
    int r = job_making_blame(s->m, job_making_count(s->m, total, from->itemsize), w->section,
                             slot_of(s, w->input)->name, "");
    if (r)
        return r;
    job_values_shape(from->dtype, from->itemsize, from->ndim, shape, &input->given);
    if (job_making_is_check(s->m))
        return 0;
    if (!w->series && total <= JOB_SERIES_MORE)
        return lay_out_values(w, inner, own, &input->given);
    find_later(w, members, inner, own, input);
    return 0;
}

/* (batch, …): as given, or the accepted dims with as many names as a value has axes. */
static int name_dims(struct sweep *s, struct swept *w)
{
    struct making *m = s->m;
    const struct slot *slot = slot_of(s, w->input);
    struct ndarray *a = &m->job->inputs[w->input].given;
    const char *names[SIMLAB_MAX_DIMS] = {m->job->batch_dim};
    int own = a->ndim - 1;
    bool known = false;
    for (int k = 0; !w->dims && k < slot->declared->n_dims; k++) {
        if (slot->declared->dims[k].ndim != own)
            continue;
        known = true;
        for (int i = 0; i < own; i++)
            names[i + 1] = slot->declared->dims[k].names[i];
    }
    size_t n_dims = json_is_string(w->dims) ? 1 : json_array_size(w->dims);
    if (w->dims && n_dims == (size_t)a->ndim) {
        known = true;
        for (int i = 0; i < a->ndim; i++) {
            const char *name = json_is_string(w->dims)
                                   ? json_string_value(w->dims)
                                   : json_string_value(json_array_get(w->dims, (size_t)i));
            known = known && name && *name && (i > 0 || !strcmp(name, m->job->batch_dim));
            names[i] = name;
        }
    }
    if (!known) {
        char *accepted = dims_text_all(slot->declared->dims, slot->declared->n_dims);
        int r =
            job_making_fault(m, w->section, slot->name, w->dims ? "/dims" : "",
                             "each value has %d dimensions, but %s accepts %s; dims, where given, "
                             "begin with '%s'",
                             own, slot->name, accepted, m->job->batch_dim);
        free(accepted);
        return r;
    }
    ndarray_set_dims(a, names);
    m->job->inputs[w->input].is_coordinate = a->ndim == 1;
    return 0;
}

/* Of each factor the first input that has one value for a member. */
static void name_levels(struct sweep *s)
{
    struct buffer names = {0};
    int n = 0;
    for (int f = 0; f < s->n_factors; f++) {
        int i = 0;
        while (i < s->n_swept && (s->swept[i].factor != f || s->swept[i].values.ndim != 1))
            i++;
        n += i < s->n_swept;
        if (i < s->n_swept)
            buffer_printf(&names, "%s%s", f ? " " : "", slot_of(s, s->swept[i].input)->name);
    }
    if (n == s->n_factors)
        s->m->job->swept = buffer_take(&names);
    buffer_free(&names);
}

static int lay_out(struct sweep *s)
{
    int64_t members = 0;
    int r = count_members(s, &members);
    for (int i = 0; r == 0 && i < s->n_swept; i++) {
        r = spread(s, &s->swept[i], members);
        r = r ? r : name_dims(s, &s->swept[i]);
    }
    return r;
}

int job_sweep_read(struct making *m)
{
    static const char *const keys[] = {"product", "zip", NULL};
    const json_t *given = json_object_get(m->document, "sweep");
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_object(given) || json_object_size(given) == 0)
        return error_set(m->error, MODEL_INVALID, "/sweep",
                         "a sweep is {\"product\": {input: values, …}} or {\"zip\": {…}}");
    int r = model_result_of_base(json_check_keys(given, keys, "/sweep", m->error));
    if (r)
        return r;
    if (!m->job->batch_dim)
        m->job->batch_dim = mem_strdup("batch");
    const json_t *product = json_object_get(given, "product"), *zip = json_object_get(given, "zip");
    size_t most = json_object_size(product) + json_object_size(zip) + 1;
    struct sweep s = {.m = m,
                      .swept = mem_array(most, sizeof *s.swept),
                      .length = mem_array(most, sizeof *s.length),
                      .who = mem_array(most, sizeof *s.who)};
    r = read_section(&s, "sweep/product", product, true);
    r = r ? r : read_section(&s, "sweep/zip", zip, false);
    r = r ? r : lay_out(&s);
    if (r == 0)
        name_levels(&s);
    for (int i = 0; i < s.n_swept; i++) {
        ndarray_clear(&s.swept[i].values);
        job_series_free(s.swept[i].series);
    }
    free(s.swept);
    free(s.length);
    free((void *)s.who);
    return r;
}
