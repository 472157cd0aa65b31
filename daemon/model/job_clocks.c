/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: labels, which of them is the main one, and where the others' labels are in it. */
#include "model/job_parts.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_attrs(struct making *m, struct clock *c, const json_t *given)
{
    static const char *const texts[] = {"units", "calendar", NULL};
    const json_t *attrs = json_object_get(given, "attrs");
    if (attrs && !json_is_object(attrs))
        return job_making_fault(m, "clocks", c->name, "/attrs", "attrs is not an object");
    c->attrs = attrs ? json_copy((json_t *)attrs) : json_object();
    for (int i = 0; texts[i]; i++) {
        json_t *text = json_object_get(given, texts[i]);
        if (text && !json_is_string(text))
            return job_making_fault(m, "clocks", c->name, "", "%s is not a text", texts[i]);
        if (text)
            json_object_set(c->attrs, texts[i], text);
    }
    return 0;
}

/* Where the labels stand below the clock: a list may stand for the object. */
static const char *labels_below(const struct making *m, const struct clock *c)
{
    const json_t *given = json_object_get(json_object_get(m->document, "clocks"), c->name);
    return json_object_get(given, "data") ? "/data" : "";
}

/* -1, 0 or 1: label a of x before, at or after label b of y. Integers are told apart where doubles
 * are not. */
static int compare_labels(const struct clock *x, int64_t a, const struct clock *y, int64_t b)
{
    if (x->labels.dtype == SIMLAB_I8 && y->labels.dtype == SIMLAB_I8) {
        int64_t p = ((const int64_t *)x->labels.data)[a], q = ((const int64_t *)y->labels.data)[b];
        return (p > q) - (p < q);
    }
    return (x->values[a] > y->values[b]) - (x->values[a] < y->values[b]);
}

static const char *label_text(const struct clock *c, int64_t i, char ret[NUMBER_TEXT_SIZE])
{
    if (c->labels.dtype != SIMLAB_I8)
        return number_text(c->values[i], ret);
    snprintf(ret, NUMBER_TEXT_SIZE, "%lld", (long long)((const int64_t *)c->labels.data)[i]);
    return ret;
}

/* Label i does not come after the one before it, or no double tells them apart: then a step would
 * take no time. */
static int refuse_order(struct making *m, const struct clock *c, const char *below, int64_t i)
{
    char label[NUMBER_TEXT_SIZE], last[NUMBER_TEXT_SIZE];
    label_text(c, i, label);
    label_text(c, i - 1, last);
    if (compare_labels(c, i, c, i - 1) <= 0)
        return job_making_fault(m, "clocks", c->name, below,
                                "labels must ascend: %s comes after %s", label, last);
    return job_making_fault(m, "clocks", c->name, below,
                            "labels %s and %s differ by less than a double can tell, as which "
                            "processes see them: count from a later origin, or in longer units",
                            last, label);
}

static int check_labels(struct making *m, struct clock *c)
{
    const char *data = labels_below(m, c);
    if (c->labels.ndim != 1 || c->labels.shape[0] == 0)
        return job_making_fault(m, "clocks", c->name, data,
                                "its data are not a list of at least one label");
    if (c->labels.dtype == SIMLAB_BOOL || c->labels.dtype == SIMLAB_STR ||
        c->labels.dtype == SIMLAB_C8 || c->labels.dtype == SIMLAB_C16)
        return job_making_fault(
            m, "clocks", c->name, data,
            "labels are numbers (dates: a number, with units such as \"days since "
            "2000-01-01\")");
    c->n = c->labels.shape[0];
    c->values = mem_try_array((size_t)c->n, sizeof *c->values);
    if (!c->values)
        return -ENOMEM;
    for (int64_t i = 0; i < c->n; i++) {
        char below[64];
        c->values[i] = dtype_to_double(c->labels.dtype, c->labels.data, (size_t)i);
        snprintf(below, sizeof below, "%s/%lld", data, (long long)i);
        if (!isfinite(c->values[i]))
            return job_making_fault(m, "clocks", c->name, below, "label %lld is not finite",
                                    (long long)i);
        if (i && !(c->values[i] > c->values[i - 1]))
            return refuse_order(m, c, below, i);
    }
    return 0;
}

static int refuse_large(struct making *m, const struct clock *c, const char *below, size_t i,
                        uint64_t label)
{
    return job_making_fault(m, "clocks", c->name, below,
                            "label %zu, %llu, is too large: at most %lld", i,
                            (unsigned long long)label, (long long)INT64_MAX);
}

/* A list in place; what the short forms make is numbers. */
static int check_numbers(struct making *m, const struct clock *c, const json_t *data,
                         const char *below)
{
    const json_t *label;
    uint64_t large;
    size_t i;
    json_array_foreach(data, i, label)
    {
        char at[64];
        snprintf(at, sizeof at, "%s/%zu", below, i);
        if (json_is_large(label, &large))
            return refuse_large(m, c, at, i, large);
        if (!json_is_number(label))
            return job_making_fault(
                m, "clocks", c->name, at,
                "label %zu is not a finite number (dates: a number, with units such "
                "as \"days since 2000-01-01\")",
                i);
    }
    return 0;
}

/* Labels become f8 or i8, whatever an uploaded array has; u8 may be more than that. */
static int widen_labels(struct making *m, struct clock *c, const char *below)
{
    bool is_integer = dtype_is_integer(c->labels.dtype);
    if (is_integer ? c->labels.dtype == SIMLAB_I8 : c->labels.dtype != SIMLAB_F4)
        return 0;
    size_t n = ndarray_size(&c->labels);
    for (size_t i = 0; c->labels.dtype == SIMLAB_U8 && i < n; i++)
        if (((const uint64_t *)c->labels.data)[i] > INT64_MAX)
            return refuse_large(m, c, below, i, ((const uint64_t *)c->labels.data)[i]);
    struct ndarray wide;
    int dtype = is_integer ? SIMLAB_I8 : SIMLAB_F8;
    int r = ndarray_init(&wide, dtype, 0, c->labels.ndim, c->labels.shape);
    if (r)
        return r;
    dtype_cast(c->labels.dtype, c->labels.itemsize, c->labels.data, dtype, wide.itemsize, wide.data,
               n);
    ndarray_clear(&c->labels);
    c->labels = wide;
    return 0;
}

static int read_labels(struct making *m, struct clock *c, const json_t *data, const char *below)
{
    int r = check_numbers(m, c, data, below);
    if (r)
        return r;
    r = job_values_read(m->sources, data, -1, 0, &c->labels, m->error);
    if (r)
        return job_making_blame(m, r, "clocks", c->name, below);
    r = widen_labels(m, c, below);
    r = r ? r : check_labels(m, c);
    if (r == 0)
        ndarray_set_dims(&c->labels, (const char *const[]){c->name});
    return r;
}

static int read_clock(struct making *m, const char *name, const json_t *given, struct clock *c)
{
    static const char *const keys[] = {"data",     "dims",   "attrs",  "units", "calendar",
                                       "linspace", "arange", "upload", "file",  NULL};
    c->name = mem_strdup(name);
    if (!file_name_ok(name) || strlen(name) > 200)
        return job_making_fault(m, "clocks", name, "", "a clock's name is that of an array");
    if (!json_is_object(given)) {
        c->attrs = json_object();
        return read_labels(m, c, given, "");
    }
    int r = job_values_check_keys(given, keys, m->error);
    if (r)
        return job_making_blame(m, r, "clocks", name, "");
    const json_t *dims = json_object_get(given, "dims");
    const char *dim = json_is_array(dims) && json_array_size(dims) == 1
                          ? json_string_value(json_array_get(dims, 0))
                          : json_string_value(dims);
    if (dims && (!dim || strcmp(dim, name) != 0))
        return job_making_fault(m, "clocks", name, "/dims",
                                "a clock's only dimension is itself: [\"%s\"]", name);
    json_t *owned;
    const char *below;
    const json_t *data = job_values_member(given, &owned, &below);
    r = read_attrs(m, c, given);
    r = r ? r : read_labels(m, c, data, below);
    json_decref(owned);
    return r;
}

static int clock_index(const struct job *j, const char *name)
{
    for (int i = 0; i < j->n_clocks; i++)
        if (!strcmp(j->clocks[i].name, name))
            return i;
    return -1;
}

static int refuse_main(struct making *m, const char *name)
{
    const struct job *j = m->job;
    const char **names = mem_array((size_t)j->n_clocks + 1, sizeof *names);
    for (int i = 0; i < j->n_clocks; i++)
        names[i] = j->clocks[i].name;
    const char *nearest = json_nearest(name, names);
    free((void *)names);
    return error_set(
        m->error, MODEL_INVALID, "/main_clock", "main_clock: there is no clock '%.100s'%s%s%s",
        name, nearest ? ": did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

/* A name, or {"dim", "units", "calendar"} as xarray-simlab's create_setup takes it: the latter two
 * are for all clocks. May be left out where there is one clock only. */
static int read_main(struct making *m)
{
    static const char *const keys[] = {"dim", "units", "calendar", NULL};
    struct job *j = m->job;
    json_t *given = json_object_get(m->document, "main_clock");
    const json_t *dim = given;
    if (json_is_object(given)) {
        int r = model_result_of_base(json_check_keys(given, keys, "/main_clock", m->error));
        if (r)
            return r;
        dim = json_object_get(given, "dim");
        for (int i = 1; keys[i]; i++) {
            json_t *text = json_object_get(given, keys[i]);
            if (text && !json_is_string(text))
                return error_set(m->error, MODEL_INVALID, "/main_clock",
                                 "main_clock: %s is not a text", keys[i]);
            for (int c = 0; text && c < j->n_clocks; c++)
                json_object_set(j->clocks[c].attrs, keys[i], text);
        }
    }
    if (!dim || json_is_null(dim)) {
        if (j->n_clocks == 1)
            return 0;
        return error_set(m->error, MODEL_INVALID, "/main_clock",
                         "there are several clocks: main_clock must name one of them");
    }
    if (!json_is_string(dim))
        return error_set(m->error, MODEL_INVALID, "/main_clock",
                         "main_clock is not the name of a clock");
    j->main_clock = clock_index(j, json_string_value(dim));
    return j->main_clock < 0 ? refuse_main(m, json_string_value(dim)) : 0;
}

static int refuse_label(struct making *m, const struct clock *c, int64_t k, int64_t next)
{
    const struct clock *main = &m->job->clocks[m->job->main_clock];
    char below[64], label[NUMBER_TEXT_SIZE];
    char low[NUMBER_TEXT_SIZE] = "", high[NUMBER_TEXT_SIZE] = "";
    snprintf(below, sizeof below, "%s/%lld", labels_below(m, c), (long long)k);
    if (next > 0)
        label_text(main, next - 1, low);
    if (next < main->n)
        label_text(main, next, high);
    return job_making_fault(m, "clocks", c->name, below,
                            "its label %s is not one of the main clock's ('%s'), whose nearest %s "
                            "%s%s%s",
                            label_text(c, k, label), main->name, *low && *high ? "are" : "is", low,
                            *low && *high ? " and " : "", high);
}

/* Both ascend, so one pass tells. */
static int synchronize(struct making *m, struct clock *c)
{
    const struct clock *main = &m->job->clocks[m->job->main_clock];
    c->at = mem_try_array((size_t)c->n, sizeof *c->at);
    if (!c->at)
        return -ENOMEM;
    int64_t i = 0;
    for (int64_t k = 0; k < c->n; k++) {
        while (i < main->n && compare_labels(main, i, c, k) < 0)
            i++;
        if (i == main->n || compare_labels(main, i, c, k) != 0)
            return refuse_label(m, c, k, i);
        c->at[k] = i;
    }
    return 0;
}

int job_clocks_read(struct making *m)
{
    struct job *j = m->job;
    const json_t *clocks = json_object_get(m->document, "clocks");
    if (!json_is_object(clocks) || json_object_size(clocks) == 0)
        return error_set(m->error, MODEL_INVALID, "/clocks",
                         "a job needs a clock: \"clocks\": {\"time\": {\"data\": [0, 1, 2]}}");
    if (json_object_size(clocks) > 1000)
        return error_set(m->error, MODEL_INVALID, "/clocks", "more than 1000 clocks");
    j->clocks = mem_array(json_object_size(clocks), sizeof *j->clocks);
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)clocks, name, given)
    {
        struct clock *c = &j->clocks[j->n_clocks++];
        int r = read_clock(m, name, given, c);
        r = r ? r : job_making_size(m, "clocks", name, name, c->n);
        if (r)
            return r;
    }
    int r = read_main(m);
    for (int i = 0; r == 0 && i < j->n_clocks; i++)
        r = synchronize(m, &j->clocks[i]);
    return r;
}
