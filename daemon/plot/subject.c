/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/subject.h"

#include "base/buffer.h"
#include "base/dtype.h"
#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_MAX = 60 };

const char *subject_dim(const struct subject *s, int d)
{
    return json_string_value(json_array_get(s->dims, (size_t)d));
}

int subject_find(const struct subject *s, const char *dim)
{
    for (int d = 0; d < s->meta.ndim; d++)
        if (strcmp(subject_dim(s, d), dim) == 0)
            return d;
    return -1;
}

int subject_first(const struct subject *s, enum subject_role role)
{
    for (int d = 0; d < s->meta.ndim; d++)
        if (s->role[d] == role && !s->given[d])
            return d;
    return -1;
}

char *subject_dims_text(const struct subject *s)
{
    struct buffer b = {0};
    for (int d = 0; d < s->meta.ndim; d++)
        buffer_printf(&b, "%s%s: %lld", d ? ", " : "", subject_dim(s, d),
                      (long long)s->meta.shape[d]);
    return buffer_take(&b);
}

const char *subject_description(const json_t *attrs)
{
    const char *text = json_member_string(attrs, "long_name");
    if (!text)
        text = json_member_string(attrs, "description");
    return text && *text ? text : NULL;
}

const char *subject_units(const json_t *attrs)
{
    const char *units = json_member_string(attrs, "units");
    return units ? units : json_member_string(attrs, "units_text");
}

char *subject_label(const char *name, const json_t *attrs)
{
    const char *text = subject_description(attrs);
    const char *units = subject_units(attrs);
    int n = text ? (int)strcspn(text, ";") : 0;
    if (n == 0 || n > LABEL_MAX) {
        text = name;
        n = (int)strlen(name);
    }
    return units && *units ? mem_printf("%.*s [%s]", n, text, units) : mem_printf("%.*s", n, text);
}

/* ---- what each dim is -------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *names)
{
    for (int i = 0; text && names[i]; i++)
        if (strcmp(text, names[i]) == 0)
            return true;
    return false;
}

/* By what CF says of it; else by its units or its name, in stores that do not speak CF. */
static bool is_time(const char *name, const json_t *attrs)
{
    static const char *const units[] = {
        "s",      "second", "seconds", "min",  "minutes", "h",   "hours", "d",  "day", "days",
        "months", "a",      "years",   "year", "yr",      "kyr", "Myr",   "ka", "Ma",  NULL};
    const char *axis = json_member_string(attrs, "axis");
    const char *standard = json_member_string(attrs, "standard_name");
    const char *unit = json_member_string(attrs, "units");
    if (axis)
        return strcmp(axis, "T") == 0;
    if (standard)
        return strcmp(standard, "time") == 0;
    size_t n = strlen(name);
    return (unit && strstr(unit, " since ")) || is_one_of(unit, units) || strcmp(name, "t") == 0 ||
           (n >= 4 && strcmp(name + n - 4, "time") == 0) ||
           (n >= 5 && strcmp(name + n - 5, "clock") == 0);
}

static bool coordinate_attrs(struct store *s, const char *dim, json_t **ret_attrs)
{
    struct store_meta m;
    json_t *dims = NULL;
    if (store_array(s, dim, &m, &dims, ret_attrs, NULL) != 0)
        return false;
    bool is_one = m.ndim == 1 && strcmp(json_string_value(json_array_get(dims, 0)), dim) == 0;
    if (!is_one)
        json_decref(*ret_attrs);
    json_decref(dims);
    store_meta_clear(&m);
    return is_one;
}

bool subject_has_coordinate(const struct subject *s, int d)
{
    json_t *attrs;
    bool has = coordinate_attrs(s->store, subject_dim(s, d), &attrs);
    if (has)
        json_decref(attrs);
    return has;
}

static bool is_clock(struct store *s, const char *dim)
{
    json_t *attrs;
    bool is = coordinate_attrs(s, dim, &attrs);
    if (is) {
        is = is_time(dim, attrs);
        json_decref(attrs);
    }
    return is;
}

/* Members come first, and only they come before a clock. A dim that has labels, and no clock behind
 * it in any array, is one of space. */
static bool comes_before_a_clock(const struct subject *s, const char *dim)
{
    json_t *names = NULL, *name;
    size_t i;
    bool found = false;
    if (store_arrays(s->store, &names, NULL) != 0)
        return false;
    json_array_foreach(names, i, name)
    {
        struct store_meta m;
        json_t *dims = NULL;
        if (found || store_array(s->store, json_string_value(name), &m, &dims, NULL, NULL) != 0)
            continue;
        found = m.ndim > 1 && strcmp(json_string_value(json_array_get(dims, 0)), dim) == 0 &&
                is_clock(s->store, json_string_value(json_array_get(dims, 1)));
        json_decref(dims);
        store_meta_clear(&m);
    }
    json_decref(names);
    return found;
}

/* What the store's provenance tells of the job (NULL: nothing): a new reference. */
static json_t *job_of(struct store *s)
{
    json_t *attrs = NULL;
    if (store_attributes(s, &attrs, NULL) != 0)
        return NULL;
    json_t *provenance = store_provenance(attrs);
    json_t *job = json_incref(json_object_get(provenance, "job"));
    json_decref(provenance);
    json_decref(attrs);
    return job;
}

static bool has_name(const json_t *names, const char *name)
{
    const json_t *one;
    size_t i;
    json_array_foreach(names, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* As the job says; in stores of others by what they look like. */
static enum subject_role role_of(const struct subject *s, int d, const json_t *job)
{
    const char *dim = subject_dim(s, d), *batch = json_member_string(job, "batch_dim");
    const json_t *clocks = json_object_get(job, "clocks");
    if (json_is_array(clocks))
        return has_name(clocks, dim)              ? SUBJECT_CLOCK
               : batch && strcmp(batch, dim) == 0 ? SUBJECT_BATCH
                                                  : SUBJECT_SPACE;
    if (is_clock(s->store, dim))
        return SUBJECT_CLOCK;
    if (d > 0)
        return SUBJECT_SPACE;
    bool is_batch =
        strcmp(dim, "batch") == 0 || !subject_has_coordinate(s, d) || comes_before_a_clock(s, dim);
    return is_batch ? SUBJECT_BATCH : SUBJECT_SPACE;
}

/* ---- selection --------------------------------------------------------------------------- */

static int select_one(struct subject *s, const char *dim, const json_t *value, struct error *e)
{
    int d = subject_find(s, dim);
    if (d < 0) {
        char *dims = subject_dims_text(s);
        int r = error_set(e, STORE_INVALID, NULL, "\"%s\" has no dim \"%.100s\": its dims are (%s)",
                          s->variable, dim, dims);
        free(dims);
        return r;
    }
    json_int_t i = json_integer_value(value), n = s->meta.shape[d];
    if (!json_is_integer(value) || i < -n || i >= n)
        return error_set(e, STORE_INVALID, NULL,
                         "\"%s\" has %lld labels along \"%s\": select one of 0 ... %lld, or of -1 "
                         "... -%lld from the end",
                         s->variable, (long long)n, dim, (long long)n - 1, (long long)n);
    s->index[d] = i < 0 ? i + n : i;
    s->given[d] = true;
    return 0;
}

static int settle(struct subject *s, const json_t *select, struct error *e)
{
    if (s->meta.dtype == SIMLAB_STR)
        return error_set(e, STORE_INVALID, NULL, "\"%s\" holds texts, which cannot be drawn",
                         s->variable);
    const char *dim;
    json_t *value, *job = job_of(s->store);
    int r = 0;
    for (int d = 0; d < s->meta.ndim; d++) {
        int64_t n = s->meta.shape[d];
        if (n == 0)
            r = error_set(e, STORE_INVALID, NULL, "\"%s\" is empty along \"%s\"", s->variable,
                          subject_dim(s, d));
        s->role[d] = role_of(s, d, job);
        s->index[d] = s->role[d] == SUBJECT_SPACE ? n / 2 : n - 1;
    }
    json_decref(job);
    json_object_foreach((json_t *)(uintptr_t)select, dim, value)
    {
        if (r == 0)
            r = select_one(s, dim, value, e);
    }
    return r;
}

int subject_open(struct store *s, const char *variable, const json_t *select, struct subject *ret,
                 struct error *e)
{
    struct subject subject = {.store = s, .variable = variable};
    int r = store_array(s, variable, &subject.meta, &subject.dims, &subject.attrs, e);
    if (r != 0)
        return r;
    r = settle(&subject, select, e);
    if (r == 0)
        *ret = subject;
    else
        subject_clear(&subject);
    return r;
}

void subject_clear(struct subject *s)
{
    if (!s->store)
        return;
    json_decref(s->dims);
    json_decref(s->attrs);
    store_meta_clear(&s->meta);
    *s = (struct subject){0};
}

/* ---- values ------------------------------------------------------------------------------ */

static void to_doubles(const struct store_meta *m, const char *data, size_t n, double *ret)
{
    for (size_t i = 0; i < n; i++) {
        bool missing = m->has_fill && !memcmp(data + i * m->itemsize, m->fill, m->itemsize);
        ret[i] = missing ? (double)NAN : dtype_to_double(m->dtype, data, i);
    }
}

int subject_read_array(struct store *s, const char *name, const struct store_meta *m,
                       const int64_t *start, const int64_t *count, double **ret_values,
                       struct error *e)
{
    size_t n = 1;
    for (int d = 0; d < m->ndim; d++)
        if (!mem_mul(n, (size_t)count[d], &n) || n > SUBJECT_MAX_ELEMENTS)
            return error_set(e, STORE_INVALID, NULL,
                             "more than %d values of \"%s\" would be read for one picture: select "
                             "some, for example the last of a dim with --select DIM=-1",
                             SUBJECT_MAX_ELEMENTS, name);
    char *data = mem_try_array(n, m->itemsize);
    double *values = mem_try_array(n, sizeof *values);
    int r = data && values ? store_read(s, name, start, count, data, e)
                           : error_errno(e, -ENOMEM, "read what is to be drawn");
    if (r == 0)
        to_doubles(m, data, n, values);
    free(data);
    if (r == 0)
        *ret_values = values;
    else
        free(values);
    return r;
}

int subject_read(const struct subject *s, const int64_t *start, const int64_t *count,
                 double **ret_values, struct error *e)
{
    return subject_read_array(s->store, s->variable, &s->meta, start, count, ret_values, e);
}
