/* SPDX-License-Identifier: Apache-2.0 */
#include "model/type_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct registry {
    struct type **types;
    size_t n_types;
    json_t *index; /* name → number */
    const char **names;
    struct library *libraries;
    size_t n_libraries;
    json_t *hooks; /* "library.name" → as described */
};

struct registry *registry_new(void)
{
    struct registry *r = mem_new(sizeof *r);
    r->index = json_object();
    r->names = mem_array(1, sizeof *r->names);
    r->hooks = json_object();
    return r;
}

static void library_clear(struct library *l)
{
    free(l->name);
    free(l->path);
    free(l->version);
    free(l->hash);
}

struct registry *registry_free(struct registry *r)
{
    if (!r)
        return NULL;
    for (size_t i = 0; i < r->n_types; i++)
        type_free(r->types[i]);
    for (size_t i = 0; i < r->n_libraries; i++)
        library_clear(&r->libraries[i]);
    free(r->types);
    free((void *)r->names);
    free(r->libraries);
    json_decref(r->index);
    json_decref(r->hooks);
    free(r);
    return NULL;
}

/* Names of libraries are those of files, less ".so"; the dot splits "library.Type". */
static bool library_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > TYPE_MAX_NAME || *name == '-')
        return false;
    for (const char *c = name; *c; c++)
        if (!isascii((unsigned char)*c) || (!isalnum((unsigned char)*c) && !strchr("_-+", *c)))
            return false;
    return true;
}

static int check_document(const struct registry *r, const json_t *document, struct error *e)
{
    if (!json_is_object(document))
        return error_set(e, MODEL_INVALID, "", "a library's document is not an object");
    const char *name = json_member_string(document, "library");
    if (!name || !library_name_ok(name))
        return error_set(e, MODEL_INVALID, "/library", "\"%.100s\" is no name of a library",
                         name ? name : "");
    if (json_member_integer(document, "abi", -1) != 1)
        return error_set(e, MODEL_INVALID, "/abi", "library %s: unknown version of the interface",
                         name);
    if (registry_library(r, name))
        return error_set(e, MODEL_INVALID, "/library", "there is a library %s already", name);
    const json_t *types = json_object_get(document, "types");
    if (!json_is_array(types) || json_array_size(types) > TYPE_MAX_TYPES)
        return error_set(e, MODEL_INVALID, "/types",
                         "library %s: types are not a list of at most %d", name, TYPE_MAX_TYPES);
    return 0;
}

static int parse_types(const json_t *rows, const char *library, struct type **types, size_t *n,
                       struct error *e)
{
    json_t *names = json_object();
    int r = 0;
    for (size_t i = 0; r == 0 && i < json_array_size(rows); i++) {
        r = type_parse(json_array_get(rows, i), library, &types[i], e);
        if (r == 0) {
            const char *name = types[(*n)++]->name;
            if (json_object_get(names, name))
                r = error_set(e, MODEL_INVALID, "/name", "the type %s is declared twice", name);
            json_object_set_new(names, name, json_true());
        }
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/types/%zu", i);
        if (r > 0 && e)
            error_prefix_pointer(e, pointer);
    }
    json_decref(names);
    return r;
}

/* Hooks of a document, checked: "library.name" → as described. */
static int parse_hooks(const json_t *rows, const char *library, json_t *ret_hooks, struct error *e)
{
    static const char *const keys[] = {"name", "description", "stage", "level", "when", NULL};
    if (rows && (!json_is_array(rows) || json_array_size(rows) > TYPE_MAX_TYPES))
        return error_set(e, MODEL_INVALID, "/hooks", "library %s: hooks are not a list", library);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_member_string(row, "name");
        char pointer[64], full[2 * TYPE_MAX_NAME + 2];
        snprintf(pointer, sizeof pointer, "/hooks/%zu", i);
        if (!name || !library_name_ok(name))
            return error_set(e, MODEL_INVALID, pointer, "library %s: a hook has no good name",
                             library);
        for (const char *const *key = keys; *key; key++)
            if (strcmp(*key, "description") != 0 && !json_member_string(row, *key))
                return error_set(e, MODEL_INVALID, pointer, "hook %s.%s lacks its %s", library,
                                 name, *key);
        snprintf(full, sizeof full, "%s.%s", library, name);
        json_object_set(ret_hooks, full, (json_t *)row);
    }
    return 0;
}

static void add_library(struct registry *r, const json_t *document)
{
    r->libraries = mem_resize(r->libraries, r->n_libraries + 1, sizeof *r->libraries);
    const char *path = json_member_string(document, "path");
    const char *version = json_member_string(document, "version");
    const char *hash = json_member_string(document, "hash");
    r->libraries[r->n_libraries++] = (struct library){
        .name = mem_strdup(json_member_string(document, "library")),
        .path = mem_strdup(path ? path : ""),
        .version = mem_strdup(version ? version : ""),
        .hash = mem_strdup(hash ? hash : ""),
    };
}

int registry_add(struct registry *r, const json_t *document, struct error *e)
{
    int result = check_document(r, document, e);
    if (result)
        return result;
    const json_t *rows = json_object_get(document, "types");
    const char *library = json_member_string(document, "library");
    struct type **types = mem_array(json_array_size(rows), sizeof *types);
    size_t n = 0;
    result = parse_types(rows, library, types, &n, e);
    json_t *hooks = json_object();
    if (result == 0)
        result = parse_hooks(json_object_get(document, "hooks"), library, hooks, e);
    if (result == 0)
        json_object_update(r->hooks, hooks);
    json_decref(hooks);
    if (result == 0) {
        r->types = mem_resize(r->types, r->n_types + n, sizeof *r->types);
        r->names = mem_resize(r->names, r->n_types + n + 1, sizeof *r->names);
        for (size_t i = 0; i < n; i++) {
            types[i]->number = (int)r->n_types;
            json_object_set_new(r->index, types[i]->name, json_integer((json_int_t)r->n_types));
            r->names[r->n_types] = types[i]->name;
            r->types[r->n_types++] = types[i];
        }
        r->names[r->n_types] = NULL;
        add_library(r, document);
    }
    for (size_t i = 0; result && i < n; i++)
        type_free(types[i]);
    free(types);
    return result;
}

static struct type *find(const struct registry *r, const char *name)
{
    const json_t *number = json_object_get(r->index, name);
    return number ? r->types[json_integer_value(number)] : NULL;
}

/* Its parents first. A type is done once it has an index. */
static int finish_type(struct registry *r, struct type *t, int depth, size_t *total,
                       struct error *e)
{
    if (t->index)
        return 0;
    if (depth == TYPE_MAX_DEPTH)
        return error_set(e, MODEL_INVALID, NULL,
                         "type %s extends itself, or more than %d types in a row", t->name,
                         TYPE_MAX_DEPTH);
    struct type *parent = t->extends ? find(r, t->extends) : NULL;
    if (t->extends && !parent)
        return error_set(e, MODEL_INVALID, NULL,
                         "type %s extends %.200s, which no library here has", t->name, t->extends);
    int result = parent ? finish_type(r, parent, depth + 1, total, e) : 0;
    result = result ? result : type_merge(t, parent, e);
    *total += (size_t)t->n_variables;
    if (result == 0 && *total > TYPE_MAX_TOTAL)
        return error_set(e, MODEL_INVALID, NULL, "the types have more than %d variables together",
                         TYPE_MAX_TOTAL);
    return result;
}

int registry_finish(struct registry *r, struct error *e)
{
    size_t total = 0;
    int result = 0;
    for (size_t i = 0; result == 0 && i < r->n_types; i++)
        result = finish_type(r, r->types[i], 0, &total, e);
    return result;
}

int registry_target(const struct registry *r, const struct type *type, const struct variable *v,
                    const struct type **ret_type, const struct variable **ret_variable,
                    struct error *e)
{
    const struct type *from = type;
    const char *first = v->name;
    for (int hops = 0; v->kind == SIMLAB_FOREIGN; hops++) {
        if (hops == TYPE_MAX_DEPTH)
            return error_set(e, MODEL_INVALID, NULL,
                             "%s.%s: the foreign variables that it leads to go in a circle",
                             from->name, first);
        const struct type *next = registry_type(r, v->type);
        if (!next) {
            const char *nearest = json_nearest(v->type, registry_names(r));
            return error_set(e, MODEL_INVALID, NULL, "%s.%s: there is no process type %.200s%s%s%s",
                             from->name, first, v->type, nearest ? ": did it mean " : "",
                             nearest ? nearest : "", nearest ? "?" : "");
        }
        int index = type_variable(next, v->var);
        if (index < 0)
            return error_set(e, MODEL_INVALID, NULL, "%s.%s: the type %s has no variable %.100s",
                             from->name, first, next->name, v->var);
        type = next;
        v = &next->variables[index];
    }
    *ret_type = type;
    *ret_variable = v;
    return 0;
}

const struct type *registry_type(const struct registry *r, const char *name)
{
    return find(r, name);
}

size_t registry_size(const struct registry *r)
{
    return r->n_types;
}

const struct type *registry_at(const struct registry *r, size_t i)
{
    mem_assert(i < r->n_types);
    return r->types[i];
}

const struct library *registry_library(const struct registry *r, const char *name)
{
    for (size_t i = 0; i < r->n_libraries; i++)
        if (!strcmp(r->libraries[i].name, name))
            return &r->libraries[i];
    return NULL;
}

const char *const *registry_names(const struct registry *r)
{
    return r->names;
}

const json_t *registry_hook(const struct registry *r, const char *name)
{
    return json_object_get(r->hooks, name);
}

const json_t *registry_hooks(const struct registry *r)
{
    return r->hooks;
}
