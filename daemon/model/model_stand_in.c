/* SPDX-License-Identifier: Apache-2.0 */
/* Types of processes that are not there: what one process of a model needs of its neighbours, so
 * that it can be run, and tested, alone. */
#include "model/model_parts.h"
#include "model/type_parts.h"

#include "base/json.h"
#include "base/mem.h"

#include <stdlib.h>

/* Nobody computes, converts or validates it: it is given. What it borrows is the registry's. */
static struct variable given(const struct variable *v)
{
    struct variable copy = *v;
    copy.kind = SIMLAB_VARIABLE;
    copy.intent = v->intent == SIMLAB_INOUT ? SIMLAB_INOUT : SIMLAB_IN;
    copy.is_cached = copy.has_compute = copy.has_convert = copy.has_validate = false;
    return copy;
}

struct type *model_stand_in_new(const struct type *type)
{
    struct type *t = mem_new(sizeof *t);
    *t = (struct type){.name = type->name,
                       .library = type->library,
                       .description = type->description,
                       .variables = mem_array((size_t)type->n_variables, sizeof *t->variables),
                       .number = type->number,
                       .index = json_object()};
    for (int i = 0; i < type->n_variables; i++) {
        if (!variable_has_value(&type->variables[i]))
            continue;
        json_object_set_new(t->index, type->variables[i].name, json_integer(t->n_variables));
        t->variables[t->n_variables++] = given(&type->variables[i]);
    }
    return t;
}

struct type *model_stand_in_free(const struct type *stand_in)
{
    struct type *t = (struct type *)(uintptr_t)stand_in;
    if (!t)
        return NULL;
    free(t->variables);
    json_decref(t->index);
    free(t);
    return NULL;
}
