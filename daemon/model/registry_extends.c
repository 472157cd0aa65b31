/* SPDX-License-Identifier: Apache-2.0 */
/* `extends`: each type after the one that it extends, from whichever library. */
#include "model/registry_parts.h"
#include "model/type_parts.h"

#include "base/mem.h"

#include <stdlib.h>

struct extends {
    struct registry *r;
    struct type **chain; /* of types that wait, each for the next one … */
    bool *waits;         /* … by number */
    char **reasons;      /* by number: why it is left out; NULL: it is not */
    int *depth;          /* by number: 0: not yet merged */
    size_t total;        /* variables of all that are merged */
};

static int parent_fault(const struct extends *x, const struct type *t, const struct type *parent,
                        struct error *e)
{
    char why[REGISTRY_WHY_SIZE];
    if (!parent)
        return error_set(e, MODEL_INVALID, NULL, "type %s extends %.200s, which is not there%s",
                         t->name, t->extends, registry_why_missing(x->r, t->extends, why));
    if (x->reasons[parent->number])
        return error_set(e, MODEL_INVALID, NULL, "type %s extends %s, which is left out: %.500s",
                         t->name, parent->name, x->reasons[parent->number]);
    if (!x->depth[parent->number])
        return error_set(e, MODEL_INVALID, NULL, "type %s extends itself", t->name);
    if (x->depth[parent->number] == TYPE_MAX_DEPTH)
        return error_set(e, MODEL_INVALID, NULL, "type %s extends more than %d types in a row",
                         t->name, TYPE_MAX_DEPTH);
    return 0;
}

/* Its parent is merged or left out by now, or waits itself: then they extend one another. */
static int merge(struct extends *x, struct type *t, struct error *e)
{
    struct type *parent = t->extends ? registry_find(x->r, t->extends) : NULL;
    int r = t->extends ? parent_fault(x, t, parent, e) : 0;
    if (r == 0)
        r = type_merge(t, parent, e);
    if (r == 0 && x->total + (size_t)t->n_variables > TYPE_MAX_TOTAL)
        r = error_set(e, MODEL_INVALID, NULL,
                      "type %s: the types have more than %d variables together", t->name,
                      TYPE_MAX_TOTAL);
    if (r)
        return r;
    x->total += (size_t)t->n_variables;
    x->depth[t->number] = parent ? x->depth[parent->number] + 1 : 1;
    return 0;
}

static void settle(struct extends *x, struct type *t)
{
    size_t n = 0;
    while (t && !x->depth[t->number] && !x->reasons[t->number] && !x->waits[t->number]) {
        x->waits[t->number] = true;
        x->chain[n++] = t;
        t = t->extends ? registry_find(x->r, t->extends) : NULL;
    }
    while (n > 0) {
        struct error e = {.message = ""};
        t = x->chain[--n];
        x->waits[t->number] = false;
        if (merge(x, t, &e))
            x->reasons[t->number] = mem_strdup(e.message);
    }
}

static void remove_left_out(struct extends *x)
{
    struct registry *r = x->r;
    size_t kept = 0;
    for (size_t i = 0; i < r->n_types; i++) {
        struct type *t = r->types[i];
        if (x->reasons[i]) {
            registry_leave_out(r, t->library, t->name, NULL, x->reasons[i]);
            type_free(t);
        } else {
            r->types[kept++] = t;
        }
    }
    r->n_types = kept;
    registry_number(r);
}

void registry_extends(struct registry *r)
{
    struct extends x = {.r = r,
                        .chain = mem_array(r->n_types, sizeof *x.chain),
                        .waits = mem_array(r->n_types, sizeof *x.waits),
                        .reasons = mem_array(r->n_types, sizeof *x.reasons),
                        .depth = mem_array(r->n_types, sizeof *x.depth)};
    size_t n = r->n_types;
    for (size_t i = 0; i < n; i++)
        settle(&x, r->types[i]);
    remove_left_out(&x);
    for (size_t i = 0; i < n; i++)
        free(x.reasons[i]);
    free(x.reasons);
    free(x.chain);
    free(x.waits);
    free(x.depth);
}
