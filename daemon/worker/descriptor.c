/* SPDX-License-Identifier: Apache-2.0 */
#include "worker/descriptor.h"

#include "base/dtype.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"variable",   "index",     "foreign", "global",   "group",
                                    "group_dict", "on_demand", "object",  "inherited"};
static const char *const intents[] = {"in", "out", "inout"};
static const char *const stages[] = {"initialize", "run_step", "finalize_step", "finalize"};

static const char *word(const char *const *words, size_t n, int32_t value)
{
    return value >= 0 && (size_t)value < n ? words[value] : "?";
}

#define WORD(table, value) word(table, sizeof(table) / sizeof *(table), value)

static json_t *stage_list(uint32_t mask)
{
    json_t *list = json_array();
    for (int i = 0; i < SIMLAB_N_STAGES; i++)
        if (mask >> i & 1)
            json_array_append_new(list, json_string(stages[i]));
    return list;
}

/* Absent texts are left out, so that a reader takes the default. */
static bool put_text(json_t *object, const char *key, const char *text)
{
    return !text || json_object_set_new(object, key, json_string(text)) == 0;
}

static bool put_texts(json_t *o, const struct simlab_variable *v)
{
    return put_text(o, "name", v->name) && put_text(o, "dims", v->dims) &&
           put_text(o, "type", v->type) && put_text(o, "var", v->var) &&
           put_text(o, "global_name", v->global_name) && put_text(o, "groups", v->groups) &&
           put_text(o, "group", v->group) && put_text(o, "default", v->default_value) &&
           put_text(o, "bounds", v->bounds) && put_text(o, "choices", v->choices) &&
           put_text(o, "description", v->description) && put_text(o, "units", v->units) &&
           put_text(o, "attrs", v->attrs) && put_text(o, "encoding", v->encoding);
}

static json_t *variable_document(const struct simlab_variable *v)
{
    json_t *o = json_object();
    if (!put_texts(o, v)) {
        json_decref(o);
        return NULL;
    }
    bool known = v->dtype >= SIMLAB_ANY && v->dtype < SIMLAB_N_DTYPES;
    json_object_set_new(o, "kind", json_string(WORD(kinds, v->kind)));
    json_object_set_new(o, "intent", json_string(WORD(intents, v->intent)));
    json_object_set_new(o, "dtype", json_string(known ? dtype_name(v->dtype) : "?"));
    json_object_set_new(o, "length", json_integer(v->length));
    json_object_set_new(o, "static", json_boolean(v->flags & SIMLAB_STATIC));
    json_object_set_new(o, "cached", json_boolean(v->flags & SIMLAB_CACHED));
    json_object_set_new(o, "private", json_boolean(v->flags & SIMLAB_PRIVATE));
    json_object_set_new(o, "reads", stage_list(v->reads));
    json_object_set_new(o, "writes", stage_list(v->writes));
    json_object_set_new(o, "has_compute", json_boolean(v->compute));
    json_object_set_new(o, "has_validate", json_boolean(v->validate));
    json_object_set_new(o, "has_convert", json_boolean(v->convert));
    return o;
}

static uint32_t stage_mask(const struct simlab_process *p)
{
    return (p->initialize ? 1u << SIMLAB_INITIALIZE : 0) |
           (p->run_step ? 1u << SIMLAB_RUN_STEP : 0) |
           (p->finalize_step ? 1u << SIMLAB_FINALIZE_STEP : 0) |
           (p->finalize ? 1u << SIMLAB_FINALIZE : 0);
}

static int process_document(const struct simlab_process *p, int number, json_t **ret_document,
                            struct error *e)
{
    if (!p->name)
        return error_set(e, WORKER_REFUSED, NULL, "process %d of its table has no name", number);
    json_t *o = json_object(), *variables = json_array();
    json_object_set_new(o, "variables", variables);
    int r = 0;
    if (!put_text(o, "name", p->name) || !put_text(o, "description", p->description) ||
        !put_text(o, "extends", p->extends))
        r = error_set(e, WORKER_REFUSED, NULL, "a text of type %s is not UTF-8", p->name);
    for (int i = 0; i < p->n_variables && r == 0; i++) {
        json_t *variable = variable_document(&p->variables[i]);
        if (!variable || json_array_append_new(variables, variable) < 0)
            r = error_set(e, WORKER_REFUSED, NULL, "a text of variable %d of type %s is not UTF-8",
                          i, p->name);
    }
    if (r) {
        json_decref(o);
        return r;
    }
    json_object_set_new(o, "stages", stage_list(stage_mask(p)));
    json_object_set_new(o, "not_thread_safe", json_boolean(p->flags & SIMLAB_NOT_THREAD_SAFE));
    json_object_set_new(o, "pinned", json_boolean(p->flags & SIMLAB_PINNED));
    json_object_set_new(o, "movable", json_boolean(p->flags & SIMLAB_MOVABLE));
    json_object_set_new(o, "instance_size", json_integer((json_int_t)p->instance_size));
    *ret_document = o;
    return 0;
}

static json_t *hook_document(const struct simlab_hook *h)
{
    static const char *const levels[] = {"model", "process"};
    static const char *const whens[] = {"before", "after"};
    json_t *o = json_object();
    if (!h->name || !h->call || !put_text(o, "name", h->name) ||
        !put_text(o, "description", h->description)) {
        json_decref(o);
        return NULL;
    }
    json_object_set_new(o, "stage", json_string(WORD(stages, h->stage)));
    json_object_set_new(o, "level", json_string(WORD(levels, h->level)));
    json_object_set_new(o, "when", json_string(WORD(whens, h->when)));
    return o;
}

/* `name`: NULL, or what may be no UTF-8. */
static void leave_out(json_t *left_out, const char *name, const char *reason)
{
    json_t *entry = json_pack("{s:s}", "reason", reason);
    put_text(entry, "name", name);
    json_array_append_new(left_out, entry);
}

static void put_types(json_t *document, const struct simlab_process *processes, int n,
                      json_t *left_out)
{
    json_t *types = json_array();
    json_object_set_new(document, "types", types);
    for (int i = 0; i < n; i++) {
        struct error e = {.message = ""};
        json_t *type = NULL;
        if (process_document(&processes[i], i, &type, &e) == 0)
            json_array_append_new(types, type);
        else
            leave_out(left_out, processes[i].name, e.message);
    }
}

static void put_hooks(json_t *document, const struct simlab_library *table, json_t *left_out)
{
    json_t *hooks = json_array();
    json_object_set_new(document, "hooks", hooks);
    for (int i = 0; i < table->n_hooks; i++) {
        char reason[100];
        json_t *hook = hook_document(&table->hooks[i]);
        snprintf(reason, sizeof reason,
                 "hook %d of its table lacks a name or its function, or is not UTF-8", i);
        if (hook)
            json_array_append_new(hooks, hook);
        else
            leave_out(left_out, table->hooks[i].name, reason);
    }
}

int descriptor_document(const char *name, const char *path, const char *hash,
                        const struct simlab_library *table, const struct simlab_process *processes,
                        json_t **ret_document, struct error *e)
{
    json_t *o = json_pack("{s:i, s:s, s:s, s:s}", "abi", (int)table->abi_version, "library", name,
                          "path", path, "hash", hash);
    if (!o)
        return error_set(e, WORKER_REFUSED, NULL, "the library's name is not UTF-8");
    if (!put_text(o, "version", table->version) ||
        !put_text(o, "description", table->description) ||
        !put_text(o, "runtime", table->runtime)) {
        json_decref(o);
        return error_set(e, WORKER_REFUSED, NULL, "a text of library %s is not UTF-8", name);
    }
    json_t *models = table->models ? json_loads(table->models, 0, NULL) : NULL;
    if (models)
        json_object_set_new(o, "models", models);
    json_t *left_out = json_array();
    put_types(o, processes, table->n_processes, left_out);
    put_hooks(o, table, left_out);
    json_object_set_new(o, "left_out", left_out);
    *ret_document = o;
    return 0;
}
