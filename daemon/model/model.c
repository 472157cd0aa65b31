/* SPDX-License-Identifier: Apache-2.0 */
#include "model/model_parts.h"
#include "model/type_parts.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int model_new(const struct registry *r, const json_t *definition, struct model **ret_model,
              struct error *e)
{
    struct model *m = mem_new(sizeof *m);
    m->registry = registry_ref(r);
    m->names = json_object();
    int *after = NULL, n_after = 0;
    int result = model_definition_read(m, definition, &after, &n_after, e);
    result = result ? result : model_resolve(m, e);
    result = result ? result : model_order(m, after, n_after, e);
    result = result ? result : model_unordered_find(m, e);
    free(after);
    if (result)
        return model_free(m), result;
    char hash[HASH_TEXT_SIZE];
    char *text = json_write(m->definition);
    hash_bytes(text, strlen(text), hash);
    free(text);
    m->hash = mem_strdup(hash);
    *ret_model = m;
    return 0;
}

struct model *model_free(struct model *m)
{
    if (!m)
        return NULL;
    for (int i = 0; i < m->n_processes; i++) {
        if (m->processes[i].stands_for)
            model_stand_in_free(m->processes[i].type);
        free(m->processes[i].name);
        free(m->processes[i].bindings);
        free(m->processes[i].before);
    }
    for (int i = 0; i < m->n_slots; i++)
        free(m->slots[i].name);
    for (int i = 0; i < m->n_groups; i++) {
        free(m->groups[i].name);
        free(m->groups[i].members);
        free(m->groups[i].process);
        free(m->groups[i].variable);
    }
    free(m->processes);
    free(m->slots);
    free(m->groups);
    free(m->order);
    free(m->inputs);
    free(m->unordered);
    free(m->hash);
    registry_unref(m->registry);
    json_decref(m->names);
    json_decref(m->definition);
    free(m);
    return NULL;
}

int model_process_index(const struct model *m, const char *name)
{
    const json_t *index = json_object_get(m->names, name);
    return index ? (int)json_integer_value(index) : -1;
}

bool model_find_variable(const struct model *m, const char *name, int *ret_process,
                         int *ret_variable)
{
    const char *middle = strstr(name, "__");
    size_t n = middle ? (size_t)(middle - name) : 0;
    if (n == 0 || n > TYPE_MAX_NAME)
        return false;
    char process[TYPE_MAX_NAME + 1];
    memcpy(process, name, n);
    process[n] = '\0';
    int p = model_process_index(m, process);
    int v = p < 0 ? -1 : type_variable(m->processes[p].type, middle + 2);
    if (v < 0)
        return false;
    *ret_process = p;
    *ret_variable = v;
    return true;
}

int model_slot_index(const struct model *m, const char *name)
{
    int process, variable;
    if (!model_find_variable(m, name, &process, &variable))
        return -1;
    return m->processes[process].bindings[variable].slot;
}
