/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool type_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > TYPE_MAX_NAME || isdigit((unsigned char)*name) || strstr(name, "__"))
        return false;
    for (const char *c = name; *c; c++)
        if (!isascii((unsigned char)*c) || (!isalnum((unsigned char)*c) && *c != '_'))
            return false;
    return true;
}

static int parse_variables(const json_t *rows, struct type *t, struct error *e)
{
    if (!rows)
        return 0;
    if (!json_is_array(rows) || json_array_size(rows) > TYPE_MAX_VARIABLES)
        return error_set(e, MODEL_INVALID, "/variables",
                         "type %s: variables are not a list of at most %d", t->name,
                         TYPE_MAX_VARIABLES);
    t->declared = mem_array(json_array_size(rows), sizeof *t->declared);
    json_t *names = json_object();
    int r = 0;
    for (size_t i = 0; r == 0 && i < json_array_size(rows); i++) {
        char pointer[64] = "";
        r = variable_parse(json_array_get(rows, i), t->name, &t->declared[i], e);
        if (r == 0) {
            const char *name = t->declared[t->n_own++].name;
            if (json_object_get(names, name))
                r = error_set(e, MODEL_INVALID, "/name",
                              "type %s: the variable %s is declared twice", t->name, name);
            json_object_set_new(names, name, json_true());
        }
        snprintf(pointer, sizeof pointer, "/variables/%zu", i);
        if (r > 0 && e)
            error_prefix_pointer(e, pointer);
    }
    json_decref(names);
    return r;
}

static int parse_flags(const json_t *row, struct type *t, struct error *e)
{
    struct error why = {0};
    uint32_t stages;
    json_int_t size = json_member_integer(row, "instance_size", 0);
    if (variable_stages_parse(json_object_get(row, "stages"), &stages, &why))
        return error_set(e, MODEL_INVALID, "/stages", "type %s: %s", t->name, why.message);
    if (size < 0 || size > 1 << 30)
        return error_set(e, MODEL_INVALID, "/instance_size", "type %s: instance_size is %lld",
                         t->name, (long long)size);
    t->stages = stages;
    t->instance_size = (size_t)size;
    t->not_thread_safe = json_is_true(json_object_get(row, "not_thread_safe"));
    t->is_pinned = json_is_true(json_object_get(row, "pinned"));
    t->is_movable = json_is_true(json_object_get(row, "movable"));
    const char *description = json_member_string(row, "description");
    t->description = mem_strdup(description ? description : "");
    const char *extends = json_member_string(row, "extends");
    if (extends && *extends)
        t->extends =
            strchr(extends, '.') ? mem_strdup(extends) : mem_printf("%s.%s", t->library, extends);
    return 0;
}

int type_parse(const json_t *row, const char *library, struct type **ret_type, struct error *e)
{
    const char *name = json_member_string(row, "name");
    if (!name || !type_name_ok(name))
        return error_set(e, MODEL_INVALID, "/name",
                         "\"%.100s\" is no name of a process type: a C identifier of at most %d "
                         "letters without \"__\"",
                         name ? name : "", TYPE_MAX_NAME);
    struct type *t = mem_new(sizeof *t);
    t->library = mem_strdup(library);
    t->name = mem_printf("%s.%s", library, name);
    int r = parse_flags(row, t, e);
    r = r ? r : parse_variables(json_object_get(row, "variables"), t, e);
    if (r)
        return type_free(t), r;
    *ret_type = t;
    return 0;
}

struct type *type_free(struct type *t)
{
    if (!t)
        return NULL;
    for (int i = 0; i < t->n_own; i++)
        variable_clear(&t->declared[i]);
    free(t->declared);
    free(t->variables); /* shallow copies */
    free(t->own);
    free(t->name);
    free(t->library);
    free(t->description);
    free(t->extends);
    json_decref(t->index);
    free(t);
    return NULL;
}

static void add_merged(struct type *t, const struct variable *v)
{
    json_object_set_new(t->index, v->name, json_integer(t->n_variables));
    t->variables[t->n_variables++] = *v;
}

static bool is_bound(const struct type *t)
{
    return t->is_pinned || t->not_thread_safe;
}

static void merge_stages(struct type *t, const struct type *parent)
{
    t->parent = parent;
    t->stages |= parent->stages;
    if (is_bound(parent))
        t->is_movable = parent->is_movable && (t->is_movable || !is_bound(t));
    t->not_thread_safe |= parent->not_thread_safe;
    t->is_pinned |= parent->is_pinned;
    if (t->instance_size < parent->instance_size)
        t->instance_size = parent->instance_size;
}

int type_merge(struct type *t, const struct type *parent, struct error *e)
{
    size_t most = (size_t)t->n_own + (parent ? (size_t)parent->n_variables : 0);
    if (most > TYPE_MAX_VARIABLES)
        return error_set(e, MODEL_INVALID, NULL, "type %s has more than %d variables", t->name,
                         TYPE_MAX_VARIABLES);
    json_t *again = json_object();
    for (int i = 0; i < t->n_own; i++)
        if (t->declared[i].kind != SIMLAB_INHERITED)
            json_object_set_new(again, t->declared[i].name, json_true());
    t->variables = mem_array(most, sizeof *t->variables);
    t->own = mem_array((size_t)t->n_own, sizeof *t->own);
    t->index = json_object();
    for (int i = 0; parent && i < parent->n_variables; i++)
        if (!json_object_get(again, parent->variables[i].name))
            add_merged(t, &parent->variables[i]);
    json_decref(again);
    for (int i = 0; i < t->n_own; i++)
        if (t->declared[i].kind != SIMLAB_INHERITED)
            add_merged(t, &t->declared[i]);
    for (int i = 0; i < t->n_own; i++) {
        t->own[i] = type_variable(t, t->declared[i].name);
        if (t->own[i] < 0)
            return error_set(e, MODEL_INVALID, NULL,
                             "type %s: the variable %s is said to be inherited, but %s has none of "
                             "that name",
                             t->name, t->declared[i].name, parent ? parent->name : "no parent");
    }
    if (parent)
        merge_stages(t, parent);
    return 0;
}

int type_variable(const struct type *type, const char *name)
{
    const json_t *index = json_object_get(type->index, name);
    return index ? (int)json_integer_value(index) : -1;
}

bool type_is_a(const struct type *type, const struct type *ancestor)
{
    while (type && type != ancestor)
        type = type->parent;
    return type != NULL;
}

json_t *type_to_json(const struct type *type)
{
    json_t *variables = json_array();
    for (int i = 0; i < type->n_variables; i++)
        if (!type->variables[i].is_private)
            json_array_append_new(variables, variable_to_json(&type->variables[i]));
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(type->name));
    json_object_set_new(object, "library", json_string(type->library));
    json_object_set_new(object, "description", json_string(type->description));
    if (type->parent)
        json_object_set_new(object, "extends", json_string(type->parent->name));
    json_object_set_new(object, "stages", variable_stages_to_json(type->stages));
    if (type->not_thread_safe)
        json_object_set_new(object, "not_thread_safe", json_true());
    if (type->is_pinned)
        json_object_set_new(object, "pinned", json_true());
    if (type->is_movable)
        json_object_set_new(object, "movable", json_true());
    json_object_set_new(object, "variables", variables);
    return object;
}
