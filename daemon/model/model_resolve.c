/* SPDX-License-Identifier: Apache-2.0 */
/* From variables to slots: foreign and global ones followed to where they lead, groups collected,
 * who sets a slot, what the inputs are. */
#include "model/model_parts.h"
#include "model/type_parts.h"

#include "base/c_locale.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOBODY = -1, SEVERAL = -2, RESOLVE_MAX_HOPS = 64 };

/* A variable of a process. */
struct place {
    int process, variable;
};

struct resolve {
    struct model *m;
    int *process_of; /* by a type's number: the process that is of that type, NOBODY or SEVERAL */
    json_t *offers;  /* global name → index in `offered` */
    struct place *offered;
    bool *ambiguous; /* several variables offer that name */
    int n_offered;
    int *setter_variable; /* by slot: with which variable its setter sets it */
    struct error *e;
};

static const struct variable *variable_at(const struct model *m, struct place p)
{
    return &m->processes[p.process].type->variables[p.variable];
}

__attribute__((format(printf, 3, 4))) static int fault(const struct resolve *r, struct place at,
                                                       const char *format, ...)
{
    char what[800], pointer[MODEL_POINTER_SIZE];
    va_list arguments;
    va_start(arguments, format);
    c_locale_vprint(what, sizeof what, format, arguments);
    va_end(arguments);
    const struct model_process *p = &r->m->processes[at.process];
    model_pointer(p->name, pointer);
    return error_set(r->e, MODEL_INVALID, pointer, "process '%s', variable '%s': %s", p->name,
                     variable_at(r->m, at)->name, what);
}

/* ---- slots ---- */

static void make_slots(struct model *m)
{
    int n = 0;
    for (int p = 0; p < m->n_processes; p++)
        n += m->processes[p].type->n_variables;
    m->slots = mem_array((size_t)n, sizeof *m->slots);
    for (int p = 0; p < m->n_processes; p++) {
        struct model_process *process = &m->processes[p];
        process->bindings =
            mem_array((size_t)process->type->n_variables, sizeof *process->bindings);
        for (int v = 0; v < process->type->n_variables; v++) {
            const struct variable *variable = &process->type->variables[v];
            process->bindings[v].slot = -1;
            if (!variable_has_value(variable) && variable->kind != SIMLAB_OBJECT)
                continue;
            process->bindings[v].slot = m->n_slots;
            m->slots[m->n_slots++] = (struct slot){
                .process = p,
                .variable = v,
                .declared = variable,
                .name = mem_printf("%s__%s", process->name, variable->name),
                .setter = -1,
                .is_index = variable->kind == SIMLAB_INDEX,
            };
        }
    }
}

/* ---- where foreign and global variables lead ---- */

static void index_types(struct resolve *r)
{
    size_t n = registry_size(r->m->registry);
    r->process_of = mem_array(n, sizeof *r->process_of);
    for (size_t i = 0; i < n; i++)
        r->process_of[i] = NOBODY;
    for (int p = 0; p < r->m->n_processes; p++)
        for (const struct type *t = model_process_type(&r->m->processes[p]); t; t = t->parent)
            r->process_of[t->number] = r->process_of[t->number] == NOBODY ? p : SEVERAL;
}

static void index_offers(struct resolve *r)
{
    r->offers = json_object();
    r->offered = mem_array((size_t)r->m->n_slots, sizeof *r->offered);
    r->ambiguous = mem_array((size_t)r->m->n_slots, sizeof *r->ambiguous);
    for (int s = 0; s < r->m->n_slots; s++) {
        const struct slot *slot = &r->m->slots[s];
        const char *name = slot->declared->global_name;
        if (!name)
            continue;
        const json_t *known = json_object_get(r->offers, name);
        if (known) {
            r->ambiguous[json_integer_value(known)] = true;
            continue;
        }
        json_object_set_new(r->offers, name, json_integer(r->n_offered));
        r->offered[r->n_offered++] = (struct place){slot->process, slot->variable};
    }
}

static int follow_global(const struct resolve *r, struct place from, const char *name,
                         struct place *ret)
{
    const json_t *known = json_object_get(r->offers, name);
    if (!known)
        return fault(r, from, "no variable in the model has the global name \"%.100s\"", name);
    if (!r->ambiguous[json_integer_value(known)]) {
        *ret = r->offered[json_integer_value(known)];
        return 0;
    }
    struct place first = r->offered[json_integer_value(known)];
    const struct slot *second = NULL;
    for (int s = 0; s < r->m->n_slots && !second; s++) {
        const struct slot *slot = &r->m->slots[s];
        if (slot->declared->global_name && !strcmp(slot->declared->global_name, name) &&
            (slot->process != first.process || slot->variable != first.variable))
            second = slot;
    }
    return fault(r, from, "several variables have the global name \"%.100s\": %s__%s and %s", name,
                 r->m->processes[first.process].name, variable_at(r->m, first)->name,
                 second ? second->name : "another");
}

static int refuse_several(const struct resolve *r, struct place from, const struct type *type,
                          const char *variable)
{
    char names[400] = "";
    size_t n = 0;
    for (int p = 0; p < r->m->n_processes && n + 120 < sizeof names; p++)
        if (type_is_a(model_process_type(&r->m->processes[p]), type))
            n += (size_t)snprintf(names + n, sizeof names - n, "%s'%s'", n ? ", " : "",
                                  r->m->processes[p].name);
    return fault(r, from, "it leads to %s.%s, but several processes are of that type: %s",
                 type->name, variable, names);
}

static int refuse_nobody(const struct resolve *r, struct place from, const struct type *type,
                         const char *variable)
{
    return fault(r, from,
                 "it leads to %s.%s, but no process in the model is of that type (to run without "
                 "one, have its values given: \"given\": {\"a name\": \"%s\"})",
                 type->name, variable, type->name);
}

/* One step: to the process that has the variable; where that is given and the variable leads on,
 * *type and *v are those to go on from, and ret->variable is -1. */
static int follow_once(const struct resolve *r, struct place from, const struct type **type,
                       const struct variable **v, struct place *ret)
{
    const struct variable *target;
    struct error why = {0};
    if (registry_target(r->m->registry, *type, *v, type, &target, &why))
        return fault(r, from, "%s", why.message);
    if (target->is_private)
        return fault(r, from, "%s.%s is private: only its own process uses it", (*type)->name,
                     target->name);
    if (variable_is_group(target))
        return fault(r, from, "it leads to the group variable %s.%s: declare a group instead",
                     (*type)->name, target->name);
    if (target->kind == SIMLAB_GLOBAL)
        return follow_global(r, from, target->global_name, ret);
    int process = r->process_of[(*type)->number];
    if (process == NOBODY)
        return refuse_nobody(r, from, *type, target->name);
    if (process == SEVERAL)
        return refuse_several(r, from, *type, target->name);
    /* A subtype may have declared the variable anew. */
    const struct model_process *p = &r->m->processes[process];
    *ret = (struct place){process, type_variable(p->type, target->name)};
    if (ret->variable < 0) {
        *type = p->stands_for;
        *v = &p->stands_for->variables[type_variable(p->stands_for, target->name)];
    }
    return 0;
}

static int follow_foreign(const struct resolve *r, struct place from, struct place *ret)
{
    const struct type *type = r->m->processes[from.process].type;
    const struct variable *v = variable_at(r->m, from);
    for (int hops = 0; hops < RESOLVE_MAX_HOPS; hops++) {
        int result = follow_once(r, from, &type, &v, ret);
        if (result || ret->variable >= 0)
            return result;
        if (v->kind == SIMLAB_GLOBAL)
            return follow_global(r, from, v->global_name, ret);
        if (v->kind != SIMLAB_FOREIGN)
            return fault(r, from, "it leads to %s.%s, which cannot be given: it is no value",
                         type->name, v->name);
    }
    return fault(r, from, "the variables that it leads to go in a circle");
}

static int find_slot(const struct resolve *r, struct place at, int *ret_slot)
{
    struct place from = at;
    for (int hops = 0; hops < RESOLVE_MAX_HOPS; hops++) {
        const struct variable *v = variable_at(r->m, at);
        int slot = r->m->processes[at.process].bindings[at.variable].slot, result = 0;
        if (slot >= 0) {
            *ret_slot = slot;
            return 0;
        }
        if (variable_is_group(v))
            return fault(r, from, "it leads to the group variable %s__%s",
                         r->m->processes[at.process].name, v->name);
        result = v->kind == SIMLAB_GLOBAL ? follow_global(r, from, v->global_name, &at)
                                          : follow_foreign(r, at, &at);
        if (result)
            return result;
    }
    return fault(r, from, "the variables that it leads to go in a circle");
}

static int bind_references(struct resolve *r)
{
    for (int p = 0; p < r->m->n_processes; p++) {
        struct model_process *process = &r->m->processes[p];
        for (int v = 0; v < process->type->n_variables; v++) {
            const struct variable *variable = &process->type->variables[v];
            if (variable_is_group(variable))
                continue;
            int slot = -1, result = find_slot(r, (struct place){p, v}, &slot);
            if (result)
                return result;
            process->bindings[v].slot = slot;
            if (r->m->slots[slot].declared->kind == SIMLAB_ON_DEMAND &&
                variable->kind != SIMLAB_ON_DEMAND && variable->intent == SIMLAB_OUT)
                return fault(r, (struct place){p, v}, "%s is on demand: it cannot be set",
                             r->m->slots[slot].name);
        }
    }
    return 0;
}

/* ---- groups ---- */

static struct model_group *group_named(struct model *m, json_t *index, const char *name)
{
    const json_t *known = json_object_get(index, name);
    if (known)
        return &m->groups[json_integer_value(known)];
    if ((m->n_groups & (m->n_groups - 1)) == 0)
        m->groups =
            mem_resize(m->groups, m->n_groups ? 2 * (size_t)m->n_groups : 1, sizeof *m->groups);
    json_object_set_new(index, name, json_integer(m->n_groups));
    m->groups[m->n_groups] = (struct model_group){.name = mem_strdup(name)};
    return &m->groups[m->n_groups++];
}

static void group_add(struct model_group *g, int slot, struct place at)
{
    if ((g->n_members & (g->n_members - 1)) == 0) {
        size_t n = g->n_members ? 2 * (size_t)g->n_members : 1;
        g->members = mem_resize(g->members, n, sizeof *g->members);
        g->process = mem_resize(g->process, n, sizeof *g->process);
        g->variable = mem_resize(g->variable, n, sizeof *g->variable);
    }
    g->members[g->n_members] = slot;
    g->process[g->n_members] = at.process;
    g->variable[g->n_members++] = at.variable;
}

/* One pass over all variables: those that are computed on demand, or all others. */
static void collect_members(struct model *m, json_t *index, bool on_demand)
{
    for (int p = 0; p < m->n_processes; p++) {
        const struct model_process *process = &m->processes[p];
        for (int v = 0; v < process->type->n_variables; v++) {
            const struct variable *variable = &process->type->variables[v];
            int slot = process->bindings[v].slot;
            if (!variable->n_groups ||
                (m->slots[slot].declared->kind == SIMLAB_ON_DEMAND) != on_demand)
                continue;
            for (int g = 0; g < variable->n_groups; g++)
                group_add(group_named(m, index, variable->groups[g]), slot, (struct place){p, v});
        }
    }
}

static void bind_groups(struct model *m)
{
    json_t *index = json_object();
    collect_members(m, index, false);
    collect_members(m, index, true);
    for (int p = 0; p < m->n_processes; p++) {
        struct model_process *process = &m->processes[p];
        for (int v = 0; v < process->type->n_variables; v++) {
            if (!variable_is_group(&process->type->variables[v]))
                continue;
            const struct model_group *g = group_named(m, index, process->type->variables[v].group);
            process->bindings[v] = (struct binding){
                .slot = -1,
                .n_members = g->n_members,
                .members = g->members,
                .member_process = g->process,
                .member_variable = g->variable,
            };
        }
    }
    json_decref(index);
}

/* ---- intents ---- */

/* Those that are given, where a process uses them. */
static void group_is_read(struct model *m, const struct binding *b)
{
    for (int i = 0; i < b->n_members; i++) {
        struct slot *slot = &m->slots[b->members[i]];
        slot->is_input = slot->is_input || m->processes[slot->process].stands_for;
    }
}

static int set_setter(struct resolve *r, struct place at)
{
    struct slot *slot = &r->m->slots[r->m->processes[at.process].bindings[at.variable].slot];
    size_t number = (size_t)(slot - r->m->slots);
    if (slot->setter >= 0) {
        struct place other = {slot->setter, r->setter_variable[number]};
        return fault(r, at, "%s is set (intent out) by two: %s__%s and %s__%s; only one may",
                     slot->name, r->m->processes[other.process].name,
                     variable_at(r->m, other)->name, r->m->processes[at.process].name,
                     variable_at(r->m, at)->name);
    }
    slot->setter = at.process;
    r->setter_variable[number] = at.variable;
    return 0;
}

static int find_setters(struct resolve *r)
{
    r->setter_variable = mem_array((size_t)r->m->n_slots, sizeof *r->setter_variable);
    for (int p = 0; p < r->m->n_processes; p++) {
        const struct model_process *process = &r->m->processes[p];
        for (int v = 0; v < process->type->n_variables && !process->stands_for; v++) {
            const struct variable *variable = &process->type->variables[v];
            if (variable_is_group(variable)) {
                group_is_read(r->m, &process->bindings[v]);
                continue;
            }
            int result = 0;
            if (variable->intent == SIMLAB_OUT)
                result = set_setter(r, (struct place){p, v});
            else
                r->m->slots[process->bindings[v].slot].is_input =
                    true; /* until a setter is found */
            if (result)
                return result;
        }
    }
    return 0;
}

static void list_inputs(struct model *m)
{
    m->inputs = mem_array((size_t)m->n_slots, sizeof *m->inputs);
    for (int s = 0; s < m->n_slots; s++) {
        m->slots[s].is_input = m->slots[s].is_input && m->slots[s].setter < 0;
        if (m->slots[s].is_input)
            m->inputs[m->n_inputs++] = s;
    }
}

int model_resolve(struct model *m, struct error *e)
{
    struct resolve r = {.m = m, .e = e};
    make_slots(m);
    index_types(&r);
    index_offers(&r);
    int result = bind_references(&r);
    if (result == 0) {
        bind_groups(m);
        result = find_setters(&r);
    }
    if (result == 0)
        list_inputs(m);
    free(r.process_of);
    free(r.offered);
    free(r.ambiguous);
    free(r.setter_variable);
    json_decref(r.offers);
    return result;
}
