/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of model_new, in the order in which it takes them. Each leaves its part of the model
 * filled, or an error with a pointer into the definition. */
#ifndef MODEL_MODEL_PARTS_H
#define MODEL_MODEL_PARTS_H

#include "model/model.h"

/* The definition read: `processes` with names and types, `names`; its normal form in
 * m->definition. ret_after: pairs (later, earlier), *ret_n_after of them; the caller frees. */
int model_definition_read(struct model *m, const json_t *definition, int **ret_after,
                          int *ret_n_after, struct error *e);

/* For a process of that type which is not there: see struct model_process. */
struct type *model_stand_in_new(const struct type *type);
struct type *model_stand_in_free(const struct type *stand_in);

/* `slots`, `bindings`, `groups`, `inputs`; who sets what. */
int model_resolve(struct model *m, struct error *e);

/* `before` and `order`. */
int model_order(struct model *m, const int *after, int n_after, struct error *e);

/* `unordered`. */
int model_unordered_find(struct model *m, struct error *e);

/* The stages in which process p reads (writes) its variable v. */
uint32_t model_unordered_reads(const struct model_process *p, int variable);
uint32_t model_unordered_writes(const struct model_process *p, int variable);

/* "/processes/NAME" into ret; "/given/NAME". */
enum { MODEL_POINTER_SIZE = 256 };
void model_pointer(const char *process, char ret[MODEL_POINTER_SIZE]);

/* The slots that a binding touches: its own or, for a group, each member's. */
static inline int model_touches(const struct binding *b)
{
    return b->slot >= 0 ? 1 : b->n_members;
}
static inline int model_touched(const struct binding *b, int i)
{
    return b->slot >= 0 ? b->slot : b->members[i];
}

#endif
