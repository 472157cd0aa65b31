/* SPDX-License-Identifier: Apache-2.0 */
/* Index variables: each is stored without being asked for. In a batch, one that something leads to
 * that varies along it is stored along it, too: what labels one member's values may not label
 * another's. */
#include "model/job_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_varied(const struct job *j, int slot)
{
    for (int i = 0; i < j->n_inputs; i++)
        if (j->inputs[i].slot == slot)
            return j->inputs[i].has_batch;
    return false;
}

static bool reads_varied(const struct job *j, const struct model_process *p)
{
    for (int v = 0; v < p->type->n_variables; v++) {
        const struct binding *b = &p->bindings[v];
        if (b->slot >= 0 && is_varied(j, b->slot))
            return true;
        for (int k = 0; k < b->n_members; k++)
            if (is_varied(j, b->members[k]))
                return true;
    }
    return false;
}

/* Of each process, whether it reads what varies along the batch, or runs after one that does. */
static bool *find_varied(const struct job *j)
{
    const struct model *model = j->model;
    bool *varied = mem_array((size_t)model->n_processes, sizeof *varied);
    for (int i = 0; j->batch_dim && i < model->n_processes; i++) {
        const struct model_process *p = &model->processes[model->order[i]];
        bool is = reads_varied(j, p);
        for (int k = 0; k < p->n_before && !is; k++)
            is = varied[p->before[k]];
        varied[model->order[i]] = is;
    }
    return varied;
}

/* An array cannot have the dimension twice. */
static bool has_dim(const struct variable *v, const char *name)
{
    for (int k = 0; k < v->n_dims; k++)
        for (int i = 0; i < v->dims[k].ndim; i++)
            if (!strcmp(v->dims[k].names[i], name))
                return true;
    return false;
}

/* The output that was asked for by that name. */
static struct job_output *find_output(struct job *j, const char *name)
{
    for (int i = 0; i < j->n_outputs; i++)
        if (!strcmp(j->outputs[i].name, name))
            return &j->outputs[i];
    return NULL;
}

static void add_index(struct job *j, int s, const char *name, bool is_varied)
{
    const struct slot *slot = &j->model->slots[s];
    struct job_output *asked = is_varied ? find_output(j, slot->name) : NULL;
    if (!asked) {
        asked = &j->outputs[j->n_outputs++];
        *asked = (struct job_output){
            .slot = s,
            .name = mem_strdup(is_varied ? slot->name : name),
            .variable = slot->declared,
            .clock = -1,
            .attrs = json_copy(slot->declared->attrs),
            .is_index = !is_varied,
            .is_own_index = is_varied,
        };
    }
    asked->is_labels = is_varied;
    if (is_varied && asked->clock < 0 && strcmp(name, slot->name) != 0)
        asked->labels = mem_strdup(name);
}

/* Of several index variables of one name the last has it, as in xarray-simlab. */
void job_indexes_add(struct making *m)
{
    struct job *j = m->job;
    const struct model *model = j->model;
    json_t *last = json_object();
    bool *varied = find_varied(j);
    for (int s = 0; s < model->n_slots; s++)
        if (model->slots[s].is_index)
            json_object_set_new(last, model->slots[s].declared->name, json_integer(s));
    for (int s = 0; s < model->n_slots; s++) {
        const struct slot *slot = &model->slots[s];
        if (!slot->is_index)
            continue;
        bool is_last = json_integer_value(json_object_get(last, slot->declared->name)) == s;
        add_index(j, s, is_last ? slot->declared->name : slot->name,
                  varied[slot->process] && !has_dim(slot->declared, j->batch_dim));
    }
    free(varied);
    json_decref(last);
}
