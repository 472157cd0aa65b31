/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs: what is saved, on which clock, how it is encoded; and that no two arrays of the store
 * have one name. */
#include "model/job_parts.h"
#include "model/type_parts.h"

#include "base/json.h"
#include "base/mem.h"
#include "simlab/process.h"

#include <stdlib.h>
#include <string.h>

static const struct slot *slot_at(const struct making *m, int slot)
{
    return &m->job->model->slots[slot];
}

/* "process__variable" of the variable nearest to a name that leads nowhere. */
static int refuse_name(struct making *m, const char *section, const char *name)
{
    const struct model *model = m->job->model;
    const char **names = mem_array((size_t)model->n_slots + 1, sizeof *names);
    for (int s = 0; s < model->n_slots; s++)
        names[s] = model->slots[s].name;
    const char *nearest = json_nearest(name, names);
    int r = job_making_fault(m, section, name, "", "the model has no such variable%s%s%s",
                             nearest ? ": did you mean " : "", nearest ? nearest : "",
                             nearest ? "?" : "");
    free((void *)names);
    return r;
}

static int find_clock(struct making *m, const char *name, const json_t *clock, int *ret_clock)
{
    const struct job *j = m->job;
    *ret_clock = -1;
    if (!clock || json_is_null(clock))
        return 0;
    const char *text = json_string_value(clock);
    if (!text)
        return job_making_fault(m, "outputs", name, "",
                                "the name of a clock belongs here, or null: once, at the end; or "
                                "{\"clock\": one of these, \"attrs\": {…}}");
    const char **names = mem_array((size_t)j->n_clocks + 1, sizeof *names);
    for (int i = 0; i < j->n_clocks; i++) {
        names[i] = j->clocks[i].name;
        if (!strcmp(names[i], text))
            *ret_clock = i;
    }
    const char *nearest = json_nearest(text, names);
    free((void *)names);
    if (*ret_clock >= 0)
        return 0;
    return job_making_fault(m, "outputs", name, "", "there is no clock '%.100s'%s%s%s", text,
                            nearest ? ": did you mean '" : "", nearest ? nearest : "",
                            nearest ? "'?" : "");
}

static bool has_dim(const struct making *m, const struct dims *d, const char *name)
{
    const char *main_clock = m->job->clocks[m->job->main_clock].name;
    for (int i = 0; name && i < d->ndim; i++)
        if (!strcmp(strcmp(d->names[i], SIMLAB_MAIN_CLOCK) ? d->names[i] : main_clock, name))
            return true;
    return false;
}

/* With its clock's and the batch's dimension before its own ones, none may come twice; it will do
 * if one alternative allows that. */
static int check_dims(struct making *m, const struct job_output *o)
{
    const char *clock = o->clock >= 0 ? m->job->clocks[o->clock].name : NULL;
    const char *batch = o->is_index ? NULL : m->job->batch_dim;
    const char *twice = NULL;
    for (int k = 0; k < o->variable->n_dims; k++) {
        const struct dims *d = &o->variable->dims[k];
        const char *found = has_dim(m, d, clock) ? clock : has_dim(m, d, batch) ? batch : NULL;
        if (!found)
            return 0;
        twice = found;
    }
    return job_making_fault(m, "outputs", o->name, "",
                            "it has the dimension '%s' already: save it %s", twice,
                            twice == clock ? "once (null), or on another clock"
                                           : "in a batch along a dimension of another name");
}

/* ---- encoding and attributes ---- */

/* Those of the variable that was named, as far as it has any: a foreign one has those of the
 * variable that it was declared to lead to, of which a subtype may have made another. */
static json_t *attrs_of(const struct making *m, int process, int variable, int slot)
{
    const struct model *model = m->job->model;
    const struct type *type = model->processes[process].type, *target_type;
    const struct variable *v = &type->variables[variable], *target = v;
    json_t *attrs = json_copy(slot_at(m, slot)->declared->attrs);
    if (v->kind == SIMLAB_FOREIGN)
        registry_target(model->registry, type, v, &target_type, &target, NULL);
    if (target->attrs)
        json_object_update(attrs, target->attrs);
    if (v->attrs)
        json_object_update(attrs, v->attrs);
    return attrs;
}

/* `name`, and for an index stored for itself also "process__variable", as xarray-simlab has it. */
static json_t *encoding_of(const struct making *m, const struct job_output *o)
{
    const json_t *all = json_object_get(m->document, "encoding");
    json_t *encoding = json_copy(o->variable->encoding);
    json_t *given = json_object_get(all, o->name);
    if (!given && o->is_index)
        given = json_object_get(all, slot_at(m, o->slot)->name);
    if (given)
        json_object_update(encoding, given);
    return encoding;
}

static json_t *labels_encoding_of(const struct making *m, const struct job_output *o)
{
    json_t *encoding = json_copy(o->variable->encoding);
    json_t *given = json_object_get(json_object_get(m->document, "encoding"), o->labels);
    if (given)
        json_object_update(encoding, given);
    return encoding;
}

static bool is_named(const struct job_output *o, const char *name)
{
    return !strcmp(o->name, name) || (o->labels && !strcmp(o->labels, name));
}

static int check_encoding(struct making *m)
{
    const json_t *all = json_object_get(m->document, "encoding");
    if (all && !json_is_null(all) && !json_is_object(all))
        return error_set(m->error, MODEL_INVALID, "/encoding", "encoding is not an object");
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)all, name, given)
    {
        bool known = model_slot_index(m->job->model, name) >= 0;
        for (int i = 0; i < m->job->n_outputs && !known; i++)
            known = is_named(&m->job->outputs[i], name);
        if (!known)
            return refuse_name(m, "encoding", name);
        if (!json_is_object(given))
            return job_making_fault(m, "encoding", name, "", "it is not an object");
    }
    return 0;
}

/* ---- the outputs ---- */

/* {"clock", "attrs"}: what is given of the attributes is laid over the others. */
static int read_attrs(struct making *m, const char *name, const json_t *given, struct job_output *o)
{
    static const char *const keys[] = {"clock", "attrs", NULL};
    const json_t *attrs = json_object_get(given, "attrs");
    int r = model_result_of_base(json_check_keys(given, keys, "", m->error));
    if (r)
        return job_making_blame(m, r, "outputs", name, "");
    if (attrs && !json_is_object(attrs))
        return job_making_fault(m, "outputs", name, "/attrs", "attrs is not an object");
    if (attrs)
        json_object_update(o->attrs, (json_t *)attrs);
    return 0;
}

static int read_output(struct making *m, const char *name, const json_t *given,
                       struct job_output *o)
{
    const struct model *model = m->job->model;
    int process, variable;
    o->name = mem_strdup(name);
    if (!model_find_variable(model, name, &process, &variable))
        return refuse_name(m, "outputs", name);
    o->slot = model->processes[process].bindings[variable].slot;
    if (o->slot >= 0 && slot_at(m, o->slot)->declared->is_private)
        return job_making_fault(m, "outputs", name, "", "it is private to process '%s'",
                                model->processes[process].name);
    if (o->slot < 0 || slot_at(m, o->slot)->declared->kind == SIMLAB_OBJECT)
        return job_making_fault(m, "outputs", name, "", "%s cannot be saved",
                                o->slot < 0 ? "a group" : "an object");
    o->variable = slot_at(m, o->slot)->declared;
    o->attrs = attrs_of(m, process, variable, o->slot);
    int r = json_is_object(given) ? read_attrs(m, name, given, o) : 0;
    const json_t *clock = json_is_object(given) ? json_object_get(given, "clock") : given;
    r = r ? r : find_clock(m, name, clock, &o->clock);
    return r ? r : check_dims(m, o);
}

static int read_outputs(struct making *m)
{
    struct job *j = m->job;
    const json_t *outputs = json_object_get(m->document, "outputs");
    if (outputs && !json_is_object(outputs))
        return error_set(m->error, MODEL_INVALID, "/outputs",
                         "outputs is an object: variable → clock, null, or {clock, attrs}");
    j->outputs =
        mem_array(json_object_size(outputs) + (size_t)j->model->n_slots, sizeof *j->outputs);
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)outputs, name, given)
    {
        int r = read_output(m, name, given, &j->outputs[j->n_outputs++]);
        if (r)
            return r;
    }
    return 0;
}

/* ---- names of arrays ---- */

static int claim(struct making *m, json_t *names, const char *section, const char *name,
                 const char *what)
{
    const char *taken = json_string_value(json_object_get(names, name));
    if (taken)
        return job_making_fault(m, section, name, "", "it would be stored under the name of %s",
                                taken);
    json_object_set_new(names, name, json_string(what));
    return 0;
}

static int check_names(struct making *m)
{
    static const char index[] = "an index variable, which the model computes";
    struct job *j = m->job;
    json_t *names = json_object();
    int r = 0;
    for (int i = 0; i < j->n_outputs; i++) {
        /* An index asked for by the name under which it is stored anyway is stored once. */
        if (json_object_get(names, j->outputs[i].name))
            r = job_making_fault(m, "outputs", j->outputs[i].name, "", "it is asked for twice");
        json_object_set_new(names, j->outputs[i].name,
                            json_string(j->outputs[i].is_index || j->outputs[i].is_own_index
                                            ? index
                                            : "an output"));
        if (j->outputs[i].labels)
            json_object_set_new(names, j->outputs[i].labels, json_string(index));
    }
    for (int i = 0; i < j->n_inputs; i++)
        j->inputs[i].is_output =
            json_object_get(names, slot_at(m, j->inputs[i].slot)->name) != NULL;
    if (JOB_HAS_CRS(j))
        r = r ? r : claim(m, names, "outputs", JOB_CRS_ARRAY, "the coordinate system (crs)");
    for (int i = 0; r == 0 && i < j->n_clocks; i++)
        r = claim(m, names, "clocks", j->clocks[i].name, "a clock");
    for (int i = 0; r == 0 && i < j->n_coords; i++)
        r = claim(m, names, "coords", j->coords[i].name, "a coordinate");
    for (int i = 0; r == 0 && i < j->n_inputs; i++)
        if (!j->inputs[i].is_output)
            r = claim(m, names, "inputs", slot_at(m, j->inputs[i].slot)->name, "an input");
    if (r == 0 && j->batch_dim) {
        const char *taken = json_string_value(json_object_get(names, j->batch_dim));
        if (taken && strcmp(taken, "a coordinate") != 0)
            r = error_set(m->error, MODEL_INVALID, "/batch_dim",
                          "batch_dim: '%s' is the name of %s", j->batch_dim, taken);
    }
    json_decref(names);
    return r;
}

int job_outputs_read(struct making *m)
{
    struct job *j = m->job;
    int r = read_outputs(m);
    if (r)
        return r;
    job_indexes_add(m);
    r = job_crs_read(m);
    r = r ? r : check_names(m);
    r = r ? r : check_encoding(m);
    for (int i = 0; r == 0 && i < j->n_outputs; i++) {
        j->outputs[i].encoding = encoding_of(m, &j->outputs[i]);
        if (j->outputs[i].labels)
            j->outputs[i].labels_encoding = labels_encoding_of(m, &j->outputs[i]);
        if (j->outputs[i].clock >= 0)
            j->clocks[j->outputs[i].clock].has_outputs = true;
    }
    return r;
}
