/* SPDX-License-Identifier: Apache-2.0 */
/* A model: processes by name, their variables resolved to slots, their order computed.
 *
 * A slot is one value in the running model. Foreign, global and inherited variables share the slot
 * of the variable that they lead to (chains are followed to their end).
 *
 * Invariants
 *  1. A model never changes once built; its hash is that of its definition in its declared order.
 *  2. Each slot has at most one process that declares it `out`.
 *  3. `order` is a topological order of `before`: of the processes that are ready, the one declared
 *     first comes first. So it depends on the definition only.
 *  4. Every group lists its members in the order in which the model declares its processes (within
 *     a process, that of its variables); on-demand members come after all others.
 *
 * How order follows from intents: process B runs after A where A declares `out` (or owns as index
 * or on_demand) a slot that B touches in any way, also through a group; and where B says so in
 * `after`. Types by themselves give no order, and `inout` gives none: two processes that touch one
 * slot in the same stage, at least one of them writing, without an order between them, are listed
 * in `unordered`. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "model/registry.h"

/* What one variable of one process leads to. */
struct binding {
    int slot;      /* -1 for groups */
    int n_members; /* groups: slots of the members, and where they were declared */
    int *members;
    int *member_process;  /* index in model->processes */
    int *member_variable; /* index in that process's type->variables */
};

struct model_process {
    char *name;
    const struct type *type;
    /* NULL; or it stands in for a process of this type, which is not there: no code of it runs, and
     * `type` is made for it (model_stand_in.c): it has the values only, which are inputs where
     * others use them. */
    const struct type *stands_for;
    struct binding *bindings; /* type->n_variables of them */
    int n_before;
    int *before; /* processes that must run before it, ascending, without duplicates */
};

struct slot {
    int process;                     /* the owner: index in model->processes */
    int variable;                    /* index in the owner's type->variables */
    const struct variable *declared; /* the owner's */
    char *name;                      /* "process__variable" of the owner */
    int setter; /* the process that declares it `out` (or owns it as index or on_demand), or -1 */
    bool is_input; /* in or inout somewhere, and set by nobody */
    bool is_index;
};

/* process_a is the one declared first. A process that reads an on_demand variable also reads, in
 * that stage, all that the variable's owner may read to compute it. */
struct unordered {
    int process_a, process_b, slot, stage;
};

/* The members of one group; bindings borrow them. */
struct model_group {
    char *name;
    int n_members;
    int *members, *process, *variable;
};

struct model {
    const struct registry *registry; /* a reference of its own */
    json_t *definition; /* {"processes": {name: "library.Type", …}, "after": {…}, "given": {…}},
                         * normalized, owned */
    char *hash;         /* SHA-256 of json_write(definition) */
    int n_processes;
    struct model_process *processes; /* in declared order */
    int *order;                      /* indices of processes, as they run */
    int n_slots;
    struct slot *slots; /* by owner in declared order, then by variable */
    int n_inputs;
    int *inputs; /* slots, in declared order of (process, variable) */
    int n_unordered;
    struct unordered *unordered;
    int n_groups;
    struct model_group *groups;
    json_t *names; /* process → index; for model_process_index */
};

/* What it is to those whose variables lead to it. */
static inline const struct type *model_process_type(const struct model_process *p)
{
    return p->stands_for ? p->stands_for : p->type;
}

/* Builds from {"processes": {…}, "after": {"b": ["a"]}, "given": {…}}; the value of a process, and
 * of one that is given (struct model_process.stands_for), is "library.Type". Process names are C
 * identifiers without "__" at the ends or inside. At most MODEL_MAX_PROCESSES. Errors point into
 * `definition`, name process and variable (a cycle is spelled out: "a → b → a"), and say what would
 * be right. 0 or MODEL_INVALID. */
#define MODEL_MAX_PROCESSES 100000
#define MODEL_MAX_VARIABLES 2000000 /* of all processes together */
#define MODEL_MAX_TOUCHES   4000000 /* (process, slot) pairs, groups counted member by member */
int model_new(const struct registry *r, const json_t *definition, struct model **ret_model,
              struct error *e);
struct model *model_free(struct model *m);

/* Index of a process; -1 where there is none. */
int model_process_index(const struct model *m, const char *name);
/* The slot that "process__variable" leads to (foreign ones too); -1 where none, or a group. */
int model_slot_index(const struct model *m, const char *name);
/* The variable that "process__variable" itself names; false where none. */
bool model_find_variable(const struct model *m, const char *name, int *ret_process,
                         int *ret_variable);

/* {library: hash of its content}: all that the model can be built with again: the libraries of its
 * processes' types, of their parents, and of the types that foreign variables name. A new
 * reference. */
json_t *model_libraries(const struct model *m);
/* MODEL_INVALID where these need two runtimes of a kind (simlab/process.h). */
int model_check_runtimes(const struct model *m, struct error *e);

/* A definition made from another: `changes` is {"processes": {name: "library.Type" or null},
 * "after": {name: a name, [names] or null} or null, "given"}.
 *  - Processes: as with xarray-simlab's update_processes and drop_processes, one that is there
 * keeps its place and takes the new type, new ones come last, null drops (what is not there cannot
 * be).
 *  - `after`, which xarray-simlab lacks: a process that is named has these edges and no others
 *    (null: none); null in place of the object takes all edges away. Others keep theirs. Those of a
 *    dropped process go with it, but the order that they made stays: where c ran after b and b
 *    after a, c runs after a.
 *  - `given`: in the place of the old one (null: none).
 * `definition` is one that model_new has built. The result is not yet checked: model_new does that.
 * 0, MODEL_INVALID with a pointer into `changes`, or MODEL_TOO_LARGE. A new reference. */
int model_update(const json_t *definition, const json_t *changes, json_t **ret_definition,
                 struct error *e);
/* Where model_new refused the result: a pointer to what the changes do not name becomes "/base",
 * where both documents that take changes name the model that they change. */
void model_update_locate(const json_t *changes, struct error *e);

/* {"processes": {name: {"type", "before": […], "variables": {variable: name of the slot that it
 * leads to, or of a group's members […]}}}, "order": […], "inputs": {…name: type_to_json's
 * variable…}, "unordered": [{"processes": [a, b], "variable", "stage"}…], "hash", "name" (as it is
 * stored, or null), "definition"}: GET /v1/models/NAME. A new string. */
char *model_show(const struct model *m, const char *name);

#endif
