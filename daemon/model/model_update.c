/* SPDX-License-Identifier: Apache-2.0 */
/* A definition made from another. POST /v1/models, and so the client, and a job's model use it. */
#include "model/model_parts.h"
#include "model/result.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct update {
    const json_t *edges;     /* of the old definition: process → names, or one name */
    const json_t *changed;   /* of the changes' `after` */
    const json_t *processes; /* of the new definition */
    size_t steps;            /* of the search through what was dropped */
    struct error *e;
};

static int check_changes(const json_t *changes, struct error *e)
{
    static const char *const keys[] = {"processes", "after", "given", NULL};
    const json_t *processes = json_object_get(changes, "processes");
    const json_t *after = json_object_get(changes, "after");
    int r = model_result_of_base(json_check_keys(changes, keys, "", e));
    if (r)
        return r;
    if (processes && !json_is_object(processes))
        return error_set(e, MODEL_INVALID, "/processes",
                         "processes is not an object such as {\"name\": \"library.Type\"}; null "
                         "drops a process");
    if (after && !json_is_null(after) && !json_is_object(after))
        return error_set(e, MODEL_INVALID, "/after",
                         "after is not an object such as {\"b\": [\"a\"]}");
    return 0;
}

static int update_processes(const json_t *old, const json_t *changed, json_t **ret, struct error *e)
{
    json_t *processes = json_copy((json_t *)old), *type;
    const char *name;
    json_object_foreach((json_t *)changed, name, type)
    {
        if (!json_is_null(type)) {
            json_object_set(processes, name, type);
        } else if (json_object_del(processes, name)) {
            char pointer[MODEL_POINTER_SIZE];
            model_pointer(name, pointer);
            json_decref(processes);
            return error_set(e, MODEL_INVALID, pointer, "the model has no process '%.100s' to drop",
                             name);
        }
    }
    *ret = processes;
    return 0;
}

/* ---- after ---- */

static size_t n_names(const json_t *names)
{
    return json_is_string(names) ? 1 : json_array_size(names);
}

static const char *name_at(const json_t *names, size_t i)
{
    return json_string_value(json_is_string(names) ? names : json_array_get(names, i));
}

/* What one process still runs after. */
struct search {
    json_t *seen;    /* an object of the names that were met */
    json_t *dropped; /* those among them whose own edges are to be followed, in order */
    json_t *kept;
};

static int follow(struct update *u, struct search *s, const json_t *names)
{
    for (size_t i = 0; i < n_names(names); i++) {
        const char *name = name_at(names, i);
        if (!name || json_object_get(s->seen, name))
            continue;
        if (u->steps++ == MODEL_MAX_VARIABLES)
            return error_set(u->e, MODEL_TOO_LARGE, "/after", "more than %d edges",
                             MODEL_MAX_VARIABLES);
        bool stays = json_object_get(u->processes, name) != NULL;
        json_object_set_new(s->seen, name, json_true());
        json_array_append_new(stays ? s->kept : s->dropped, json_string(name));
    }
    return 0;
}

/* The edges of a process that the changes do not name. No recursion: chains of what was dropped may
 * be longer than the stack is deep. */
static int keep_edges(struct update *u, const char *process, const json_t *names, json_t *after)
{
    struct search s = {.seen = json_object(), .dropped = json_array(), .kept = json_array()};
    json_object_set_new(s.seen, process, json_true());
    int r = follow(u, &s, names);
    for (size_t i = 0; r == 0 && i < json_array_size(s.dropped); i++)
        r = follow(u, &s, json_object_get(u->edges, name_at(s.dropped, i)));
    if (r == 0 && json_array_size(s.kept))
        json_object_set(after, process, s.kept);
    json_decref(s.seen);
    json_decref(s.dropped);
    json_decref(s.kept);
    return r;
}

static int update_after(struct update *u, json_t *after)
{
    const char *process;
    json_t *names;
    int r = 0;
    json_object_foreach((json_t *)u->edges, process, names)
    {
        bool stays = json_object_get(u->processes, process) && !json_is_null(u->changed) &&
                     !json_object_get(u->changed, process);
        if (stays && (r = keep_edges(u, process, names, after)))
            return r;
    }
    json_object_foreach((json_t *)u->changed, process, names)
    {
        if (!json_is_null(names))
            json_object_set(after, process, names);
    }
    return 0;
}

int model_update(const json_t *definition, const json_t *changes, json_t **ret_definition,
                 struct error *e)
{
    struct update u = {.edges = json_object_get(definition, "after"),
                       .changed = json_object_get(changes, "after"),
                       .e = e};
    json_t *processes = NULL, *after = json_object();
    int r = check_changes(changes, e);
    r = r ? r
          : update_processes(json_object_get(definition, "processes"),
                             json_object_get(changes, "processes"), &processes, e);
    if (r) {
        json_decref(after);
        return r;
    }
    u.processes = processes;
    r = update_after(&u, after);
    json_t *result = json_object();
    json_object_set_new(result, "processes", processes);
    if (json_object_size(after))
        json_object_set(result, "after", after);
    json_t *given = json_object_get(changes, "given");
    given = given ? given : json_object_get(definition, "given");
    if (given && !json_is_null(given))
        json_object_set(result, "given", given);
    json_decref(after);
    if (r)
        json_decref(result);
    else
        *ret_definition = result;
    return r;
}

void model_update_locate(const json_t *changes, struct error *e)
{
    char section[16], name[MODEL_POINTER_SIZE];
    if (!e || sscanf(e->pointer, "/%15[^/]/%255[^/]", section, name) != 2)
        return;
    const char *known;
    json_t *value;
    json_object_foreach(json_object_get(changes, section), known, value)
    {
        char token[MODEL_POINTER_SIZE];
        error_pointer_token(known, token, sizeof token);
        if (!strcmp(token, name))
            return;
    }
    snprintf(e->pointer, sizeof e->pointer, "/base");
}
