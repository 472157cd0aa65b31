/* SPDX-License-Identifier: Apache-2.0 */
/* An xarray-simlab set-up, as xarray's Dataset.to_dict() gives it, to the job's own form. Clocks
 * are the coordinates with the attribute __xsimlab_output_clock__; outputs stand in their clock's
 * attribute __xsimlab_output_vars__ (the data set's: once, at the end). */
#include "model/job_parts.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETUP_CLOCK      "__xsimlab_output_clock__"
#define SETUP_MAIN_CLOCK "__xsimlab_main_clock__"
#define SETUP_OUTPUTS    "__xsimlab_output_vars__"
#define SETUP_RESERVED   "__xsimlab_"

struct setup {
    const struct model *model;
    const json_t *given;
    json_t *clocks, *inputs, *outputs, *coords;
    const char *main_clock;
    struct buffer coordinates; /* names of those that are no dimension's labels */
    struct error *e;
};

static int fault(struct setup *s, const char *section, const char *name, const char *why,
                 const char *more)
{
    char token[256], pointer[400];
    error_pointer_token(name, token, sizeof token);
    snprintf(pointer, sizeof pointer, "/%s/%s", section, token);
    return error_set(s->e, MODEL_INVALID, pointer, "set-up, %.150s: %s%.200s", name, why, more);
}

static json_t *without_reserved(const json_t *attrs)
{
    json_t *kept = json_object(), *value;
    const char *key;
    json_object_foreach((json_t *)attrs, key, value)
    {
        if (strncmp(key, SETUP_RESERVED, strlen(SETUP_RESERVED)) != 0)
            json_object_set(kept, key, value);
    }
    return kept;
}

/* {"dims", "data", "attrs"} of one array; what else to_dict() may tell (dtype, shape, encoding) is
 * in the data. */
static json_t *array_of(const json_t *given)
{
    json_t *array = json_object(), *attrs = without_reserved(json_object_get(given, "attrs"));
    if (json_object_get(given, "dims"))
        json_object_set(array, "dims", json_object_get(given, "dims"));
    if (json_object_get(given, "data"))
        json_object_set(array, "data", json_object_get(given, "data"));
    if (json_object_size(attrs))
        json_object_set(array, "attrs", attrs);
    json_decref(attrs);
    return array;
}

static int check_array(struct setup *s, const char *section, const char *name, const json_t *given)
{
    static const char *const keys[] = {"dims", "data", "attrs", "dtype", "shape", "encoding", NULL};
    const json_t *attrs = json_object_get(given, "attrs");
    if (!json_is_object(given) || (attrs && !json_is_object(attrs)))
        return fault(s, section, name,
                     "an array is {\"dims\": […], \"data\": …, \"attrs\": {…}}, as "
                     "Dataset.to_dict() gives it",
                     "");
    if (!json_object_get(given, "data"))
        return fault(s, section, name, "it has no data", "");
    if (json_object_get(attrs, SETUP_OUTPUTS) &&
        !json_is_string(json_object_get(attrs, SETUP_OUTPUTS))) {
        int r = fault(s, section, name, SETUP_OUTPUTS " is not a text", "");
        size_t n = strlen(s->e->pointer);
        snprintf(s->e->pointer + n, sizeof s->e->pointer - n, "/attrs/" SETUP_OUTPUTS);
        return r;
    }
    struct error why = {0};
    return json_check_keys(given, keys, "", &why) ? fault(s, section, name, why.message, "") : 0;
}

/* "a__b,c__d" → outputs on this clock (NULL: once, at the end). */
static int add_outputs(struct setup *s, const json_t *attrs, const char *clock)
{
    const json_t *given = json_object_get(attrs, SETUP_OUTPUTS);
    if (!given)
        return 0;
    if (!json_is_string(given))
        return error_set(s->e, MODEL_INVALID, clock ? "/coords" : "/attrs",
                         "set-up: " SETUP_OUTPUTS " is not a text");
    char *names = mem_strdup(json_string_value(given)), *save = NULL;
    for (char *name = strtok_r(names, ", ", &save); name; name = strtok_r(NULL, ", ", &save))
        json_object_set_new(s->outputs, name, clock ? json_string(clock) : json_null());
    free(names);
    return 0;
}

static bool is_true(const json_t *value)
{
    return json_is_true(value) || (json_is_number(value) && json_number_value(value) != 0.0);
}

static bool is_input(const struct setup *s, const char *name)
{
    int slot = model_slot_index(s->model, name);
    return slot >= 0 && s->model->slots[slot].is_input && !strcmp(s->model->slots[slot].name, name);
}

/* A pandas MultiIndex: one dimension, whose labels are tuples. Its levels are coordinates too, from
 * which set_index makes it again. */
static bool is_multi_index(const json_t *given)
{
    const json_t *dims = json_object_get(given, "dims"), *data = json_object_get(given, "data");
    return json_array_size(dims) == 1 && json_is_array(json_array_get(data, 0));
}

static bool is_labels(const char *name, const json_t *given)
{
    const json_t *dims = json_object_get(given, "dims");
    const char *dim = json_string_value(json_array_get(dims, 0));
    return json_array_size(dims) == 1 && dim && !strcmp(dim, name);
}

static int add_coord(struct setup *s, const char *name, const json_t *given)
{
    const json_t *attrs = json_object_get(given, "attrs");
    if (json_object_get(attrs, SETUP_CLOCK)) {
        json_object_set_new(s->clocks, name, array_of(given));
        if (!s->main_clock && is_true(json_object_get(attrs, SETUP_MAIN_CLOCK)))
            s->main_clock = name;
        return add_outputs(s, attrs, name);
    }
    if (!is_labels(name, given))
        buffer_printf(&s->coordinates, "%s%s", s->coordinates.size ? " " : "", name);
    if (is_input(s, name))
        json_object_set_new(s->inputs, name, array_of(given));
    else if (!is_multi_index(given))
        json_object_set_new(s->coords, name, array_of(given));
    return 0;
}

/* An input that the set-up lacks and whose name is near: then a name that no variable has is no
 * mere extra. */
static const char *nearest_missing(const struct setup *s, const char *name)
{
    const json_t *vars = json_object_get(s->given, "data_vars");
    const json_t *coords = json_object_get(s->given, "coords");
    const char **names = mem_array((size_t)s->model->n_inputs + 1, sizeof *names);
    int n = 0;
    for (int i = 0; i < s->model->n_inputs; i++) {
        const char *input = s->model->slots[s->model->inputs[i]].name;
        if (!json_object_get(vars, input) && !json_object_get(coords, input))
            names[n++] = input;
    }
    const char *nearest = json_nearest(name, names);
    free((void *)names);
    return nearest;
}

/* Inputs; results of an earlier run, which do not matter; and what else the data set carries, which
 * is kept beside the inputs, as xarray-simlab does. */
static int add_variable(struct setup *s, const char *name, const json_t *given)
{
    int process, variable;
    if (is_input(s, name)) {
        json_object_set_new(s->inputs, name, array_of(given));
        return 0;
    }
    if (model_find_variable(s->model, name, &process, &variable))
        return 0;
    const char *nearest = nearest_missing(s, name);
    if (nearest)
        return fault(s, "data_vars", name, "the model has no such input: did you mean ", nearest);
    json_object_set_new(s->coords, name, array_of(given));
    return 0;
}

static int each(struct setup *s, const char *section,
                int (*add)(struct setup *, const char *, const json_t *))
{
    const json_t *arrays = json_object_get(s->given, section);
    char pointer[32];
    snprintf(pointer, sizeof pointer, "/%s", section);
    if (arrays && !json_is_object(arrays))
        return error_set(s->e, MODEL_INVALID, pointer, "set-up: %s is not an object", section);
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)arrays, name, given)
    {
        int r = check_array(s, section, name, given);
        r = r ? r : add(s, name, given);
        if (r)
            return r;
    }
    return 0;
}

/* What an earlier run has left in the data set, and this one computes. */
static void drop_computed(struct setup *s)
{
    const char *name;
    json_t *clock;
    json_object_foreach(s->outputs, name, clock) json_object_del(s->coords, name);
    for (int i = 0; i < s->model->n_slots; i++)
        if (s->model->slots[i].is_index) {
            json_object_del(s->coords, s->model->slots[i].name);
            json_object_del(s->coords, s->model->slots[i].declared->name);
        }
}

static int convert(struct setup *s)
{
    static const char *const keys[] = {"coords", "attrs", "dims", "data_vars", "encoding", NULL};
    const json_t *attrs = json_object_get(s->given, "attrs");
    if (!json_is_object(s->given))
        return error_set(s->e, MODEL_INVALID, "", "setup is not an object");
    int r = model_result_of_base(json_check_keys(s->given, keys, "", s->e));
    if (r)
        return r;
    if (attrs && !json_is_object(attrs))
        return error_set(s->e, MODEL_INVALID, "/attrs", "set-up: attrs is not an object");
    r = each(s, "coords", add_coord);
    r = r ? r : each(s, "data_vars", add_variable);
    r = r ? r : add_outputs(s, attrs, NULL);
    if (r == 0)
        drop_computed(s);
    if (r == 0 && !s->main_clock)
        r = error_set(s->e, MODEL_INVALID, "/coords",
                      "set-up: no coordinate has the attribute " SETUP_MAIN_CLOCK
                      " (together with " SETUP_CLOCK ")");
    return r;
}

int job_setup_convert(const json_t *setup, const struct model *m, json_t *target, struct error *e)
{
    struct setup s = {.model = m, .given = setup, .e = e};
    s.clocks = json_object();
    s.inputs = json_object();
    s.outputs = json_object();
    s.coords = json_object();
    int r = convert(&s);
    if (r == 0) {
        json_object_set(target, "clocks", s.clocks);
        json_object_set_new(target, "main_clock", json_string(s.main_clock));
        json_object_set(target, "inputs", s.inputs);
        json_object_set(target, "outputs", s.outputs);
        if (json_object_size(s.coords))
            json_object_set(target, "coords", s.coords);
        json_t *attrs = without_reserved(json_object_get(setup, "attrs"));
        if (s.coordinates.size) /* as xarray writes it */
            json_object_set_new(attrs, "coordinates", json_string(s.coordinates.data));
        if (json_object_size(attrs))
            json_object_set(target, "attrs", attrs);
        json_decref(attrs);
    }
    buffer_free(&s.coordinates);
    json_decref(s.clocks);
    json_decref(s.inputs);
    json_decref(s.outputs);
    json_decref(s.coords);
    return r;
}
