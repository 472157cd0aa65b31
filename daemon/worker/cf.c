/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/cf.h"

#include "base/json.h"
#include "base/units.h"
#include "worker/crs.h"

#include <string.h>

static void add_text(json_t *attrs, const char *name, const char *text)
{
    if (!json_object_get(attrs, name))
        json_object_set_new(attrs, name, json_string(text));
}

static bool has_date(const char *units)
{
    return strstr(units, " since ") != NULL;
}

/* Of those with a date the readers that decode it have decided (model/job_clock_units.c). */
static void settle_units(json_t *attrs)
{
    json_t *units = json_object_get(attrs, "units");
    const char *text = json_string_value(units);
    if (!text || has_date(text) || units_is_known(text))
        return;
    json_object_set(attrs, "units_text", units);
    json_object_del(attrs, "units");
}

static bool is_clock(const struct job *job, const char *name)
{
    for (int i = 0; i < job->n_clocks; i++)
        if (!strcmp(job->clocks[i].name, name))
            return true;
    return false;
}

/* ---- y and x ---- */

/* Of the labels of a dimension, which an index variable, a coordinate or nobody gives. */
static const json_t *attrs_of_labels(const struct job *job, const char *dim)
{
    for (int i = 0; i < job->n_outputs; i++) {
        const struct job_output *o = &job->outputs[i];
        if (!strcmp(o->labels ? o->labels : o->name, dim))
            return o->attrs;
    }
    for (int i = 0; i < job->n_coords; i++)
        if (!strcmp(job->coords[i].name, dim))
            return job->coords[i].attrs;
    return NULL;
}

/* 'X', 'Y' or 0: as the labels' axis says, or the name. */
static char axis_of(const struct job *job, const char *dim)
{
    static const char *const names[][2] = {{"x", "X"},        {"lon", "X"},     {"longitude", "X"},
                                           {"easting", "X"},  {"y", "Y"},       {"lat", "Y"},
                                           {"latitude", "Y"}, {"northing", "Y"}};
    const char *axis = json_member_string(attrs_of_labels(job, dim), "axis");
    if (axis)
        return !strcmp(axis, "X") || !strcmp(axis, "Y") ? *axis : 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i][0], dim))
            return *names[i][1];
    return 0;
}

static bool is_on_map(const struct job *job, int ndim, const char *const *dims)
{
    bool has_x = false, has_y = false;
    for (int d = 0; d < ndim; d++) {
        char axis = axis_of(job, dims[d]);
        has_x = has_x || axis == 'X';
        has_y = has_y || axis == 'Y';
    }
    return has_x && has_y;
}

static void add_axis(const struct job *job, char axis, json_t *attrs)
{
    const char text[] = {axis, '\0'};
    bool is_x = axis == 'X', is_geographic = crs_is_geographic(&job->crs);
    add_text(attrs, "axis", text);
    if (is_geographic) {
        add_text(attrs, "standard_name", is_x ? "longitude" : "latitude");
        add_text(attrs, "units", is_x ? "degrees_east" : "degrees_north");
    } else {
        add_text(attrs, "standard_name",
                 is_x ? "projection_x_coordinate" : "projection_y_coordinate");
    }
}

static void add_crs(const struct job *job, const char *name, int ndim, const char *const *dims,
                    json_t *attrs)
{
    bool is_labels = ndim == 1 && !strcmp(dims[0], name);
    char axis = is_labels ? axis_of(job, name) : 0;
    if (axis)
        add_axis(job, axis, attrs);
    if (!is_on_map(job, ndim, dims))
        return;
    add_text(attrs, "grid_mapping", JOB_CRS_ARRAY);
    if (!json_object_get(attrs, "_CRS"))
        json_object_set_new(attrs, "_CRS", crs_gdal(&job->crs));
}

/* ---- all of it ---- */

json_t *cf_attributes(const struct job *job, const char *name, int ndim, const char *const *dims,
                      const json_t *attrs)
{
    json_t *all = json_copy((json_t *)attrs);
    const char *description = json_member_string(all, "description");
    if (description && *description)
        add_text(all, "long_name", description);
    settle_units(all);
    const char *units = json_member_string(all, "units");
    if (units && has_date(units) && is_clock(job, name)) {
        add_text(all, "axis", "T");
        add_text(all, "standard_name", "time");
    }
    if (JOB_HAS_CRS(job))
        add_crs(job, name, ndim, dims, all);
    return all;
}

void cf_add_conventions(json_t *attrs)
{
    add_text(attrs, "Conventions", "CF-1.11");
}
