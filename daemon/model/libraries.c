/* SPDX-License-Identifier: Apache-2.0 */
/* The contents of libraries that a model, or a job, was checked with. */
#include "model/job.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct needs {
    const struct registry *registry;
    bool *seen; /* by type's number */
    const struct type **waiting;
    size_t n_waiting;
    json_t *libraries;
};

static void need_library(struct needs *n, const char *name)
{
    const struct library *l = registry_library(n->registry, name);
    if (l && !json_object_get(n->libraries, name))
        json_object_set_new(n->libraries, name, json_string(l->hash));
}

static void need_type(struct needs *n, const struct type *type)
{
    if (!type || n->seen[type->number])
        return;
    n->seen[type->number] = true;
    n->waiting[n->n_waiting++] = type;
}

/* Foreign variables are resolved as they are declared, through types that may be no process's. */
static void visit(struct needs *n, const struct type *type)
{
    need_library(n, type->library);
    need_type(n, type->parent);
    for (int v = 0; v < type->n_variables; v++)
        if (type->variables[v].kind == SIMLAB_FOREIGN)
            need_type(n, registry_type(n->registry, type->variables[v].type));
}

json_t *model_libraries(const struct model *m)
{
    size_t size = registry_size(m->registry);
    struct needs n = {.registry = m->registry,
                      .seen = mem_array(size, sizeof *n.seen),
                      .waiting = mem_array(size, sizeof *n.waiting),
                      .libraries = json_object()};
    for (int p = 0; p < m->n_processes; p++)
        need_type(&n, m->processes[p].type);
    while (n.n_waiting > 0)
        visit(&n, n.waiting[--n.n_waiting]);
    free(n.seen);
    free((void *)n.waiting);
    return n.libraries;
}

json_t *job_libraries(const struct job *j)
{
    struct needs n = {.registry = j->model->registry, .libraries = model_libraries(j->model)};
    for (int i = 0; i < j->n_hooks; i++) {
        char *name = mem_strdup(j->hooks[i]);
        name[strcspn(name, ".")] = '\0';
        need_library(&n, name);
        free(name);
    }
    return n.libraries;
}
