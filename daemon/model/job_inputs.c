/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs: a value for each, its dims matched with those that the variable accepts. */
#include "model/check.h"
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct slot *slot_of(const struct making *m, const struct job_input *input)
{
    return &m->job->model->slots[input->slot];
}

/* ---- names ---- */

static int compare_int(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static const char *nearest_input(const struct making *m, const char *name)
{
    const struct model *model = m->job->model;
    const char **names = mem_array((size_t)model->n_inputs + 1, sizeof *names);
    for (int i = 0; i < model->n_inputs; i++)
        names[i] = model->slots[model->inputs[i]].name;
    const char *nearest = json_nearest(name, names);
    free((void *)names);
    return nearest;
}

/* Why a name that is no input is none. */
static int refuse_name(struct making *m, const char *section, const char *name)
{
    const struct model *model = m->job->model;
    int process, variable, slot;
    if (!model_find_variable(model, name, &process, &variable)) {
        const char *nearest = nearest_input(m, name);
        return job_making_fault(m, section, name, "", "the model has no such input%s%s%s",
                                nearest ? ": did you mean " : "", nearest ? nearest : "",
                                nearest ? "?" : "");
    }
    slot = model->processes[process].bindings[variable].slot;
    if (slot < 0)
        return job_making_fault(m, section, name, "", "it is a group, not an input");
    if (model->slots[slot].is_input)
        return job_making_fault(m, section, name, "", "it leads to another input: give %s instead",
                                model->slots[slot].name);
    if (model->slots[slot].setter < 0)
        return job_making_fault(m, section, name, "",
                                "it is given, but no process of the model uses it");
    return job_making_fault(m, section, name, "", "it is not an input: process '%s' sets it",
                            model->processes[model->slots[slot].setter].name);
}

int job_inputs_find(struct making *m, const char *section, const char *name)
{
    const struct model *model = m->job->model;
    int slot = model_slot_index(model, name);
    const int *place = NULL;
    /* The name must be the slot's own, not that of a variable that leads to it. */
    if (slot >= 0 && !strcmp(model->slots[slot].name, name))
        place = bsearch(&slot, model->inputs, (size_t)model->n_inputs, sizeof slot, compare_int);
    if (place)
        return (int)(place - model->inputs);
    refuse_name(m, section, name);
    return -1;
}

/* ---- bounds and choices ---- */

/* "[3, 2]": where element `at` is in the array as given. */
static void index_text(const struct job_data *d, size_t at, char *ret, size_t size)
{
    bool is_fortran = d->form == JOB_DATA_FILE && d->npy.fortran;
    size_t index[SIMLAB_MAX_DIMS] = {0}, n = 0;
    for (int k = 0; k < d->ndim; k++) {
        int i = is_fortran ? k : d->ndim - 1 - k;
        index[i] = at % (size_t)d->shape[i];
        at /= (size_t)d->shape[i];
    }
    ret[0] = '\0';
    for (int i = 0; i < d->ndim && n < size; i++)
        n += (size_t)snprintf(ret + n, size - n, "%s%zu%s", i ? ", " : " at [", index[i],
                              i == d->ndim - 1 ? "]" : "");
}

static int look_at_values(void *userdata, const struct job_data *d, const void *elements, size_t at,
                          size_t n)
{
    const struct job_input_look *l = userdata;
    size_t wrong;
    char why[256], where[200];
    const struct variable *v = l->variable;
    bool is_any = v->dtype == SIMLAB_ANY; /* then nothing was cast */
    if (check_values(v, is_any ? d->dtype : v->dtype, is_any ? d->itemsize : v->itemsize, elements,
                     n, &wrong, why, sizeof why))
        return 0;
    index_text(d, at + wrong, where, sizeof where);
    return error_set(l->m->error, MODEL_INVALID, NULL, "the value%s is out of bounds: %s", where,
                     why);
}

struct job_look job_input_look(struct making *m, int slot, struct job_input_look *look)
{
    const struct variable *v = m->job->model->slots[slot].declared;
    /* A converter may yet make it right: then the worker checks. */
    bool is_checked =
        m->job->validate != JOB_VALIDATE_NONE && !v->has_convert && (v->choices || v->bounds.given);
    *look = (struct job_input_look){.m = m, .variable = v};
    return (struct job_look){.fn = is_checked ? look_at_values : NULL,
                             .userdata = look,
                             .kind = v->choices ? JOB_LOOK_ALL : JOB_LOOK_BOUNDS};
}

/* ---- values ---- */

static int merge_attrs(struct making *m, struct job_input *input, const json_t *attrs)
{
    const struct slot *slot = slot_of(m, input);
    if (attrs && !json_is_object(attrs))
        return job_making_fault(m, "inputs", slot->name, "/attrs", "attrs is not an object");
    input->attrs = json_copy(slot->declared->attrs);
    if (attrs)
        json_object_update(input->attrs, (json_t *)attrs);
    return 0;
}

static int read_data(struct making *m, struct job_input *input, const json_t *data,
                     const char *below)
{
    const struct variable *v = slot_of(m, input)->declared;
    struct job_input_look at;
    struct job_look look = job_input_look(m, input->slot, &at);
    int r = job_values_read_series(m, data, v->dtype, v->itemsize, &look, &input->given,
                                   &input->series);
    return job_making_blame(m, r, "inputs", slot_of(m, input)->name, below);
}

static int read_object(struct making *m, struct job_input *input, const json_t *given)
{
    static const char *const keys[] = {"dims",   "data",   "attrs", "linspace",
                                       "arange", "upload", "file",  NULL};
    const char *below, *name = slot_of(m, input)->name;
    int r = job_values_check_keys(given, keys, m->error);
    if (r)
        return job_making_blame(m, r, "inputs", name, "");
    json_t *owned;
    const json_t *data = job_values_member(given, &owned, &below);
    r = read_data(m, input, data, below);
    json_decref(owned);
    const json_t *dims = json_object_get(given, "dims");
    if (r == 0)
        r = dims ? job_input_dims_name(m, input, dims) : job_input_dims_guess(m, input);
    return r ? r : merge_attrs(m, input, json_object_get(given, "attrs"));
}

/* What the job gives, what its sweep gave, or the default. */
static int read_input(struct making *m, struct job_input *input)
{
    const struct slot *slot = slot_of(m, input);
    const json_t *given = json_object_get(json_object_get(m->document, "inputs"), slot->name);
    bool is_swept = json_object_get(m->swept, slot->name) != NULL;
    int r;
    if (given && is_swept)
        return job_making_fault(m, "inputs", slot->name, "", "it is given here and in the sweep");
    if (is_swept)
        return merge_attrs(m, input, json_object_get(m->swept, slot->name));
    if (json_is_object(given))
        return read_object(m, input, given);
    if (!given && !slot->declared->default_value)
        return job_making_fault(m, "inputs", slot->name, "",
                                "it has no value: process '%s' needs one, and it has no default",
                                m->job->model->processes[slot->process].name);
    input->is_default = !given;
    r = read_data(m, input, given ? given : slot->declared->default_value, "");
    r = r ? r : job_input_dims_guess(m, input);
    return r ? r : merge_attrs(m, input, NULL);
}

static int check_names(struct making *m)
{
    const json_t *inputs = json_object_get(m->document, "inputs");
    if (inputs && !json_is_object(inputs))
        return error_set(m->error, MODEL_INVALID, "/inputs", "inputs is not an object");
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)inputs, name, value)
    {
        if (job_inputs_find(m, "inputs", name) < 0)
            return MODEL_INVALID;
    }
    return 0;
}

/* The batch dimension must be some input's or coordinate's, and tells the number of members. */
static int count_members(struct making *m)
{
    struct job *j = m->job;
    j->n_members = 1;
    if (!j->batch_dim)
        return 0;
    int64_t n = job_making_size_of(m, j->batch_dim);
    if (n < 0)
        return error_set(m->error, MODEL_INVALID, "/batch_dim",
                         "batch_dim: no input has the dimension '%s'", j->batch_dim);
    if (n == 0)
        return error_set(m->error, MODEL_INVALID, "/batch_dim",
                         "batch_dim: the dimension '%s' has no members", j->batch_dim);
    if (n > JOB_MAX_MEMBERS)
        return error_set(m->error, MODEL_TOO_LARGE, "/batch_dim",
                         "batch_dim: %lld members: at most %d", (long long)n, JOB_MAX_MEMBERS);
    j->n_members = n;
    return 0;
}

int job_inputs_read(struct making *m)
{
    struct job *j = m->job;
    int r = check_names(m);
    for (int i = 0; r == 0 && i < j->n_inputs; i++) {
        r = read_input(m, &j->inputs[i]);
        r = r ? r : job_input_dims_match(m, &j->inputs[i]);
    }
    return r ? r : count_members(m);
}

int job_input_at(const struct job *j, const struct job_input *input, int64_t member, int64_t step,
                 struct job_room *room, const void **ret)
{
    if (input->has_clock && step < 0) {
        *ret = NULL;
        return 0;
    }
    int lead = input->has_batch + input->has_clock;
    size_t own = 1, at = 0;
    for (int i = lead; i < input->value.ndim; i++)
        own *= (size_t)input->value.shape[i];
    if (input->has_batch)
        at = (size_t)member;
    if (input->has_clock)
        at = at * (size_t)j->clocks[j->main_clock].n + (size_t)step;
    if (input->series)
        return job_series_at(input->series, (int64_t)(at * own), (int64_t)own, room, ret);
    *ret = (const char *)input->value.data + at * own * input->value.itemsize;
    return 0;
}
