/* SPDX-License-Identifier: Apache-2.0 */
/* A model as people see it. Written piece by piece: as a whole of JSON values it would take many
 * times the memory of its text. */
#include "model/model.h"
#include "model/type_parts.h"

#include "base/buffer.h"
#include "base/json.h"

#include <stdlib.h>

/* "key":value, and what separates it from the one before. Takes the value. */
static void put(struct buffer *b, bool is_first, const char *key, json_t *value)
{
    char *text = json_show(value);
    if (!is_first)
        buffer_text(b, ",");
    if (key) {
        json_t *name = json_string(key);
        char *key_text = json_show(name);
        buffer_printf(b, "%s:", key_text);
        free(key_text);
        json_decref(name);
    }
    buffer_text(b, text);
    free(text);
    json_decref(value);
}

/* Variable to the name of the slot that it leads to, or of a group's members. */
static json_t *variables_to_json(const struct model *m, const struct model_process *p)
{
    json_t *all = json_object();
    for (int i = 0; i < p->type->n_variables; i++) {
        const struct binding *b = &p->bindings[i];
        if (p->type->variables[i].is_private)
            continue;
        json_t *leads_to = b->slot >= 0 ? json_string(m->slots[b->slot].name) : json_array();
        for (int k = 0; b->slot < 0 && k < b->n_members; k++)
            json_array_append_new(leads_to, json_string(m->slots[b->members[k]].name));
        json_object_set_new(all, p->type->variables[i].name, leads_to);
    }
    return all;
}

static json_t *process_to_json(const struct model *m, const struct model_process *p)
{
    json_t *before = json_array();
    for (int k = 0; k < p->n_before; k++)
        json_array_append_new(before, json_string(m->processes[p->before[k]].name));
    return json_pack("{s:s, s:o, s:o}", "type", p->type->name, "before", before, "variables",
                     variables_to_json(m, p));
}

static json_t *unordered_to_json(const struct model *m, const struct unordered *u)
{
    return json_pack("{s:[s, s], s:s, s:s}", "processes", m->processes[u->process_a].name,
                     m->processes[u->process_b].name, "variable", m->slots[u->slot].name, "stage",
                     variable_stages[u->stage]);
}

static void put_lists(const struct model *m, struct buffer *b)
{
    buffer_text(b, "\"processes\":{");
    for (int i = 0; i < m->n_processes; i++)
        put(b, i == 0, m->processes[i].name, process_to_json(m, &m->processes[i]));
    buffer_text(b, "},\"order\":[");
    for (int i = 0; i < m->n_processes; i++)
        put(b, i == 0, NULL, json_string(m->processes[m->order[i]].name));
    buffer_text(b, "],\"inputs\":{");
    for (int i = 0; i < m->n_inputs; i++) {
        const struct slot *slot = &m->slots[m->inputs[i]];
        put(b, i == 0, slot->name, variable_to_json(slot->declared));
    }
    buffer_text(b, "},\"unordered\":[");
    for (int i = 0; i < m->n_unordered; i++)
        put(b, i == 0, NULL, unordered_to_json(m, &m->unordered[i]));
    buffer_text(b, "]");
}

char *model_show(const struct model *m, const char *name)
{
    struct buffer b = {0};
    buffer_text(&b, "{");
    put_lists(m, &b);
    put(&b, false, "hash", json_string(m->hash));
    put(&b, false, "name", name ? json_string(name) : json_null());
    put(&b, false, "definition", json_incref(m->definition));
    buffer_text(&b, "}");
    return buffer_take(&b);
}
