/* SPDX-License-Identifier: Apache-2.0 */
#include "model/registry_parts.h"
#include "model/type_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct registry *registry_new(void)
{
    struct registry *r = mem_new(sizeof *r);
    r->references = 1;
    r->index = json_object();
    r->names = mem_array(1, sizeof *r->names);
    r->environments = mem_array(1, sizeof *r->environments);
    r->hooks = json_object();
    r->left_out = json_array();
    return r;
}

const struct registry *registry_ref(const struct registry *r)
{
    ((struct registry *)r)->references++;
    return r;
}

static void library_clear(struct library *l)
{
    free(l->name);
    free(l->version);
    free(l->hash);
    free(l->runtime);
}

struct registry *registry_unref(const struct registry *borrowed)
{
    struct registry *r = (struct registry *)borrowed;
    if (!r || --r->references > 0)
        return NULL;
    for (size_t i = 0; i < r->n_types; i++)
        type_free(r->types[i]);
    for (size_t i = 0; i < r->n_libraries; i++)
        library_clear(&r->libraries[i]);
    free(r->types);
    for (size_t i = 0; i < r->n_environments; i++) {
        free((char *)r->environments[i]);
        registry_unref(r->variants[i]);
    }
    free((void *)r->environments);
    free((void *)r->variants);
    free((void *)r->names);
    free(r->libraries);
    json_decref(r->index);
    json_decref(r->hooks);
    json_decref(r->left_out);
    free(r);
    return NULL;
}

/* ---- environments ---- */

void registry_add_variant(struct registry *r, const char *environment,
                          const struct registry *variant)
{
    size_t n = r->n_environments++;
    r->environments = mem_resize((void *)r->environments, n + 2, sizeof *r->environments);
    r->variants = mem_resize((void *)r->variants, n + 1, sizeof *r->variants);
    r->environments[n] = mem_strdup(environment);
    r->environments[n + 1] = NULL;
    r->variants[n] = variant;
}

const struct registry *registry_variant(const struct registry *r, const char *environment)
{
    for (size_t i = 0; environment && i < r->n_environments; i++)
        if (!strcmp(r->environments[i], environment))
            return r->variants[i] ? r->variants[i] : r;
    return environment ? NULL : r;
}

const char *const *registry_environments(const struct registry *r)
{
    return r->environments;
}

/* ---- what is left out ---- */

void registry_leave_out(struct registry *r, const char *library, const char *type, const char *path,
                        const char *reason)
{
    json_t *entry = json_pack("{s:s, s:s?, s:s?, s:s}", "library", library, "type", type, "path",
                              path, "reason", reason);
    if (entry) /* not where a path is not UTF-8 */
        json_array_append_new(r->left_out, entry);
    else if (path)
        registry_leave_out(r, library, type, NULL, reason);
}

const json_t *registry_left_out(const struct registry *r)
{
    return r->left_out;
}

static const json_t *find_left_out(const struct registry *r, const char *name)
{
    size_t i, n = strcspn(name, ".");
    json_t *entry;
    const json_t *library = NULL;
    json_array_foreach(r->left_out, i, entry)
    {
        const char *type = json_member_string(entry, "type");
        const char *of = json_member_string(entry, "library");
        if (type && !strcmp(type, name))
            return entry;
        if (!type && of && strlen(of) == n && !strncmp(of, name, n))
            library = entry;
    }
    return library;
}

const char *registry_why_missing(const struct registry *r, const char *name,
                                 char ret[REGISTRY_WHY_SIZE])
{
    const json_t *entry = find_left_out(r, name);
    const char *nearest = entry ? NULL : json_nearest(name, r->names);
    *ret = '\0';
    if (entry)
        snprintf(ret, REGISTRY_WHY_SIZE, ": %s %.100s%s: %.500s",
                 json_member_string(entry, "type") ? "it was left out of library" : "library",
                 json_member_string(entry, "library"),
                 json_member_string(entry, "type") ? "" : " was left out",
                 json_member_string(entry, "reason"));
    else if (nearest)
        snprintf(ret, REGISTRY_WHY_SIZE, ": did you mean \"%.250s\"?", nearest);
    return ret;
}

/* ---- documents ---- */

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
    const json_t *hooks = json_object_get(document, "hooks");
    if (hooks && (!json_is_array(hooks) || json_array_size(hooks) > TYPE_MAX_TYPES))
        return error_set(e, MODEL_INVALID, "/hooks",
                         "library %s: hooks are not a list of at most %d", name, TYPE_MAX_TYPES);
    return 0;
}

/* What a document tells of types that its library's author got wrong, and of those that are wrong
 * here. `kind`: "type" or "hook". */
static void leave_out(struct registry *r, const char *library, const char *kind, const json_t *row,
                      size_t number, const char *reason)
{
    const char *name = json_member_string(row, "name");
    char full[2 * TYPE_MAX_NAME + 2];
    if (name && *name && strlen(name) <= TYPE_MAX_NAME)
        snprintf(full, sizeof full, "%s.%s", library, name);
    else
        snprintf(full, sizeof full, "%s: %s %zu", library, kind, number);
    registry_leave_out(r, library, full, NULL, reason);
}

static void add_type(struct registry *r, struct type *t)
{
    t->number = (int)r->n_types;
    json_object_set_new(r->index, t->name, json_integer(t->number));
    r->types[r->n_types++] = t;
}

static void add_types(struct registry *r, const json_t *rows, const char *library)
{
    size_t i;
    json_t *row;
    r->types = mem_resize(r->types, r->n_types + json_array_size(rows), sizeof *r->types);
    json_array_foreach((json_t *)rows, i, row)
    {
        struct error e = {.message = ""};
        struct type *t = NULL;
        int result = type_parse(row, library, &t, &e);
        if (result == 0 && registry_find(r, t->name)) {
            result = error_set(&e, MODEL_INVALID, NULL, "the type %s is declared twice", t->name);
            type_free(t);
        }
        if (result == 0)
            add_type(r, t);
        else
            leave_out(r, library, "type", row, i, e.message);
    }
}

/* "library.name" into `ret_full` of the size that names may have. */
static int check_hook(const json_t *row, const char *library, char *ret_full, struct error *e)
{
    static const char *const keys[] = {"name", "stage", "level", "when", NULL};
    const char *name = json_member_string(row, "name");
    if (!name || !library_name_ok(name))
        return error_set(e, MODEL_INVALID, NULL, "library %s: a hook has no good name", library);
    for (const char *const *key = keys; *key; key++)
        if (!json_member_string(row, *key))
            return error_set(e, MODEL_INVALID, NULL, "hook %s.%s lacks its %s", library, name,
                             *key);
    snprintf(ret_full, 2 * TYPE_MAX_NAME + 2, "%s.%s", library, name);
    return 0;
}

static void add_hooks(struct registry *r, const json_t *rows, const char *library)
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row)
    {
        struct error e = {.message = ""};
        char full[2 * TYPE_MAX_NAME + 2];
        if (check_hook(row, library, full, &e))
            leave_out(r, library, "hook", row, i, e.message);
        else
            json_object_set(r->hooks, full, row);
    }
}

/* Those that the describer could not tell of. */
static void add_left_out(struct registry *r, const json_t *rows, const char *library)
{
    size_t i;
    json_t *row;
    json_array_foreach((json_t *)rows, i, row)
    {
        const char *reason = json_member_string(row, "reason");
        if (i < TYPE_MAX_TYPES && reason)
            leave_out(r, library, "type", row, i, reason);
    }
}

static void add_library(struct registry *r, const json_t *document)
{
    r->libraries = mem_resize(r->libraries, r->n_libraries + 1, sizeof *r->libraries);
    const char *version = json_member_string(document, "version");
    const char *hash = json_member_string(document, "hash");
    r->libraries[r->n_libraries++] = (struct library){
        .name = mem_strdup(json_member_string(document, "library")),
        .version = mem_strdup(version ? version : ""),
        .hash = mem_strdup(hash ? hash : ""),
        .runtime = mem_strdup(json_member_string(document, "runtime")),
    };
}

int registry_add(struct registry *r, const json_t *document, struct error *e)
{
    int result = check_document(r, document, e);
    if (result)
        return result;
    const char *library = json_member_string(document, "library");
    add_library(r, document);
    add_types(r, json_object_get(document, "types"), library);
    add_hooks(r, json_object_get(document, "hooks"), library);
    add_left_out(r, json_object_get(document, "left_out"), library);
    return 0;
}

void registry_number(struct registry *r)
{
    json_object_clear(r->index);
    r->names = mem_resize(r->names, r->n_types + 1, sizeof *r->names);
    for (size_t i = 0; i < r->n_types; i++) {
        r->types[i]->number = (int)i;
        json_object_set_new(r->index, r->types[i]->name, json_integer((json_int_t)i));
        r->names[i] = r->types[i]->name;
    }
    r->names[r->n_types] = NULL;
}

void registry_finish(struct registry *r)
{
    registry_extends(r);
}

/* ---- what is there ---- */

struct type *registry_find(const struct registry *r, const char *name)
{
    const json_t *number = json_object_get(r->index, name);
    return number ? r->types[json_integer_value(number)] : NULL;
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
            char why[REGISTRY_WHY_SIZE];
            return error_set(e, MODEL_INVALID, NULL, "%s.%s: there is no process type %.200s%s",
                             from->name, first, v->type, registry_why_missing(r, v->type, why));
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
    return registry_find(r, name);
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

size_t registry_n_libraries(const struct registry *r)
{
    return r->n_libraries;
}

const struct library *registry_library_at(const struct registry *r, size_t i)
{
    mem_assert(i < r->n_libraries);
    return &r->libraries[i];
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
