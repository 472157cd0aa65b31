/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks: labels, which of them is the main one, and where the others' labels are in it. */
#include "model/job_parts.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

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

/* The forms whose labels are taken from the main clock's, once these are known. */
static bool is_chosen(const json_t *given)
{
    return json_object_get(given, "every") || json_object_get(given, "times") ||
           json_object_get(given, "nearest");
}

static int check_every(struct making *m, const char *name, const json_t *given)
{
    const json_t *every = json_object_get(given, "every");
    if (!json_is_integer(every) || json_integer_value(every) < 1)
        return job_making_fault(m, "clocks", name, "/every",
                                "every is not a number of the main clock's steps, such as 10");
    return 0;
}

static int check_times(struct making *m, const char *name, const json_t *given)
{
    if (!json_is_true(json_object_get(given, "nearest")))
        return job_making_fault(m, "clocks", name, "/nearest",
                                "times are labels only where the main clock's nearest are meant: "
                                "\"nearest\": true");
    if (!json_object_get(given, "times"))
        return job_making_fault(m, "clocks", name, "/nearest",
                                "nearest is for times: {\"times\": [0, 10], \"nearest\": true}");
    return 0;
}

static int check_chosen(struct making *m, const char *name, const json_t *given)
{
    static const char *const others[] = {"data", "linspace", "arange", "upload", "file", NULL};
    bool is_every = json_object_get(given, "every") != NULL;
    const char *key = is_every ? "/every" : json_object_get(given, "times") ? "/times" : "/nearest";
    bool has_others = is_every && json_object_get(given, "times");
    for (int i = 0; others[i]; i++)
        has_others = has_others || json_object_get(given, others[i]);
    if (has_others)
        return job_making_fault(m, "clocks", name, key,
                                "it has labels of its own: %s is for a clock without", key + 1);
    return is_every ? check_every(m, name, given) : check_times(m, name, given);
}

/* Their units are the main clock's. */
static void take_units(const struct clock *main, struct clock *c)
{
    json_t *named = json_copy(main->attrs);
    json_object_update(named, c->attrs);
    json_decref(c->attrs);
    c->attrs = named;
}

static int check_main(struct making *m, const json_t *clocks)
{
    const char *name = m->job->clocks[m->job->main_clock].name;
    const json_t *given = json_object_get(clocks, name);
    bool is_every = json_object_get(given, "every") != NULL;
    if (!is_every && !json_object_get(given, "times"))
        return 0;
    return job_making_fault(m, "clocks", name, is_every ? "/every" : "/times",
                            "it is the main clock, whose labels are the steps");
}

static int thin(struct making *m, int clock, int64_t every)
{
    struct job *j = m->job;
    take_units(&j->clocks[j->main_clock], &j->clocks[clock]);
    return job_labels_thin(m, &j->clocks[clock], every);
}

static int read_labels(struct making *m, const json_t *given, struct clock *c, struct job_data *d)
{
    json_t *owned = NULL;
    const char *below = "/times";
    const json_t *data = json_object_get(given, "times");
    if (!data)
        data = job_values_member(given, &owned, &below);
    int r = job_labels_read(m, c, d, data, below);
    json_decref(owned);
    return r;
}

static int read_clock(struct making *m, const char *name, const json_t *given, struct clock *c,
                      struct job_data *d)
{
    static const char *const keys[] = {"data",     "dims",    "attrs",  "units", "calendar",
                                       "linspace", "arange",  "upload", "file",  "every",
                                       "times",    "nearest", NULL};
    c->name = mem_strdup(name);
    if (!file_name_ok(name) || strlen(name) > 200)
        return job_making_fault(m, "clocks", name, "", "a clock's name is that of an array");
    if (!json_is_object(given)) {
        c->attrs = json_object();
        return job_labels_read(m, c, d, given, "");
    }
    bool takes = is_chosen(given);
    int r = takes ? model_result_of_base(json_check_keys(given, keys, "", m->error))
                  : job_values_check_keys(given, keys, m->error);
    if (r)
        return job_making_blame(m, r, "clocks", name, "");
    r = takes ? check_chosen(m, name, given) : 0;
    if (r)
        return r;
    const json_t *dims = json_object_get(given, "dims");
    const char *dim = json_is_array(dims) && json_array_size(dims) == 1
                          ? json_string_value(json_array_get(dims, 0))
                          : json_string_value(dims);
    if (dims && (!dim || strcmp(dim, name) != 0))
        return job_making_fault(m, "clocks", name, "/dims",
                                "a clock's only dimension is itself: [\"%s\"]", name);
    r = read_attrs(m, c, given);
    return r || json_object_get(given, "every") ? r : read_labels(m, given, c, d);
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

static int read_all(struct making *m, const json_t *clocks, struct job_data *data)
{
    struct job *j = m->job;
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)clocks, name, given)
    {
        struct clock *c = &j->clocks[j->n_clocks];
        int r = read_clock(m, name, given, c, &data[j->n_clocks++]);
        if (r)
            return r;
    }
    int r = read_main(m);
    r = r ? r : check_main(m, clocks);
    for (int i = 0; r == 0 && i < j->n_clocks; i++) {
        const json_t *own = json_object_get(clocks, j->clocks[i].name);
        json_int_t every = json_member_integer(own, "every", 0);
        bool nearest = json_object_get(own, "times") != NULL;
        struct job_clock_ratio ratio;
        r = job_clock_units_check(m, &j->clocks[i], &ratio);
        if (r == 0)
            r = every ? thin(m, i, every) : job_labels_synchronize(m, data, i, nearest, &ratio);
        if (r == 0)
            r = job_making_size(m, "clocks", j->clocks[i].name, j->clocks[i].name, j->clocks[i].n);
    }
    return r;
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
    size_t n = json_object_size(clocks);
    j->clocks = mem_array(n, sizeof *j->clocks);
    struct job_data *data = mem_array(n, sizeof *data);
    for (size_t i = 0; i < n; i++)
        data[i].fd = -1;
    int r = read_all(m, clocks, data);
    for (size_t i = 0; i < n; i++)
        job_data_close(&data[i]);
    free(data);
    return r;
}
