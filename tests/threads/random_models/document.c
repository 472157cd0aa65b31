/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "types.h"

#include <stdio.h>

static json_t *describe_row(const struct simlab_variable *v)
{
    static const char *const kinds[] = {"variable", "index",      "foreign",   "global",
                                        "group",    "group_dict", "on_demand", "object"};
    static const char *const intents[] = {"in", "out", "inout"};
    static const char *const stages[] = {"initialize", "run_step", "finalize_step", "finalize"};
    json_t *o = json_pack("{s:s, s:s}", "name", v->name, "kind", kinds[v->kind]);
    if (v->kind != SIMLAB_ON_DEMAND && v->kind != SIMLAB_GROUP)
        json_object_set_new(o, "intent", json_string(intents[v->intent]));
    if (v->dtype)
        json_object_set_new(o, "dtype", json_string("i8"));
    const struct {
        const char *key, *value;
    } words[] = {{"dims", v->dims},   {"type", v->type},     {"var", v->var},
                 {"group", v->group}, {"groups", v->groups}, {"default", v->default_value}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (words[i].value)
            json_object_set_new(o, words[i].key, json_string(words[i].value));
    const struct {
        const char *key;
        uint32_t mask;
    } masks[] = {{"reads", v->reads}, {"writes", v->writes}};
    for (size_t i = 0; i < 2; i++) {
        json_t *list = json_array();
        for (int k = 0; k < SIMLAB_N_STAGES; k++)
            if (masks[i].mask >> k & 1)
                json_array_append_new(list, json_string(stages[k]));
        if (masks[i].mask)
            json_object_set(o, masks[i].key, list);
        json_decref(list);
    }
    if (v->flags & SIMLAB_CACHED)
        json_object_set_new(o, "cached", json_true());
    if (v->compute)
        json_object_set_new(o, "has_compute", json_true());
    return o;
}

json_t *document_types(void)
{
    json_t *list = json_array();
    for (int p = 0; p < drawn.n_processes; p++) {
        json_t *variables = json_array(), *stages = json_pack("[s, s]", "initialize", "finalize");
        for (int row = 0; row < types[p].n_variables; row++)
            json_array_append_new(variables, describe_row(&types[p].variables[row]));
        if (types[p].run_step)
            json_array_append_new(stages, json_string("run_step"));
        if (types[p].finalize_step)
            json_array_append_new(stages, json_string("finalize_step"));
        json_t *type = json_pack("{s:s, s:o, s:o}", "name", types[p].name, "stages", stages,
                                 "variables", variables);
        if (types[p].flags & SIMLAB_NOT_THREAD_SAFE)
            json_object_set_new(type, "not_thread_safe", json_true());
        if (types[p].flags & SIMLAB_PINNED)
            json_object_set_new(type, "pinned", json_true());
        if (types[p].flags & SIMLAB_MOVABLE)
            json_object_set_new(type, "movable", json_true());
        json_array_append_new(list, type);
    }
    json_t *hooks = json_array();
    for (int level = 0; level < 2; level++)
        json_array_append_new(hooks, json_pack("{s:s, s:s, s:s, s:s}", "name",
                                               level ? "each" : "all", "stage", "run_step", "level",
                                               level ? "process" : "model", "when", "after"));
    return json_pack("{s:i, s:s, s:s, s:s, s:o, s:o}", "abi", 1, "library", "t", "path", "t.so",
                     "hash", "0", "types", list, "hooks", hooks);
}

static void add_members(json_t *job)
{
    json_t *batch = json_array();
    for (int i = 0; i < MEMBERS; i++)
        json_array_append_new(batch, json_integer(0));
    json_object_set_new(job, "batch_dim", json_string("b"));
    json_object_set_new(job, "inputs",
                        json_pack("{s:{s:[s], s:o}}", "p0__f", "dims", "b", "data", batch));
}

/* Declared in another order than they depend on each other. */
json_t *document_job(bool is_one)
{
    json_t *processes = json_object(), *after = json_object(), *outputs = json_object();
    int order[MOST_PROCESSES];
    for (int p = 0; p < drawn.n_processes; p++)
        order[p] = p;
    for (int p = drawn.n_processes - 1; p > 0; p--) {
        int other = draw_below(p + 1), kept = order[p];
        order[p] = order[other];
        order[other] = kept;
    }
    for (int i = 0; i < drawn.n_processes; i++) {
        int p = order[i];
        char name[24], text[24];
        snprintf(name, sizeof name, "p%d", p);
        snprintf(text, sizeof text, "t.T%d", p);
        json_object_set_new(processes, name, json_string(text));
        snprintf(text, sizeof text, "p%d", drawn.specs[p].after);
        if (drawn.specs[p].after >= 0)
            json_object_set_new(after, name, json_pack("[s]", text));
        for (int row = X; row <= LAZY; row++) {
            snprintf(text, sizeof text, "p%d__%s", p, draw_row_names[row]);
            if (draw_has_row(&drawn.specs[p], row) && !draw_one_in(3))
                json_object_set_new(outputs, text, draw_one_in(3) ? json_null() : json_string("t"));
        }
    }
    json_t *labels = json_array();
    for (int i = 0; i < LABELS; i++)
        json_array_append_new(labels, json_integer(i));
    json_t *job = json_pack("{s:{s:o, s:o}, s:{s:{s:o}}, s:s, s:o, s:i}", "model", "processes",
                            processes, "after", after, "clocks", "t", "data", labels, "main_clock",
                            "t", "outputs", outputs, "seed", draw_below(1000));
    if (!is_one)
        add_members(job);
    if (drawn.has_hooks)
        json_object_set_new(job, "hooks", json_pack("[s, s]", "t.all", "t.each"));
    if (drawn.validates)
        json_object_set_new(job, "validate", json_string("all"));
    return job;
}
