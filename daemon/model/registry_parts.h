/* SPDX-License-Identifier: Apache-2.0 */
/* What registry's files share. */
#ifndef MODEL_REGISTRY_PARTS_H
#define MODEL_REGISTRY_PARTS_H

#include "model/registry.h"

#include <stdatomic.h>

struct registry {
    atomic_int references;
    struct type **types;
    size_t n_types;
    json_t *index; /* name → number */
    const char **names;
    struct library *libraries;
    size_t n_libraries;
    json_t *hooks; /* "library.name" → as described */
    json_t *left_out;
    const char **environments;        /* NULL at the end */
    const struct registry **variants; /* of each; NULL: this one */
    size_t n_environments;
};

/* Before registry_finish they are not merged; a type's number is its place in `types`. */
struct type *registry_find(const struct registry *r, const char *name);
/* Makes numbers, index and names those of `types` again. */
void registry_number(struct registry *r);

/* ---- registry_extends.c ---- */

/* Merges each type with its parents; leaves out those that cannot be. */
void registry_extends(struct registry *r);

#endif
