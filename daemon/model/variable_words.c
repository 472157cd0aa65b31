/* SPDX-License-Identifier: Apache-2.0 */
/* The words of descriptors, and a variable as JSON for people and programs. */
#include "model/type_parts.h"

#include "base/dtype.h"

#include <string.h>

const char *const variable_kinds[] = {"variable",   "index",     "foreign", "global",    "group",
                                      "group_dict", "on_demand", "object",  "inherited", NULL};
const char *const variable_intents[] = {"in", "out", "inout", NULL};
const char *const variable_stages[] = {"initialize", "run_step", "finalize_step", "finalize", NULL};

bool variable_is_group(const struct variable *v)
{
    return v->kind == SIMLAB_GROUP || v->kind == SIMLAB_GROUP_DICT;
}

bool variable_has_value(const struct variable *v)
{
    return v->kind == SIMLAB_VARIABLE || v->kind == SIMLAB_INDEX || v->kind == SIMLAB_ON_DEMAND;
}

int variable_stages_parse(const json_t *names, uint32_t *ret_mask, struct error *e)
{
    uint32_t mask = 0;
    size_t i;
    json_t *name;
    if (names && !json_is_null(names) && !json_is_array(names))
        return error_set(e, MODEL_INVALID, NULL, "stages are not a list");
    json_array_foreach((json_t *)names, i, name)
    {
        int stage = 0;
        while (stage < SIMLAB_N_STAGES &&
               !(json_is_string(name) && !strcmp(json_string_value(name), variable_stages[stage])))
            stage++;
        if (stage == SIMLAB_N_STAGES)
            return error_set(e, MODEL_INVALID, NULL, "unknown stage %.60s",
                             json_is_string(name) ? json_string_value(name) : "(not a text)");
        mask |= 1u << stage;
    }
    *ret_mask = mask;
    return 0;
}

json_t *variable_stages_to_json(uint32_t mask)
{
    json_t *list = json_array();
    for (int i = 0; i < SIMLAB_N_STAGES; i++)
        if (mask >> i & 1)
            json_array_append_new(list, json_string(variable_stages[i]));
    return list;
}

static json_t *dims_to_json(const struct variable *v)
{
    json_t *all = json_array();
    for (int i = 0; i < v->n_dims; i++) {
        json_t *one = json_array();
        for (int k = 0; k < v->dims[i].ndim; k++)
            json_array_append_new(one, json_string(v->dims[i].names[k]));
        json_array_append_new(all, one);
    }
    return all;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static void set_true(json_t *object, const char *key, bool value)
{
    if (value)
        json_object_set_new(object, key, json_true());
}

static void add_target(json_t *object, const struct variable *v)
{
    set_text(object, "type", v->type);
    set_text(object, "var", v->var);
    set_text(object, "global_name", v->global_name);
    set_text(object, "group", v->group);
    if (!v->n_groups)
        return;
    json_t *groups = json_array();
    for (int i = 0; i < v->n_groups; i++)
        json_array_append_new(groups, json_string(v->groups[i]));
    json_object_set_new(object, "groups", groups);
}

json_t *variable_to_json(const struct variable *v)
{
    json_t *object = json_object();
    set_text(object, "name", v->name);
    set_text(object, "kind", variable_kinds[v->kind]);
    set_text(object, "intent", variable_intents[v->intent]);
    if (variable_has_value(v)) {
        set_text(object, "dtype", dtype_name(v->dtype));
        if (v->dtype == SIMLAB_STR)
            json_object_set_new(object, "length", json_integer((json_int_t)v->itemsize));
        json_object_set_new(object, "dims", dims_to_json(v));
    }
    add_target(object, v);
    if (v->default_value)
        json_object_set(object, "default", v->default_value);
    if (v->bounds.given) {
        char text[80];
        bounds_text(&v->bounds, text, sizeof text);
        set_text(object, "bounds", text);
    }
    if (v->choices)
        json_object_set(object, "choices", v->choices);
    set_text(object, "description", v->description);
    json_object_set(object, "attrs", v->attrs);
    if (json_object_size(v->encoding))
        json_object_set(object, "encoding", v->encoding);
    set_true(object, "static", v->is_static);
    set_true(object, "cached", v->is_cached);
    set_true(object, "private", v->is_private);
    set_true(object, "has_validate", v->has_validate);
    set_true(object, "has_convert", v->has_convert);
    if (v->reads)
        json_object_set_new(object, "reads", variable_stages_to_json(v->reads));
    if (v->writes)
        json_object_set_new(object, "writes", variable_stages_to_json(v->writes));
    return object;
}
