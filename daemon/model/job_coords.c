/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that are stored as they were given: labels of dimensions that are no clocks, and what else
 * a set-up carries with it. */
#include "model/job_parts.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <string.h>

static int read_dims(struct making *m, struct job_coord *c, const json_t *dims)
{
    const char *names[SIMLAB_MAX_DIMS];
    size_t n = json_is_string(dims) ? 1 : json_array_size(dims);
    if (dims && !json_is_string(dims) && !json_is_array(dims))
        return job_making_fault(m, "coords", c->name, "/dims", "dims is not a list of names");
    if (dims && n != (size_t)c->values.ndim)
        return job_making_fault(m, "coords", c->name, "/dims",
                                "dims names %zu dimensions, but the data have %d", n,
                                c->values.ndim);
    if (!dims && c->values.ndim > 1)
        return job_making_fault(m, "coords", c->name, "", "it has no dims");
    for (int i = 0; i < c->values.ndim; i++) {
        names[i] = !dims                  ? c->name
                   : json_is_string(dims) ? json_string_value(dims)
                                          : json_string_value(json_array_get(dims, (size_t)i));
        if (!names[i] || !*names[i] || strlen(names[i]) > 200)
            return job_making_fault(m, "coords", c->name, "/dims", "dims is not a list of names");
        for (int k = 0; k < i; k++)
            if (!strcmp(names[k], names[i]))
                return job_making_fault(m, "coords", c->name, "/dims", "'%s' stands twice in dims",
                                        names[i]);
        int r = job_making_size(m, "coords", c->name, names[i], c->values.shape[i]);
        if (r)
            return r;
    }
    ndarray_set_dims(&c->values, names);
    return 0;
}

static int read_coord(struct making *m, const char *name, const json_t *given, struct job_coord *c)
{
    static const char *const keys[] = {"dims",   "data",   "attrs", "linspace",
                                       "arange", "upload", "file",  NULL};
    c->name = mem_strdup(name);
    if (!file_name_ok(name) || strlen(name) > 200)
        return job_making_fault(m, "coords", name, "", "its name is not one for an array");
    json_t *owned = NULL;
    const json_t *data = given, *attrs = NULL;
    const char *below = "";
    int r = 0;
    if (json_is_object(given)) {
        r = job_values_check_keys(given, keys, m->error);
        if (r == 0)
            data = job_values_member(given, &owned, &below);
        attrs = json_object_get(given, "attrs");
    }
    r = r ? r : job_values_read(m, data, -1, 0, NULL, &c->values);
    json_decref(owned);
    if (r)
        return job_making_blame(m, r, "coords", name, below);
    if (attrs && !json_is_object(attrs))
        return job_making_fault(m, "coords", name, "/attrs", "attrs is not an object");
    c->attrs = attrs ? json_copy((json_t *)attrs) : json_object();
    return read_dims(m, c, json_is_object(given) ? json_object_get(given, "dims") : NULL);
}

int job_coords_read(struct making *m)
{
    struct job *j = m->job;
    const json_t *coords = json_object_get(m->document, "coords");
    if (coords && !json_is_object(coords))
        return error_set(m->error, MODEL_INVALID, "/coords", "coords is not an object");
    if (json_object_size(coords) > 1000)
        return error_set(m->error, MODEL_INVALID, "/coords", "more than 1000 coordinates");
    j->coords = mem_array(json_object_size(coords), sizeof *j->coords);
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)coords, name, given)
    {
        int r = read_coord(m, name, given, &j->coords[j->n_coords++]);
        if (r)
            return r;
    }
    return 0;
}
