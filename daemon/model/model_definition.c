/* SPDX-License-Identifier: Apache-2.0 */
/* A model's definition: {"processes": {…}, "after": {…}, "given": {…}}, read and brought to its
 * normal form. */
#include "model/model_parts.h"
#include "model/type_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void pointer_into(const char *section, const char *process, char ret[MODEL_POINTER_SIZE])
{
    char token[200];
    error_pointer_token(process, token, sizeof token);
    snprintf(ret, MODEL_POINTER_SIZE, "/%s/%s", section, token);
}

void model_pointer(const char *process, char ret[MODEL_POINTER_SIZE])
{
    pointer_into("processes", process, ret);
}

/* "no process 'grd' in the model: did you mean 'grid'?" */
static int refuse_name(const struct model *m, const char *pointer, const char *name,
                       struct error *e)
{
    const char **names = mem_array((size_t)m->n_processes + 1, sizeof *names);
    for (int i = 0; i < m->n_processes; i++)
        names[i] = m->processes[i].name;
    const char *nearest = json_nearest(name, names);
    free((void *)names);
    return error_set(e, MODEL_INVALID, pointer, "after: no process '%.100s' in the model%s%s%s",
                     name, nearest ? ": did you mean '" : "", nearest ? nearest : "",
                     nearest ? "'?" : "");
}

/* `section`: "processes", or "given". */
static int read_process(struct model *m, const char *section, const char *name, const json_t *value,
                        struct error *e)
{
    char pointer[MODEL_POINTER_SIZE];
    pointer_into(section, name, pointer);
    if (!type_name_ok(name) || name[strlen(name) - 1] == '_')
        return error_set(e, MODEL_INVALID, pointer,
                         "process '%.100s': a name is a C identifier of at most %d letters that "
                         "has no \"__\" and does not end in \"_\"",
                         name, TYPE_MAX_NAME);
    const char *type_name = json_string_value(value);
    if (!type_name)
        return error_set(e, MODEL_INVALID, pointer,
                         "process '%s': its type is not a text such as \"library.Type\"", name);
    const struct type *type = registry_type(m->registry, type_name);
    if (!type) {
        char why[REGISTRY_WHY_SIZE];
        return error_set(e, MODEL_INVALID, pointer,
                         "process '%s': there is no process type \"%.150s\"%s", name, type_name,
                         registry_why_missing(m->registry, type_name, why));
    }
    if (model_process_index(m, name) >= 0)
        return error_set(e, MODEL_INVALID, pointer,
                         "process '%s' is one of the model's own: nobody can stand in for it",
                         name);
    struct model_process *p = &m->processes[m->n_processes];
    p->name = mem_strdup(name);
    p->type = type;
    if (!strcmp(section, "given")) {
        p->stands_for = type;
        p->type = model_stand_in_new(type);
    }
    json_object_set_new(m->names, name, json_integer(m->n_processes++));
    return 0;
}

static int read_section(struct model *m, const char *section, const json_t *given, struct error *e)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)given, name, value)
    {
        int r = read_process(m, section, name, value, e);
        if (r)
            return r;
    }
    return 0;
}

static int read_processes(struct model *m, const json_t *processes, const json_t *given,
                          struct error *e)
{
    if (given && !json_is_null(given) && !json_is_object(given))
        return error_set(e, MODEL_INVALID, "/given",
                         "given is not an object such as {\"grid\": \"library.Grid\"}");
    if (!json_is_object(processes) || json_object_size(processes) == 0)
        return error_set(e, MODEL_INVALID, "/processes",
                         "a model needs \"processes\": {\"name\": \"library.Type\", …}");
    size_t n = json_object_size(processes) + json_object_size(given), variables = 0;
    if (n > MODEL_MAX_PROCESSES)
        return error_set(e, MODEL_INVALID, "/processes", "more than %d processes",
                         MODEL_MAX_PROCESSES);
    m->processes = mem_array(n, sizeof *m->processes);
    int r = read_section(m, "processes", processes, e);
    r = r ? r : read_section(m, "given", given, e);
    if (r)
        return r;
    for (int i = 0; i < m->n_processes; i++)
        variables += (size_t)m->processes[i].type->n_variables;
    if (variables > MODEL_MAX_VARIABLES)
        return error_set(e, MODEL_INVALID, "/processes", "more than %d variables",
                         MODEL_MAX_VARIABLES);
    return 0;
}

struct edges {
    int *pairs, n;
};

static int read_edge(struct model *m, int later, const json_t *earlier, const char *pointer,
                     struct edges *edges, struct error *e)
{
    const char *name = json_string_value(earlier);
    if (!name)
        return error_set(e, MODEL_INVALID, pointer, "after: a name of a process belongs here");
    int before = model_process_index(m, name);
    if (before < 0)
        return refuse_name(m, pointer, name, e);
    if (before == later)
        return error_set(e, MODEL_INVALID, pointer, "after: process '%s' cannot run after itself",
                         name);
    if (edges->n == MODEL_MAX_VARIABLES)
        return error_set(e, MODEL_INVALID, pointer, "after: more than %d edges",
                         MODEL_MAX_VARIABLES);
    if ((edges->n & (edges->n - 1)) == 0) /* a power of two: full */
        edges->pairs =
            mem_resize(edges->pairs, edges->n ? 4 * (size_t)edges->n : 2, sizeof *edges->pairs);
    edges->pairs[2 * edges->n] = later;
    edges->pairs[2 * edges->n + 1] = before;
    edges->n++;
    return 0;
}

static int read_after(struct model *m, const json_t *after, struct edges *edges, struct error *e)
{
    if (after && !json_is_null(after) && !json_is_object(after))
        return error_set(e, MODEL_INVALID, "/after",
                         "after is not an object such as {\"b\": [\"a\"]}");
    const char *name;
    json_t *list;
    json_object_foreach((json_t *)after, name, list)
    {
        char token[200], pointer[MODEL_POINTER_SIZE];
        error_pointer_token(name, token, sizeof token);
        snprintf(pointer, sizeof pointer, "/after/%s", token);
        int later = model_process_index(m, name), r = 0;
        if (later < 0)
            return refuse_name(m, pointer, name, e);
        if (json_is_string(list))
            r = read_edge(m, later, list, pointer, edges, e);
        else if (!json_is_array(list))
            r = error_set(e, MODEL_INVALID, pointer, "after: a list of processes belongs here");
        for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
            snprintf(pointer, sizeof pointer, "/after/%s/%zu", token, i);
            r = read_edge(m, later, json_array_get(list, i), pointer, edges, e);
        }
        if (r)
            return r;
    }
    return 0;
}

static int compare_pairs(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return x[0] != y[0] ? (x[0] > y[0]) - (x[0] < y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

/* Equal models have equal texts: edges sorted by declaration, without duplicates. */
static json_t *normal_form(const struct model *m, struct edges *edges)
{
    json_t *processes = json_object(), *after = json_object(), *given = json_object();
    for (int i = 0; i < m->n_processes; i++)
        json_object_set_new(m->processes[i].stands_for ? given : processes, m->processes[i].name,
                            json_string(m->processes[i].type->name));
    if (edges->n)
        qsort(edges->pairs, (size_t)edges->n, 2 * sizeof *edges->pairs, compare_pairs);
    for (int i = 0; i < edges->n; i++) {
        const int *pair = &edges->pairs[2 * i];
        if (i && !compare_pairs(pair, pair - 2))
            continue;
        json_t *list = json_object_get(after, m->processes[pair[0]].name);
        if (!list) {
            list = json_array();
            json_object_set_new(after, m->processes[pair[0]].name, list);
        }
        json_array_append_new(list, json_string(m->processes[pair[1]].name));
    }
    json_t *definition = json_object();
    json_object_set_new(definition, "processes", processes);
    if (json_object_size(after))
        json_object_set(definition, "after", after);
    if (json_object_size(given))
        json_object_set(definition, "given", given);
    json_decref(after);
    json_decref(given);
    return definition;
}

int model_definition_read(struct model *m, const json_t *definition, int **ret_after,
                          int *ret_n_after, struct error *e)
{
    static const char *const keys[] = {"processes", "after", "given", NULL};
    if (!json_is_object(definition))
        return error_set(e, MODEL_INVALID, "", "a model is an object with \"processes\"");
    int r = model_result_of_base(json_check_keys(definition, keys, "", e));
    r = r ? r
          : read_processes(m, json_object_get(definition, "processes"),
                           json_object_get(definition, "given"), e);
    struct edges edges = {0};
    r = r ? r : read_after(m, json_object_get(definition, "after"), &edges, e);
    if (r) {
        free(edges.pairs);
        return r;
    }
    m->definition = normal_form(m, &edges);
    *ret_after = edges.pairs;
    *ret_n_after = edges.n;
    return 0;
}
