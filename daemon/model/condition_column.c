/* SPDX-License-Identifier: Apache-2.0 */
#include "model/condition_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct condition_column {
    char *name;
    struct job_series *numbers; /* as doubles */
};

static const char *batch_dim(const json_t *document)
{
    const char *dim = json_member_string(document, "batch_dim");
    return dim ? dim : json_object_get(document, "sweep") ? "batch" : NULL;
}

/* ---- what there is ---- */

static bool is_along(const json_t *given, const char *dim)
{
    const json_t *dims = json_object_get(given, "dims");
    if (json_is_array(dims) && json_array_size(dims) == 1)
        dims = json_array_get(dims, 0);
    const char *name = json_string_value(dims);
    return name && dim && !strcmp(name, dim);
}

static const json_t *find_given(const json_t *document, const char *name)
{
    static const char *const sections[] = {"inputs", "coords"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *given = json_object_get(json_object_get(document, sections[i]), name);
        if (is_along(given, batch_dim(document)))
            return given;
    }
    return NULL;
}

static const json_t *find_swept(const json_t *document, const char *name)
{
    const json_t *sweep = json_object_get(document, "sweep");
    const json_t *found = json_object_get(json_object_get(sweep, "product"), name);
    return found ? found : json_object_get(json_object_get(sweep, "zip"), name);
}

static void collect(const json_t *section, const char *dim, const char **names, size_t *n)
{
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)section, name, given)
    {
        if (!dim || is_along(given, dim))
            names[(*n)++] = name;
    }
}

/* Says which names would do. */
static int refuse(const struct making *m, const char *name)
{
    const json_t *d = m->document, *inputs = json_object_get(d, "inputs"),
                 *coords = json_object_get(d, "coords"), *sweep = json_object_get(d, "sweep"),
                 *product = json_object_get(sweep, "product"), *zip = json_object_get(sweep, "zip");
    const char *dim = batch_dim(d);
    size_t n = 0, most = json_object_size(inputs) + json_object_size(coords) +
                         json_object_size(product) + json_object_size(zip) + 1;
    const char **names = mem_array(most, sizeof *names);
    if (dim) {
        collect(inputs, dim, names, &n);
        collect(coords, dim, names, &n);
    }
    collect(product, NULL, names, &n);
    collect(zip, NULL, names, &n);
    const char *nearest = json_nearest(name, names), * or = n > 0 ? names[0] : NULL;
    const char *why = json_object_get(inputs, name)
                          ? "is not one number for each member"
                          : "is no input of which each member has a number";
    int r;
    if (nearest && strcmp(nearest, name) != 0)
        r = error_set(m->error, MODEL_INVALID, NULL, "condition: %.200s %s: did you mean %.200s?",
                      name, why, nearest);
    else
        r = error_set(m->error, MODEL_INVALID, NULL, "condition: %.200s %s; %s%.200s", name, why,
                      or ? "one that has is " : "this job has no such input", or ? or : "");
    free((void *)names);
    return r;
}

/* ---- opening ---- */

static int add_part(const struct making *m, struct condition_column *c, const json_t *given)
{
    struct job_data d = {.fd = -1};
    json_t *owned = NULL;
    const char *below;
    if (json_is_object(given))
        given = job_values_member(given, &owned, &below);
    int r = job_data_open(m, given, -1, 0, &d);
    json_decref(owned);
    if (r == 0 &&
        (d.ndim != 1 || d.shape[0] < 1 || d.dtype == SIMLAB_STR || d.itemsize > JOB_SERIES_ITEM))
        r = error_set(m->error, MODEL_INVALID, NULL,
                      "condition: %.200s is not one number for each member", c->name);
    if (r == 0)
        job_series_add(c->numbers, &d);
    job_data_close(&d);
    return r > 0 ? MODEL_INVALID : r;
}

/* The values that the members have that were appended; those of an input, or of a coordinate. */
static int add_appended(const struct making *m, struct condition_column *c)
{
    size_t i;
    json_t *item;
    int r = 0;
    json_array_foreach(json_object_get(m->document, "appended"), i, item)
    {
        const json_t *given = json_object_get(json_object_get(item, "inputs"), c->name);
        if (!given)
            given = json_object_get(json_object_get(item, "coords"), c->name);
        if (r == 0)
            r = given ? add_part(m, c, given) : refuse(m, c->name);
    }
    return r;
}

static int64_t length_of(const struct making *m, const json_t *given, int *ret)
{
    struct job_data d;
    json_t *owned = NULL;
    const char *below;
    if (json_is_object(given))
        given = job_values_member(given, &owned, &below);
    int r = job_data_open(m, given, -1, 0, &d);
    json_decref(owned);
    int64_t n = r == 0 && d.ndim > 0 ? d.shape[0] : 0;
    job_data_close(&d);
    if (r == 0 && n == 0)
        r = error_set(m->error, MODEL_INVALID, NULL, "condition: the sweep has an empty list");
    *ret = r;
    return n;
}

/* Members that follow each other with the same value: those of all factors after its own. What is
 * zipped together is the last one. */
static int spread(const struct making *m, struct condition_column *c)
{
    const json_t *sweep = json_object_get(m->document, "sweep"),
                 *zip = json_object_get(sweep, "zip");
    const char *name;
    json_t *given;
    bool is_after = false, is_zipped = json_object_get(zip, c->name) != NULL;
    int64_t inner = 1;
    int r = 0;
    json_object_foreach(json_object_get(sweep, "product"), name, given)
    {
        if (is_after && r == 0 && __builtin_mul_overflow(inner, length_of(m, given, &r), &inner))
            r = MODEL_INVALID;
        is_after = is_after || !strcmp(name, c->name);
    }
    void *first = json_object_iter((json_t *)zip);
    if (r == 0 && first && !is_zipped &&
        __builtin_mul_overflow(inner, length_of(m, json_object_iter_value(first), &r), &inner))
        r = MODEL_INVALID;
    if (r == 0)
        job_series_spread(c->numbers, JOB_MAX_MEMBERS, inner);
    return r;
}

int condition_column_new(const struct making *m, const char *name, struct condition_column **ret)
{
    const json_t *swept = find_swept(m->document, name), *given = find_given(m->document, name);
    if (!swept && !given)
        return refuse(m, name);
    struct condition_column *c = mem_new(sizeof *c);
    c->name = mem_strdup(name);
    c->numbers = job_series_new(SIMLAB_F8, sizeof(double), 1);
    int r = add_part(m, c, swept ? swept : given);
    if (r == 0)
        r = swept ? spread(m, c) : add_appended(m, c);
    if (r)
        condition_column_free(c);
    else
        *ret = c;
    return r;
}

struct condition_column *condition_column_free(struct condition_column *c)
{
    if (!c)
        return NULL;
    job_series_free(c->numbers);
    free(c->name);
    free(c);
    return NULL;
}

/* ---- reading ---- */

int condition_column_read(struct condition_column *c, int64_t begin, int64_t n, double *ret,
                          struct error *e)
{
    int64_t length = job_series_length(c->numbers);
    if (begin + n > length)
        return error_set(e, MODEL_INVALID, NULL, "condition: %.200s has no value for member %lld",
                         c->name, (long long)(begin > length ? begin : length));
    int r = job_series_read(c->numbers, begin, n, ret);
    return r < 0 ? error_errno(e, r, "read an upload") : 0;
}
